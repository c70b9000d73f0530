#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

#include "common/base/mutex.h"
#include "common/time/event_loop.h"

namespace leidang::hub {

struct CommitLimits {
  size_t item_bytes_max = 64 << 20;
  size_t queued_bytes_max = 256 << 20;  // Of what waits; one item may always wait.
  size_t group_bytes_max = 8 << 20;     // Written with one sync; one item may always be.
  size_t group_items_max = 4096;
  // From the first item of a group to its commit: the virtual disk of a simulation takes its time.
  absl::Duration delay;
};

// Gathers items from any thread and hands them in groups, in order, to `commit` on the commit loop.
// Thread-safe. Destroying it drops what waits and waits for a running `commit`; so it must not be
// destroyed from within.
template <typename Item>
class CommitQueue {
 public:
  using Commit = std::function<void(std::vector<Item>)>;

  // `loop` must outlive the queue.
  CommitQueue(EventLoop* loop, CommitLimits limits, Commit commit)
      : shared_(std::make_shared<Shared>(loop, limits, std::move(commit))) {}
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  ~CommitQueue() { Close(); }

  // As destroying does; nothing can be pushed any more.
  void Close() {
    std::deque<Entry> dropped;
    MutexLock lock(&shared_->mu);
    shared_->closed = true;
    while (shared_->committing) shared_->idle.Wait(&shared_->mu);
    dropped.swap(shared_->waiting);
  }

  // False, and the item is dropped, when too much is waiting.
  bool Push(Item item, size_t bytes) {
    MutexLock lock(&shared_->mu);
    if (shared_->closed) return false;
    if (!shared_->waiting.empty() &&
        shared_->waiting_bytes + bytes > shared_->limits.queued_bytes_max) {
      return false;
    }
    shared_->waiting.push_back(Entry{std::move(item), bytes});
    shared_->waiting_bytes += bytes;
    if (!shared_->scheduled) {
      shared_->scheduled = true;
      Schedule(shared_);
    }
    return true;
  }

 private:
  struct Entry {
    Item item;
    size_t bytes = 0;
  };

  struct Shared {
    Shared(EventLoop* l, CommitLimits lim, Commit c) : loop(l), limits(lim), commit(std::move(c)) {}

    EventLoop* const loop;
    const CommitLimits limits;
    const Commit commit;

    Mutex mu;
    CondVar idle;
    bool closed ABSL_GUARDED_BY(mu) = false;
    bool scheduled ABSL_GUARDED_BY(mu) = false;
    bool committing ABSL_GUARDED_BY(mu) = false;
    size_t waiting_bytes ABSL_GUARDED_BY(mu) = 0;
    std::deque<Entry> waiting ABSL_GUARDED_BY(mu);
  };

  static void Schedule(const std::shared_ptr<Shared>& shared) {
    shared->loop->After(shared->limits.delay, [shared] { Drain(shared); });
  }

  static std::vector<Item> TakeGroup(Shared& shared) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shared.mu) {
    std::vector<Item> group;
    size_t bytes = 0;
    while (!shared.waiting.empty() && group.size() < shared.limits.group_items_max) {
      Entry& next = shared.waiting.front();
      if (!group.empty() && bytes + next.bytes > shared.limits.group_bytes_max) break;
      bytes += next.bytes;
      shared.waiting_bytes -= next.bytes;
      group.push_back(std::move(next.item));
      shared.waiting.pop_front();
    }
    return group;
  }

  static void Drain(const std::shared_ptr<Shared>& shared) {
    std::vector<Item> group;
    {
      MutexLock lock(&shared->mu);
      if (shared->closed) return;
      group = TakeGroup(*shared);
      shared->committing = true;
    }
    shared->commit(std::move(group));
    MutexLock lock(&shared->mu);
    shared->committing = false;
    shared->scheduled = !shared->waiting.empty() && !shared->closed;
    if (shared->scheduled) Schedule(shared);
    shared->idle.SignalAll();
  }

  const std::shared_ptr<Shared> shared_;
};

}  // namespace leidang::hub
