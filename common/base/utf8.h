#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace leidang {

// The length of the UTF-8 sequence that `text` begins with: 1 to 4, or 0 if it is not valid
// (surrogates, overlong forms and values above U+10FFFF are not) or empty.
size_t Utf8Length(absl::string_view text);

// True if all of `text` is UTF-8.
bool IsUtf8(absl::string_view text);

// A copy in which each byte that is not part of valid UTF-8 is U+FFFD, as Go's encoding/json makes
// of it.
std::string ToUtf8(absl::string_view text);

// The beginning of `text`, of at most `bytes_max` bytes, that does not end within a character. What
// is cut elsewhere is no text any more, and protocol buffers refuse it.
absl::string_view Utf8Prefix(absl::string_view text, size_t bytes_max);

// Appends `text` as a JSON string with its quotes, escaped as Go's encoding/json does without its
// HTML escaping: one line of valid UTF-8 whatever `text` holds.
void AppendJsonString(absl::string_view text, std::string& out);

}  // namespace leidang
