#pragma once

#include <cstdint>
#include <map>
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

}  // namespace leidang::hub
