#include "hub/ledger/history.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

#include "hub/ledger/entry_codec.h"

namespace leidang::hub {
namespace {

bool Matches(absl::string_view key, absl::string_view prefix) {
  return absl::StartsWith(key, prefix) && LedgerFamily(key) == LedgerFamily(prefix);
}

}  // namespace

void LedgerHistory::Add(LedgerRevision revision, std::optional<LedgerEntry> before,
                        std::optional<LedgerEntry> after) {
  Event event;
  event.revision = revision;
  event.key = after.has_value() ? after->key : before->key;
  event.bytes = 128 + event.key.size();
  if (before.has_value()) event.bytes += before->value.size();
  if (after.has_value()) event.bytes += after->value.size();
  event.before = std::move(before);
  if (after.has_value()) event.value = std::move(after->value);
  bytes_ += event.bytes;
  events_.push_back(std::move(event));
}

void LedgerHistory::Trim() {
  while (!events_.empty() && (events_.size() > events_max_ || bytes_ > bytes_max_)) {
    const LedgerRevision revision = events_.front().revision;
    while (!events_.empty() && events_.front().revision == revision) {
      bytes_ -= events_.front().bytes;
      events_.pop_front();
    }
    compacted_ = revision;
  }
}

std::map<std::string, std::optional<LedgerEntry>> LedgerHistory::DifferenceTo(
    LedgerRevision at, absl::string_view prefix) const {
  std::map<std::string, std::optional<LedgerEntry>> difference;
  for (auto it = events_.rbegin(); it != events_.rend() && it->revision > at; ++it) {
    if (Matches(it->key, prefix)) difference.insert_or_assign(it->key, it->before);
  }
  return difference;
}

std::vector<LedgerChange> LedgerHistory::After(LedgerRevision from, absl::string_view prefix,
                                               size_t most, LedgerRevision& through) const {
  std::vector<LedgerChange> changes;
  auto it = std::upper_bound(
      events_.begin(), events_.end(), from,
      [](LedgerRevision revision, const Event& event) { return revision < event.revision; });
  through = from;
  for (; it != events_.end(); ++it) {
    if (changes.size() >= most && it->revision != through) break;
    through = it->revision;
    if (Matches(it->key, prefix)) changes.push_back({it->key, it->value, it->revision});
  }
  return changes;
}

}  // namespace leidang::hub
