#include "generators/template/cast.h"

#include "generators/template/boxes.h"
#include "generators/template/fmt.h"
#include "generators/template/functions.h"
#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr int kDepthMax = 1000;

// "12.00" is 12, "12.50" stays.
absl::string_view TrimZeroDecimal(absl::string_view s) {
  bool zero = false;
  for (size_t i = s.size(); i > 0; --i) {
    const char c = s[i - 1];
    if (c == '.') {
      if (zero) return s.substr(0, i - 1);
    } else if (c == '0') {
      zero = true;
    } else {
      return s;
    }
  }
  return s;
}

std::optional<bool> Equal(const TValue& a, const TValue& b, Budget* budget, int depth);

std::optional<bool> EqualLists(const TValue& a, const TValue& b, Budget* budget, int depth) {
  if ((a.list() == nullptr) != (b.list() == nullptr)) return false;
  const auto x = a.items(), y = b.items();
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); ++i) {
    const std::optional<bool> equal = Equal(x[i], y[i], budget, depth);
    if (!equal.has_value() || !*equal) return equal;
  }
  return true;
}

std::optional<bool> EqualMaps(const TValue& a, const TValue& b, Budget* budget, int depth) {
  if ((a.map() == nullptr) != (b.map() == nullptr)) return false;
  if (a.map() == nullptr || a.map() == b.map()) return true;
  const auto x = a.map()->Sorted(), y = b.map()->Sorted();
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i]->key.text() != y[i]->key.text()) return false;
    const std::optional<bool> equal = Equal(x[i]->value, y[i]->value, budget, depth);
    if (!equal.has_value() || !*equal) return equal;
  }
  return true;
}

std::optional<bool> Equal(const TValue& a, const TValue& b, Budget* budget, int depth) {
  if (depth > kDepthMax || !budget->Charge(1)) return std::nullopt;
  if (a.type() != b.type()) return false;
  if (a.is_list()) return EqualLists(a, b, budget, depth + 1);
  if (a.is_map()) return EqualMaps(a, b, budget, depth + 1);
  switch (a.type()) {
    case GoType::kString:
      return a.text() == b.text();
    case GoType::kFloat64:
      return a.as_float() == b.as_float();
    case GoType::kComplex128:
    case GoType::kTime:
    case GoType::kLocation:
    case GoType::kVersionPtr:
    case GoType::kVersion:
    case GoType::kCertificate:
    case GoType::kRawJson:
      return DeepEqualBoxes(a, b);
    default:
      return a.as_int() == b.as_int();
  }
}

}  // namespace

int64_t Truncated(double d) {
  if (d >= -kTwo63 && d < kTwo63) return static_cast<int64_t>(d);
  return std::numeric_limits<int64_t>::min();
}

int64_t ToInt64(const TValue& v) {
  switch (v.type()) {
    case GoType::kBool:
    case GoType::kInt:
    case GoType::kInt64:
    case GoType::kUint8:
    case GoType::kUint32:
    case GoType::kUint64:
    case GoType::kMonth:
    case GoType::kWeekday:
      return v.as_int();
    case GoType::kFloat64:
      return Truncated(v.as_float());
    case GoType::kString: {
      const auto parsed = go::ParseInt(TrimZeroDecimal(v.text()), 0);
      return parsed.ok() ? parsed.value : 0;
    }
    default:
      return 0;
  }
}

double ToFloat64(const TValue& v) {
  switch (v.type()) {
    case GoType::kBool:
    case GoType::kInt:
    case GoType::kInt64:
    case GoType::kUint8:
    case GoType::kUint32:
    case GoType::kMonth:
    case GoType::kWeekday:
      return static_cast<double>(v.as_int());
    case GoType::kUint64:
      return static_cast<double>(v.as_uint());
    case GoType::kFloat64:
      return v.as_float();
    case GoType::kString: {
      const auto parsed = go::ParseFloat(v.text());
      return parsed.ok() ? parsed.value : 0;
    }
    default:
      return 0;
  }
}

std::string ToText(const TValue& v) {
  if (v.is_string()) return std::string(v.text());
  if (v.type() == GoType::kByteList) {
    std::string bytes;
    for (const TValue& item : v.items()) bytes.push_back(static_cast<char>(item.as_int()));
    return bytes;
  }
  return go::Plain(v);
}

std::vector<std::string> ToTexts(const TValue& v) {
  std::vector<std::string> texts;
  if (v.is_list()) {
    for (const TValue& item : v.items()) {
      if (!item.is_nil()) texts.push_back(ToText(item));
    }
  } else if (!v.is_nil()) {
    texts.push_back(ToText(v));
  }
  return texts;
}

bool IsEmpty(const TValue& v) { return !IsTrue(v); }

std::optional<bool> DeepEqual(const TValue& a, const TValue& b, Budget* budget) {
  return Equal(a, b, budget, 0);
}

}  // namespace leidang::generators::gotmpl
