#include "generators/template/functions.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "generators/template/function_sets.h"
#include "generators/template/parser.h"

namespace leidang::generators::gotmpl {
namespace {

using Registry = absl::flat_hash_map<absl::string_view, const Function*>;

Registry MakeRegistry() {
  Registry registry;
  // Later ones replace earlier ones: sprig's `slice` hides the built-in.
  for (const auto& functions : AllFunctions()) {
    for (const Function& function : functions) registry[function.name] = &function;
  }
  return registry;
}

}  // namespace

const Function* FindFunction(absl::string_view name) {
  static const Registry* const registry = new Registry(MakeRegistry());
  const auto it = registry->find(name);
  return it == registry->end() ? nullptr : it->second;
}

GoType TypeOfLetter(char letter) {
  switch (letter) {
    case 's':
      return GoType::kString;
    case 'i':
      return GoType::kInt;
    case 'I':
      return GoType::kInt64;
    case 'u':
      return GoType::kUint32;
    case 'U':
      return GoType::kUint64;
    case 'b':
      return GoType::kBool;
    case 'f':
      return GoType::kFloat64;
    case 'm':
      return GoType::kAnyMap;
    case 'M':
      return GoType::kStringMap;
    case 'l':
      return GoType::kAnyList;
    case 'S':
      return GoType::kStringList;
    case 'n':
      return GoType::kIntList;
    case 'B':
      return GoType::kByteList;
    case 'L':
      return GoType::kListList;
    case 't':
      return GoType::kTime;
    case 'd':
      return GoType::kDuration;
    case 'h':
      return GoType::kMonth;
    case 'w':
      return GoType::kWeekday;
    case 'o':
      return GoType::kLocation;
    case 'c':
      return GoType::kCertificate;
    case 'p':
      return GoType::kVersionPtr;
    case 'P':
      return GoType::kVersion;
    case 'v':
      return GoType::kReflectValue;
    default:
      return GoType::kInterface;
  }
}

GoType Function::Param(size_t i) const {
  const size_t count = fixed();
  return TypeOfLetter(i < count ? params[i] : params.back());
}

std::vector<TValue> Call::Rest(size_t i) const {
  std::vector<TValue> values;
  values.reserve(args_.size() - std::min(i, args_.size()));
  for (; i < args_.size(); ++i) values.push_back(args_[i].v);
  return values;
}

absl::StatusOr<go::Regex> Call::RegexOf(absl::string_view pattern) {
  const auto it = patterns_.find(std::string(pattern));
  if (it != patterns_.end()) return it->second;
  if (!budget_.Charge(256 + 16 * pattern.size())) return budget_.StepsError();
  absl::StatusOr<go::Regex> regex = go::Regex::Compile(pattern);
  if (regex.ok() && !budget_.Charge(4 * regex->size())) return budget_.StepsError();
  return regex;
}

absl::Status Budget::StepsError() const {
  return absl::ResourceExhaustedError(
      absl::StrCat("the template takes more than ", limits_.steps_max, " steps"));
}

absl::Status Budget::Text(size_t bytes) {
  if (bytes > limits_.text_bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a text of ", bytes, " bytes exceeds the limit of ", limits_.text_bytes_max));
  }
  return Charge(bytes / 16) ? absl::OkStatus() : StepsError();
}

absl::Status CallError(absl::string_view text) { return absl::InvalidArgumentError(text); }

absl::Status ConversionError(const TValue& value, absl::string_view wanted) {
  return CallError(absl::StrCat("interface conversion: interface {} is ",
                                value.is_nil() ? "nil" : GoTypeName(value.type()), ", not ",
                                wanted));
}

bool IsTrue(const TValue& v) {
  switch (v.type()) {
    case GoType::kNil:
      return false;
    case GoType::kFloat64:
      return v.as_float() != 0;
    case GoType::kString:
      return !v.text().empty();
    case GoType::kComplex128:
      return ComplexIsTrue(v);
    case GoType::kTime:
    case GoType::kVersion:
    case GoType::kVersionPtr:
    case GoType::kLocation:
    case GoType::kCertificate:
    case GoType::kRawJson:
      return true;
    default:
      break;
  }
  if (v.is_list()) return !v.items().empty();
  if (v.is_map()) return v.map() != nullptr && !v.map()->empty();
  return v.as_int() != 0;
}

}  // namespace leidang::generators::gotmpl
