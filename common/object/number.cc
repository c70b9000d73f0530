#include "common/object/number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "common/base/check.h"

namespace leidang::object {

ShortestDigits ShortestDigitsOf(double d) {
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
