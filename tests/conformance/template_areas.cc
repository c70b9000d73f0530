#include "tests/conformance/template_areas.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "common/match/selector.h"
#include "generators/params/params.h"
#include "generators/params/text_template.h"
#include "generators/template/normalize.h"
#include "generators/template/value.h"
#include "generators/template/value_json.h"

namespace leidang::conformance {

namespace {

using generators::GoType;
using generators::TValue;
using object::FindString;
using object::Value;

absl::string_view View(const boost::json::string& s) { return {s.data(), s.size()}; }

// `{"$strings":[…]}` and `{"$stringmap":{…}}` stand for Go's typed lists and maps.
TValue Typed(const Value& json) {
  if (json.is_array()) {
    std::vector<TValue> items;
    for (const Value& item : json.get_array()) items.push_back(Typed(item));
    return TValue::List(std::move(items));
  }
  if (!json.is_object()) return generators::FromJson(json);
  const object::Object& object = json.get_object();
  if (object.size() == 1 && object.contains("$strings")) {
    std::vector<std::string> items;
    for (const Value& item : object.at("$strings").get_array())
      items.emplace_back(View(item.get_string()));
    return TValue::StringList(items);
  }
  if (object.size() == 1 && object.contains("$stringmap")) {
    std::map<std::string, std::string> values;
    for (const auto& [key, item] : object.at("$stringmap").get_object()) {
      values[std::string(key.data(), key.size())] = std::string(View(item.get_string()));
    }
    return generators::TextMap(values);
  }
  TValue map = TValue::Map();
  for (const auto& [key, item] : object)
    map.mutable_map()->Set({key.data(), key.size()}, Typed(item));
  return map;
}

TValue Params(const Value& line) {
  const Value* params = object::Find(line, {"params"});
  return params == nullptr ? TValue() : Typed(*params);
}

Outcome CheckTemplate(const Value& line, const generators::TemplateMode& mode) {
  const generators::TextTemplate text(FindString(line, {"template"}), mode);
  generators::RenderContext context;
  std::string output;
  if (absl::Status status = text.Render(Params(line), &context, &output); !status.ok()) {
    return CompareError(line, status.message());
  }
  const Value* encoded = object::Find(line, {"outputBase64"});
  if (encoded == nullptr) return CompareResult(line, "output", Value(output));
  std::string expected;
  absl::Base64Unescape(View(encoded->get_string()), &expected);
  if (expected == output) return Outcome::Equal();
  return Outcome::Different(absl::StrCat("      expected (base64) ", View(encoded->get_string()),
                                         ", got ", absl::Base64Escape(output), "\n"));
}

Value Normalized(const Value& line) {
  const object::Array& args = object::Find(line, {"args"})->get_array();
  const auto text = [&](size_t i) { return View(args[i].get_string()); };
  const absl::string_view function = FindString(line, {"function"});
  if (function == "normalize") return Value(generators::Normalize(text(0)));
  if (function == "gitURL") return Value(generators::NormalizeGitUrl(text(0)));
  if (function == "sameGitURL") return Value(generators::SameGitUrl(text(0), text(1)));
  generators::SlugOptions options;
  if (args.size() > 1) options.length_max = args[0].get_int64();
  if (args.size() > 2 && !args[1].get_bool()) options.truncate = generators::Truncate::kAnywhere;
  const absl::StatusOr<std::string> slug = generators::Slugify(text(args.size() - 1), options);
  return slug.ok() ? Value(*slug) : Value();
}

}  // namespace

Outcome CheckGoTemplate(const Value& line) {
  generators::TemplateMode mode{true, {}};
  if (const Value* options = object::Find(line, {"options"})) {
    for (const Value& option : options->get_array()) {
      mode.options.emplace_back(View(option.get_string()));
    }
  }
  return CheckTemplate(line, mode);
}

Outcome CheckFastTemplate(const Value& line) { return CheckTemplate(line, {false, {}}); }

Outcome CheckNormalize(const Value& line) {
  return CompareResult(line, "output", Normalized(line));
}

Outcome CheckPostSelector(const Value& line) {
  const Value* selector = object::Find(line, {"selector"});
  const absl::StatusOr<match::Selector> parsed = match::Selector::Parse(
      selector == nullptr ? Value() : *selector, match::Selector::Rules::kParameters);
  if (!parsed.ok()) return CompareError(line, parsed.status().message());
  const TValue params = Params(line);
  object::Object flat;
  const std::map<std::string, std::string> flattened = generators::FlattenParams(params);
  for (const auto& [key, value] : flattened) {
    flat[key] = value;
    // The quick way to one value must agree with the whole.
    if (generators::FindFlatParam(params, key) != value) {
      return Outcome::Different(absl::StrCat("      FindFlatParam(", key, ") differs\n"));
    }
  }
  Outcome outcome = CompareResult(line, "flattened", Value(std::move(flat)));
  if (!outcome.equal) return outcome;
  std::string found;
  const bool matches =
      parsed->Matches([&](absl::string_view key) -> std::optional<absl::string_view> {
        std::optional<std::string> value = generators::FindFlatParam(params, key);
        if (!value.has_value()) return std::nullopt;
        found = *std::move(value);
        return absl::string_view(found);
      });
  return CompareResult(line, "matches", Value(matches));
}

}  // namespace leidang::conformance
