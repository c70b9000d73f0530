// Defaults, truth, types, and the end of all things.

#include "absl/strings/str_cat.h"

#include "generators/template/cast.h"
#include "generators/template/function_sets.h"

namespace leidang::generators::gotmpl {
namespace {

absl::Status Default(Call& call) {
  return call.Return(call.size() < 2 || IsEmpty(call[1]) ? call[0] : call[1]);
}

absl::Status Empty(Call& call) { return call.ReturnBool(IsEmpty(call[0])); }

absl::Status Coalesce(Call& call) {
  for (size_t i = 0; i < call.size(); ++i) {
    if (!IsEmpty(call[i])) return call.Return(call[i]);
  }
  return call.Return(TValue());
}

absl::Status All(Call& call) {
  for (size_t i = 0; i < call.size(); ++i) {
    if (IsEmpty(call[i])) return call.ReturnBool(false);
  }
  return call.ReturnBool(true);
}

absl::Status Any(Call& call) {
  for (size_t i = 0; i < call.size(); ++i) {
    if (!IsEmpty(call[i])) return call.ReturnBool(true);
  }
  return call.ReturnBool(false);
}

absl::Status Ternary(Call& call) { return call.Return(call[call[2].as_bool() ? 0 : 1]); }

absl::Status Fail(Call& call) { return CallError(call.Text(0)); }

absl::Status TypeOf(Call& call) { return call.ReturnText(GoTypeName(call[0].type())); }
absl::Status KindOf(Call& call) { return call.ReturnText(GoKindName(call[0].type())); }
absl::Status TypeIs(Call& call) {
  return call.ReturnBool(call.Text(0) == GoTypeName(call[1].type()));
}
absl::Status KindIs(Call& call) {
  return call.ReturnBool(call.Text(0) == GoKindName(call[1].type()));
}
absl::Status TypeIsLike(Call& call) {
  const absl::string_view type = GoTypeName(call[1].type());
  return call.ReturnBool(call.Text(0) == type ||
                         absl::StrCat("*", call.Text(0)) == std::string(type));
}

absl::Status DeepEquals(Call& call) {
  const std::optional<bool> equal = DeepEqual(call[0], call[1], &call.budget());
  return equal.has_value() ? call.ReturnBool(*equal) : call.budget().StepsError();
}

constexpr Function kFunctions[] = {
    {"all", ".a", 'b', All},           {"any", ".a", 'b', Any},
    {"coalesce", ".a", 'a', Coalesce}, {"deepEqual", "aa", 'b', DeepEquals},
    {"default", "a.a", 'a', Default},  {"empty", "a", 'b', Empty},
    {"fail", "s", 's', Fail},          {"kindIs", "sa", 'b', KindIs},
    {"kindOf", "a", 's', KindOf},      {"ternary", "aab", 'a', Ternary},
    {"typeIs", "sa", 'b', TypeIs},     {"typeIsLike", "sa", 'b', TypeIsLike},
    {"typeOf", "a", 's', TypeOf},
};

}  // namespace

absl::Span<const Function> DefaultFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
