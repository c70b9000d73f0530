#include "generators/template/number.h"

#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"

#include "generators/template/boxes.h"
#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

void TakeIntegers(double f, NumberNode* n) {
  if (!n->is_int && f >= -kTwo63 && f < kTwo63 && std::trunc(f) == f) {
    n->is_int = true;
    n->int_value = static_cast<int64_t>(f);
  }
  if (!n->is_uint && f >= 0 && f < kTwo64 && std::trunc(f) == f) {
    n->is_uint = true;
    n->uint_value = static_cast<uint64_t>(f);
  }
}

void TakeComplex(double real, double imag, NumberNode* n) {
  n->is_complex = true;
  n->real = real;
  n->imag = imag;
  if (imag != 0) return;
  n->is_float = true;
  n->float_value = real;
  TakeIntegers(real, n);
}

std::string ReadCharacter(NumberNode* n) {
  const absl::string_view text = n->text;
  const std::optional<go::Unquoted> c = go::UnquoteChar(text.substr(1), '\'');
  if (!c) return "invalid syntax";
  if (c->tail != "'") return absl::StrCat("malformed character constant: ", text);
  n->int_value = c->value;
  n->uint_value = c->value;
  n->float_value = c->value;
  n->is_int = n->is_uint = n->is_float = true;
  return "";
}

// "1+2i": the lexer has checked the shape.
std::string ReadComplex(NumberNode* n) {
  const absl::string_view text = n->text;
  size_t split = 1;
  for (; split < text.size(); ++split) {
    const bool sign = text[split] == '+' || text[split] == '-';
    const char before = static_cast<char>(text[split - 1] | 0x20);
    const bool hex =
        text.find('x') != absl::string_view::npos || text.find('X') != absl::string_view::npos;
    if (sign && before != (hex ? 'p' : 'e')) break;
  }
  const auto real = go::ParseFloat(text.substr(0, split));
  const auto imag = go::ParseFloat(text.substr(split, text.size() - split - 1));
  if (!real.ok() || !imag.ok()) return absl::StrCat("illegal number syntax: ", go::Quote(text));
  TakeComplex(real.value, imag.value, n);
  return "";
}

std::string ReadReal(NumberNode* n) {
  const absl::string_view text = n->text;
  if (!text.empty() && text.back() == 'i') {
    const auto imag = go::ParseFloat(text.substr(0, text.size() - 1));
    if (imag.ok()) {
      TakeComplex(0, imag.value, n);
      return "";
    }
  }
  const auto u = go::ParseUint(text, 0);
  if (u.ok()) {
    n->is_uint = true;
    n->uint_value = u.value;
  }
  const auto i = go::ParseInt(text, 0);
  if (i.ok()) {
    n->is_int = true;
    n->int_value = i.value;
    if (i.value == 0) n->is_uint = true;
  }
  if (n->is_int || n->is_uint) {
    n->is_float = true;
    n->float_value =
        n->is_int ? static_cast<double>(n->int_value) : static_cast<double>(n->uint_value);
    return "";
  }
  const auto f = go::ParseFloat(text);
  if (!f.ok()) return absl::StrCat("illegal number syntax: ", go::Quote(text));
  if (text.find_first_of(".eEpP") == absl::string_view::npos) {
    return absl::StrCat("integer overflow: ", go::Quote(text));
  }
  n->is_float = true;
  n->float_value = f.value;
  TakeIntegers(f.value, n);
  return "";
}

// The value where nothing says which type it should have; nil for an integer that is too large.
TValue Ideal(const NumberNode& n) {
  if (n.is_complex) return MakeComplex(n.real, n.imag);
  const absl::string_view text = n.text;
  const bool hex_int = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
                       text.find_first_of("pP") == absl::string_view::npos;
  const bool rune = text[0] == '\'';
  if (n.is_float && !hex_int && !rune && text.find_first_of(".eEpP") != absl::string_view::npos) {
    // 1e3 is a float by its syntax.
    return TValue::Float(n.float_value);
  }
  if (n.is_int) return TValue::Int(n.int_value);
  return TValue::Nil();
}

}  // namespace

std::string ReadNumber(ItemType type, NumberNode* n) {
  std::string error = type == ItemType::kCharConstant ? ReadCharacter(n)
                      : type == ItemType::kComplex    ? ReadComplex(n)
                                                      : ReadReal(n);
  if (error.empty()) n->ideal = Ideal(*n);
  return error;
}

}  // namespace leidang::generators::gotmpl
