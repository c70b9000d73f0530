// How single values look under each verb: the lower half of fmt.

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"

#include "generators/template/boxes.h"
#include "generators/template/fmt.h"
#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators::go {

void Printer::Write(absl::string_view s) {
  if (out_.size() + s.size() > bytes_max_) {
    overflow_ = true;
    return;
  }
  out_.append(s.data(), s.size());
}

void Printer::WriteRune(uint32_t rune) { AppendRune(&out_, rune); }

void Printer::Padding(int n) {
  if (n <= 0) return;
  // Zeros only to the left.
  const char pad = f_.zero && !f_.minus ? '0' : ' ';
  Write(std::string(static_cast<size_t>(n), pad));
}

void Printer::Pad(absl::string_view s) {
  if (!f_.wid_present || f_.wid == 0) {
    Write(s);
    return;
  }
  const int width = f_.wid - static_cast<int>(RuneCount(s));
  if (!f_.minus) Padding(width);
  Write(s);
  if (f_.minus) Padding(width);
}

absl::string_view Printer::Truncate(absl::string_view s) const {
  if (!f_.prec_present) return s;
  size_t i = 0;
  for (int n = f_.prec; i < s.size() && n > 0; --n) i += DecodeRune(s.substr(i)).width;
  return s.substr(0, i);
}

void Printer::Integer(const TValue& v, bool is_signed, uint32_t verb) {
  const uint64_t u = v.as_uint();
  switch (verb) {
    case 'v':
      if (f_.sharp_v && !is_signed)
        Hex0x(u, true);
      else
        FormatInteger(u, 10, is_signed, verb, false);
      return;
    case 'd':
      FormatInteger(u, 10, is_signed, verb, false);
      return;
    case 'b':
      FormatInteger(u, 2, is_signed, verb, false);
      return;
    case 'o':
    case 'O':
      FormatInteger(u, 8, is_signed, verb, false);
      return;
    case 'x':
      FormatInteger(u, 16, is_signed, verb, false);
      return;
    case 'X':
      FormatInteger(u, 16, is_signed, verb, true);
      return;
    case 'c': {
      std::string s;
      AppendRune(&s, u > kRuneMax ? kRuneError : static_cast<uint32_t>(u));
      Pad(s);
      return;
    }
    case 'q':
      Pad(QuoteRune(u > kRuneMax ? kRuneError : static_cast<uint32_t>(u),
                    f_.plus ? Escape::kNonAscii : Escape::kUnprintable));
      return;
    case 'U':
      FormatUnicode(u);
      return;
    default:
      BadVerb(v, verb);
  }
}

void Printer::Hex0x(uint64_t u, bool leading) {
  const bool sharp = std::exchange(f_.sharp, leading);
  FormatInteger(u, 16, false, 'v', false);
  f_.sharp = sharp;
}

void Printer::FormatInteger(uint64_t u, unsigned base, bool is_signed, uint32_t verb, bool upper) {
  const bool negative = is_signed && static_cast<int64_t>(u) < 0;
  if (negative) u = ~u + 1;
  int prec = 0;
  if (f_.prec_present) {
    prec = f_.prec;
    if (prec == 0 && u == 0) {
      const bool zero = std::exchange(f_.zero, false);
      Padding(f_.wid);
      f_.zero = zero;
      return;
    }
  } else if (f_.zero && !f_.minus && f_.wid_present) {
    prec = f_.wid;
    if (negative || f_.plus || f_.space) --prec;
  }
  std::string digits;  // Least significant first.
  do {
    digits.push_back((upper ? "0123456789ABCDEF" : "0123456789abcdef")[u % base]);
    u /= base;
  } while (u != 0);
  if (prec > static_cast<int>(digits.size()))
    digits.append(static_cast<size_t>(prec) - digits.size(), '0');
  if (f_.sharp) {
    if (base == 2) digits += "b0";
    if (base == 8 && digits.back() != '0') digits += "0";
    if (base == 16) digits += upper ? "X0" : "x0";
  }
  if (verb == 'O') digits += "o0";
  if (negative)
    digits.push_back('-');
  else if (f_.plus)
    digits.push_back('+');
  else if (f_.space)
    digits.push_back(' ');
  std::reverse(digits.begin(), digits.end());
  const bool zero = std::exchange(f_.zero, false);
  Pad(digits);
  f_.zero = zero;
}

