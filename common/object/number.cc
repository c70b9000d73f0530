#include "common/object/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "common/base/check.h"

namespace leidang::object {

namespace {

template <typename Float>
ShortestDigits AnyShortestDigitsOf(Float d) {
  CHECK(std::isfinite(d));
  char buffer[40];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), std::fabs(d),
                                 std::chars_format::scientific);
  CHECK(end.ec == std::errc());
  const std::string text(buffer, end.ptr);
  const size_t e = text.find('e');
  ShortestDigits result;
  result.digits = text.substr(0, 1);
  if (e > 2) result.digits += text.substr(2, e - 2);
  result.exponent = std::atoi(text.c_str() + e + 1);
  return result;
}

// Whether a decimal number that no double can hold is too small for one, rather than too large.
bool IsTiny(absl::string_view text) {
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  const absl::string_view mantissa = text.substr(0, e);
  const size_t point = std::min(mantissa.find('.'), mantissa.size());
  const size_t first = mantissa.find_first_of("123456789");
  if (first == absl::string_view::npos) return true;
  const int64_t power = static_cast<int64_t>(point) - static_cast<int64_t>(first);
  int64_t exponent = 0;
  // strtoll saturates; the clamp keeps the sum below within its type.
  if (e < text.size())
    exponent = std::strtoll(std::string(text.substr(e + 1)).c_str(), nullptr, 10);
  constexpr int64_t kFar = int64_t{1} << 60;
  return power + std::clamp(exponent, -kFar, kFar) < 0;
}

}  // namespace

ShortestDigits ShortestDigitsOf(double d) { return AnyShortestDigitsOf(d); }
ShortestDigits ShortestDigitsOf(float f) { return AnyShortestDigitsOf(f); }

std::optional<double> ParseDecimal(absl::string_view text) {
  if (text.empty() || (text[0] != '.' && (text[0] < '0' || text[0] > '9'))) return std::nullopt;
  double d = 0;
  const char* const end = text.data() + text.size();
  const auto r = std::from_chars(text.data(), end, d);
  if (r.ec == std::errc::result_out_of_range) {
    if (r.ptr != end || !IsTiny(text)) return std::nullopt;
    return 0.0;
  }
  if (r.ec != std::errc() || r.ptr != end) return std::nullopt;
  return d;
}

void AppendPositional(const ShortestDigits& shortest, std::string& out) {
  const std::string& digits = shortest.digits;
  if (shortest.exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-shortest.exponent - 1), '0');
    out += digits;
    return;
  }
  const size_t whole = static_cast<size_t>(shortest.exponent) + 1;
  if (digits.size() <= whole) {
    out += digits;
    out.append(whole - digits.size(), '0');
    return;
  }
  out += digits.substr(0, whole);
  out += '.';
  out += digits.substr(whole);
}

std::optional<WholeNumber> AsWholeNumber(const Value& value) {
  if (const int64_t* i = value.if_int64()) {
    const uint64_t bits = static_cast<uint64_t>(*i);
    return WholeNumber{*i < 0, *i < 0 ? 0 - bits : bits};
  }
  if (const uint64_t* u = value.if_uint64()) return WholeNumber{false, *u};
  if (const double* d = value.if_double()) {
    if (*d < -0x1p63 || *d >= 0x1p64 || *d != std::trunc(*d)) return std::nullopt;
    return WholeNumber{*d < 0, static_cast<uint64_t>(std::fabs(*d))};
  }
  return std::nullopt;
}

}  // namespace leidang::object
