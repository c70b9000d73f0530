#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/workqueue/backoff.h"

namespace leidang {

// What became of the work for a key, which decides when the key comes again.
class WorkResult {
 public:
  // Nothing left to do until somebody adds the key.
  static WorkResult Done() { return WorkResult(Kind::kDone, absl::ZeroDuration()); }
  // Well done; look again after `delay` at the latest.
  static WorkResult After(absl::Duration delay) { return WorkResult(Kind::kAfter, delay); }
  // Failed in a way that may pass: again after the key's backoff, which grows with every failure in
  // a row.
  static WorkResult Retry() { return WorkResult(Kind::kRetry, absl::ZeroDuration()); }

  enum class Kind { kDone, kAfter, kRetry };
  Kind kind() const { return kind_; }
  absl::Duration delay() const { return delay_; }

 private:
  WorkResult(Kind kind, absl::Duration delay) : kind_(kind), delay_(delay) {}

  Kind kind_;
  absl::Duration delay_;
};

struct WorkQueueOptions {
  size_t running_max = 1;  // Keys in work at once.
  BackoffOptions backoff;
};

// WorkQueue hands out keys of which something may have changed, for level-triggered work: the key
// says what to look at, never what happened.
//
// - A key waits at most once. Added again, it keeps the earlier of the two times.
// - A key in work is not handed out a second time. Added meanwhile, it waits and is handed out
// again after
//   Finish, however that ended.
// - Keys come by due time, then in the order in which they were added.
// - Work ends by Finish, at once or much later; until then the key counts as in work.
//
// Its size is bounded by the number of different keys that its user adds.
//
// Loop-bound: all calls on `loop`, which calls `start`. Destroying the queue drops what waits; what
// is in work must then not call Finish any more.
template <typename Key>
class WorkQueue {
 public:
  using Start = std::function<void(const Key&)>;

  // `loop` and `random` (for the jitter of backoff) must outlive it.
  WorkQueue(EventLoop& loop, Random& random, const WorkQueueOptions& options, Start start)
      : loop_(loop),
        options_(options),
        backoff_(random, options.backoff),
        start_(std::move(start)) {
    CHECK(options.running_max > 0);
  }
  ~WorkQueue() {
    if (timer_ != 0) loop_.Cancel(timer_);
  }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void Add(const Key& key) { AddAfter(key, absl::ZeroDuration()); }

  void AddAfter(const Key& key, absl::Duration delay) {
    Wait(key, keys_[key], delay);
    Arm();
  }

  // REQUIRES: the key is in work.
  void Finish(const Key& key, const WorkResult& result) {
    const auto it = keys_.find(key);
    CHECK(it != keys_.end() && it->second.in_work);
    Entry& entry = it->second;
    entry.in_work = false;
    --running_;
    if (result.kind() == WorkResult::Kind::kRetry) {
      ++entry.failures;
      Wait(key, entry, backoff_.After(entry.failures));
    } else {
      entry.failures = 0;
      if (result.kind() == WorkResult::Kind::kAfter) Wait(key, entry, result.delay());
    }
    if (entry.in_work_again) {
      entry.in_work_again = false;
      waiting_.emplace(entry.due, key);
    }
    if (!entry.waits) keys_.erase(it);
    Arm();
  }

  // Forgets what waits for the key, and its failures, because what it names is gone. If it is in
  // work, that goes on to its Finish.
  void Forget(const Key& key) {
    const auto it = keys_.find(key);
    if (it == keys_.end()) return;
    Entry& entry = it->second;
    if (entry.waits && !entry.in_work) waiting_.erase(entry.due);
    entry.waits = false;
    entry.in_work_again = false;
    entry.failures = 0;
    if (!entry.in_work) keys_.erase(it);
    Arm();
  }

  size_t running() const { return running_; }
  size_t waiting() const { return waiting_.size(); }
  bool idle() const { return keys_.empty(); }
  // Whether the key waits or is in work.
  bool contains(const Key& key) const { return keys_.contains(key); }
  // Failures in a row; 0 for unknown keys.
  uint32_t failures(const Key& key) const {
    const auto it = keys_.find(key);
    return it == keys_.end() ? 0 : it->second.failures;
  }

 private:
  using Due = std::pair<absl::Duration, uint64_t>;  // Monotonic time, then order of adding.

  struct Entry {
    bool waits = false;
    bool in_work = false;
    bool in_work_again = false;  // Waits, but outside waiting_ until the work has ended.
    uint32_t failures = 0;
    Due due;  // While it waits.
  };

  void Wait(const Key& key, Entry& entry, absl::Duration delay) {
    const absl::Duration time = loop_.clock().Monotonic() + std::max(delay, absl::ZeroDuration());
    if (entry.waits && entry.due.first <= time) return;
    if (entry.waits && !entry.in_work_again) waiting_.erase(entry.due);
    entry.waits = true;
    entry.due = Due(time, next_++);
    if (entry.in_work) {
      entry.in_work_again = true;
    } else if (!entry.in_work_again) {
      waiting_.emplace(entry.due, key);
    }
  }

  // Sets the one timer to the earliest key that may start.
  void Arm() {
    std::optional<absl::Duration> wanted;
    if (!waiting_.empty() && running_ < options_.running_max)
      wanted = waiting_.begin()->first.first;
    if (timer_ != 0 && wanted == timer_due_) return;
    if (timer_ != 0) loop_.Cancel(timer_);
    timer_ = 0;
    if (!wanted) return;
    timer_due_ = *wanted;
    timer_ = loop_.After(*wanted - loop_.clock().Monotonic(), [this] { StartNext(); });
  }

  // Starts one key a turn, so that a loop with much to do stays fair to its other users.
  void StartNext() {
    timer_ = 0;
    if (waiting_.empty() || running_ >= options_.running_max) return;
    if (waiting_.begin()->first.first > loop_.clock().Monotonic()) return Arm();
    const Key key = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    Entry& entry = keys_.at(key);
    entry.waits = false;
    entry.in_work = true;
    ++running_;
    Arm();
    start_(key);
  }

  EventLoop& loop_;
  const WorkQueueOptions options_;
  Backoff backoff_;
  const Start start_;

  std::map<Key, Entry> keys_;  // That wait, or are in work.
  std::map<Due, Key> waiting_;
  size_t running_ = 0;
  uint64_t next_ = 0;
  EventLoop::TimerId timer_ = 0;
  absl::Duration timer_due_;
};

}  // namespace leidang
