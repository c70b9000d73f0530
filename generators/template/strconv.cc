#include "generators/template/strconv.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "generators/template/unicode.h"

namespace leidang::generators::go {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void AppendHex(std::string* out, uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out->push_back(kHex[value >> shift & 15]);
}

void AppendEscaped(std::string* out, uint32_t r, char quote, Escape escape) {
  if (r == static_cast<unsigned char>(quote) || r == '\\') {
    out->push_back('\\');
    out->push_back(static_cast<char>(r));
    return;
  }
  if (escape == Escape::kNonAscii ? r < 0x80 && IsPrint(r) : IsPrint(r)) {
    AppendRune(out, r);
    return;
  }
  switch (r) {
    case '\a':
      *out += "\\a";
      return;
    case '\b':
      *out += "\\b";
      return;
    case '\f':
      *out += "\\f";
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    case '\v':
      *out += "\\v";
      return;
    default:
      break;
  }
  if (r < ' ' || r == 0x7f) {
    *out += "\\x";
    AppendHex(out, r, 2);
  } else if (r < 0x10000) {
    *out += "\\u";
    AppendHex(out, r, 4);
  } else {
    *out += "\\U";
    AppendHex(out, r, 8);
  }
}

std::string QuoteWith(absl::string_view text, Escape escape) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (rune.width == 1 && rune.code == kRuneError) {
      out += "\\x";
      AppendHex(&out, static_cast<unsigned char>(text[0]), 2);
    } else {
      AppendEscaped(&out, rune.code, '"', escape);
    }
    text.remove_prefix(rune.width);
  }
  out.push_back('"');
  return out;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Underscores may stand only between digits, or between the base prefix and a digit.
bool UnderscoresOk(absl::string_view s) {
  char last = '^';  // '0' for a digit, '_' for an underscore, '!' for anything else.
  size_t i = 0;
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) s.remove_prefix(1);
  bool hex = false;
  if (s.size() >= 2 && s[0] == '0') {
    const char p = static_cast<char>(s[1] | 0x20);
    if (p == 'b' || p == 'o' || p == 'x') {
      i = 2;
      last = '0';
      hex = p == 'x';
    }
  }
  for (; i < s.size(); ++i) {
    const char c = s[i];
    if ((c >= '0' && c <= '9') || (hex && HexValue(c) < 16)) {
      last = '0';
    } else if (c == '_') {
      if (last != '0') return false;
      last = '_';
    } else {
      if (last == '_') return false;
      last = '!';
    }
  }
  return last != '_';
}

bool EqualsFold(absl::string_view a, absl::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] | 0x20) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Checks the syntax of a decimal or hexadecimal float and drops its underscores. Empty where it is
// none.
std::string FloatDigits(absl::string_view s, bool* hex) {
  std::string digits;
  size_t i = 0;
  *hex = false;
  bool underscores = false;
  if (s.size() > 2 && s[0] == '0' && (s[1] | 0x20) == 'x') {
    *hex = true;
    i = 2;
  }
  bool seen_digit = false, seen_dot = false;
  for (; i < s.size(); ++i) {
    const char c = s[i];
    if (c == '_') {
      underscores = true;
    } else if (c == '.') {
      if (seen_dot) return "";
      seen_dot = true;
      digits.push_back(c);
    } else if ((c >= '0' && c <= '9') || (*hex && HexValue(c) < 16)) {
      seen_digit = true;
      digits.push_back(c);
    } else {
      break;
    }
  }
  if (!seen_digit) return "";
  const char exponent = *hex ? 'p' : 'e';
  if (i < s.size() && (s[i] | 0x20) == exponent) {
    digits.push_back(exponent);
    ++i;
    if (i < s.size() && (s[i] == '+' || s[i] == '-')) {
      if (s[i] == '-') digits.push_back('-');
      ++i;
    }
    if (i >= s.size() || s[i] < '0' || s[i] > '9') return "";
    for (; i < s.size() && ((s[i] >= '0' && s[i] <= '9') || s[i] == '_'); ++i) {
      if (s[i] == '_')
        underscores = true;
      else
        digits.push_back(s[i]);
    }
  } else if (*hex) {
    return "";
  }
  if (i != s.size()) return "";
  if (underscores && !UnderscoresOk(s)) return "";
  return digits;
}

std::string FormatBinaryExponent(double d) {
  uint64_t bits = 0;
  std::memcpy(&bits, &d, sizeof bits);
  int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  if (exponent == 0)
    ++exponent;
  else
    mantissa |= uint64_t{1} << 52;
  exponent += -1023 - 52;
  return (d < 0 || std::signbit(d) ? "-" : "") + std::to_string(mantissa) + "p" +
         (exponent >= 0 ? "+" : "") + std::to_string(exponent);
}

