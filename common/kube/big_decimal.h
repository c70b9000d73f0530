#pragma once

// An exact decimal number of any size; private to this room.

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::kube {

// magnitude / 10^scale. A negative scale multiplies.
class BigDecimal {
 public:
  BigDecimal() = default;
  static BigDecimal FromInt(int64_t value, int64_t scale);
  // `digits` are decimal digits only.
  static BigDecimal FromDigits(absl::string_view digits, bool negative, int64_t scale);

  bool IsZero() const { return limbs_.empty(); }
  bool negative() const { return negative_; }
  int64_t scale() const { return scale_; }
  void set_scale(int64_t scale) { scale_ = scale; }

  void MultiplyBy(uint32_t factor);
  // To exactly `scale` digits behind the point, away from zero. True if nothing was lost.
  bool RoundUpTo(int64_t scale);
  // Divides the unscaled number by `factor` as often as that leaves no rest; how often.
  int RemoveFactor(uint32_t factor);

  std::string UnscaledText() const;
  // Plain notation, with all digits behind the point.
  std::string Text() const;

  std::strong_ordering Compare(const BigDecimal& other) const;

 private:
  uint32_t DivideBy(uint32_t divisor);
  void MultiplyByPowerOfTen(int64_t exponent);
  void Trim();

  bool negative_ = false;
  std::vector<uint32_t> limbs_;  // Least first, base 10^9; empty is zero.
  int64_t scale_ = 0;
};

}  // namespace leidang::kube
