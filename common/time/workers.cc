#include "common/time/workers.h"

#include <pthread.h>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace leidang {

WorkerThreads::WorkerThreads(absl::string_view name, size_t count) {
  CHECK(count > 0);
  for (size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this] { Serve(); });
    pthread_setname_np(threads_.back().native_handle(), std::string(name.substr(0, 15)).c_str());
  }
}

WorkerThreads::~WorkerThreads() { Stop(); }

void WorkerThreads::Run(std::function<void()> work) {
  CHECK(work != nullptr);
  MutexLock lock(&mu_);
  if (stopped_) return;
  waiting_.push_back(std::move(work));
  changed_.Signal();
}

void WorkerThreads::Stop() {
  std::deque<std::function<void()>> dropped;
  {
    MutexLock lock(&mu_);
    stopped_ = true;
    dropped.swap(waiting_);
    changed_.SignalAll();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void WorkerThreads::Serve() {
  for (;;) {
    std::function<void()> work;
    {
      MutexLock lock(&mu_);
      while (!stopped_ && waiting_.empty()) changed_.Wait(&mu_);
      if (stopped_) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace leidang
