#pragma once

// Text operations as Go's package strings, and the libraries that sprig uses, carry them out. Pure;
// thread-safe.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::generators::go {

// strings.Count: an empty `part` occurs around every rune.
uint64_t CountText(absl::string_view text, absl::string_view part);
std::string ReplaceAll(absl::string_view text, absl::string_view from, absl::string_view to);
// strings.SplitN; -1 for all parts.
std::vector<std::string> SplitText(absl::string_view text, absl::string_view separator,
                                   int64_t parts_max);
// strings.Trim: runes of `set` off both ends.
absl::string_view TrimRunes(absl::string_view text, absl::string_view set);

// The text cut to `width` bytes with "..." at the ends that were cut. REQUIRES: width >= 4.
std::string Abbreviate(absl::string_view text, int64_t offset, int64_t width);

enum class LongWords { kKeep, kCut };
// Breaks lines at spaces, by bytes.
std::string Wrap(absl::string_view text, int64_t width, absl::string_view separator,
                 LongWords long_words);

}  // namespace leidang::generators::go
