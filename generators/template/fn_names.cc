// What Argo CD adds to sprig.

#include "absl/strings/str_cat.h"

#include "generators/template/function_sets.h"
#include "generators/template/normalize.h"

namespace leidang::generators::gotmpl {
namespace {

absl::Status NormalizeName(Call& call) { return call.ReturnText(Normalize(call.Text(0))); }

// [length [smart]] text
absl::Status SlugifyName(Call& call) {
  SlugOptions options;
  absl::string_view text;
  for (size_t i = 0; i < call.size(); ++i) {
    if (i + 1 == call.size()) {
      if (!call[i].is_string()) return ConversionError(call[i], "string");
      text = call.Text(i);
    } else if (i == 0) {
      if (call[i].type() != GoType::kInt) return ConversionError(call[i], "int");
      options.length_max = call.Int(i);
    } else if (i == 1) {
      if (call[i].type() != GoType::kBool) return ConversionError(call[i], "bool");
      options.truncate = call[i].as_bool() ? Truncate::kAtWord : Truncate::kAnywhere;
    }
  }
  const absl::StatusOr<std::string> slug = Slugify(text, options);
  return slug.ok() ? call.ReturnText(*slug) : slug.status();
}

constexpr Function kFunctions[] = {
    {"normalize", "s", 's', NormalizeName},
    {"slugify", ".a", 's', SlugifyName},
};

}  // namespace

absl::Span<const Function> NameFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