// Go writes hexadecimal floats normalised and with an exponent of two digits at least.
std::string FormatHex(double d, char format, int precision) {
  std::string out = std::signbit(d) ? "-" : "";
  uint64_t bits = 0;
  std::memcpy(&bits, &d, sizeof bits);
  uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  if (exponent == -1023) {
    if (mantissa == 0) {
      exponent = 0;
    } else {
      exponent = -1022;
      while ((mantissa & uint64_t{1} << 52) == 0) {
        mantissa <<= 1;
        --exponent;
      }
    }
  } else {
    mantissa |= uint64_t{1} << 52;
  }
  // The leading bit at 60, as many as 15 hexadecimal digits behind it.
  mantissa <<= 8;
  if (precision >= 0 && precision < 15) {
    const int shift = precision * 4;
    const uint64_t extra = (mantissa << shift) & ((uint64_t{1} << 60) - 1);
    mantissa >>= 60 - shift;
    if ((extra | (mantissa & 1)) > uint64_t{1} << 59) ++mantissa;
    mantissa <<= 60 - shift;
    if ((mantissa & uint64_t{1} << 61) != 0) {
      mantissa >>= 1;
      ++exponent;
    }
  }
  const char* hex = format == 'X' ? "0123456789ABCDEF" : kHex;
  out += format == 'X' ? "0X" : "0x";
  out.push_back((mantissa >> 60 & 1) != 0 ? '1' : '0');
  mantissa <<= 4;
  if (precision < 0 ? mantissa != 0 : precision > 0) {
    out.push_back('.');
    for (int i = 0; precision < 0 ? mantissa != 0 : i < precision; ++i) {
      out.push_back(hex[mantissa >> 60 & 15]);
      mantissa <<= 4;
    }
  }
  out.push_back(format == 'X' ? 'P' : 'p');
  out.push_back(exponent < 0 ? '-' : '+');
  const std::string e = std::to_string(std::abs(exponent));
  return out + (e.size() < 2 ? "0" : "") + e;
}

// Digits and decimal exponent ("d.ddd × 10^exponent") of a positive number.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal FromScientific(absl::string_view text) {
  Decimal d;
  const size_t e = text.find('e');
  for (const char c : text.substr(0, e)) {
    if (c != '.') d.digits.push_back(c);
  }
  d.exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  return d;
}

std::string ToExponent(const Decimal& d, char e) {
  std::string out = d.digits.substr(0, 1);
  if (d.digits.size() > 1) out += "." + d.digits.substr(1);
  out.push_back(e);
  out.push_back(d.exponent < 0 ? '-' : '+');
  const std::string digits = std::to_string(std::abs(d.exponent));
  return out + (digits.size() < 2 ? "0" : "") + digits;
}

std::string ToFixed(const Decimal& d) {
  if (d.exponent < 0)
    return "0." + std::string(static_cast<size_t>(-d.exponent - 1), '0') + d.digits;
  const size_t whole = static_cast<size_t>(d.exponent) + 1;
  if (d.digits.size() <= whole) return d.digits + std::string(whole - d.digits.size(), '0');
  return d.digits.substr(0, whole) + "." + d.digits.substr(whole);
}

std::string Chars(double d, std::chars_format format, int precision) {
  std::string buffer(static_cast<size_t>(std::max(precision, 0)) + 400, '\0');
  const auto result =
      precision < 0
          ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, format)
          : std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, format, precision);
  buffer.resize(static_cast<size_t>(result.ptr - buffer.data()));
  return buffer;
}

// %g: the exponent form outside of [-4, precision).
std::string FormatGeneral(double d, char format, int precision) {
  const bool shortest = precision < 0;
  if (precision == 0) precision = 1;
  Decimal dec =
      FromScientific(Chars(d, std::chars_format::scientific, shortest ? -1 : precision - 1));
  while (dec.digits.size() > 1 && dec.digits.back() == '0') dec.digits.pop_back();
  int limit = precision;
  const int n = static_cast<int>(dec.digits.size());
  if (limit > n && n >= dec.exponent + 1) limit = n;
  if (shortest) limit = 6;
  if (dec.exponent < -4 || dec.exponent >= limit) return ToExponent(dec, format == 'G' ? 'E' : 'e');
  return ToFixed(dec);
}

}  // namespace

std::string Quote(absl::string_view text) { return QuoteWith(text, Escape::kUnprintable); }
std::string QuoteToAscii(absl::string_view text) { return QuoteWith(text, Escape::kNonAscii); }

