#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/scripts/script.h"
#include "common/time/event_loop.h"
#include "common/time/workers.h"

namespace leidang::agent {

struct ScriptWorkerOptions {
  // The program that answers; unless told, this one itself (worker_main.h).
  std::vector<std::string> argv;
  absl::Duration deadline = absl::Seconds(1);         // Of one call.
  absl::Duration start_deadline = absl::Seconds(10);  // Until a new worker has greeted.
  uint64_t memory_bytes_max = uint64_t{256} << 20;
  size_t waiting_max = 1000;                   // Calls beyond these are refused.
  absl::Duration idle_max = absl::Minutes(5);  // Then the worker is ended until it is needed.
  absl::Duration rest_min = absl::Seconds(1);  // After an end by a script, or a failed start;
  absl::Duration rest_max = absl::Minutes(5);  // doubled each time it happens again.
};

// ScriptWorker: a child process that runs scripts, one call after the other. It starts with the
// first call and again after an end: a script that ran past the deadline, that made it take more
// memory than it may, or that crashed it, costs its own call and no other. That script is then not
// run again for a while, so that it cannot starve others; each of its calls fails meanwhile.
//
// The child has an empty environment, no descriptor of the agent, no network where the kernel
// allows, and may make no system call beyond computing (confinement.h).
//
// Loop-bound. A thread of its own waits for the child; destroying it waits for the call that runs.
class ScriptWorker final : public ScriptRunner {
 public:
  struct Snapshot {
    int pid = 0;          // 0 while there is none.
    uint64_t starts = 0;  // Of a child, since the beginning.
    size_t waiting = 0;   // Calls, the one that runs included.
    bool confined = false;
  };

  // `loop` must outlive it.
  ScriptWorker(EventLoop& loop, ScriptWorkerOptions options);
  ~ScriptWorker() override;

  void Run(ScriptCall call, Done done) override;

  Snapshot Look() const;

 private:
  class Child;

  void ArmIdle();

  EventLoop& loop_;
  const ScriptWorkerOptions options_;
  std::unique_ptr<Child> child_;  // Used by the one thread of `thread_` only.
  std::unique_ptr<WorkerThreads> thread_;
  size_t waiting_ = 0;
  bool idle_armed_ = false;
  Snapshot seen_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with posted callbacks.
};

}  // namespace leidang::agent
