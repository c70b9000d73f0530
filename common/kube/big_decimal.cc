#include "common/kube/big_decimal.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace leidang::kube {

namespace {

constexpr uint32_t kBase = 1'000'000'000;

}  // namespace

BigDecimal BigDecimal::FromInt(int64_t value, int64_t scale) {
  const bool negative = value < 0;
  const uint64_t magnitude =
      negative ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  return FromDigits(absl::StrCat(magnitude), negative, scale);
}

BigDecimal BigDecimal::FromDigits(absl::string_view digits, bool negative, int64_t scale) {
  BigDecimal d;
  d.scale_ = scale;
  while (!digits.empty()) {
    const size_t n = std::min<size_t>(9, digits.size());
    uint32_t limb = 0;
    for (const char c : digits.substr(digits.size() - n))
      limb = limb * 10 + static_cast<uint32_t>(c - '0');
    d.limbs_.push_back(limb);
    digits.remove_suffix(n);
  }
  d.negative_ = negative;
  d.Trim();
  return d;
}

void BigDecimal::Trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
  if (limbs_.empty()) negative_ = false;
}

void BigDecimal::MultiplyBy(uint32_t factor) {
  uint64_t carry = 0;
  for (uint32_t& limb : limbs_) {
    carry += static_cast<uint64_t>(limb) * factor;
    limb = static_cast<uint32_t>(carry % kBase);
    carry /= kBase;
  }
  if (carry > 0) limbs_.push_back(static_cast<uint32_t>(carry));
  Trim();
}

uint32_t BigDecimal::DivideBy(uint32_t divisor) {
  uint64_t rest = 0;
  for (size_t i = limbs_.size(); i-- > 0;) {
    rest = rest * kBase + limbs_[i];
    limbs_[i] = static_cast<uint32_t>(rest / divisor);
    rest %= divisor;
  }
  Trim();
  return static_cast<uint32_t>(rest);
}

void BigDecimal::MultiplyByPowerOfTen(int64_t exponent) {
  if (IsZero()) return;
  for (; exponent >= 9; exponent -= 9) limbs_.insert(limbs_.begin(), 0);
  for (; exponent > 0; --exponent) MultiplyBy(10);
}

bool BigDecimal::RoundUpTo(int64_t scale) {
  const bool negative = negative_;
  bool exact = true;
  if (scale_ <= scale) {
    MultiplyByPowerOfTen(scale - scale_);
  } else {
    for (int64_t n = scale_ - scale; n > 0 && !IsZero(); --n) exact = DivideBy(10) == 0 && exact;
  }
  if (!exact) {
    if (IsZero()) {
      limbs_.push_back(1);
    } else {
      size_t i = 0;
      while (i < limbs_.size() && ++limbs_[i] == kBase) limbs_[i++] = 0;
      if (i == limbs_.size()) limbs_.push_back(1);
    }
    negative_ = negative;
  }
  scale_ = scale;
  return exact;
}

int BigDecimal::RemoveFactor(uint32_t factor) {
  int times = 0;
  while (!IsZero()) {
    BigDecimal less = *this;
    if (less.DivideBy(factor) != 0) break;
    *this = less;
    ++times;
  }
  return times;
}

std::string BigDecimal::UnscaledText() const {
  if (IsZero()) return "0";
  std::string out = absl::StrCat(negative_ ? "-" : "", limbs_.back());
  for (size_t i = limbs_.size() - 1; i-- > 0;) absl::StrAppendFormat(&out, "%09d", limbs_[i]);
  return out;
}

std::string BigDecimal::Text() const {
  BigDecimal magnitude = *this;
  magnitude.negative_ = false;
  std::string digits = magnitude.UnscaledText();
  if (scale_ < 0 && !IsZero()) digits.append(static_cast<size_t>(-scale_), '0');
  if (scale_ > 0) {
    const size_t places = static_cast<size_t>(scale_);
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, ".");
  }
  return negative_ ? absl::StrCat("-", digits) : digits;
}

std::strong_ordering BigDecimal::Compare(const BigDecimal& other) const {
  if (negative_ != other.negative_) {
    return negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  BigDecimal a = *this;
  BigDecimal b = other;
  a.MultiplyByPowerOfTen(b.scale_ - a.scale_);
  b.MultiplyByPowerOfTen(scale_ - other.scale_);
  std::strong_ordering order = a.limbs_.size() <=> b.limbs_.size();
  for (size_t i = a.limbs_.size(); i-- > 0 && order == 0;) order = a.limbs_[i] <=> b.limbs_[i];
  return negative_ ? 0 <=> order : order;
}

}  // namespace leidang::kube
