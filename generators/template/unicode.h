#pragma once

// Unicode as Go's packages unicode and unicode/utf8 see it: the classes that templates depend on,
// case mapping of single code points, and decoding that turns each invalid byte into U+FFFD of
// width 1. Pure; thread-safe.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace leidang::generators::go {

inline constexpr uint32_t kRuneError = 0xfffd;
inline constexpr uint32_t kRuneMax = 0x10ffff;

struct Rune {
  uint32_t code = kRuneError;
  size_t width = 0;  // 0 at the end of the text, 1 for an invalid byte.
};

Rune DecodeRune(absl::string_view text);
Rune DecodeLastRune(absl::string_view text);
// Appends U+FFFD for what is no code point (surrogates, above 10FFFF).
void AppendRune(std::string* out, uint32_t rune);
bool ValidUtf8(absl::string_view text);
size_t RuneCount(absl::string_view text);
// The text with each invalid byte replaced by U+FFFD.
std::string ToValidUtf8(absl::string_view text);

bool IsLetter(uint32_t rune);
bool IsDigit(uint32_t rune);
bool IsNumber(uint32_t rune);
bool IsPrint(uint32_t rune);
bool IsUpper(uint32_t rune);
bool IsLower(uint32_t rune);
bool IsTitle(uint32_t rune);
bool IsPunct(uint32_t rune);
// White space as unicode.IsSpace.
bool IsSpace(uint32_t rune);

uint32_t ToUpper(uint32_t rune);
uint32_t ToLower(uint32_t rune);
uint32_t ToTitle(uint32_t rune);

// strings.ToUpper, strings.ToLower: rune by rune.
std::string ToUpper(absl::string_view text);
std::string ToLower(absl::string_view text);
// strings.TrimSpace.
absl::string_view TrimSpace(absl::string_view text);

}  // namespace leidang::generators::go
