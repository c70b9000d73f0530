#include "common/yaml/key_order.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/base/unicode.h"
#include "common/base/utf8.h"

namespace leidang::yaml {
namespace {

std::vector<uint32_t> Runes(absl::string_view text) {
  std::vector<uint32_t> runes;
  runes.reserve(text.size());
  while (!text.empty()) {
    const size_t length = std::max<size_t>(Utf8Length(text), 1);
    uint32_t rune = static_cast<uint8_t>(text[0]);
    if (length > 1) rune &= 0xffu >> (length + 1);
    for (size_t i = 1; i < length; ++i) rune = rune << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
    runes.push_back(rune);
    text.remove_prefix(length);
  }
  return runes;
}

struct Number {
  int64_t value = 0;
  size_t end = 0;  // Behind its last digit.
};

// The run of digits at `at`, as a number that wraps as Go's does. `value` is what stands before it.
Number TakeNumber(const std::vector<uint32_t>& runes, size_t at, uint64_t value) {
  while (at < runes.size() && IsUnicodeDigit(runes[at])) {
    value = value * 10 + (static_cast<uint64_t>(runes[at]) - '0');
    ++at;
  }
  return {static_cast<int64_t>(value), at};
}

bool AfterNonZeroDigit(const std::vector<uint32_t>& runes, size_t at) {
  while (at > 0 && IsUnicodeDigit(runes[at - 1])) {
    if (runes[--at] != '0') return true;
  }
  return false;
}

}  // namespace

bool KeyLess(absl::string_view a, absl::string_view b) {
  const std::vector<uint32_t> ar = Runes(a);
  const std::vector<uint32_t> br = Runes(b);
  const size_t common = std::min(ar.size(), br.size());
  const size_t i = static_cast<size_t>(
      std::mismatch(ar.begin(), ar.begin() + static_cast<ptrdiff_t>(common), br.begin()).first -
      ar.begin());
  if (i == common) return ar.size() < br.size();
  const bool a_letter = IsUnicodeLetter(ar[i]);
  const bool b_letter = IsUnicodeLetter(br[i]);
  if (a_letter && b_letter) return ar[i] < br[i];
  if (a_letter || b_letter) return b_letter;
  // A zero inside a number is a digit of it, not one in front of it.
  const bool inside = (ar[i] == '0' || br[i] == '0') && AfterNonZeroDigit(ar, i);
  const Number an = TakeNumber(ar, i, inside ? 1 : 0);
  const Number bn = TakeNumber(br, i, inside ? 1 : 0);
  if (an.value != bn.value) return an.value < bn.value;
  if (an.end != bn.end) return an.end < bn.end;
  return ar[i] < br[i];
}

}  // namespace leidang::yaml
