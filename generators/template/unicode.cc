#include "generators/template/unicode.h"

#include <algorithm>

#include "common/base/unicode.h"
#include "generators/template/unicode_tables.h"

namespace leidang::generators::go {
namespace {

bool InRanges(const uint32_t* ranges, size_t size, uint32_t rune) {
  // The first boundary above `rune`: inside a range exactly if that is a range's end, or the rune
  // is the end itself.
  const uint32_t* it = std::lower_bound(ranges, ranges + size, rune);
  if (it == ranges + size) return false;
  return *it == rune || (it - ranges) % 2 == 1;
}

uint32_t MapCase(const tables::CaseRun* runs, size_t size, uint32_t rune) {
  const tables::CaseRun* it = std::lower_bound(
      runs, runs + size, rune, [](const tables::CaseRun& run, uint32_t r) { return run.last < r; });
  if (it != runs + size && it->first <= rune && (rune - it->first) % it->stride == 0) {
    return static_cast<uint32_t>(static_cast<int32_t>(rune) + it->distance);
  }
  return rune;
}

bool IsContinuation(unsigned char c) { return (c & 0xc0) == 0x80; }

template <typename Map>
std::string MapText(absl::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    AppendRune(&out, map(rune.code));
    text.remove_prefix(rune.width);
  }
  return out;
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Rune DecodeRune(absl::string_view s) {
  if (s.empty()) return {};
  const auto at = [&s](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char c = at(0);
  if (c < 0x80) return {c, 1};
  const Rune invalid{kRuneError, 1};
  if (c < 0xc2 || c > 0xf4) return invalid;
  if (c < 0xe0) {
    if (s.size() < 2 || !IsContinuation(at(1))) return invalid;
    return {static_cast<uint32_t>((c & 0x1f) << 6 | (at(1) & 0x3f)), 2};
  }
  if (c < 0xf0) {
    if (s.size() < 3 || !IsContinuation(at(1)) || !IsContinuation(at(2))) return invalid;
    const uint32_t code = (c & 0x0fu) << 12 | (at(1) & 0x3fu) << 6 | (at(2) & 0x3fu);
    if (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)) return invalid;
    return {code, 3};
  }
  if (s.size() < 4 || !IsContinuation(at(1)) || !IsContinuation(at(2)) || !IsContinuation(at(3))) {
    return invalid;
  }
  const uint32_t code =
      (c & 0x07u) << 18 | (at(1) & 0x3fu) << 12 | (at(2) & 0x3fu) << 6 | (at(3) & 0x3fu);
  if (code < 0x10000 || code > kRuneMax) return invalid;
  return {code, 4};
}

Rune DecodeLastRune(absl::string_view s) {
  if (s.empty()) return {};
  for (size_t width = 1; width <= 4 && width <= s.size(); ++width) {
    const Rune rune = DecodeRune(s.substr(s.size() - width));
    if (rune.width == width && (width > 1 || rune.code != kRuneError)) return rune;
    if (!IsContinuation(static_cast<unsigned char>(s[s.size() - width]))) break;
  }
  return {kRuneError, 1};
}

void AppendRune(std::string* out, uint32_t r) {
  if (r > kRuneMax || (r >= 0xd800 && r <= 0xdfff)) r = kRuneError;
  if (r < 0x80) {
    out->push_back(static_cast<char>(r));
  } else if (r < 0x800) {
    out->push_back(static_cast<char>(0xc0 | r >> 6));
    out->push_back(static_cast<char>(0x80 | (r & 0x3f)));
  } else if (r < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | r >> 12));
    out->push_back(static_cast<char>(0x80 | (r >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (r & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | r >> 18));
    out->push_back(static_cast<char>(0x80 | (r >> 12 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (r >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (r & 0x3f)));
  }
}

bool ValidUtf8(absl::string_view text) {
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (rune.code == kRuneError && rune.width == 1) return false;
    text.remove_prefix(rune.width);
  }
  return true;
}

size_t RuneCount(absl::string_view text) {
  size_t n = 0;
  for (; !text.empty(); ++n) text.remove_prefix(DecodeRune(text).width);
  return n;
}

std::string ToValidUtf8(absl::string_view text) {
  return MapText(text, [](uint32_t rune) { return rune; });
}

bool IsLetter(uint32_t r) { return IsUnicodeLetter(r); }
bool IsDigit(uint32_t r) { return IsUnicodeDigit(r); }
bool IsNumber(uint32_t r) { return InRanges(tables::kNumberRanges, tables::kNumberRangesSize, r); }
bool IsPrint(uint32_t r) {
  if (r < 0x80) return r >= 0x20 && r < 0x7f;
  return InRanges(tables::kPrintRanges, tables::kPrintRangesSize, r);
}
bool IsUpper(uint32_t r) {
  return InRanges(tables::kUpperCaseRanges, tables::kUpperCaseRangesSize, r);
}
bool IsLower(uint32_t r) {
  return InRanges(tables::kLowerCaseRanges, tables::kLowerCaseRangesSize, r);
}

bool IsPunct(uint32_t r) { return InRanges(tables::kPunctRanges, tables::kPunctRangesSize, r); }

// The few digraphs and Greek letters with a title case of their own.
bool IsTitle(uint32_t r) {
  return r == 0x1c5 || r == 0x1c8 || r == 0x1cb || r == 0x1f2 || (r >= 0x1f88 && r <= 0x1f8f) ||
         (r >= 0x1f98 && r <= 0x1f9f) || (r >= 0x1fa8 && r <= 0x1faf) || r == 0x1fbc ||
         r == 0x1fcc || r == 0x1ffc;
}

bool IsSpace(uint32_t r) {
  return (r >= 0x09 && r <= 0x0d) || r == 0x20 || r == 0x85 || r == 0xa0 || r == 0x1680 ||
         (r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f || r == 0x205f ||
         r == 0x3000;
}

uint32_t ToUpper(uint32_t r) { return MapCase(tables::kToUpper, tables::kToUpperSize, r); }
uint32_t ToLower(uint32_t r) { return MapCase(tables::kToLower, tables::kToLowerSize, r); }
uint32_t ToTitle(uint32_t r) { return MapCase(tables::kToTitle, tables::kToTitleSize, r); }

std::string ToUpper(absl::string_view text) {
  if (IsAscii(text)) {
    std::string out(text);
    for (char& c : out) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return out;
  }
  return MapText(text, [](uint32_t r) { return ToUpper(r); });
}

std::string ToLower(absl::string_view text) {
  if (IsAscii(text)) {
    std::string out(text);
    for (char& c : out) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
  }
  return MapText(text, [](uint32_t r) { return ToLower(r); });
}

absl::string_view TrimSpace(absl::string_view text) {
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (!IsSpace(rune.code)) break;
    text.remove_prefix(rune.width);
  }
  while (!text.empty()) {
    const Rune rune = DecodeLastRune(text);
    if (!IsSpace(rune.code)) break;
    text.remove_suffix(rune.width);
  }
  return text;
}

}  // namespace leidang::generators::go
