#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"

#include "common/base/mutex.h"
#include "common/time/event_loop.h"

namespace leidang {

// Workers take work that is too long for a loop: Git, expansion, hashing. The work reads immutable
// snapshots and posts its result to a loop; it never touches a loop's state. Run is thread-safe.
//
// Whoever posts work bounds how much is under way: one job a key, as a work queue does.
class Workers {
 public:
  virtual ~Workers() = default;
  // After Stop, `work` is dropped without being run.
  virtual void Run(std::function<void()> work) = 0;
};

// Real threads. Work starts in the order of Run.
class WorkerThreads final : public Workers {
 public:
  // REQUIRES: count > 0. `name` is what debuggers and top show.
  WorkerThreads(absl::string_view name, size_t count);
  ~WorkerThreads() override;

  void Run(std::function<void()> work) override ABSL_LOCKS_EXCLUDED(mu_);

  // Waits for the work that runs, drops what has not started. May be called again; not from a
  // worker.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Serve() ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;  // Fixed after construction until Stop joins them.
};

// Runs work as a callback of `loop`: with a SimLoop, in virtual time and in order. `loop` must
// outlive it.
class LoopWorkers final : public Workers {
 public:
  explicit LoopWorkers(EventLoop& loop) : loop_(loop) {}
  void Run(std::function<void()> work) override { loop_.Post(std::move(work)); }

 private:
  EventLoop& loop_;
};

}  // namespace leidang
