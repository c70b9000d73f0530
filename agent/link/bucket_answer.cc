#include "agent/link/bucket_answer.h"

#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/proof/bucketed_digest.h"

namespace leidang::agent {
namespace {

constexpr size_t kEntryOverheadBytes = 64;  // Uid, element and the tags of the message.

}  // namespace

absl::StatusOr<v1::BucketReport> AnswerBucketRequest(const State& state,
                                                     const v1::BucketRequest& request,
                                                     size_t bytes_max) {
  v1::BucketReport report;
  report.set_session_epoch(request.session_epoch());
  report.set_round(request.round());
  if (request.buckets().empty()) {
    for (const proof::Bucket& bucket : state.intent_digest().buckets()) {
      v1::BucketSum* sum = report.add_sums();
      sum->set_bucket(bucket.index);
      sum->set_count(bucket.count);
      sum->set_sum(bucket.sum.Raw());
    }
    return report;
  }
  size_t bytes = 0;
  int64_t last = -1;
  for (const uint32_t bucket : request.buckets()) {
    if (bucket <= last || bucket >= proof::kBuckets) {
      return absl::InvalidArgumentError(
          absl::StrCat("the hub asks for bucket ", bucket, " after ", last));
    }
    last = bucket;
    ASSIGN_OR_RETURN(const std::vector<EntryHead> heads,
                     state.LiveInBucket(static_cast<uint8_t>(bucket)));
    size_t more = 0;
    for (const EntryHead& head : heads) more += head.ref.key.name.size() + kEntryOverheadBytes;
    if (bytes > 0 && bytes + more > bytes_max) break;
    bytes += more;
    report.add_buckets(bucket);
    for (const EntryHead& head : heads) {
      v1::EntryDigest* entry = report.add_entries();
      entry->set_key(head.ref.key.ToString());
      entry->set_uid(head.ref.uid.Raw());
      entry->set_element(head.element.Raw());
    }
  }
  return report;
}

}  // namespace leidang::agent
