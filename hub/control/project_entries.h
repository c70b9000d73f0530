#pragma once

#include <functional>
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

// Keeps among a cluster's entries the AppProjects that its Applications name, and no others, so
// that the agent knows their limits with the hub gone.
//
// An entry comes in the same batch as the first Application that needs it, and goes some time after
// the last has ended. Loop-bound; all references must outlive it.
class ProjectEntries {
 public:
  ProjectEntries(EventLoop& loop, FleetRecords& records, Store& store, Random& random, Log& log);
  ~ProjectEntries();

  // Puts the projects into the cluster's log (a put that changes nothing gets no revision).
  void Ensure(const intent::ClusterId& cluster, const std::set<std::string>& projects,
              WriteBatch* batch) const;

  // A project was edited: puts it again wherever it is.
  void Update(const std::string& project);
  // The same for all, after a start: the last edit, or the end of the last Application that needed
  // one, may not have come through.
  void UpdateAll();

  // A batch with Ensure was committed for the cluster.
  void OnPlaced(const intent::ClusterId& cluster);
  // Applications have ended on the cluster: projects that nothing needs any more go.
  void OnEnded(const intent::ClusterId& cluster);

  bool idle() const { return queue_.idle(); }

 private:
  intent::Uid UidOf(const intent::ClusterId& cluster, const std::string& project) const;
  intent::Assignment AssignmentOf(const intent::ClusterId& cluster,
                                  const WrittenObject& project) const;
  void Put(const intent::ClusterId& cluster, const WrittenObject& project, WriteBatch* batch) const;
  void AddUpdate(const WrittenObject& project, WriteBatch* batch) const;
  void CommitUpdate(WriteBatch batch);

  void Start(const intent::ClusterId& cluster);
  // The batch that brings a cluster's projects to what its Applications need, and what has to be
  // decided before.
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
