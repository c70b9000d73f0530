#pragma once

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"

#include "common/base/mutex.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// The way from gRPC's threads to the loop, closed when the owner of the calls goes: gRPC may end a
// call later than that, when the loop is gone too. Held by owner and calls together. Thread-safe.
class LoopGate {
 public:
  explicit LoopGate(EventLoop& loop) : loop_(&loop) {}

  // Nothing once it is closed.
  void Post(std::function<void()> fn) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (loop_ != nullptr) loop_->Post(std::move(fn));
  }
  void Close() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    loop_ = nullptr;
  }

 private:
  Mutex mu_;
  EventLoop* loop_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::agent
