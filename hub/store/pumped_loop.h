#pragma once

// For tests of what answers from real threads: the callbacks of this loop run on the thread that
// waits, so that a test needs no locks.

#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"

#include "common/base/check.h"
#include "common/base/mutex.h"
#include "common/time/event_loop.h"
#include "common/time/real_clock.h"

namespace leidang::hub {

class PumpedLoop final : public EventLoop {
 public:
  const Clock& clock() const override { return clock_; }
  void Post(std::function<void()> fn) override {
    MutexLock lock(&mu_);
    posted_.push_back(std::move(fn));
    changed_.Signal();
  }
  // What is tested needs no timers on the caller's loop.
  TimerId After(absl::Duration, std::function<void()>) override { CHECK(false); }
  void Cancel(TimerId) override { CHECK(false); }

  // Runs callbacks until `done` holds, asked after each; at most ten seconds.
  bool RunUntil(const std::function<bool()>& done) {
    const absl::Duration end = clock_.Monotonic() + absl::Seconds(10);
    while (!done()) {
      std::function<void()> next;
      {
        MutexLock lock(&mu_);
        if (posted_.empty()) changed_.WaitFor(&mu_, absl::Milliseconds(20));
        if (!posted_.empty()) {
          next = std::move(posted_.front());
          posted_.pop_front();
        }
      }
      if (next != nullptr) next();
      if (next == nullptr && clock_.Monotonic() > end) return false;
    }
    return true;
  }

  // Drops what was posted, as the end of a process does.
  void Clear() {
    std::deque<std::function<void()>> dropped;
    MutexLock lock(&mu_);
    dropped.swap(posted_);
  }

 private:
  const RealClock clock_;
  Mutex mu_;
  CondVar changed_;
  std::deque<std::function<void()>> posted_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::hub
