#include "hub/session/survey.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/proof/bucketed_digest.h"

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
    : store_(store),
      cluster_(cluster),
      options_(options),
      questions_(round, options.buckets_per_request) {}

absl::Status Survey::OnReport(const v1::BucketReport& report) {
  ASSIGN_OR_RETURN(const BucketQuestions::Answer answer, questions_.Take(report));
  return answer == BucketQuestions::Answer::kSums ? OnSums(report) : OnEntries(report);
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
  questions_.SetDiffering(proof::BucketedDigest::Differing(digest.digest, sums));
  difference_.equal = digest.digest.count();
  GoOn();
  return absl::OkStatus();
}

absl::Status Survey::OnEntries(const v1::BucketReport& report) {
  ASSIGN_OR_RETURN(ReportedEntries reported, questions_.Entries(report));
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
  GoOn();
  return absl::OkStatus();
}

void Survey::GoOn() {
  if (questions_.left()) return questions_.GoOn();
  for (auto* list :
       {&difference_.add, &difference_.change, &difference_.remove, &difference_.keep}) {
    std::sort(list->begin(), list->end());
  }
  std::sort(difference_.other_uid.begin(), difference_.other_uid.end());
  done_ = true;
}

}  // namespace leidang::hub
