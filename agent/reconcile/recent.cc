#include "agent/reconcile/recent.h"

namespace leidang::agent {

void RecentCorrections::Add(const object::ObjectKey& key, absl::Duration now) {
  Forget(now);
  std::deque<absl::Duration>& times = times_[key];
  times.push_back(now);
  order_.emplace_back(now, key);
}

void RecentCorrections::Forget(absl::Duration now) {
  while (!order_.empty() && now - order_.front().first >= kWindow) {
    const auto found = times_.find(order_.front().second);
    found->second.pop_front();
    if (found->second.empty()) times_.erase(found);
    order_.pop_front();
  }
}

std::map<object::ObjectKey, absl::Duration> RecentCorrections::Rested(absl::Duration now) {
  Forget(now);
  std::map<object::ObjectKey, absl::Duration> rested;
  for (const auto& [key, times] : times_) {
    if (times.size() >= per_minute_max_) {
      rested[key] = times[times.size() - per_minute_max_] + kWindow;
    }
  }
  return rested;
}

void RecentPrunes::Add(const EntryRef& entry, size_t count, absl::Duration now) {
  if (count > 0) times_[entry].emplace_back(now, count);
}

void RecentPrunes::Restore(const EntryRef& entry, size_t count, absl::Duration now) {
  if (restored_.insert(entry).second) Add(entry, count, now);
}

void RecentPrunes::Erase(const EntryRef& entry) {
  times_.erase(entry);
  restored_.erase(entry);
}

size_t RecentPrunes::Count(const EntryRef& entry, absl::Duration now) {
  const auto found = times_.find(entry);
  if (found == times_.end()) return 0;
  while (!found->second.empty() && now - found->second.front().first >= kWindow) {
    found->second.pop_front();
  }
  size_t count = 0;
  for (const auto& [time, pruned] : found->second) count += pruned;
  return count;
}

}  // namespace leidang::agent
