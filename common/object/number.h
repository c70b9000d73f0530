#pragma once

// Numbers taken apart, for the printers of this tree and of YAML. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::object {

// The fewest decimal digits that read back as the same double: digits[0].digits[1…] × 10^exponent.
// Zero is "0" with exponent 0; the sign is not kept.
struct ShortestDigits {
  std::string digits;
  int exponent = 0;
};

// REQUIRES: `d` is finite.
ShortestDigits ShortestDigitsOf(double d);
ShortestDigits ShortestDigitsOf(float f);

// The double nearest to a decimal number without sign: "12", "0.5", ".5", "5.", "1e-3". One too
// small for a double is zero; nullopt for one too large, and for anything else.
std::optional<double> ParseDecimal(absl::string_view text);

// Appends it without an exponent: "1200", "0.00012", "1.5".
void AppendPositional(const ShortestDigits& shortest, std::string& out);

struct WholeNumber {
  bool negative = false;
  uint64_t magnitude = 0;

  friend bool operator==(const WholeNumber&, const WholeNumber&) = default;
};

// The exact integer that a number is, if an int64 or uint64 can hold it; nullopt for others and
// non-numbers.
std::optional<WholeNumber> AsWholeNumber(const Value& value);

}  // namespace leidang::object
