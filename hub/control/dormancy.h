#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/log/log.h"
#include "common/time/event_loop.h"
#include "hub/control/fleet_records.h"
#include "hub/store/store.h"

namespace leidang::hub {

// What is known of a cluster's agent at this moment.
struct LinkPresence {
  bool connected = false;                       // A live session.
  absl::Time last_seen = absl::InfinitePast();  // As far as anybody remembers.
};

struct DormancyOptions {
  absl::Duration after = absl::Hours(24 * 90);  // Unseen for so long.
  uint64_t tombstones = 10'000;                 // Or so many deletions wait for it.
  absl::Duration interval = absl::Minutes(1);   // Between looks.
  // A cluster that this process has seen connected within that time, or that had no more than that
  // to come back to it, is no dormant one, whatever the wall clock says.
  absl::Duration grace = absl::Hours(1);
};

// Dormancy bounds what waits for clusters that may never return. A cluster that is not connected
// and was not seen for long, or for which very many deletions wait, is marked dormant in the
// ledger; only then are its tombstones dropped, and those that are decided later, too. What they
// were for stays in the cluster untouched, is named in the audit log, and is unclaimed if the
// cluster returns: whatever it acknowledged, it is compared first (WriteBatch::DropTombstones), and
// a comparison deletes nothing. The mark goes when its agent is connected again.
//
// A cluster that is connected is never dormant. Nor is one that is recovering, as people decide
// about that, nor one that is being removed: its removal waits for the agent. One that never
// joined is no dormant one by time.
//
// A crash at any point is made good by the next look. Loop-bound; all of `parts` must outlive it.
class Dormancy {
 public:
  struct Parts {
    EventLoop& loop;
    FleetRecords& records;
    Store& store;
    Log& log;
    std::function<LinkPresence(const intent::ClusterId&)> presence;
  };

  // An infinite interval: it never looks.
  Dormancy(Parts parts, DormancyOptions options);
  ~Dormancy();
  Dormancy(const Dormancy&) = delete;
  Dormancy& operator=(const Dormancy&) = delete;

  // Call once, when the clusters' logs are open.
  void Start();

 private:
  void Look();
  void LookAt(const ClusterRegistration& cluster, uint64_t tombstones);
  // Why it is to be marked; empty if it is not.
  std::string WhyDormant(const ClusterRegistration& cluster, const LinkPresence& link,
                         uint64_t tombstones) const;
  bool AwayInThisProcess(const intent::ClusterId& id) const;
  void Mark(const ClusterRegistration& cluster, const std::string& why);
  void Unmark(const ClusterRegistration& cluster);
  // Names what is left behind in the ledger, and then drops the tombstones.
  void LeaveBehind(const intent::ClusterId& id);
  void Drop(const intent::ClusterId& id);
  // The cluster as it is now, if it is marked and not connected.
  const ClusterRegistration* Dormant(const intent::ClusterId& id) const;
  void Ended(const intent::ClusterId& id, const char* what, const absl::Status& status);

  const Parts parts_;
  const DormancyOptions options_;
  absl::Duration started_;
  EventLoop::TimerId timer_ = 0;
  std::map<intent::ClusterId, absl::Duration> connected_;  // When it last was, in this process.
  std::set<intent::ClusterId> busy_;                       // Something of it is being written.
  std::map<intent::ClusterId, intent::Revision> audited_;  // Tombstones up to there are.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
