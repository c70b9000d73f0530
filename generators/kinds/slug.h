#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace leidang::generators {

// A branch's name for use within the name of an object: lower case, ASCII letters, digits and
// dashes, at most 50 bytes, cut at a word. Pure.
std::string BranchSlug(absl::string_view branch);

}  // namespace leidang::generators