std::string QuoteRune(uint32_t rune, Escape escape) {
  if (rune > kRuneMax || (rune >= 0xd800 && rune <= 0xdfff)) rune = kRuneError;
  std::string out = "'";
  AppendEscaped(&out, rune, '\'', escape);
  out.push_back('\'');
  return out;
}

bool CanBackquote(absl::string_view text) {
  while (!text.empty()) {
    const Rune r = DecodeRune(text);
    if (r.width == 1 && r.code == kRuneError) return false;
    if (r.code == 0xfeff || (r.code < ' ' && r.code != '\t') || r.code == '`' || r.code == 0x7f)
      return false;
    text.remove_prefix(r.width);
  }
  return true;
}

std::optional<Unquoted> UnquoteChar(absl::string_view s, char quote) {
  if (s.empty()) return std::nullopt;
  const char c = s[0];
  if (c == quote && (quote == '\'' || quote == '"')) return std::nullopt;
  if (static_cast<unsigned char>(c) >= 0x80) {
    const Rune r = DecodeRune(s);
    return Unquoted{r.code, true, s.substr(r.width)};
  }
  if (c != '\\') return Unquoted{static_cast<unsigned char>(c), false, s.substr(1)};
  if (s.size() <= 1) return std::nullopt;
  const char e = s[1];
  s.remove_prefix(2);
  switch (e) {
    case 'a':
      return Unquoted{'\a', false, s};
    case 'b':
      return Unquoted{'\b', false, s};
    case 'f':
      return Unquoted{'\f', false, s};
    case 'n':
      return Unquoted{'\n', false, s};
    case 'r':
      return Unquoted{'\r', false, s};
    case 't':
      return Unquoted{'\t', false, s};
    case 'v':
      return Unquoted{'\v', false, s};
    case '\\':
      return Unquoted{'\\', false, s};
    case '\'':
    case '"':
      if (e != quote) return std::nullopt;
      return Unquoted{static_cast<unsigned char>(e), false, s};
    default:
      break;
  }
  if (e == 'x' || e == 'u' || e == 'U') {
    const size_t n = e == 'x' ? 2 : e == 'u' ? 4 : 8;
    if (s.size() < n) return std::nullopt;
    uint32_t v = 0;
    for (size_t i = 0; i < n; ++i) {
      const int x = HexValue(s[i]);
      if (x > 15) return std::nullopt;
      v = v << 4 | static_cast<uint32_t>(x);
    }
    s.remove_prefix(n);
    if (e == 'x') return Unquoted{v, false, s};
    if (v > kRuneMax || (v >= 0xd800 && v <= 0xdfff)) return std::nullopt;
    return Unquoted{v, true, s};
  }
  if (e >= '0' && e <= '7') {
    if (s.size() < 2) return std::nullopt;
    uint32_t v = static_cast<uint32_t>(e - '0');
    for (size_t i = 0; i < 2; ++i) {
      if (s[i] < '0' || s[i] > '7') return std::nullopt;
      v = v << 3 | static_cast<uint32_t>(s[i] - '0');
    }
    if (v > 255) return std::nullopt;
    return Unquoted{v, false, s.substr(2)};
  }
  return std::nullopt;
}

std::optional<std::string> Unquote(absl::string_view literal) {
  if (literal.size() < 2) return std::nullopt;
  const char quote = literal[0];
  if (quote != literal.back()) return std::nullopt;
  absl::string_view body = literal.substr(1, literal.size() - 2);
  std::string out;
  if (quote == '`') {
    if (body.find('`') != absl::string_view::npos) return std::nullopt;
    for (const char c : body) {
      if (c != '\r') out.push_back(c);
    }
    return out;
  }
  if ((quote != '"' && quote != '\'') || body.find('\n') != absl::string_view::npos)
    return std::nullopt;
  size_t count = 0;
  while (!body.empty()) {
    const std::optional<Unquoted> c = UnquoteChar(body, quote);
    if (!c.has_value() || (quote == '\'' && ++count > 1)) return std::nullopt;
    // A raw invalid byte stays as it is in a string literal.
    if (static_cast<unsigned char>(body[0]) >= 0x80 && body.size() - c->tail.size() == 1) {
      out.push_back(body[0]);
    } else if (c->value < 0x80 || !c->multibyte) {
      out.push_back(static_cast<char>(c->value));
    } else {
      AppendRune(&out, c->value);
    }
    body = c->tail;
  }
  if (quote == '\'' && count != 1) return std::nullopt;
  return out;
}

