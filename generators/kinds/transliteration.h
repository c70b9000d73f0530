#pragma once

// Characters of other scripts in ASCII letters: what slugs of branch names are made of.

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace leidang::generators::transliteration {

// "Straße" → "Strasse", "日本" → "Ri Ben ". Characters that have none vanish.
std::string ToAscii(absl::string_view text);

// Generated tables.
struct Page {
  unsigned number;     // The characters from 256 * number on.
  const char* digits;  // Two for each.
};
extern const Page kPages1[];
extern const size_t kPages1Count;
extern const Page kPages2[];
extern const size_t kPages2Count;
extern const char kWords[];  // Separated by tabs.

}  // namespace leidang::generators::transliteration
