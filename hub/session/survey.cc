#include "hub/session/survey.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/proof/bucketed_digest.h"
#include "hub/session/bucket_report.h"

namespace leidang::hub {

object::Sha256 Difference::Digest() const {
  std::string text = absl::StrCat("leidang.difference.v1\n", unknown ? "unknown\n" : "");
  const auto list = [&text](const char* what, const std::vector<UnclaimedEntry>& entries) {
    for (const UnclaimedEntry& entry : entries) {
      absl::StrAppend(&text, what, " ", entry.uid.Hex(), " ", entry.key.ToString(), "\n");
    }
  };
  list("add", add);
  list("change", change);
  list("remove", remove);
  list("keep", keep);
  for (const OtherUid& other : other_uid) {
    absl::StrAppend(&text, "uid ", other.hub.Hex(), " ", other.agent.Hex(), " ",
                    other.key.ToString(), "\n");
  }
  if (cut()) {
    absl::StrAppend(&text, "beyond ", beyond.add, " ", beyond.change, " ", beyond.remove, " ",
                    beyond.keep, " ", beyond.other_uid, "\n");
  }
  return object::Sha256::Of(text);
}

Survey::Survey(const Store& store, const intent::ClusterId& cluster, uint64_t round,
               const SessionOptions& options)
    : store_(store), cluster_(cluster), round_(round), options_(options) {}

std::optional<v1::BucketRequest> Survey::NextRequest() {
  v1::BucketRequest request;
  request.set_round(round_);
  if (stage_ == Stage::kAskSums) {
    stage_ = Stage::kAwaitSums;
    return request;
  }
  if (stage_ != Stage::kAskEntries) return std::nullopt;
  asked_.assign(differing_.begin(),
                differing_.begin() + static_cast<ptrdiff_t>(std::min(
                                         differing_.size(), options_.buckets_per_request)));
  for (const uint8_t bucket : asked_) request.add_buckets(bucket);
  stage_ = Stage::kAwaitEntries;
  return request;
}

absl::Status Survey::OnReport(const v1::BucketReport& report) {
  if (report.round() != round_) {
    return absl::InvalidArgumentError(
        absl::StrCat("bucket report of round ", report.round(), " in round ", round_));
  }
  if (stage_ == Stage::kAwaitSums) return OnSums(report);
  if (stage_ == Stage::kAwaitEntries) return OnEntries(report);
  return absl::InvalidArgumentError("a bucket report that was not asked for");
}

template <typename T>
void Survey::Add(T item, std::vector<T>* list, uint64_t* beyond) {
  if (listed_ == options_.unclaimed_max) {
    ++*beyond;
    return;
  }
  ++listed_;
  list->push_back(std::move(item));
}

absl::Status Survey::OnSums(const v1::BucketReport& report) {
  ASSIGN_OR_RETURN(const proof::BucketedDigest sums, SumsOf(report));
  ASSIGN_OR_RETURN(const LogDigest digest, store_.Digest(cluster_));
  difference_.head = digest.head;
  differing_ = proof::BucketedDigest::Differing(digest.digest, sums);
  difference_.equal = digest.digest.count();
  stage_ = differing_.empty() ? Stage::kDone : Stage::kAskEntries;
  return absl::OkStatus();
}

absl::Status Survey::OnEntries(const v1::BucketReport& report) {
  ASSIGN_OR_RETURN(ReportedEntries reported, EntriesOf(report, asked_));
  ASSIGN_OR_RETURN(const LiveEntries live, store_.Entries(cluster_, reported.buckets));
  ASSIGN_OR_RETURN(const std::vector<PendingTombstone> tombstones, store_.Tombstones(cluster_));
  auto& held = reported.held;
  for (const PendingTombstone& pending : tombstones) {
    const auto it = held.find({pending.tombstone.key, pending.tombstone.uid});
    if (it == held.end()) continue;
    Add<UnclaimedEntry>({it->first.first, it->first.second}, &difference_.remove,
                        &difference_.beyond.remove);
    held.erase(it);
  }
  for (const LiveEntry& entry : live.entries) {
    const auto same = held.find({entry.key, entry.uid});
    if (same != held.end() && same->second == entry.element) {
      held.erase(same);
      continue;
    }
    --difference_.equal;
    if (same != held.end()) {
      Add<UnclaimedEntry>({entry.key, entry.uid}, &difference_.change, &difference_.beyond.change);
      held.erase(same);
      continue;
    }
    const auto other = held.lower_bound({entry.key, intent::Uid()});
    if (other != held.end() && other->first.first == entry.key) {
      Add<Difference::OtherUid>({entry.key, entry.uid, other->first.second}, &difference_.other_uid,
                                &difference_.beyond.other_uid);
      held.erase(other);
    } else {
      Add<UnclaimedEntry>({entry.key, entry.uid}, &difference_.add, &difference_.beyond.add);
    }
  }
  for (const auto& [id, element] : held) {
    Add<UnclaimedEntry>({id.first, id.second}, &difference_.keep, &difference_.beyond.keep);
  }
  differing_.erase(differing_.begin(),
                   differing_.begin() + static_cast<ptrdiff_t>(reported.buckets.size()));
  if (differing_.empty()) {
    Finish();
  } else {
    stage_ = Stage::kAskEntries;
  }
  return absl::OkStatus();
}

void Survey::Finish() {
  for (auto* list :
       {&difference_.add, &difference_.change, &difference_.remove, &difference_.keep}) {
    std::sort(list->begin(), list->end());
  }
  std::sort(difference_.other_uid.begin(), difference_.other_uid.end());
  stage_ = Stage::kDone;
}

}  // namespace leidang::hub
