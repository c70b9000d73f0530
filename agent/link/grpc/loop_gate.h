#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "common/base/mutex.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// The way from gRPC's threads to the loop, held by the calls and by their owner, who closes it when
// it goes.
//
// No call is destroyed on a thread of gRPC: with it may go the last channel of the process, and
// then gRPC joins those threads, the very one included. Thread-safe.
class LoopGate {
 public:
  explicit LoopGate(EventLoop& loop) : loop_(&loop) {}

  // A call begins; it ends by End, always.
  void Begin() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++calls_;
  }

  // Nothing once the gate is closed.
  void Post(std::function<void()> fn) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (loop_ != nullptr) loop_->Post(std::move(fn));
  }

  // gRPC is done with `call`. `fn` runs on the loop and `call` is dropped there; with the gate
  // closed, whoever closed it drops it.
  void End(std::shared_ptr<void> call, std::function<void()> fn) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (loop_ != nullptr) {
      loop_->Post([call = std::move(call), fn = std::move(fn)] { fn(); });
    } else {
      ended_.push_back(std::move(call));
    }
    --calls_;
    changed_.SignalAll();
  }

  // Waits for the end of all calls, which have to be cancelled, and lets nothing through from now
  // on. Not on a thread of gRPC.
  void Close() ABSL_LOCKS_EXCLUDED(mu_) {
    std::vector<std::shared_ptr<void>> ended;
    MutexLock lock(&mu_);
    loop_ = nullptr;
    while (calls_ > 0) changed_.Wait(&mu_);
    ended.swap(ended_);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  EventLoop* loop_ ABSL_GUARDED_BY(mu_);
  size_t calls_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::shared_ptr<void>> ended_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::agent
