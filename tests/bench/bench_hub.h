#pragma once

// BenchHub: the hub of the program without gRPC and certificates: its threads, RocksDB in a folder,
// the `git` program, all of hub/control, and the session table behind an InProcessEdge.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/log/stderr_log.h"
#include "common/random/random.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "common/time/waiting.h"
#include "common/time/workers.h"
#include "hub/control/control_plane.h"
#include "hub/session/session_table.h"
#include "hub/source/mirror_git_source.h"
#include "hub/store/rocks/rocks_database.h"
#include "tests/support/fleet/in_process_edge.h"

namespace leidang::bench {

class BenchHub {
 public:
  enum class Derived { kKept, kDeleted };

  // `directory` outlives it, as a disk does. `edge` serves on `sessions`, which both must outlive.
  BenchHub(std::string directory, ThreadLoop& sessions, testing::InProcessEdge& edge,
           const hub::SessionOptions& options);
  ~BenchHub();

  // Up to where agents are let in.
  absl::Status Start(Derived derived);
  // Runs `fn` on the control loop and waits for it.
  void OnControl(const std::function<void()>& fn);
  // Waits until nothing is under way and everything has been looked at.
  bool WaitQuiet(absl::Duration limit);
  absl::Status Apply(const std::vector<object::Value>& manifests);
  // Every registered cluster's view, as of now.
  std::vector<hub::ClusterView> Views();
  uint64_t disk_bytes() const { return database_->DiskBytes().value_or(0); }

  hub::ControlPlane& plane() { return *plane_; }
  hub::Store& store() { return *store_; }

 private:
  const std::string directory_;
  ThreadLoop& sessions_;
  testing::InProcessEdge& edge_;
  const hub::SessionOptions options_;
  RealClock clock_;
  SystemRandom random_;
  StderrLog log_;
  ThreadLoop commits_{"commit"};
  ThreadLoop control_{"control"};
  WorkerThreads workers_{"worker", 2};
  std::unique_ptr<hub::RocksDatabase> database_;
  std::unique_ptr<hub::MirrorGitSource> git_;
  std::unique_ptr<hub::Ledger> ledger_;
  std::unique_ptr<hub::Store> store_;
  std::unique_ptr<hub::ControlPlane> plane_;
  std::set<intent::ClusterId> admitted_;  // Session loop.
  std::unique_ptr<hub::SessionTable> table_;
};

}  // namespace leidang::bench
