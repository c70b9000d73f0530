#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "hub/store/records.h"

namespace leidang::hub {

// What a database says about itself: family `meta`, with the format of everything in it.
struct MetaFacts {
  intent::HubId hub_id;
  absl::Time created;
  uint32_t format = kFormat;
};

inline constexpr char kMetaStoreKey[] = "store";

std::string EncodeMeta(const MetaFacts& facts);
// kFailedPrecondition for a format above `readable`.
absl::StatusOr<MetaFacts> DecodeMeta(absl::string_view key, absl::string_view value,
                                     uint32_t readable = kFormat);

}  // namespace leidang::hub
