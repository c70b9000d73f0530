#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "common/proof/bucketed_digest.h"
#include "leidang/v1/link.pb.h"

namespace leidang::hub {

// The sums that an agent reports. kInvalidArgument for a report against docs/formats/link.md.
absl::StatusOr<proof::BucketedDigest> SumsOf(const v1::BucketReport& report);

// The entries that an agent reports: the first of the buckets that it was asked for, one at least.
struct ReportedEntries {
  std::vector<uint8_t> buckets;
  std::map<std::pair<intent::EntryKey, intent::Uid>, object::Sha256> held;
};
absl::StatusOr<ReportedEntries> EntriesOf(const v1::BucketReport& report,
                                          const std::vector<uint8_t>& asked);

// The questions of one round, in the order of docs/formats/link.md: first the sums of all buckets,
// then, as often as its owner says so, the entries of those that differ. Loop-bound.
class BucketQuestions {
 public:
  // `per_request`: how many buckets one question is about, at most.
  BucketQuestions(uint64_t round, size_t per_request) : round_(round), per_request_(per_request) {}

  // What to ask now; nullopt if an answer is awaited, or the owner has not gone on.
  std::optional<v1::BucketRequest> Next();
  bool has_next() const { return stage_ == Stage::kAskSums || stage_ == Stage::kAskEntries; }

  // What the report answers. kInvalidArgument if it is of another round, or was not asked for.
  enum class Answer : uint8_t { kSums, kEntries };
  absl::StatusOr<Answer> Take(const v1::BucketReport& report);

  // After the sums: buckets whose entries are to be listed, ascending.
  void SetDiffering(std::vector<uint8_t> buckets) { differing_ = std::move(buckets); }
  // After entries: those of the report, whose buckets are asked for no more.
  absl::StatusOr<ReportedEntries> Entries(const v1::BucketReport& report);
  // Buckets are still to be listed; GoOn asks for the next.
  bool left() const { return !differing_.empty(); }
  void GoOn() { stage_ = Stage::kAskEntries; }

 private:
  enum class Stage : uint8_t { kAskSums, kAwaitSums, kAskEntries, kAwaitEntries, kAnswered };

  const uint64_t round_;
  const size_t per_request_;
  Stage stage_ = Stage::kAskSums;
  std::vector<uint8_t> differing_;  // Still to be listed, ascending.
  std::vector<uint8_t> asked_;
};

}  // namespace leidang::hub
