#include "agent/apply/ignore_rules.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "agent/apply/selected_paths.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

using object::Value;

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

absl::StatusOr<std::vector<std::string>> ReadTexts(const Value& item, absl::string_view name,
                                                   absl::string_view where) {
  std::vector<std::string> texts;
  const Value* list = object::Find(item, {name});
  if (list == nullptr || list->is_null()) return texts;
  const auto wrong = [&] {
    return absl::InvalidArgumentError(absl::StrCat(where, ".", name, " is no list of texts"));
  };
  if (!list->is_array()) return wrong();
  for (const Value& text : list->get_array()) {
    if (!text.is_string()) return wrong();
    texts.emplace_back(View(text.get_string()));
  }
  return texts;
}

absl::StatusOr<match::Glob> ReadGlob(const Value& item, absl::string_view name,
                                     absl::string_view where) {
  absl::StatusOr<match::Glob> glob = match::Glob::Compile(object::FindString(item, {name}));
  if (glob.ok()) return glob;
  return absl::InvalidArgumentError(
      absl::StrCat(where, ".", name, " is no pattern: ", glob.status().message()));
}

// The item of `list` that the pointer's part names; null if none.
Value* ItemAt(object::Array& list, absl::string_view part) {
  size_t index = 0;
  if (!absl::SimpleAtoi(part, &index) || index >= list.size()) return nullptr;
  return &list[index];
}

// Index of the list item that `key`, the JSON object after "k:", describes.
std::optional<size_t> IndexByKey(const object::Array& list, const Value& key) {
  if (!key.is_object()) return std::nullopt;
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) continue;
    const object::Object& item = list[i].get_object();
    const bool same =
        std::all_of(key.get_object().begin(), key.get_object().end(), [&](const auto& member) {
          const Value* found = item.if_contains(member.key());
          return found != nullptr && object::Equal(*found, member.value());
        });
    if (same) return i;
  }
  return std::nullopt;
}

std::optional<size_t> IndexInList(const object::Array& list, absl::string_view element) {
  absl::string_view text = element;
  if (absl::ConsumePrefix(&text, "i:")) {
    size_t index = 0;
    if (!absl::SimpleAtoi(text, &index) || index >= list.size()) return std::nullopt;
    return index;
  }
  const bool by_key = absl::ConsumePrefix(&text, "k:");
  if (!by_key && !absl::ConsumePrefix(&text, "v:")) return std::nullopt;
  const absl::StatusOr<Value> wanted = object::ParseJson(text);
  if (!wanted.ok()) return std::nullopt;
  if (by_key) return IndexByKey(list, *wanted);
  for (size_t i = 0; i < list.size(); ++i) {
    if (object::Equal(list[i], *wanted)) return i;
  }
  return std::nullopt;
}

// Whether `fields` owns the whole of what it stands at.
bool IsLeaf(const Value& fields) { return !fields.is_object() || fields.get_object().empty(); }

void RemoveFromObject(object::Object& object, absl::string_view element, const Value& below) {
  absl::string_view name = element;
  if (!absl::ConsumePrefix(&name, "f:")) return;
  if (IsLeaf(below)) {
    object::StableErase(object, name);
  } else if (Value* found = object.if_contains({name.data(), name.size()})) {
    RemoveFields(*found, below);
  }
}

void RemoveFromList(object::Array& list, absl::string_view element, const Value& below) {
  const std::optional<size_t> index = IndexInList(list, element);
  if (!index.has_value()) return;
  const bool whole = IsLeaf(below) || below.get_object().contains(".");
  if (whole) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(*index));
  } else {
    RemoveFields(list[*index], below);
  }
}

}  // namespace

void RemoveAtPointer(Value& value, absl::string_view pointer) {
  if (!absl::StartsWith(pointer, "/")) return;
  std::vector<std::string> parts = absl::StrSplit(pointer.substr(1), '/');
  Value* at = &value;
  for (size_t i = 0; i < parts.size() && at != nullptr; ++i) {
    const std::string part =
        absl::StrReplaceAll(absl::StrReplaceAll(parts[i], {{"~1", "/"}}), {{"~0", "~"}});
    const bool last = i + 1 == parts.size();
    if (at->is_object()) {
      if (last) {
        object::StableErase(at->get_object(), part);
        return;
      }
      at = at->get_object().if_contains(part);
    } else if (at->is_array()) {
      object::Array& list = at->get_array();
      at = ItemAt(list, part);
      if (last && at != nullptr) {
        list.erase(list.begin() + (at - list.data()));
        return;
      }
    } else {
      return;
    }
  }
}

