#pragma once

// Git's wildcard matching; private to this room.

#include "absl/strings/string_view.h"

namespace leidang::match {

enum class Slashes { kOrdinary, kSeparate };
enum class Case { kExact, kIgnored };

// `*`, `?` and `[…]` stop at `/` with kSeparate, and then `**` between slashes does not. An
// over-long search gives false.
bool Wildmatch(absl::string_view pattern, absl::string_view text, Slashes slashes,
               Case letter_case);

}  // namespace leidang::match
