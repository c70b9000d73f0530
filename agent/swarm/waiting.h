#pragma once

// How the thread that directs a load test waits for a loop. Never on the loop itself.

#include <functional>
#include <future>
#include <utility>

#include "absl/time/time.h"

#include "common/time/event_loop.h"
#include "common/time/waiting.h"

namespace leidang::agent {

// What `fn` answers on `loop`.
template <typename T>
T Asked(EventLoop& loop, const std::function<T()>& fn) {
  std::promise<T> answer;
  loop.Post([&] { answer.set_value(fn()); });
  return answer.get_future().get();
}

inline void Pause(EventLoop& loop, absl::Duration duration) {
  std::promise<void> over;
  loop.After(duration, [&] { over.set_value(); });
  over.get_future().wait();
}

// Looks each `every` until `holds`, which is asked on the caller's thread. False when `limit` has
// passed before.
inline bool WaitUntil(EventLoop& loop, absl::Duration limit, const std::function<bool()>& holds,
                      absl::Duration every = absl::Milliseconds(20)) {
  const absl::Duration end = loop.clock().Monotonic() + limit;
  while (!holds()) {
    if (loop.clock().Monotonic() > end) return false;
    Pause(loop, every);
  }
  return true;
}

}  // namespace leidang::agent
