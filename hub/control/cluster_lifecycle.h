#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "absl/status/status.h"

#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/workqueue/work_queue.h"
#include "hub/control/fleet_records.h"
#include "hub/store/store.h"

namespace leidang::hub {

// ClusterLifecycle keeps each registration's change log: opens it, brings decided deletions into
// it, settles them in the ledger when the agent has carried them out, and takes a removed cluster
// away last of all. Level-triggered, with backoff.
//
// Loop-bound; all references must outlive it.
class ClusterLifecycle {
 public:
  // Which clusters may connect has changed; called on the loop.
  using OnClusters = std::function<void(const std::set<intent::ClusterId>&)>;
  // A cluster is gone for good.
  using OnGone = std::function<void(const intent::ClusterId&)>;
  enum class Logs { kKept, kRebuilt };

  ClusterLifecycle(EventLoop& loop, FleetRecords& records, Store& store, Random& random, Log& log,
                   OnClusters on_clusters, OnGone on_gone);
  ~ClusterLifecycle();

  // Opens the logs of all registrations and replays what the ledger has decided. A registration
  // whose log is not in the store has lost its derived data: its log begins anew under the next
  // epoch (kRebuilt), and agents compare instead of resuming. Call once, after the records are
  // loaded. A start after one that was cut off before OnRebuilt says kRebuilt, too.
  void Start(std::function<void(absl::StatusOr<Logs>)> done);
  // What was rebuilt holds again all that is wanted.
  void OnRebuilt();

  // A registration was made, changed, or marked for removal, or something of it was decided.
  void OnChanged(const intent::ClusterId& id);

  // Called on the loop after entries of a cluster that is being removed have ended: whoever looked
  // at their owners meanwhile may have seen them alive.
  std::function<void()> on_ended = [] {};

 private:
  void Reopen(const std::vector<ClusterRegistration>& lost,
              std::function<void(absl::StatusOr<Logs>)> done);
  void Replay(std::function<void(absl::StatusOr<Logs>)> done, Logs logs);
  void OnCommitted(const CommitResult& result);
  void Work(const intent::ClusterId& id);
  // The tombstones of what was decided.
  void AddDecided(const intent::ClusterId& id, WriteBatch* batch) const;
  // The records of it.
  void DropDecided(const intent::ClusterId& id, WriteBatch* batch) const;
  absl::StatusOr<WriteBatch> EndOf(const ClusterRegistration& cluster,
                                   FleetRecords::Changes* changes) const;
  void Remove(const ClusterRegistration& cluster);
  void EraseIfDone(const intent::ClusterId& id);
  void Erase(const intent::ClusterId& id);
  void TellClusters();
  void TellClustersSoon();
  void Finish(const char* what, const intent::ClusterId& id, const absl::Status& status);

  EventLoop& loop_;
  FleetRecords& records_;
  Store& store_;
  Random& random_;
  Log& log_;
  const OnClusters on_clusters_;
  const OnGone on_gone_;
  Store::SubscriptionId subscription_ = 0;
  WorkQueue<intent::ClusterId> queue_;
  bool telling_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
