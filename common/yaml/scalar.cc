#include "common/yaml/scalar.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include "common/object/number.h"

namespace leidang::yaml {
namespace {

constexpr char kTagPrefix[] = "tag:yaml.org,2002:";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The words with a meaning of their own.
const Scalar* FindWord(absl::string_view text) {
  static const std::map<std::string, Scalar, std::less<>>& words = *[] {
    auto* map = new std::map<std::string, Scalar, std::less<>>();
    for (const char* w :
         {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}) {
      (*map)[w] = {ScalarType::kBool, true};
    }
    for (const char* w :
         {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}) {
      (*map)[w] = {ScalarType::kBool, false};
    }
    for (const char* w : {"", "~", "null", "Null", "NULL"}) (*map)[w] = {ScalarType::kNull, {}};
    constexpr double kInf = std::numeric_limits<double>::infinity();
    for (const char* w : {".inf", ".Inf", ".INF"}) {
      (*map)[w] = {ScalarType::kFloat, kInf};
      (*map)[absl::StrCat("+", w)] = {ScalarType::kFloat, kInf};
      (*map)[absl::StrCat("-", w)] = {ScalarType::kFloat, -kInf};
    }
    for (const char* w : {".nan", ".NaN", ".NAN"}) (*map)[w] = {ScalarType::kFloat, std::nan("")};
    return map;
  }();
  const auto it = words.find(std::string(text));
  return it == words.end() ? nullptr : &it->second;
}

struct Digits {
  bool negative = false;
  int base = 10;
  absl::string_view text;  // Without sign and prefix.
};

// Sign and prefix as in Go's source text: 0x, 0o, 0b, and a bare 0 for octal.
Digits SplitInteger(absl::string_view text) {
  Digits digits;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    digits.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.size() >= 2 && text[0] == '0') {
    const char kind = static_cast<char>(text[1] | 0x20);
    const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
    if (text.size() >= 3 && base != 0) {
      digits.base = base;
      text.remove_prefix(2);
    } else {
      digits.base = 8;
      text.remove_prefix(1);
    }
  }
  digits.text = text;
  return digits;
}

std::optional<Scalar> IntegerFrom(const Digits& digits, bool has_sign) {
  uint64_t magnitude = 0;
  const char* const end = digits.text.data() + digits.text.size();
  const auto r = std::from_chars(digits.text.data(), end, magnitude, digits.base);
  if (r.ec != std::errc() || r.ptr != end) return std::nullopt;
  constexpr uint64_t kLimit = uint64_t{1} << 63;
  if (digits.negative) {
    if (magnitude > kLimit) return std::nullopt;
    return Scalar{ScalarType::kInt, static_cast<int64_t>(0 - magnitude)};
  }
  if (magnitude < kLimit) return Scalar{ScalarType::kInt, static_cast<int64_t>(magnitude)};
  if (has_sign) return std::nullopt;  // Go reads unsigned numbers without a sign only.
  return Scalar{ScalarType::kInt, magnitude};
}

std::optional<Scalar> ParseInteger(absl::string_view text) {
  const bool has_sign = !text.empty() && (text[0] == '+' || text[0] == '-');
  if (auto result = IntegerFrom(SplitInteger(text), has_sign)) return result;
  // Go tries `0b` once more by hand, which lets a sign stand behind the prefix.
  if (absl::StartsWith(text, "0b") && text.size() > 3 && (text[2] == '+' || text[2] == '-')) {
    return IntegerFrom({text[2] == '-', 2, text.substr(3)}, true);
  }
  return std::nullopt;
}

// [0-9]*, at least one digit in all, one point at most, an exponent with digits: no sign, no
// underscore.
bool IsDecimal(absl::string_view text) {
  size_t i = 0;
  size_t digits = 0;
  for (; i < text.size() && IsDigit(text[i]); ++i) ++digits;
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && IsDigit(text[i]); ++i) ++digits;
  }
  if (digits == 0) return false;
  if (i == text.size()) return true;
  if (text[i] != 'e' && text[i] != 'E') return false;
  ++i;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  if (i == text.size()) return false;
  for (; i < text.size(); ++i) {
    if (!IsDigit(text[i])) return false;
  }
  return true;
}

std::optional<Scalar> ParseFloat(absl::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  if (!IsDecimal(text)) return std::nullopt;
  const std::optional<double> d = object::ParseDecimal(text);
  if (!d) return std::nullopt;  // Too large: Go leaves it as text.
  return Scalar{ScalarType::kFloat, negative ? -*d : *d};
}

// Text that begins with a point goes to Go's own float reader, which allows an underscore between
// two digits.
std::optional<Scalar> ParseFloatFromPoint(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain.push_back(text[i]);
    } else if (i == 0 || i + 1 == text.size() || !IsDigit(text[i - 1]) || !IsDigit(text[i + 1])) {
      return std::nullopt;
    }
  }
  return ParseFloat(plain);
}

enum class Timestamps { kYes, kNo };

