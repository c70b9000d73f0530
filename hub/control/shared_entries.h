#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"

#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/workqueue/work_queue.h"
#include "hub/control/fleet_records.h"
#include "hub/store/store.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

// Keeps among a cluster's entries what its agent must know beside the Applications, with the hub
// gone, too: the AppProjects that they name, and no others, and the settings, which every cluster
// has.
//
// A project comes in the same batch as the first Application that needs it, and goes some time
// after the last has ended. Loop-bound; all references must outlive it.
class SharedEntries {
 public:
  SharedEntries(EventLoop& loop, FleetRecords& records, Store& store, Random& random, Log& log);
  ~SharedEntries();

  // Puts the projects into the cluster's log (a put that changes nothing gets no revision).
  void Ensure(const intent::ClusterId& cluster, const std::set<std::string>& projects,
              WriteBatch* batch) const;

  // A project was edited: puts it again wherever it is.
  void UpdateProject(const std::string& project);
  // The settings were written or deleted.
  void UpdateSettings();
  // The same for all, after a start: the last edit, or the end of the last Application that needed
  // one, may not have come through.
  void UpdateAll();

  // A cluster was registered, or something about it changed.
  void OnCluster(const intent::ClusterId& cluster);
  // A batch with Ensure was committed for the cluster.
  void OnPlaced(const intent::ClusterId& cluster);
  // Applications have ended on the cluster: projects that nothing needs any more go.
  void OnEnded(const intent::ClusterId& cluster);

  bool idle() const { return queue_.idle(); }

 private:
  using Assignments = std::map<intent::EntryKey, intent::Assignment>;

  intent::Uid UidOf(const intent::ClusterId& cluster, const intent::EntryKey& key) const;
  intent::Assignment AssignmentOf(const intent::ClusterId& cluster,
                                  const WrittenObject& object) const;
  void AddUpdate(const WrittenObject& project, WriteBatch* batch) const;
  void CommitUpdate(WriteBatch batch);

  void Start(const intent::ClusterId& cluster);
  // What the cluster has of this, and what it is to have.
  absl::Status Compare(const intent::ClusterId& cluster, Assignments* present,
                       Assignments* needed) const;
  // The batch that makes them equal, and what has to be decided before.
  absl::StatusOr<WriteBatch> Difference(const intent::ClusterId& cluster,
                                        FleetRecords::Changes* changes) const;
  void Commit(const intent::ClusterId& cluster, const std::shared_ptr<WriteBatch>& batch);
  void Finish(const intent::ClusterId& cluster, const absl::Status& status);

  EventLoop& loop_;
  FleetRecords& records_;
  Store& store_;
  Log& log_;
  WorkQueue<intent::ClusterId> queue_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
