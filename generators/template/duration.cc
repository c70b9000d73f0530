// Durations: Go's text for them, and reading it.

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

#include "generators/template/time.h"

namespace leidang::generators::go {
namespace {

constexpr uint64_t kTwo63 = uint64_t{1} << 63;
constexpr uint64_t kNanosecond = 1, kMicrosecond = 1000, kMillisecond = 1'000'000,
                   kSecond = 1'000'000'000;

// Takes `digits` decimal digits off `v` as a fraction without its trailing zeros.
std::string TakeFraction(uint64_t* v, int digits) {
  std::string fraction;
  for (int i = 0; i < digits; ++i, *v /= 10) {
    const char digit = static_cast<char>('0' + *v % 10);
    if (!fraction.empty() || digit != '0') fraction.push_back(digit);
  }
  if (fraction.empty()) return "";
  fraction.push_back('.');
  std::reverse(fraction.begin(), fraction.end());
  return fraction;
}

std::string Quoted(absl::string_view s) {
  std::string out = "\"";
  for (const char ch : s) {
    const auto c = static_cast<unsigned char>(ch);
    if (c >= 0x80 || c < ' ') {
      absl::StrAppend(&out, "\\x", absl::Hex(c, absl::kZeroPad2));
    } else {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(ch);
    }
  }
  return out + "\"";
}

uint64_t UnitOf(absl::string_view name) {
  if (name == "ns") return kNanosecond;
  if (name == "us" || name == "\xc2\xb5s" || name == "\xce\xbcs") return kMicrosecond;
  if (name == "ms") return kMillisecond;
  if (name == "s") return kSecond;
  if (name == "m") return 60 * kSecond;
  if (name == "h") return 3600 * kSecond;
  return 0;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A whole number, and the fraction behind its point.
struct Amount {
  uint64_t whole = 0, fraction = 0;
  double scale = 1;
};

bool TakeAmount(absl::string_view* s, Amount* amount) {
  size_t digits = 0;
  while (!s->empty() && IsDigit((*s)[0])) {
    if (amount->whole > kTwo63 / 10) return false;
    amount->whole = amount->whole * 10 + static_cast<uint64_t>((*s)[0] - '0');
    if (amount->whole > kTwo63) return false;
    s->remove_prefix(1);
    ++digits;
  }
  if (!s->empty() && (*s)[0] == '.') {
    s->remove_prefix(1);
    bool overflow = false;
    for (; !s->empty() && IsDigit((*s)[0]); s->remove_prefix(1), ++digits) {
      if (overflow || amount->fraction > (kTwo63 - 1) / 10) {
        overflow = true;
        continue;
      }
      const uint64_t next = amount->fraction * 10 + static_cast<uint64_t>((*s)[0] - '0');
      if (next > kTwo63) {
        overflow = true;
        continue;
      }
      amount->fraction = next;
      amount->scale *= 10;
    }
  }
  return digits > 0;
}

}  // namespace

std::string DurationString(int64_t nanoseconds) {
  const bool negative = nanoseconds < 0;
  uint64_t u =
      negative ? 0 - static_cast<uint64_t>(nanoseconds) : static_cast<uint64_t>(nanoseconds);
  std::string out;
  if (u == 0) return "0s";
  if (u < kSecond) {
    const int digits = u < kMicrosecond ? 0 : u < kMillisecond ? 3 : 6;
    const absl::string_view unit = digits == 0 ? "ns" : digits == 3 ? "\xc2\xb5s" : "ms";
    const std::string fraction = TakeFraction(&u, digits);
    out = absl::StrCat(u, fraction, unit);
  } else {
    const std::string fraction = TakeFraction(&u, 9);
    out = absl::StrCat(u % 60, fraction, "s");
    u /= 60;
    if (u > 0) {
      out = absl::StrCat(u % 60, "m", out);
      if (u >= 60) out = absl::StrCat(u / 60, "h", out);
    }
  }
  return negative ? "-" + out : out;
}

absl::StatusOr<int64_t> ParseDuration(absl::string_view text) {
  const auto bad = [text](absl::string_view message) {
    return absl::InvalidArgumentError(absl::StrCat("time: ", message, " ", Quoted(text)));
  };
  absl::string_view s = text;
  bool negative = false;
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
    negative = s[0] == '-';
    s.remove_prefix(1);
  }
  if (s == "0") return 0;
  if (s.empty()) return bad("invalid duration");
  uint64_t total = 0;
  while (!s.empty()) {
    Amount amount;
    if (s[0] != '.' && !IsDigit(s[0])) return bad("invalid duration");
    if (!TakeAmount(&s, &amount)) return bad("invalid duration");
    size_t length = 0;
    while (length < s.size() && s[length] != '.' && !IsDigit(s[length])) ++length;
    if (length == 0) return bad("missing unit in duration");
    const absl::string_view name = s.substr(0, length);
    s.remove_prefix(length);
    const uint64_t unit = UnitOf(name);
    if (unit == 0) return bad(absl::StrCat("unknown unit ", Quoted(name), " in duration"));
    if (amount.whole > kTwo63 / unit) return bad("invalid duration");
    uint64_t v = amount.whole * unit;
    if (amount.fraction > 0) {
      v += static_cast<uint64_t>(static_cast<double>(amount.fraction) *
                                 (static_cast<double>(unit) / amount.scale));
      if (v > kTwo63) return bad("invalid duration");
    }
    total += v;
    if (total > kTwo63) return bad("invalid duration");
  }
  if (negative) return static_cast<int64_t>(0 - total);
  if (total > kTwo63 - 1) return bad("invalid duration");
  return static_cast<int64_t>(total);
}

int64_t RoundDuration(int64_t d, int64_t unit) {
  if (unit <= 0) return d;
  const __int128 r = d % unit;
  const __int128 magnitude = r < 0 ? -r : r;
  __int128 rounded = d - r;
  if (magnitude + magnitude >= unit) rounded += d < 0 ? -unit : unit;
  if (rounded > std::numeric_limits<int64_t>::max()) return std::numeric_limits<int64_t>::max();
  if (rounded < std::numeric_limits<int64_t>::min()) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(rounded);
}

}  // namespace leidang::generators::go
