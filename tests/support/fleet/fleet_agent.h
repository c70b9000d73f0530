#pragma once

// FleetAgent: an agent's link and state as they are shipped, over an InProcessEdge, with a cluster
// in memory that the simulation's executor works on. Disk and cluster outlive the process.
//
// Loop-bound, construction excepted.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/link/link.h"
#include "agent/state/memory_state.h"
#include "common/intent/intent.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "tests/sim/sim_cluster.h"
#include "tests/support/fleet/in_process_edge.h"

namespace leidang::testing {

class FleetAgent {
 public:
  // `loop`, `random` and `edge` must outlive it. `pause_max`: how long it takes, at most, to get
  // round to an entry.
  FleetAgent(EventLoop& loop, Random& random, const InProcessEdge& edge,
             const intent::ClusterId& cluster, absl::Duration pause_max = absl::Milliseconds(5));
  ~FleetAgent();

  void Start();
  void Kill();
  bool up() const { return process_ != nullptr; }

  const intent::ClusterId& cluster() const { return cluster_; }
  const agent::MemoryTables& tables() const { return disk_.tables(); }
  // Loses what it knows; its cluster stays.
  void LoseDisk() { disk_.Wipe(); }
  // Names of the Applications whose objects stand in the cluster, without namespace, sorted.
  std::vector<std::string> Standing() const;
  // All that stands there.
  const sim::SimCluster& objects() const { return objects_; }
  // Of those that no tombstone and no assignment covers: known, kept, and left alone.
  std::vector<std::string> Unclaimed() const;
  // Objects of Applications that were deleted since the beginning.
  uint64_t deleted() const { return deleted_; }

  // How often each operation was carried out, by its id.
  const std::map<agent::OperationId, int>& executed() const { return executed_; }

  // Entries that changed durably since the beginning, and when the last one did (monotonic).
  uint64_t changes() const { return changes_; }
  absl::Duration changed_at() const { return changed_at_; }

  // Up.
  agent::LinkSnapshot link() const;
  // A person at the cluster accepts that hub.
  void Trust(const intent::HubId& hub);

 private:
  struct Process;

  EventLoop& loop_;
  Random& random_;
  const InProcessEdge& edge_;
  const intent::ClusterId cluster_;
  const absl::Duration pause_max_;
  agent::MemoryDisk disk_;
  sim::SimCluster objects_;
  uint64_t deleted_ = 0;
  std::map<agent::OperationId, int> executed_;
  uint64_t changes_ = 0;
  absl::Duration changed_at_;
  std::unique_ptr<Process> process_;
};

}  // namespace leidang::testing
