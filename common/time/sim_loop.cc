#include "common/time/sim_loop.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace leidang {

SimLoop::SimLoop(absl::Time wall_start) : clock_(wall_start) {}

SimLoop::~SimLoop() { Clear(); }

void SimLoop::Post(std::function<void()> fn) { After(absl::ZeroDuration(), std::move(fn)); }

EventLoop::TimerId SimLoop::After(absl::Duration delay, std::function<void()> fn) {
  CHECK(fn != nullptr);
  const absl::Duration due = clock_.monotonic_ + std::max(delay, absl::ZeroDuration());
  const TimerId id = next_id_++;
  due_.emplace(Due(due, id), std::move(fn));
  timers_.emplace(id, due);
  return id;
}

void SimLoop::Cancel(TimerId id) {
  const auto timer = timers_.find(id);
  if (timer == timers_.end()) return;
  // Destroying the callback may cancel others: take it out of the maps first.
  const auto node = due_.extract(Due(timer->second, id));
  timers_.erase(timer);
}

bool SimLoop::Step() {
  CHECK(!running_);
  if (due_.empty() || due_.begin()->first.first == absl::InfiniteDuration()) return false;
  auto node = due_.extract(due_.begin());
  timers_.erase(node.key().second);
  clock_.monotonic_ = node.key().first;
  ++steps_;
  running_ = true;
  node.mapped()();
  // What the callback holds is released while it still counts as running.
  node.mapped() = nullptr;
  running_ = false;
  return true;
}

bool SimLoop::RunUntilIdle(size_t steps_max) {
  for (size_t i = 0; i < steps_max; ++i) {
    if (!Step()) return true;
  }
  return due_.empty();
}

void SimLoop::RunFor(absl::Duration duration) {
  const absl::Duration end = clock_.monotonic_ + std::max(duration, absl::ZeroDuration());
  while (!due_.empty() && due_.begin()->first.first <= end && Step()) {
  }
  clock_.monotonic_ = end;
}

bool SimLoop::RunUntil(const std::function<bool()>& done, absl::Duration limit) {
  const absl::Duration end = clock_.monotonic_ + limit;
  while (!done()) {
    if (due_.empty() || due_.begin()->first.first > end) {
      clock_.monotonic_ = std::max(clock_.monotonic_, end);
      return false;
    }
    Step();
  }
  return true;
}

void SimLoop::Clear() {
  timers_.clear();
  // A dropped callback's destructor may schedule again; that is dropped too.
  while (!due_.empty()) {
    const auto dropped = std::exchange(due_, {});
    timers_.clear();
  }
}

}  // namespace leidang
