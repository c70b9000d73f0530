#include "common/match/runes.h"

#include <cstdint>

namespace leidang::match {

namespace {

bool IsContinuation(uint8_t b) { return (b & 0xC0) == 0x80; }

}  // namespace

Rune DecodeRune(absl::string_view text) {
  if (text.empty()) return {kRuneError, 0};
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t b0 = byte(0);
  if (b0 < 0x80) return {b0, 1};
  if (b0 >= 0xC2 && b0 <= 0xDF) {
    if (text.size() < 2 || !IsContinuation(byte(1))) return {kRuneError, 1};
    return {static_cast<char32_t>((b0 & 0x1F) << 6 | (byte(1) & 0x3F)), 2};
  }
  if (b0 >= 0xE0 && b0 <= 0xEF) {
    if (text.size() < 3 || !IsContinuation(byte(1)) || !IsContinuation(byte(2)))
      return {kRuneError, 1};
    const char32_t r = (b0 & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    if (r < 0x800 || (r >= 0xD800 && r <= 0xDFFF)) return {kRuneError, 1};
    return {r, 3};
  }
  if (b0 >= 0xF0 && b0 <= 0xF4) {
    if (text.size() < 4 || !IsContinuation(byte(1)) || !IsContinuation(byte(2)) ||
        !IsContinuation(byte(3))) {
      return {kRuneError, 1};
    }
    const char32_t r =
        (b0 & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    if (r < 0x10000 || r > 0x10FFFF) return {kRuneError, 1};
    return {r, 4};
  }
  return {kRuneError, 1};
}

size_t RuneLength(char32_t rune) {
  if (rune < 0x80) return 1;
  if (rune < 0x800) return 2;
  return rune < 0x10000 ? 3 : 4;
}

void AppendRune(char32_t rune, std::string* out) {
  if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) rune = kRuneError;
  if (rune < 0x80) {
    out->push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out->push_back(static_cast<char>(0xC0 | rune >> 6));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3F)));
  } else if (rune < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | rune >> 12));
    out->push_back(static_cast<char>(0x80 | (rune >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | rune >> 18));
    out->push_back(static_cast<char>(0x80 | (rune >> 12 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (rune >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3F)));
  }
}

size_t RuneCount(absl::string_view text) {
  size_t n = 0;
  while (!text.empty()) {
    text.remove_prefix(DecodeRune(text).width);
    ++n;
  }
  return n;
}

}  // namespace leidang::match
