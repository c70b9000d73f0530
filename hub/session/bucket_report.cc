#include "hub/session/bucket_report.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/proof/sum256.h"
#include "common/wire/wire.h"

namespace leidang::hub {

absl::StatusOr<proof::BucketedDigest> SumsOf(const v1::BucketReport& report) {
  std::vector<proof::Bucket> buckets;
  for (const v1::BucketSum& sum : report.sums()) {
    const auto number = proof::Sum256::FromRaw(sum.sum());
    if (sum.bucket() >= proof::kBuckets || !number.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("bucket ", sum.bucket(), " with a sum of ", sum.sum().size(), " bytes"));
    }
    buckets.push_back(
        {.index = static_cast<uint8_t>(sum.bucket()), .count = sum.count(), .sum = *number});
  }
  return proof::BucketedDigest::FromBuckets(buckets);
}

absl::StatusOr<ReportedEntries> EntriesOf(const v1::BucketReport& report,
                                          const std::vector<uint8_t>& asked) {
  const size_t listed = static_cast<size_t>(report.buckets_size());
  if (listed == 0 || listed > asked.size() ||
      !std::equal(report.buckets().begin(), report.buckets().end(), asked.begin())) {
    return absl::InvalidArgumentError("a bucket report lists other buckets than asked for");
  }
  ReportedEntries entries;
  entries.buckets.assign(asked.begin(), asked.begin() + static_cast<ptrdiff_t>(listed));
  for (const v1::EntryDigest& entry : report.entries()) {
    ASSIGN_OR_RETURN(intent::EntryKey key, intent::EntryKey::FromString(entry.key()));
    ASSIGN_OR_RETURN(const intent::Uid uid, wire::UidFromProto(entry.uid()));
    ASSIGN_OR_RETURN(const object::Sha256 element,
                     wire::Sha256FromProto("element", entry.element()));
    if (!std::binary_search(entries.buckets.begin(), entries.buckets.end(), proof::BucketOf(key))) {
      return absl::InvalidArgumentError(
          absl::StrCat(entry.key(), " is in none of the buckets listed"));
    }
    entries.held[{std::move(key), uid}] = element;
  }
  return entries;
}

std::optional<v1::BucketRequest> BucketQuestions::Next() {
  v1::BucketRequest request;
  request.set_round(round_);
  if (stage_ == Stage::kAskSums) {
    stage_ = Stage::kAwaitSums;
    return request;
  }
  if (stage_ != Stage::kAskEntries) return std::nullopt;
  const size_t number = std::min(differing_.size(), per_request_);
  asked_.assign(differing_.begin(), differing_.begin() + static_cast<ptrdiff_t>(number));
  for (const uint8_t bucket : asked_) request.add_buckets(bucket);
  stage_ = Stage::kAwaitEntries;
  return request;
}

absl::StatusOr<BucketQuestions::Answer> BucketQuestions::Take(const v1::BucketReport& report) {
  if (report.round() != round_) {
    return absl::InvalidArgumentError(
        absl::StrCat("bucket report of round ", report.round(), " in round ", round_));
  }
  if (stage_ != Stage::kAwaitSums && stage_ != Stage::kAwaitEntries)
    return absl::InvalidArgumentError("a bucket report that was not asked for");
  const Answer answer = stage_ == Stage::kAwaitSums ? Answer::kSums : Answer::kEntries;
  stage_ = Stage::kAnswered;
  return answer;
}

absl::StatusOr<ReportedEntries> BucketQuestions::Entries(const v1::BucketReport& report) {
  ASSIGN_OR_RETURN(ReportedEntries reported, EntriesOf(report, asked_));
  differing_.erase(differing_.begin(),
                   differing_.begin() + static_cast<ptrdiff_t>(reported.buckets.size()));
  return reported;
}

}  // namespace leidang::hub
