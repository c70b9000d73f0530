#pragma once

#include <functional>
#include <utility>

#include "common/time/clock.h"
#include "common/time/event_loop.h"

namespace leidang::sim {

// WallLoop is a loop whose monotonic clock follows the wall clock, steps and all: what a hub would
// go by that took the one for the other.
class WallLoop final : public EventLoop {
 public:
  // `loop` must outlive it.
  explicit WallLoop(EventLoop& loop) : loop_(loop), clock_(loop.clock()) {}

  const Clock& clock() const override { return clock_; }
  void Post(std::function<void()> fn) override { loop_.Post(std::move(fn)); }
  TimerId After(absl::Duration delay, std::function<void()> fn) override {
    return loop_.After(delay, std::move(fn));
  }
  void Cancel(TimerId id) override { loop_.Cancel(id); }

 private:
  class WallClock final : public Clock {
   public:
    explicit WallClock(const Clock& clock) : clock_(clock), start_(clock.Now()) {}
    absl::Time Now() const override { return clock_.Now(); }
    absl::Duration Monotonic() const override { return clock_.Now() - start_; }

   private:
    const Clock& clock_;
    const absl::Time start_;
  };

  EventLoop& loop_;
  const WallClock clock_;
};

}  // namespace leidang::sim
