#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace leidang::cli {

// What changes from `before` to `after`, line by line, as `diff -u` prints it without its header:
// "" for equal texts. The fewest changes where they are not many; else whole stretches. Pure.
std::string LineDiff(absl::string_view before, absl::string_view after);

}  // namespace leidang::cli
