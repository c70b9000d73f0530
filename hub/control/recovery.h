#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/log/log.h"
#include "common/object/sha256.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "hub/control/desk.h"
#include "hub/control/fleet_records.h"
#include "hub/session/survey.h"
#include "hub/store/store.h"

namespace leidang::hub {

// Recovery of clusters whose hub was restored, imported, or found to have lost what their agents
// hold (docs/OPERATIONS.md). Such a cluster is held: it is sent nothing. Once every set has been
// expanded from current inputs each agent is asked what it holds; a cluster that holds exactly what
// the hub wants is let go on at once, every other one when a person has accepted the difference
// that was shown.
//
// Letting go on means: the hub takes over the uid of each entry that the agent holds under a
// later count of deletions than the ledger knows; the log passes to an authority above what the
// agent obeys; then the agent is welcomed, and compared. A comparison deletes nothing.
//
// A hold is in the ledger, so it outlives the hub. Loop-bound; all references must outlive it.
class Recovery {
 public:
  struct Parts {
    EventLoop& loop;
    FleetRecords& records;
    Store& store;
    Random& random;
    Log& log;
  };
  // Which clusters are held now, and whether their agents may be asked. Called on the loop.
  using Hold = std::function<void(const std::set<intent::ClusterId>&, Surveys)>;
  // Whether what is assigned is what the fleet wants. Asked on the loop, while something is held.
  using Settled = std::function<bool()>;

  Recovery(const Parts& parts, Hold hold, Settled settled);
  ~Recovery();

  // Holds what the ledger says. Call once, before any agent is let in.
  void Start();

  // An agent has answered. A cluster that was not held is from now on.
  void OnSurvey(const intent::ClusterId& id, const Difference& difference);

  struct State {
    intent::ClusterId id;
    std::string name;
    bool joined = false;
    std::optional<Difference> difference;  // None: the agent has not answered yet.
    absl::Time compared_at = absl::InfinitePast();
  };
  // Held clusters by name.
  std::vector<State> States() const;
  bool settled() const { return ready_; }

  // A person accepts these differences. kFailedPrecondition if one of them is not what the agent
  // said last, or sets are still being expanded and the person does not insist: nothing is accepted
  // then. `done` tells how many were let go on.
  struct Accepted {
    std::string cluster;
    object::Sha256 difference;
  };
  enum class Unsettled { kRefused, kAccepted };
  void Accept(const std::vector<Accepted>& accepted, Unsettled unsettled, const Author& author,
              const std::function<void(absl::StatusOr<size_t>)>& done);

 private:
  struct Known {
    Difference difference;
    absl::Time at;
  };

  void Tell();
  void Poll();
  absl::StatusOr<std::vector<intent::ClusterId>> Check(const std::vector<Accepted>& accepted) const;
  // True if the log has not moved since the agent was held against it.
  bool StillHolds(const intent::ClusterId& id, const Difference& difference) const;
  void ReleaseEqual(const intent::ClusterId& id);
  void Mark(const intent::ClusterId& id, const Difference& difference);
  void Release(const intent::ClusterId& id, const Difference& difference, const std::string& who,
               const FleetRecords::Done& done);
  void Reopen(const ClusterRegistration& cluster,
              const std::map<intent::EntryKey, uint64_t>& counts, const std::string& who,
              const FleetRecords::Done& done);
  void Finish(const intent::ClusterId& id, const std::string& who, const FleetRecords::Done& done);
  // Of the entries that the agent holds under another uid: which count of deletions gives it,
  // where that is not below what the ledger says; equal to it where the hub stopped between ledger
  // and log.
  std::map<intent::EntryKey, uint64_t> Adopted(const ClusterRegistration& cluster,
                                               const Difference& difference) const;
  absl::StatusOr<WriteBatch> Renamed(const ClusterRegistration& cluster,
                                     const std::map<intent::EntryKey, uint64_t>& counts) const;

  const Parts parts_;
  const Hold hold_;
  const Settled settled_;
  bool ready_ = false;
  absl::Duration started_;
  EventLoop::TimerId poll_ = 0;
  std::map<intent::ClusterId, Known> known_;
  std::set<intent::ClusterId> releasing_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
