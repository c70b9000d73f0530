#pragma once

// SimAgent: one agent process, its disk, and the cluster it works on. Disk and cluster outlive the
// process. Loop-bound.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "agent/link/content_fetcher.h"
#include "agent/link/link.h"
#include "agent/state/memory_state.h"
#include "common/intent/intent.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "tests/sim/executor.h"
#include "tests/sim/mutant.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_hub.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/trace.h"

namespace leidang::sim {

class SimAgent {
 public:
  struct Hooks {
    Executor::Hooks executor;
    // The intent on the disk changed.
    std::function<void(const agent::EntryRef&)> entry_changed;
  };

  // `link` is its line in the network.
  SimAgent(SimLoop& loop, Random& random, Trace& trace, SimNetwork& network, size_t link,
           const intent::ClusterId& cluster, Mutant mutant, Hooks hooks);
  ~SimAgent();

  void Start();
  void Kill();
  // Kill, unless down already, and Start after `down`.
  void Restart(absl::Duration down);
  bool up() const { return process_ != nullptr; }

  // What the disk holds, whatever a mutant tells.
  const agent::MemoryTables& truth() const { return disk_.tables(); }
  agent::MemoryDisk& disk() { return disk_; }
  SimCluster& objects() { return objects_; }
  const intent::ClusterId& cluster() const { return cluster_; }
  size_t link() const { return link_; }

  void SetDiskDelay(absl::Duration delay) { disk_delay_ = delay; }
  void FailNextSync() { fail_next_ = true; }
  void ClearSyncFailure() { fail_next_ = false; }
  void EditObject(const intent::EntryKey& key);
  // A person at the cluster accepts a hub.
  void Trust(const intent::HubId& hub);

  // Up.
  agent::Link& hub_link();
  agent::State& state();
  const agent::ContentFetcher& fetcher() const;

 private:
  struct Process;
  class Source;

  SimLoop& loop_;
  Random& random_;
  Trace& trace_;
  SimNetwork& network_;
  const size_t link_;
  const intent::ClusterId cluster_;
  const Mutant mutant_;
  const Hooks hooks_;
  agent::MemoryDisk disk_;
  SimCluster objects_;
  absl::Duration disk_delay_ = absl::Milliseconds(3);
  bool fail_next_ = false;
  uint64_t generation_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace leidang::sim
