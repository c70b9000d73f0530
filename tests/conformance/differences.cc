#include "tests/conformance/differences.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"

namespace leidang::conformance {

namespace {

using object::FindString;
using object::Value;

// Members and, by number, elements; `*` is any element.
bool AnyAt(const Value& value, const std::vector<std::string>& path, size_t i,
           const Value& condition) {
  if (i == path.size()) {
    if (const Value* equal = object::Find(condition, {"equals"}))
      return object::Equal(value, *equal);
    const absl::string_view part = FindString(condition, {"contains"});
    return value.is_string() &&
           absl::StrContains(
               absl::string_view(value.get_string().data(), value.get_string().size()), part);
  }
  if (value.is_array()) {
    return path[i] == "*" &&
           std::any_of(value.get_array().begin(), value.get_array().end(),
                       [&](const Value& v) { return AnyAt(v, path, i + 1, condition); });
  }
  const Value* child = object::Find(value, {path[i]});
  return child != nullptr && AnyAt(*child, path, i + 1, condition);
}

}  // namespace

absl::StatusOr<Differences> Differences::Load(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(file, ": cannot be read"));
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  ASSIGN_OR_RETURN(const Value list, yaml::ParseYaml(text, file));
  Differences out;
  if (list.is_null()) return out;
  if (!list.is_array())
    return absl::InvalidArgumentError(absl::StrCat(file, ": expected a list of rules"));
  for (const Value& item : list.get_array()) {
    const Value* when = object::Find(item, {"when"});
    const Value* expected = object::Find(item, {"expected"});
    Rule rule{std::string(FindString(item, {"area"})), Value(), Value(),
              std::string(FindString(item, {"reason"}))};
    if (rule.area.empty() || rule.reason.empty() || when == nullptr || !when->is_array() ||
        when->get_array().empty() || expected == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": a rule needs area, when, expected and reason"));
    }
    rule.when = *when;
    rule.expected = *expected;
    out.rules_.push_back(std::move(rule));
  }
  return out;
}

const Differences::Rule* Differences::Find(absl::string_view area, const Value& content) const {
  for (const Rule& rule : rules_) {
    if (rule.area != area) continue;
    const object::Array& conditions = rule.when.get_array();
    if (std::all_of(conditions.begin(), conditions.end(), [&](const Value& condition) {
          const std::vector<std::string> path =
              absl::StrSplit(FindString(condition, {"path"}), '.');
          return AnyAt(content, path, 0, condition);
        })) {
      return &rule;
    }
  }
  return nullptr;
}

}  // namespace leidang::conformance
