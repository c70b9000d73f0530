#pragma once

// How a thread that directs others waits for a loop: the main thread of a program, a bench. Never
// on the loop itself, nor after it was stopped: that would wait for ever.

#include <functional>

#include "absl/status/status.h"

#include "common/time/event_loop.h"

namespace leidang {

// Runs `work` on the loop and waits for its end.
void OnLoop(EventLoop& loop, const std::function<void()>& work);

// Starts on the loop what ends by calling its argument, once, and waits for that.
absl::Status AwaitOn(EventLoop& loop,
                     const std::function<void(std::function<void(absl::Status)>)>& start);

}  // namespace leidang
