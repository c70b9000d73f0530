#pragma once

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

#include "common/time/clock.h"

namespace leidang {

// EventLoop runs callbacks one at a time, each to its end, in a fixed order: by due time, then by
// order of scheduling. State machines live on one loop and need no lock.
//
// `ThreadLoop` (thread_loop.h) is a real thread; `SimLoop` (sim_loop.h) is virtual time in one
// thread. Post, After and Cancel are thread-safe. Callbacks run on the loop only.
class EventLoop {
 public:
  using TimerId = uint64_t;  // Never 0.

  virtual ~EventLoop() = default;

  virtual const Clock& clock() const = 0;

  // Runs `fn` soon. After the loop has stopped, `fn` is dropped without being run.
  virtual void Post(std::function<void()> fn) = 0;

  // Runs `fn` once `delay` of monotonic time has passed.
  virtual TimerId After(absl::Duration delay, std::function<void()> fn) = 0;

  // A timer that has fired or is unknown is ignored. Called on the loop, it guarantees that `fn`
  // does not run any more.
  virtual void Cancel(TimerId id) = 0;
};

}  // namespace leidang