// std::nullopt if the text is just text.
std::optional<Scalar> ResolveNumberOrWord(absl::string_view text, Timestamps timestamps) {
  constexpr absl::string_view kFirstLetters = "yYnNtTfFoO~";
  const char first = text.empty() ? 'n' : text[0];
  const bool is_number = IsDigit(first) || first == '+' || first == '-';
  if (!is_number && first != '.' && kFirstLetters.find(first) == absl::string_view::npos) {
    return std::nullopt;
  }
  if (const Scalar* word = FindWord(text)) return *word;
  if (first == '.') return ParseFloatFromPoint(text);
  if (!is_number) return std::nullopt;
  if (timestamps == Timestamps::kYes && IsTimestamp(text)) {
    return Scalar{ScalarType::kTimestamp, std::string(text)};
  }
  const std::string plain = absl::StrReplaceAll(text, {{"_", ""}});
  if (auto integer = ParseInteger(plain)) return integer;
  return ParseFloat(plain);
}

absl::string_view NameOf(ScalarType type) {
  switch (type) {
    case ScalarType::kNull:
      return "null";
    case ScalarType::kBool:
      return "a boolean";
    case ScalarType::kInt:
      return "an integer";
    case ScalarType::kFloat:
      return "a number";
    case ScalarType::kTimestamp:
      return "a timestamp";
    case ScalarType::kMerge:
    case ScalarType::kBinary:
    case ScalarType::kString:
      break;
  }
  return "text";
}

absl::string_view ShortTagOf(ScalarType type) {
  switch (type) {
    case ScalarType::kNull:
      return "!!null";
    case ScalarType::kBool:
      return "!!bool";
    case ScalarType::kInt:
      return "!!int";
    case ScalarType::kFloat:
      return "!!float";
    case ScalarType::kTimestamp:
      return "!!timestamp";
    case ScalarType::kMerge:
    case ScalarType::kBinary:
    case ScalarType::kString:
      break;
  }
  return "!!str";
}

absl::StatusOr<Scalar> ResolveBinary(absl::string_view text) {
  const std::string joined = absl::StrReplaceAll(text, {{"\n", ""}, {"\r", ""}});
  std::string bytes;
  // Padding is required, and nothing but the alphabet is allowed.
  if (joined.size() % 4 != 0 ||
      joined.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") !=
          std::string::npos ||
      !absl::Base64Unescape(joined, &bytes)) {
    return absl::InvalidArgumentError("the text tagged !!binary is not base64");
  }
  return Scalar{ScalarType::kBinary, std::move(bytes)};
}

std::string FormatG(bool negative, const object::ShortestDigits& shortest) {
  std::string out = negative ? "-" : "";
  if (shortest.exponent >= -4 && shortest.exponent < 6) {
    object::AppendPositional(shortest, out);
    return out;
  }
  out += shortest.digits.substr(0, 1);
  if (shortest.digits.size() > 1) absl::StrAppend(&out, ".", shortest.digits.substr(1));
  const int magnitude = std::abs(shortest.exponent);
  absl::StrAppend(&out, shortest.exponent < 0 ? "e-" : "e+", magnitude < 10 ? "0" : "", magnitude);
  return out;
}

template <typename Float>
std::string FormatAnyFloat(Float d) {
  if (std::isnan(d)) return ".nan";
  if (std::isinf(d)) return d < 0 ? "-.inf" : ".inf";
  return FormatG(std::signbit(d), object::ShortestDigitsOf(d));
}

}  // namespace

Scalar ResolvePlain(absl::string_view text) {
  if (auto scalar = ResolveNumberOrWord(text, Timestamps::kYes)) return *std::move(scalar);
  return {ScalarType::kString, std::string(text)};
}

absl::StatusOr<Scalar> ResolveTagged(absl::string_view tag, absl::string_view text) {
  const Scalar as_text = {ScalarType::kString, std::string(text)};
  if (!absl::StartsWith(tag, kTagPrefix)) return as_text;
  const absl::string_view name = tag.substr(sizeof(kTagPrefix) - 1);
  if (name == "binary") return ResolveBinary(text);
  static const std::map<std::string, ScalarType>& types =
      *new std::map<std::string, ScalarType>({{"null", ScalarType::kNull},
                                              {"bool", ScalarType::kBool},
                                              {"int", ScalarType::kInt},
                                              {"float", ScalarType::kFloat},
                                              {"timestamp", ScalarType::kTimestamp}});
  const auto wanted = types.find(std::string(name));
  if (wanted == types.end()) return as_text;
  const Timestamps timestamps =
      wanted->second == ScalarType::kTimestamp ? Timestamps::kYes : Timestamps::kNo;
  Scalar scalar = ResolveNumberOrWord(text, timestamps).value_or(as_text);
  if (scalar.type == wanted->second) return scalar;
  const int64_t* integer = std::get_if<int64_t>(&scalar.value);
  if (wanted->second == ScalarType::kFloat && integer != nullptr) {
    return Scalar{ScalarType::kFloat, static_cast<double>(*integer)};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the text \"", text, "\" is tagged !!", name, " but is ", NameOf(scalar.type)));
}

std::string GoTagError(absl::string_view tag, absl::string_view text) {
  const absl::string_view name = absl::StripPrefix(tag, kTagPrefix);
  if (name == "binary") return "yaml: !!binary value contains invalid base64 data";
  const Timestamps timestamps = name == "timestamp" ? Timestamps::kYes : Timestamps::kNo;
  const std::optional<Scalar> scalar = ResolveNumberOrWord(text, timestamps);
  return absl::StrCat("yaml: cannot decode ",
                      ShortTagOf(scalar ? scalar->type : ScalarType::kString), " `", text,
                      "` as a !!", name);
}

std::string FormatFloatG(double d) { return FormatAnyFloat(d); }
std::string FormatFloatG(float f) { return FormatAnyFloat(f); }

}  // namespace leidang::yaml