void Printer::FormatUnicode(uint64_t u) {
  std::string hex = absl::StrCat(absl::Hex(u));
  std::transform(hex.begin(), hex.end(), hex.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  const size_t prec = f_.prec_present && f_.prec > 4 ? static_cast<size_t>(f_.prec) : 4;
  std::string s = "U+";
  if (hex.size() < prec) s.append(prec - hex.size(), '0');
  s += hex;
  if (f_.sharp && u <= kRuneMax && IsPrint(static_cast<uint32_t>(u))) {
    s += " '";
    AppendRune(&s, static_cast<uint32_t>(u));
    s += "'";
  }
  const bool zero = std::exchange(f_.zero, false);
  Pad(s);
  f_.zero = zero;
}

void Printer::Float(const TValue& v, double d, uint32_t verb) {
  switch (verb) {
    case 'v':
      FormatFloat(d, 'g', -1);
      return;
    case 'b':
    case 'g':
    case 'G':
    case 'x':
    case 'X':
      FormatFloat(d, static_cast<char>(verb), -1);
      return;
    case 'f':
    case 'e':
    case 'E':
      FormatFloat(d, static_cast<char>(verb), 6);
      return;
    case 'F':
      FormatFloat(d, 'f', 6);
      return;
    default:
      BadVerb(v, verb);
  }
}

namespace {

// The point and the zeros that the flag '#' asks for.
void AddSharpDigits(std::string* num, char verb, int prec) {
  int digits = 0;
  if (verb == 'v' || verb == 'g' || verb == 'G' || verb == 'x') digits = prec == -1 ? 6 : prec;
  std::string tail;
  bool point = false, nonzero = false;
  for (size_t i = 1; i < num->size(); ++i) {
    const char c = (*num)[i];
    const bool exponent =
        c == 'p' || c == 'P' || ((c == 'e' || c == 'E') && verb != 'x' && verb != 'X');
    if (exponent) {
      tail = num->substr(i);
      num->resize(i);
      break;
    }
    if (c == '.') {
      point = true;
      continue;
    }
    if (c != '0') nonzero = true;
    if (nonzero) --digits;
  }
  if (!point) {
    if (num->size() == 2 && (*num)[1] == '0') --digits;
    num->push_back('.');
  }
  if (digits > 0) num->append(static_cast<size_t>(digits), '0');
  *num += tail;
}

}  // namespace

void Printer::FormatFloat(double d, char verb, int prec) {
  if (f_.prec_present) prec = f_.prec;
  std::string num = go::FormatFloat(d, verb, prec);
  if (num[0] != '-' && num[0] != '+') num = absl::StrCat("+", num);
  if (f_.space && num[0] == '+' && !f_.plus) num[0] = ' ';
  if (num[1] == 'I' || num[1] == 'N') {
    const bool zero = std::exchange(f_.zero, false);
    if (num[1] == 'N' && !f_.space && !f_.plus) num.erase(0, 1);
    // An infinity keeps its sign even when none is asked for.
    Pad(num);
    f_.zero = zero;
    return;
  }
  if (f_.sharp && verb != 'b') AddSharpDigits(&num, verb, prec);
  if (f_.plus || num[0] != '+') {
    if (f_.zero && !f_.minus && f_.wid_present && f_.wid > static_cast<int>(num.size())) {
      Write(num.substr(0, 1));
      Padding(f_.wid - static_cast<int>(num.size()));
      Write(num.substr(1));
      return;
    }
    Pad(num);
    return;
  }
  Pad(absl::string_view(num).substr(1));
}

void Printer::Complex(const TValue& v, uint32_t verb) {
  if (absl::string_view("vbgGxXfFeE").find(static_cast<char>(verb)) == absl::string_view::npos ||
      verb > 127) {
    BadVerb(v, verb);
    return;
  }
  const auto* c = static_cast<const ComplexBox*>(v.box());
  const bool plus = f_.plus;
  Write("(");
  Float(v, c->real, verb);
  f_.plus = true;
  Float(v, c->imag, verb);
  Write("i)");
  f_.plus = plus;
}

void Printer::Text(const TValue& v, absl::string_view s, uint32_t verb) {
  switch (verb) {
    case 'v':
      if (f_.sharp_v)
        QuotedText(s);
      else
        Pad(Truncate(s));
      return;
    case 's':
      Pad(Truncate(s));
      return;
    case 'x':
      HexText(s, false);
      return;
    case 'X':
      HexText(s, true);
      return;
    case 'q':
      QuotedText(s);
      return;
    default:
      BadVerb(v, verb);
  }
}

void Printer::QuotedText(absl::string_view s) {
  s = Truncate(s);
  if (f_.sharp && CanBackquote(s)) {
    Pad(absl::StrCat("`", s, "`"));
  } else {
    Pad(f_.plus ? QuoteToAscii(s) : Quote(s));
  }
}

void Printer::HexText(absl::string_view s, bool upper) {
  const absl::string_view digits = upper ? "0123456789ABCDEFX" : "0123456789abcdefx";
  if (f_.prec_present && static_cast<size_t>(f_.prec) < s.size())
    s = s.substr(0, static_cast<size_t>(f_.prec));
  if (s.empty()) {
    if (f_.wid_present) Padding(f_.wid);
    return;
  }
  std::string hex;
  for (size_t i = 0; i < s.size(); ++i) {
    if (i > 0 && f_.space) hex.push_back(' ');
    if (f_.sharp && (i == 0 || f_.space)) {
      hex.push_back('0');
      hex.push_back(digits[16]);
    }
    const auto c = static_cast<unsigned char>(s[i]);
    hex.push_back(digits[c >> 4]);
    hex.push_back(digits[c & 15]);
  }
  const int pad = f_.wid_present ? f_.wid - static_cast<int>(hex.size()) : 0;
  if (!f_.minus) Padding(pad);
  Write(hex);
  if (f_.minus) Padding(pad);
}

void Printer::Bytes(const TValue& v, uint32_t verb, absl::string_view type_text) {
  std::string bytes;
  for (const TValue& item : v.items()) bytes.push_back(static_cast<char>(item.as_int()));
  switch (verb) {
    case 'v':
    case 'd':
      if (f_.sharp_v) {
        Write(type_text);
        if (v.list() == nullptr) {
          Write("(nil)");
          return;
        }
      }
      Write(f_.sharp_v ? "{" : "[");
      for (size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0) Write(f_.sharp_v ? ", " : " ");
        const auto c = static_cast<unsigned char>(bytes[i]);
        if (f_.sharp_v)
          Hex0x(c, true);
        else
          FormatInteger(c, 10, false, verb, false);
      }
      Write(f_.sharp_v ? "}" : "]");
      return;
    case 's':
      Pad(Truncate(bytes));
      return;
    case 'x':
      HexText(bytes, false);
      return;
    case 'X':
      HexText(bytes, true);
      return;
    case 'q':
      QuotedText(bytes);
      return;
    default:
      PrintValue(v, false, verb, 0);
  }
}

}  // namespace leidang::generators::go
