#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"

namespace leidang::hub {

// What a database says about itself: family `meta`, with the format of everything in it.
struct MetaFacts {
  intent::HubId hub_id;
  absl::Time created;
};

std::string EncodeMeta(const MetaFacts& facts);
// kFailedPrecondition for a format of a later version.
absl::StatusOr<MetaFacts> DecodeMeta(absl::string_view key, absl::string_view value);

}  // namespace leidang::hub
