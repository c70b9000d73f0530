#include "common/time/thread_loop.h"

#include <algorithm>
#include <pthread.h>
#include <utility>

#include "common/base/check.h"

namespace leidang {
namespace {

// Keeps a far timer's wait within what the platform's clock arithmetic can hold.
constexpr absl::Duration kWaitMax = absl::Hours(1);

}  // namespace

ThreadLoop::ThreadLoop(absl::string_view name) {
  thread_ = std::thread([this] { Run(); });
  thread_id_ = thread_.get_id();
  pthread_setname_np(thread_.native_handle(), std::string(name.substr(0, 15)).c_str());
}

ThreadLoop::~ThreadLoop() { Stop(); }

void ThreadLoop::Post(std::function<void()> fn) { Schedule(clock_.Monotonic(), std::move(fn)); }

EventLoop::TimerId ThreadLoop::After(absl::Duration delay, std::function<void()> fn) {
  return Schedule(clock_.Monotonic() + std::max(delay, absl::ZeroDuration()), std::move(fn));
}

EventLoop::TimerId ThreadLoop::Schedule(absl::Duration due, std::function<void()> fn) {
  CHECK(fn != nullptr);
  MutexLock lock(&mu_);
  const TimerId id = next_id_++;
  if (stopped_) return id;  // `fn` is destroyed by the caller's full expression, outside the lock.
  const auto [it, inserted] = due_.emplace(Due(due, id), std::move(fn));
  timers_.emplace(id, due);
  if (it == due_.begin()) changed_.Signal();
  return id;
}

void ThreadLoop::Cancel(TimerId id) {
  Callbacks::node_type dropped;  // Destroyed after the lock is released.
  MutexLock lock(&mu_);
  const auto timer = timers_.find(id);
  if (timer == timers_.end()) return;
  dropped = due_.extract(Due(timer->second, id));
  timers_.erase(timer);
}

void ThreadLoop::Stop() {
  CHECK(!OnLoop());
  Callbacks dropped;
  {
    MutexLock lock(&mu_);
    stopped_ = true;
    changed_.SignalAll();
  }
  {
    MutexLock lock(&join_mu_);
    if (thread_.joinable()) thread_.join();
  }
  MutexLock lock(&mu_);
  dropped.swap(due_);
  timers_.clear();
}

bool ThreadLoop::OnLoop() const { return std::this_thread::get_id() == thread_id_; }

void ThreadLoop::Run() {
  while (true) {
    const std::function<void()> fn = TakeNext();
    if (fn == nullptr) return;
    fn();
  }
}

std::function<void()> ThreadLoop::TakeNext() {
  MutexLock lock(&mu_);
  while (!stopped_) {
    if (due_.empty()) {
      changed_.Wait(&mu_);
      continue;
    }
    const absl::Duration wait = due_.begin()->first.first - clock_.Monotonic();
    if (wait > absl::ZeroDuration()) {
      changed_.WaitFor(&mu_, std::min(wait, kWaitMax));
      continue;
    }
    auto node = due_.extract(due_.begin());
    timers_.erase(node.key().second);
    return std::move(node.mapped());
  }
  return nullptr;
}

}  // namespace leidang
