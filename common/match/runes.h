#pragma once

// UTF-8 as Go reads it: an invalid byte is one rune, U+FFFD, of width 1. For the rooms whose
// results must equal those of Go programs. Pure.

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace leidang::match {

inline constexpr char32_t kRuneError = 0xFFFD;

struct Rune {
  char32_t value = kRuneError;
  size_t width = 0;  // Bytes read; 0 only at the end of the text.
};

// The first rune of `text`.
Rune DecodeRune(absl::string_view text);

// Bytes that `rune` takes when written, 1 to 4.
size_t RuneLength(char32_t rune);

void AppendRune(char32_t rune, std::string* out);

size_t RuneCount(absl::string_view text);

}  // namespace leidang::match
