#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/base/mutex.h"
#include "common/time/event_loop.h"
#include "common/time/real_clock.h"

namespace leidang {

// ThreadLoop is an EventLoop on a thread of its own, which runs from construction until Stop.
//
// Post, After, Cancel and Stop are thread-safe. After Stop has returned no callback runs, and none
// that was still waiting has been run: they are destroyed on the thread that called Stop. A
// callback that is running when Stop is called is waited for.
class ThreadLoop final : public EventLoop {
 public:
  // `name` is what debuggers and top show; the first 15 bytes count.
  explicit ThreadLoop(absl::string_view name);
  // Stops. REQUIRES: not on the loop itself.
  ~ThreadLoop() override;

  const Clock& clock() const override { return clock_; }
  void Post(std::function<void()> fn) override;
  TimerId After(absl::Duration delay, std::function<void()> fn) override;
  void Cancel(TimerId id) override;

  // REQUIRES: not on the loop itself, which would wait for its own end. May be called again.
  void Stop();

  // True on the loop's thread: for CHECKs of loop-bound code.
  bool OnLoop() const;

 private:
  using Due = std::pair<absl::Duration, TimerId>;
  using Callbacks = std::map<Due, std::function<void()>>;

  TimerId Schedule(absl::Duration due, std::function<void()> fn) ABSL_LOCKS_EXCLUDED(mu_);
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits for the next callback that is due and takes it. Empty when the loop has been stopped.
  std::function<void()> TakeNext() ABSL_LOCKS_EXCLUDED(mu_);

  const RealClock clock_;

  Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  TimerId next_id_ ABSL_GUARDED_BY(mu_) = 1;
  Callbacks due_ ABSL_GUARDED_BY(mu_);
  std::map<TimerId, absl::Duration> timers_ ABSL_GUARDED_BY(mu_);

  Mutex join_mu_;  // Held by Stop around the join, so that two callers both see the thread ended.
  std::thread thread_;
  std::thread::id thread_id_;  // Fixed after construction; thread_ loses it at the join.
};

}  // namespace leidang
