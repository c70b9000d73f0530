#pragma once

// Changes of letter case, and of the joints between words. Pure; thread-safe.

#include <string>

#include "absl/strings/string_view.h"

namespace leidang::generators::go {

// The first letter of each word in title case.
std::string Title(absl::string_view text);
// The first letter of each word in lower case.
std::string Uncapitalize(absl::string_view text);
std::string SwapCase(absl::string_view text);
// These two work on bytes and take each for a character of Latin-1, as the library behind sprig
// does.
std::string Initials(absl::string_view text);
std::string DeleteWhiteSpace(absl::string_view text);

std::string PascalCase(absl::string_view text);
std::string SnakeCase(absl::string_view text);
std::string KebabCase(absl::string_view text);

}  // namespace leidang::generators::go
