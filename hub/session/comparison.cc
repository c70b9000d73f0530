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
#include "hub/session/bucket_report.h"

namespace leidang::hub {

Comparison::Comparison(const Store& store, const intent::ClusterId& cluster, uint64_t round,
                       const SessionOptions& options)
    : store_(store), cluster_(cluster), round_(round), options_(options) {}

std::optional<v1::BucketRequest> Comparison::NextRequest() {
  v1::BucketRequest request;
  request.set_round(round_);
  if (stage_ == Stage::kAskSums) {
    stage_ = Stage::kAwaitSums;
    return request;
  }
  if (stage_ != Stage::kAskEntries) return std::nullopt;
  asked_.assign(differing_.begin(),
                differing_.begin() + std::min(differing_.size(), options_.buckets_per_request));
  for (const uint8_t bucket : asked_) request.add_buckets(bucket);
  stage_ = Stage::kAwaitEntries;
  return request;
}

absl::Status Comparison::OnReport(const v1::BucketReport& report) {
  if (report.round() != round_) {
    return absl::InvalidArgumentError(
        absl::StrCat("bucket report of round ", report.round(), " in round ", round_));
  }
  if (stage_ == Stage::kAwaitSums) return OnSums(report);
  if (stage_ == Stage::kAwaitEntries) return OnEntries(report);
  return absl::InvalidArgumentError("a bucket report that was not asked for");
}

absl::Status Comparison::OnSums(const v1::BucketReport& report) {
  ASSIGN_OR_RETURN(const proof::BucketedDigest sums, SumsOf(report));
  ASSIGN_OR_RETURN(const LogDigest digest, store_.Digest(cluster_));
  to_ = digest.head;
  differing_ = proof::BucketedDigest::Differing(digest.digest, sums);
  found_difference_ = !differing_.empty();
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
  ASSIGN_OR_RETURN(ReportedEntries reported, EntriesOf(report, asked_));
  std::map<Id, object::Sha256>& held = reported.held;
  const size_t listed = reported.buckets.size();
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
  differing_.erase(differing_.begin(), differing_.begin() + static_cast<ptrdiff_t>(listed));
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
  if (!differing_.empty()) {
    stage_ = Stage::kAskEntries;
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
