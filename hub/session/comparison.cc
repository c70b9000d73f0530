#include "hub/session/comparison.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/proof/bucketed_digest.h"
#include "common/wire/wire.h"

namespace leidang::hub {

Comparison::Comparison(const Store& store, const intent::ClusterId& cluster, uint64_t round,
                       const SessionOptions& options)
    : store_(store),
      cluster_(cluster),
      options_(options),
      questions_(round, options.buckets_per_request) {}

absl::Status Comparison::OnReport(const v1::BucketReport& report) {
  ASSIGN_OR_RETURN(const BucketQuestions::Answer answer, questions_.Take(report));
  return answer == BucketQuestions::Answer::kSums ? OnSums(report) : OnEntries(report);
}

absl::Status Comparison::OnSums(const v1::BucketReport& report) {
  ASSIGN_OR_RETURN(const proof::BucketedDigest sums, SumsOf(report));
  ASSIGN_OR_RETURN(const LogDigest digest, store_.Digest(cluster_));
  to_ = digest.head;
  questions_.SetDiffering(proof::BucketedDigest::Differing(digest.digest, sums));
  found_difference_ = questions_.left();
  ASSIGN_OR_RETURN(const std::vector<PendingTombstone> tombstones, store_.Tombstones(cluster_));
  for (const PendingTombstone& pending : tombstones) {
    items_.push_back({.revision = pending.revision,
                      .key = pending.tombstone.key,
                      .tombstone = pending.tombstone});
  }
  std::sort(items_.begin(), items_.end(),
            [](const Item& a, const Item& b) { return a.revision < b.revision; });
  stage_ = Stage::kSend;
  return absl::OkStatus();
}

absl::Status Comparison::OnEntries(const v1::BucketReport& report) {
  using Id = std::pair<intent::EntryKey, intent::Uid>;
  ASSIGN_OR_RETURN(ReportedEntries reported, questions_.Entries(report));
  std::map<Id, object::Sha256>& held = reported.held;
  ASSIGN_OR_RETURN(const LiveEntries live, store_.Entries(cluster_, reported.buckets));
  items_.clear();
  next_item_ = 0;
  for (const LiveEntry& entry : live.entries) {
    const auto it = held.find(Id(entry.key, entry.uid));
    const bool same = it != held.end() && it->second == entry.element;
    if (it != held.end()) held.erase(it);
    if (!same)
      items_.push_back({.revision = entry.revision, .key = entry.key, .tombstone = std::nullopt});
  }
  // What is left the hub has no live entry for. With a tombstone it ends; without one it is
  // unclaimed.
  ASSIGN_OR_RETURN(const std::vector<PendingTombstone> tombstones, store_.Tombstones(cluster_));
  for (const PendingTombstone& pending : tombstones) {
    held.erase(Id(pending.tombstone.key, pending.tombstone.uid));
  }
  for (const auto& [id, element] : held) {
    if (unclaimed_.size() < options_.unclaimed_max) unclaimed_.push_back({id.first, id.second});
  }
  stage_ = Stage::kSend;
  return absl::OkStatus();
}

absl::StatusOr<bool> Comparison::Append(const Item& item, v1::Changes* changes, size_t* bytes) {
  intent::Change change{.revision = item.revision, .what = {}};
  if (item.tombstone.has_value()) {
    change.what = *item.tombstone;
  } else {
    absl::StatusOr<LiveAssignment> live = store_.Assignment(cluster_, item.key);
    // Deleted, or changed, since it was listed: the log after `to_` says so.
    if (absl::IsNotFound(live.status())) return true;
    RETURN_IF_ERROR(live.status());
    if (live->revision != item.revision) return true;
    change.what = std::move(live->assignment);
  }
  v1::Change message;
  wire::ToProto(change, &message);
  const size_t more = message.ByteSizeLong();
  if (changes->changes_size() > 0 && *bytes + more > options_.changes_bytes) return false;
  *bytes += more;
  *changes->add_changes() = std::move(message);
  return true;
}

void Comparison::AppendUnclaimed(v1::Changes* changes) {
  const size_t end = std::min(unclaimed_.size(), unclaimed_sent_ + options_.unclaimed_per_message);
  for (; unclaimed_sent_ < end; ++unclaimed_sent_) {
    v1::EntryRef* entry = changes->add_unclaimed();
    entry->set_key(unclaimed_[unclaimed_sent_].key.ToString());
    entry->set_uid(unclaimed_[unclaimed_sent_].uid.Raw());
  }
}

absl::StatusOr<std::optional<v1::Changes>> Comparison::NextChanges() {
  if (stage_ != Stage::kSend) return std::nullopt;
  v1::Changes changes;
  changes.set_part(v1::Changes::COMPARISON);
  size_t bytes = 0;
  while (next_item_ < items_.size()) {
    ASSIGN_OR_RETURN(const bool fits, Append(items_[next_item_], &changes, &bytes));
    if (!fits) return changes;
    ++next_item_;
  }
  if (questions_.left()) {
    stage_ = Stage::kAsk;
    questions_.GoOn();
    if (changes.changes_size() == 0) return std::nullopt;
    return changes;
  }
  AppendUnclaimed(&changes);
  if (unclaimed_sent_ == unclaimed_.size()) {
    changes.set_part(v1::Changes::COMPARISON_LAST);
    changes.set_to(to_);
    std::sort(unclaimed_.begin(), unclaimed_.end());
    stage_ = Stage::kDone;
  }
  return changes;
}

}  // namespace leidang::hub
