#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "absl/time/time.h"

#include "common/time/clock.h"
#include "common/time/event_loop.h"

namespace leidang {

// SimClock stands still until its SimLoop moves it. The wall clock can be stepped apart from the
// monotonic one, as an administrator or a time server does.
class SimClock final : public Clock {
 public:
  explicit SimClock(absl::Time wall_start) : wall_(wall_start) {}

  absl::Time Now() const override { return wall_ + monotonic_; }
  absl::Duration Monotonic() const override { return monotonic_; }

  // Moves the wall clock only; negative steps move it back.
  void StepWall(absl::Duration step) { wall_ += step; }

 private:
  friend class SimLoop;

  absl::Time wall_;  // The wall clock when monotonic time is zero.
  absl::Duration monotonic_;
};

// SimLoop is virtual time in one thread: time passes only between callbacks, and jumps to the next
// one due. Callbacks run by (due time, order of scheduling), so a run with the same inputs repeats
// exactly.
//
// Differs from the other loops in one way: not thread-safe. The test that drives it and all
// callbacks share one thread. Callbacks may post, schedule and cancel, but not run the loop again.
class SimLoop final : public EventLoop {
 public:
  static constexpr size_t kStepsMax = 10'000'000;

  explicit SimLoop(absl::Time wall_start = absl::FromUnixSeconds(1'700'000'000));
  ~SimLoop() override;

  const Clock& clock() const override { return clock_; }
  SimClock& sim_clock() { return clock_; }

  void Post(std::function<void()> fn) override;
  TimerId After(absl::Duration delay, std::function<void()> fn) override;
  void Cancel(TimerId id) override;

  // Runs the next callback, moving time to when it is due. False if there is none.
  bool Step();

  // Runs until nothing is scheduled. False if `steps_max` callbacks did not get there, which is
  // what a timer that always starts itself again leads to: use RunFor with those.
  bool RunUntilIdle(size_t steps_max = kStepsMax);

  // Runs all that falls due within `duration` from now, then sets time to its end. Zero runs what
  // is due now.
  void RunFor(absl::Duration duration);

  // Runs until `done` holds, asked after each callback, at most for `limit` of virtual time. True
  // if it holds.
  bool RunUntil(const std::function<bool()>& done, absl::Duration limit);

  // Drops all that is scheduled, as the end of a process does.
  void Clear();

  size_t pending() const { return due_.size(); }
  bool idle() const { return due_.empty(); }
  uint64_t steps() const { return steps_; }

 private:
  using Due = std::pair<absl::Duration, TimerId>;

  SimClock clock_;
  TimerId next_id_ = 1;
  uint64_t steps_ = 0;
  bool running_ = false;
  std::map<Due, std::function<void()>> due_;
  std::map<TimerId, absl::Duration>
      timers_;  // When each pending callback is due, to find it in due_.
};

}  // namespace leidang
