#include "hub/rpc/label_filter.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"

namespace leidang::hub {
namespace {

// Commas part requirements, but not inside parentheses.
std::vector<std::string> Requirements(absl::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

object::Value Expression(absl::string_view key, const char* op,
                         const std::vector<std::string>& values) {
  object::Array list;
  for (const std::string& value : values) list.emplace_back(value);
  return object::Object{{"key", std::string(absl::StripAsciiWhitespace(key))},
                        {"operator", op},
                        {"values", std::move(list)}};
}

absl::StatusOr<object::Value> ParseSet(absl::string_view part, absl::string_view word,
                                       const char* op) {
  const size_t at = part.find(word);
  absl::string_view list = absl::StripAsciiWhitespace(part.substr(at + word.size()));
  if (!absl::ConsumePrefix(&list, "(") || !absl::ConsumeSuffix(&list, ")")) {
    return absl::InvalidArgumentError(
        absl::StrCat("the selector \"", part, "\" needs a list in parentheses"));
  }
  std::vector<std::string> values;
  for (const absl::string_view value : absl::StrSplit(list, ','))
    values.emplace_back(absl::StripAsciiWhitespace(value));
  return Expression(part.substr(0, at), op, values);
}

absl::StatusOr<object::Value> ParseRequirement(absl::string_view part) {
  if (absl::StrContains(part, " notin ")) return ParseSet(part, " notin ", "NotIn");
  if (absl::StrContains(part, " in ")) return ParseSet(part, " in ", "In");
  for (const auto& [sign, op] :
       {std::pair<const char*, const char*>{"!=", "NotIn"}, {"==", "In"}, {"=", "In"}}) {
    const size_t at = part.find(sign);
    if (at == absl::string_view::npos) continue;
    const absl::string_view value =
        absl::StripAsciiWhitespace(part.substr(at + std::string(sign).size()));
    return Expression(part.substr(0, at), op, {std::string(value)});
  }
  if (absl::ConsumePrefix(&part, "!")) return Expression(part, "DoesNotExist", {});
  return Expression(part, "Exists", {});
}

}  // namespace

absl::StatusOr<LabelFilter> LabelFilter::Parse(absl::string_view text) {
  LabelFilter filter;
  if (absl::StripAsciiWhitespace(text).empty()) return filter;
  object::Array expressions;
  for (const std::string& part : Requirements(text)) {
    const absl::string_view trimmed = absl::StripAsciiWhitespace(part);
    if (trimmed.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the selector \"", text, "\" has an empty part"));
    }
    ASSIGN_OR_RETURN(object::Value expression, ParseRequirement(trimmed));
    expressions.push_back(std::move(expression));
  }
  const object::Value selector = object::Object{{"matchExpressions", std::move(expressions)}};
  ASSIGN_OR_RETURN(filter.selector_,
                   match::Selector::Parse(selector, match::Selector::Rules::kLabels));
  return filter;
}

bool LabelFilter::Matches(const object::Value& manifest) const {
  std::map<std::string, std::string> labels;
  const object::Value* given = object::Find(manifest, {"metadata", "labels"});
  if (given != nullptr && given->is_object()) {
    for (const auto& entry : given->as_object()) {
      if (entry.value().is_string())
        labels[std::string(entry.key())] = std::string(entry.value().as_string());
    }
  }
  return selector_.Matches(labels);
}

}  // namespace leidang::hub
