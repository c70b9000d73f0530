#pragma once

// What matching and walking share; private to this room.

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::match::doublestar {

bool ValidPattern(absl::string_view pattern);

// DoublestarMatch of a pattern known to be valid.
absl::StatusOr<bool> MatchName(absl::string_view pattern, absl::string_view name);

// The next comma outside inner braces, or npos.
size_t NextComma(absl::string_view alternatives);

}  // namespace leidang::match::doublestar