void RemoveFields(Value& value, const Value& fields) {
  if (!fields.is_object()) return;
  for (const auto& member : fields.get_object()) {
    const absl::string_view element = View(member.key());
    if (value.is_object()) {
      RemoveFromObject(value.get_object(), element, member.value());
    } else if (value.is_array()) {
      RemoveFromList(value.get_array(), element, member.value());
    }
  }
}

bool IgnoreRules::Rule::Matches(const object::ObjectKey& key) const {
  return group.Matches(key.group) && kind.Matches(key.kind) && (name.empty() || name == key.name) &&
         (ns.empty() || ns == key.ns);
}

absl::StatusOr<IgnoreRules> IgnoreRules::Parse(const Value& list) {
  IgnoreRules rules;
  if (list.is_null()) return rules;
  if (!list.is_array()) return absl::InvalidArgumentError("spec.ignoreDifferences is no list");
  for (size_t i = 0; i < list.get_array().size(); ++i) {
    const Value& item = list.get_array()[i];
    const std::string where = absl::StrCat("spec.ignoreDifferences[", i, "]");
    if (!item.is_object()) return absl::InvalidArgumentError(absl::StrCat(where, " is no map"));
    ASSIGN_OR_RETURN(match::Glob group, ReadGlob(item, "group", where));
    ASSIGN_OR_RETURN(match::Glob kind, ReadGlob(item, "kind", where));
    ASSIGN_OR_RETURN(std::vector<std::string> pointers, ReadTexts(item, "jsonPointers", where));
    ASSIGN_OR_RETURN(std::vector<std::string> paths, ReadTexts(item, "jqPathExpressions", where));
    ASSIGN_OR_RETURN(const std::vector<std::string> managers,
                     ReadTexts(item, "managedFieldsManagers", where));
    rules.rules_.push_back(
        {std::move(group), std::move(kind), std::string(object::FindString(item, {"name"})),
         std::string(object::FindString(item, {"namespace"})), std::move(pointers),
         std::move(paths), std::set<std::string>(managers.begin(), managers.end())});
  }
  return rules;
}

bool IgnoreRules::Concern(const object::ObjectKey& key) const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [&](const Rule& rule) { return rule.Matches(key); });
}

void IgnoreRules::StripFields(const object::ObjectKey& key, const Value* live,
                              Value& object) const {
  const Value* managed =
      live == nullptr ? nullptr : object::Find(*live, {"metadata", "managedFields"});
  const object::Array none;
  // A copy, as `object` may be `live`.
  const object::Array entries =
      managed != nullptr && managed->is_array() ? managed->get_array() : none;
  for (const Rule& rule : rules_) {
    if (!rule.Matches(key)) continue;
    for (const std::string& pointer : rule.pointers) RemoveAtPointer(object, pointer);
    for (const Value& entry : entries) {
      const Value* fields = object::Find(entry, {"fieldsV1"});
      const std::string manager(object::FindString(entry, {"manager"}));
      if (fields != nullptr && rule.managers.contains(manager)) RemoveFields(object, *fields);
    }
  }
}

std::vector<std::string> IgnoreRules::Expressions(const object::ObjectKey& key) const {
  std::vector<std::string> expressions;
  for (const Rule& rule : rules_) {
    if (!rule.Matches(key)) continue;
    expressions.insert(expressions.end(), rule.paths.begin(), rule.paths.end());
  }
  return expressions;
}

absl::Status IgnoreRules::Strip(const object::ObjectKey& key, const Value* live, const JqRunner& jq,
                                Value& object) const {
  StripFields(key, live, object);
  for (const std::string& expression : Expressions(key)) {
    const absl::StatusOr<object::Array> selected = jq(expression, object);
    if (selected.ok()) {
      RemoveAtPaths(object, *selected);
    } else if (absl::IsInvalidArgument(selected.status())) {
      return absl::InvalidArgumentError(
          absl::StrCat("jq expression \"", expression, "\": ", selected.status().message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace leidang::agent