Parsed<uint64_t> ParseUint(absl::string_view text, int base) {
  Parsed<uint64_t> result;
  const absl::string_view whole = text;
  const bool base0 = base == 0;
  if (text.empty()) {
    result.error = ParseError::kSyntax;
    return result;
  }
  if (base0) {
    base = 10;
    if (text[0] == '0') {
      const char p = text.size() >= 3 ? static_cast<char>(text[1] | 0x20) : '\0';
      base = p == 'b' ? 2 : p == 'o' ? 8 : p == 'x' ? 16 : 8;
      text.remove_prefix(p == 'b' || p == 'o' || p == 'x' ? 2 : 1);
    }
  }
  bool underscores = false;
  bool overflow = false;
  for (const char c : text) {
    if (c == '_' && base0) {
      underscores = true;
      continue;
    }
    int digit = 99;
    if (c >= '0' && c <= '9')
      digit = c - '0';
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
      digit = (c | 0x20) - 'a' + 10;
    if (digit >= base) {
      // Go stops at the first offence, whichever it is.
      result.error = overflow ? ParseError::kRange : ParseError::kSyntax;
      if (overflow)
        result.value = std::numeric_limits<uint64_t>::max();
      else
        result.value = 0;
      return result;
    }
    if (overflow) continue;
    const __uint128_t next = static_cast<__uint128_t>(result.value) * static_cast<unsigned>(base) +
                             static_cast<unsigned>(digit);
    if (next > std::numeric_limits<uint64_t>::max())
      overflow = true;
    else
      result.value = static_cast<uint64_t>(next);
  }
  if (overflow) {
    result.value = std::numeric_limits<uint64_t>::max();
    result.error = ParseError::kRange;
  } else if (underscores && !UnderscoresOk(whole)) {
    result.value = 0;
    result.error = ParseError::kSyntax;
  }
  return result;
}

Parsed<int64_t> ParseInt(absl::string_view text, int base) {
  Parsed<int64_t> result;
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const Parsed<uint64_t> magnitude = ParseUint(text, base);
  if (magnitude.error == ParseError::kSyntax) {
    result.error = ParseError::kSyntax;
    return result;
  }
  constexpr uint64_t kCut = uint64_t{1} << 63;
  if (!negative && magnitude.value >= kCut) {
    result.value = std::numeric_limits<int64_t>::max();
    result.error = ParseError::kRange;
  } else if (negative && magnitude.value > kCut) {
    result.value = std::numeric_limits<int64_t>::min();
    result.error = ParseError::kRange;
  } else {
    result.value = static_cast<int64_t>(negative ? ~magnitude.value + 1 : magnitude.value);
  }
  return result;
}

Parsed<double> ParseFloat(absl::string_view text) {
  Parsed<double> result;
  absl::string_view s = text;
  bool negative = false;
  if (!s.empty() && (s[0] == '+' || s[0] == '-')) {
    negative = s[0] == '-';
    s.remove_prefix(1);
  }
  if (EqualsFold(s, "inf") || EqualsFold(s, "infinity")) {
    result.value = negative ? -HUGE_VAL : HUGE_VAL;
    return result;
  }
  if (EqualsFold(s, "nan") && s.size() == text.size()) {
    result.value = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  bool hex = false;
  const std::string digits = FloatDigits(s, &hex);
  if (digits.empty()) {
    result.error = ParseError::kSyntax;
    return result;
  }
  double d = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), d,
                      hex ? std::chars_format::hex : std::chars_format::general);
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: strtod tells which.
    d = std::strtod((hex ? "0x" + digits : digits).c_str(), nullptr);
    if (std::isinf(d)) result.error = ParseError::kRange;
  }
  result.value = negative ? -d : d;
  return result;
}

std::string FormatFloat(double d, char format, int precision) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d > 0 ? "+Inf" : "-Inf";
  if (format == 'b') return FormatBinaryExponent(d);
  if (format == 'x' || format == 'X') return FormatHex(d, format, precision);
  const double magnitude = std::fabs(d);
  std::string out;
  if (format == 'e' || format == 'E') {
    out = ToExponent(FromScientific(Chars(magnitude, std::chars_format::scientific, precision)),
                     format);
  } else if (format == 'f') {
    out = precision < 0
              ? ToFixed(FromScientific(Chars(magnitude, std::chars_format::scientific, -1)))
              : Chars(magnitude, std::chars_format::fixed, precision);
  } else {
    out = FormatGeneral(magnitude, format, precision);
  }
  return std::signbit(d) ? "-" + out : out;
}

}  // namespace leidang::generators::go
