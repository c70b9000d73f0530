#include "common/kube/quantity.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::kube {

namespace {

constexpr int64_t kNano = 9;
constexpr int64_t kExponentMax = 100'000;

struct SiSuffix {
  absl::string_view text;
  int32_t exponent;
};
constexpr std::array<SiSuffix, 10> kDecimal = {{{"n", -9},
                                                {"u", -6},
                                                {"m", -3},
                                                {"", 0},
                                                {"k", 3},
                                                {"M", 6},
                                                {"G", 9},
                                                {"T", 12},
                                                {"P", 15},
                                                {"E", 18}}};
constexpr std::array<SiSuffix, 6> kBinary = {
    {{"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60}}};

absl::Status WrongFormat() {
  return absl::InvalidArgumentError(
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

absl::Status WrongNumber() {
  return absl::InvalidArgumentError("unable to parse numeric part of quantity");
}

struct Parts {
  bool positive = true;
  absl::string_view value;  // Sign, digits and point as written.
  std::string num = "0";    // Without zeros at the start.
  std::string denom;
  absl::string_view suffix;
};

size_t SkipDigits(absl::string_view s, size_t i) {
  while (i < s.size() && absl::ascii_isdigit(s[i])) ++i;
  return i;
}

absl::StatusOr<Parts> Split(absl::string_view s) {
  Parts parts;
  size_t pos = 0;
  if (s[0] == '-' || s[0] == '+') {
    parts.positive = s[0] == '+';
    pos = 1;
  }
  while (pos < s.size() && s[pos] == '0') ++pos;
  if (pos == s.size()) {
    parts.value = "0";
    return parts;
  }
  const size_t num_end = SkipDigits(s, pos);
  if (num_end > pos) parts.num = std::string(s.substr(pos, num_end - pos));
  pos = num_end;
  if (pos < s.size() && s[pos] == '.') {
    const size_t end = SkipDigits(s, pos + 1);
    parts.denom = std::string(s.substr(pos + 1, end - pos - 1));
    pos = end;
  }
  parts.value = s.substr(0, pos);
  const size_t start = pos;
  while (pos < s.size() &&
         absl::string_view("eEinumkKMGTP").find(s[pos]) != absl::string_view::npos)
    ++pos;
  if (pos < s.size() && (s[pos] == '-' || s[pos] == '+')) ++pos;
  if (SkipDigits(s, pos) != s.size()) return WrongFormat();
  parts.suffix = s.substr(start);
  return parts;
}

}  // namespace

absl::StatusOr<Quantity::Suffix> Quantity::ParseSuffix(absl::string_view suffix) {
  for (const SiSuffix& s : kDecimal) {
    if (s.text == suffix) return Suffix{10, s.exponent, Format::kDecimalSi};
  }
  for (const SiSuffix& s : kBinary) {
    if (s.text == suffix) return Suffix{2, s.exponent, Format::kBinarySi};
  }
  int64_t exponent = 0;
  const bool exponential = suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E');
  absl::string_view digits = suffix.substr(std::min<size_t>(1, suffix.size()));
  const bool number = !digits.empty() && !absl::ascii_isspace(digits.front()) &&
                      absl::SimpleAtoi(digits, &exponent);
  if (!exponential || !number)
    return absl::InvalidArgumentError("unable to parse quantity's suffix");
  // Kubernetes keeps the low 32 bits.
  return Suffix{10, static_cast<int32_t>(exponent), Format::kDecimalExponent};
}

absl::StatusOr<Quantity> Quantity::Parse(absl::string_view text) {
  if (text.empty()) return WrongFormat();
  Quantity q;
  if (text == "0") {
    q.text_ = "0";
    return q;
  }
  ASSIGN_OR_RETURN(const Parts parts, Split(text));
  ASSIGN_OR_RETURN(const Suffix suffix, ParseSuffix(parts.suffix));
  q.format_ = suffix.format;
  const bool binary = suffix.format == Format::kBinarySi;
  const int digits = static_cast<int>(parts.num.size() + parts.denom.size());
  int precision = 18 - digits;
  if (binary) {
    const int used = static_cast<int>(static_cast<float>(suffix.exponent) * 3 / 10);
    precision = parts.denom.empty() ? 15 - static_cast<int>(parts.num.size()) - used - 1 : -1;
  }
  const std::string shifted = parts.num + parts.denom;
  const int64_t scale = (binary ? 0 : static_cast<int64_t>(suffix.exponent)) -
                        static_cast<int64_t>(parts.denom.size());
  const bool zero = shifted.find_first_not_of('0') == std::string::npos;
  if (!zero && std::abs(scale) > kExponentMax) {
    return absl::OutOfRangeError(
        absl::StrCat("quantity ", text, ": exponent beyond ", kExponentMax));
  }
  if (precision >= 0 && scale >= -kNano) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(shifted, &value)) return WrongNumber();
    int64_t result = 0;
    if (!__builtin_mul_overflow(value, binary ? int64_t{1} << suffix.exponent : 1, &result)) {
      const bool canonical =
          binary ? suffix.exponent % 10 == 0 && (value & 7) != 0
                 : scale % 3 == 0 && !absl::EndsWith(shifted, "000") && shifted[0] != '0';
      if (canonical) q.text_ = std::string(text);
      q.amount_ = BigDecimal::FromInt(parts.positive ? result : -result, zero ? 0 : -scale);
      return q;
    }
  }
  if (parts.value.find_first_of("0123456789") == absl::string_view::npos) return WrongNumber();
  q.amount_ =
      BigDecimal::FromDigits(shifted, !parts.positive, static_cast<int64_t>(parts.denom.size()));
  if (suffix.base == 10 && !zero) q.amount_.set_scale(q.amount_.scale() - suffix.exponent);
  for (int i = 0; suffix.base == 2 && i < suffix.exponent; i += 10) q.amount_.MultiplyBy(1024);
  if (!q.amount_.IsZero()) q.amount_.RoundUpTo(kNano);
  BigDecimal magnitude = q.amount_;
  if (q.amount_.negative())
    magnitude = BigDecimal::FromDigits(q.amount_.UnscaledText().substr(1), false, kNano);
  const BigDecimal max = BigDecimal::FromInt(std::numeric_limits<int64_t>::max(), 0);
  if (binary && magnitude.Compare(max) > 0) {
    q.amount_ = BigDecimal::FromDigits(max.UnscaledText(), q.amount_.negative(), 0);
  } else if (binary && !magnitude.IsZero() && magnitude.Compare(BigDecimal::FromInt(1, 0)) < 0) {
    q.format_ = Format::kDecimalSi;
  }
  return q;
}

std::string Quantity::CanonicalDecimal(Format format) const {
  BigDecimal amount = amount_;
  int64_t exponent = -amount.scale() + amount.RemoveFactor(10);
  for (; exponent % 3 != 0; --exponent) amount.MultiplyBy(10);
  const std::string number = amount.UnscaledText();
  if (format == Format::kDecimalExponent) {
    return exponent == 0 ? number : absl::StrCat(number, "e", exponent);
  }
  // Beyond the table Kubernetes writes no suffix at all.
  const auto* suffix = std::find_if(kDecimal.begin(), kDecimal.end(),
                                    [&](const SiSuffix& s) { return s.exponent == exponent; });
  return absl::StrCat(number, suffix == kDecimal.end() ? "" : suffix->text);
}

std::string Quantity::Canonical() const {
  if (!text_.empty()) return text_;
  if (amount_.IsZero()) return "0";
  if (format_ != Format::kBinarySi) return CanonicalDecimal(format_);
  const bool small = amount_.Compare(BigDecimal::FromInt(-1024, 0)) > 0 &&
                     amount_.Compare(BigDecimal::FromInt(1024, 0)) < 0;
  BigDecimal whole = amount_;
  if (small || !whole.RoundUpTo(0)) return CanonicalDecimal(Format::kDecimalSi);
  const int exponent = whole.RemoveFactor(1024) * 10;
  const auto* suffix = std::find_if(kBinary.begin(), kBinary.end(),
                                    [&](const SiSuffix& s) { return s.exponent == exponent; });
  return absl::StrCat(whole.UnscaledText(), suffix == kBinary.end() ? "" : suffix->text);
}

int Quantity::Compare(const Quantity& other) const {
  const std::strong_ordering order = amount_.Compare(other.amount_);
  return order < 0 ? -1 : (order > 0 ? 1 : 0);
}

}  // namespace leidang::kube
