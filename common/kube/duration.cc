#include "common/kube/duration.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "common/base/status_macros.h"

namespace leidang::kube {

namespace {

constexpr uint64_t kLimit = uint64_t{1} << 63;

// As package time quotes: bytes that are not printable ASCII become \xNN.
std::string Quote(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const unsigned char u = static_cast<unsigned char>(c);
    if (u >= 0x80 || u < ' ') {
      absl::StrAppendFormat(&out, "\\x%02x", u);
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

std::optional<uint64_t> UnitNanoseconds(absl::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\xC2\xB5s" || unit == "\xCE\xBCs") return 1'000;
  if (unit == "ms") return 1'000'000;
  if (unit == "s") return 1'000'000'000;
  if (unit == "m") return 60'000'000'000;
  if (unit == "h") return 3'600'000'000'000;
  return std::nullopt;
}

// Digits before the point; nullopt where they exceed 2^63.
std::optional<uint64_t> TakeInteger(absl::string_view* s) {
  uint64_t x = 0;
  while (!s->empty() && absl::ascii_isdigit(s->front())) {
    if (x > kLimit / 10) return std::nullopt;
    x = x * 10 + static_cast<uint64_t>(s->front() - '0');
    if (x > kLimit) return std::nullopt;
    s->remove_prefix(1);
  }
  return x;
}

struct Fraction {
  uint64_t digits = 0;
  double scale = 1;
};

// Digits behind the point; those that do not fit are dropped.
Fraction TakeFraction(absl::string_view* s) {
  Fraction f;
  bool overflow = false;
  for (; !s->empty() && absl::ascii_isdigit(s->front()); s->remove_prefix(1)) {
    if (overflow) continue;
    if (f.digits > (kLimit - 1) / 10) {
      overflow = true;
      continue;
    }
    const uint64_t y = f.digits * 10 + static_cast<uint64_t>(s->front() - '0');
    if (y > kLimit) {
      overflow = true;
      continue;
    }
    f.digits = y;
    f.scale *= 10;
  }
  return f;
}

}  // namespace

absl::StatusOr<int64_t> ParseDurationNanoseconds(absl::string_view text) {
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("time: ", what, " ", Quote(text)));
  };
  absl::string_view s = text;
  bool negative = false;
  if (!s.empty() && (s.front() == '-' || s.front() == '+')) {
    negative = s.front() == '-';
    s.remove_prefix(1);
  }
  if (s == "0") return 0;
  if (s.empty()) return error("invalid duration");
  uint64_t total = 0;
  while (!s.empty()) {
    if (s.front() != '.' && !absl::ascii_isdigit(s.front())) return error("invalid duration");
    const size_t before = s.size();
    std::optional<uint64_t> v = TakeInteger(&s);
    if (!v.has_value()) return error("invalid duration");
    bool digits = s.size() != before;
    Fraction fraction;
    if (!s.empty() && s.front() == '.') {
      s.remove_prefix(1);
      const size_t rest = s.size();
      fraction = TakeFraction(&s);
      digits = digits || s.size() != rest;
    }
    if (!digits) return error("invalid duration");
    size_t i = 0;
    while (i < s.size() && s[i] != '.' && !absl::ascii_isdigit(s[i])) ++i;
    if (i == 0) return error("missing unit in duration");
    const std::optional<uint64_t> unit = UnitNanoseconds(s.substr(0, i));
    if (!unit.has_value())
      return error(absl::StrCat("unknown unit ", Quote(s.substr(0, i)), " in duration"));
    s.remove_prefix(i);
    if (*v > kLimit / *unit) return error("invalid duration");
    *v *= *unit;
    if (fraction.digits > 0) {
      *v += static_cast<uint64_t>(static_cast<double>(fraction.digits) *
                                  (static_cast<double>(*unit) / fraction.scale));
      if (*v > kLimit) return error("invalid duration");
    }
    total += *v;
    if (total > kLimit) return error("invalid duration");
  }
  if (negative) return static_cast<int64_t>(~total + 1);
  if (total > kLimit - 1) return error("invalid duration");
  return static_cast<int64_t>(total);
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  ASSIGN_OR_RETURN(const int64_t ns, ParseDurationNanoseconds(text));
  return absl::Nanoseconds(ns);
}

namespace {

// `value` / 10^digits without zeros at the end.
std::string Decimal(uint64_t value, int digits) {
  uint64_t scale = 1;
  for (int i = 0; i < digits; ++i) scale *= 10;
  std::string out = absl::StrCat(value / scale);
  uint64_t rest = value % scale;
  if (rest == 0) return out;
  std::string fraction = absl::StrFormat("%0*d", digits, rest);
  while (fraction.back() == '0') fraction.pop_back();
  return absl::StrCat(out, ".", fraction);
}

}  // namespace

std::string FormatDuration(int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  const bool negative = nanoseconds < 0;
  const uint64_t u =
      negative ? ~static_cast<uint64_t>(nanoseconds) + 1 : static_cast<uint64_t>(nanoseconds);
  std::string out;
  if (u < 1'000) {
    out = absl::StrCat(u, "ns");
  } else if (u < 1'000'000) {
    out = absl::StrCat(Decimal(u, 3), "\xC2\xB5s");
  } else if (u < 1'000'000'000) {
    out = absl::StrCat(Decimal(u, 6), "ms");
  } else {
    constexpr uint64_t kMinute = 60'000'000'000;
    const uint64_t minutes = u / kMinute;
    if (minutes >= 60) absl::StrAppend(&out, minutes / 60, "h");
    if (minutes > 0) absl::StrAppend(&out, minutes % 60, "m");
    absl::StrAppend(&out, Decimal(u % kMinute, 9), "s");
  }
  return negative ? absl::StrCat("-", out) : out;
}

}  // namespace leidang::kube
