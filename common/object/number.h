#pragma once

// Numbers taken apart, for the printers of this tree and of YAML. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string>

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
