#include "generators/application/patch.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "generators/application/schema.h"
#include "generators/template/fmt.h"
#include "generators/template/value_json.h"

namespace leidang::generators {

namespace {

using object::Array;
using object::Object;
using object::Value;

constexpr char kPatch[] = "$patch";
constexpr char kRetainKeys[] = "$retainKeys";
constexpr char kDeletePrefix[] = "$deleteFromPrimitiveList/";
constexpr char kOrderPrefix[] = "$setElementOrder/";

absl::string_view View(const boost::json::string_view& s) { return {s.data(), s.size()}; }
boost::json::string_view Key(absl::string_view s) { return {s.data(), s.size()}; }

absl::Status Error(absl::string_view message) { return absl::InvalidArgumentError(message); }

// What is not there before is taken over without nulls.
void DiscardNulls(Value& value) {
  if (value.is_array()) {
    for (Value& item : value.get_array()) DiscardNulls(item);
  }
  if (!value.is_object()) return;
  Object out;
  for (auto& [key, item] : value.get_object()) {
    if (item.is_null()) continue;
    DiscardNulls(item);
    out[key] = std::move(item);
  }
  value = std::move(out);
}

// False where the value itself is a directive.
bool DropDirectives(Value& value) {
  if (value.is_array()) {
    Array out;
    for (Value& item : value.get_array()) {
      if (DropDirectives(item)) out.push_back(std::move(item));
    }
    value = std::move(out);
  }
  if (!value.is_object()) return true;
  if (value.get_object().contains(kPatch)) return false;
  Object out;
  for (auto& [key, item] : value.get_object()) {
    if (DropDirectives(item)) out[key] = std::move(item);
  }
  value = std::move(out);
  return true;
}

void Take(Object& original, absl::string_view key, Value value, bool discard_nulls) {
  if (discard_nulls) DiscardNulls(value);
  if (DropDirectives(value)) {
    original[Key(key)] = std::move(value);
  } else {
    object::StableErase(original, key);
  }
}

bool Contains(const Array& list, const Value& item) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Value& v) { return object::Equal(v, item); });
}

size_t IndexOf(const Array& list, const Value& item) {
  const auto it = std::find_if(list.begin(), list.end(),
                               [&](const Value& v) { return object::Equal(v, item); });
  return static_cast<size_t>(it - list.begin());
}

// The items of `merged` in their new order: those that `order` names in its order, the others
// between them where they stood in `server`.
Array Ordered(const Array& merged, const Array& order, const Array& server) {
  std::vector<Value> named;
  std::vector<Value> others;
  for (const Value& v : merged) (Contains(order, v) ? named : others).push_back(v);
  const auto by = [](const Array& list) {
    return [&list](const Value& a, const Value& b) { return IndexOf(list, a) < IndexOf(list, b); };
  };
  std::stable_sort(named.begin(), named.end(), by(order));
  std::stable_sort(others.begin(), others.end(), by(server));
  Array out;
  size_t i = 0;
  size_t j = 0;
  while (i < others.size() || j < named.size()) {
    const bool other_first =
        j >= named.size() ||
        (i < others.size() && Contains(server, others[i]) && Contains(server, named[j]) &&
         IndexOf(server, others[i]) < IndexOf(server, named[j]));
    out.push_back(other_first ? others[i++] : named[j++]);
  }
  return out;
}

absl::Status CheckScalars(const Array& a, const Array& b) {
  for (const Array* list : {&a, &b}) {
    for (const Value& v : *list) {
      if (!v.is_string()) return Error("invalid list: a merged list of text holds something else");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Array> MergeScalars(const Array& original, const Array& patch) {
  RETURN_IF_ERROR(CheckScalars(original, patch));
  Array merged;
  for (const Array* list : {&original, &patch}) {
    for (const Value& v : *list) {
      if (!Contains(merged, v)) merged.push_back(v);
    }
  }
  return Ordered(merged, patch, original);
}

// Where in the types a patched object stands: in a struct, in raw JSON, or nowhere that has fields.
class Merging {
 public:
  absl::StatusOr<Value> Objects(Object original, Object patch, const StructType* type,
                                absl::string_view type_name) {
    if (const Value* directive = patch.if_contains(kPatch)) return Directive(*directive, patch);
    RETURN_IF_ERROR(RetainKeys(original, patch));
    RETURN_IF_ERROR(SetOrder(original, patch, type, type_name));
    for (auto& [raw_key, value] : patch) {
      absl::string_view key = View(raw_key);
      const bool deletes_items = absl::ConsumePrefix(&key, kDeletePrefix);
      if (value.is_null()) {
        object::StableErase(original, key);
        continue;
      }
      Value* have = original.if_contains(Key(key));
      if (have == nullptr || have->kind() != value.kind()) {
        if (!deletes_items) Take(original, key, std::move(value), true);
        continue;
      }
      if (have->is_object()) {
        RETURN_IF_ERROR(Nested(*have, value, key, type, type_name));
      } else if (have->is_array()) {
        RETURN_IF_ERROR(Lists(*have, value.get_array(), key, type, type_name, deletes_items));
      } else {
        Take(original, key, std::move(value), false);
      }
    }
    return Value(std::move(original));
  }

 private:
  static absl::StatusOr<Value> Directive(const Value& directive, const Object& patch) {
    if (directive == "replace") {
      Object out = patch;
      object::StableErase(out, kPatch);
      return Value(std::move(out));
    }
    if (directive == "delete") return Value(Object());
    return Error(absl::StrCat("unknown patch type: ", object::ToJson(directive)));
  }

  static absl::StatusOr<const FieldType*> FieldOf(absl::string_view key, const StructType* type,
                                                  absl::string_view type_name) {
    if (type_name.empty()) return Error("merging an object in json but data type is not struct");
    const FieldType* field = type == nullptr ? nullptr : type->Find(key);
    if (field != nullptr) return field;
    return Error(absl::StrCat("unable to find api field in struct ", type_name,
                              " for the json field \"", key, "\""));
  }

  absl::Status Nested(Value& have, Value& patch, absl::string_view key, const StructType* type,
                      absl::string_view type_name) {
    ASSIGN_OR_RETURN(const FieldType* field, FieldOf(key, type, type_name));
    absl::string_view below;
    if (field->shape == Shape::kStruct) below = field->type->name;
    if (field->shape == Shape::kRaw) below = "RawExtension";
    absl::StatusOr<Value> merged =
        Objects(have.get_object(), std::move(patch.get_object()), field->type, below);
    if (!merged.ok()) return merged.status();
    have = *std::move(merged);
    return absl::OkStatus();
  }

  static absl::Status Lists(Value& have, const Array& patch, absl::string_view key,
                            const StructType* type, absl::string_view type_name,
                            bool deletes_items) {
    ASSIGN_OR_RETURN(const FieldType* field, FieldOf(key, type, type_name));
    if (field->list_patch == ListPatch::kReplaces) {
      have = patch;
      return absl::OkStatus();
    }
    Array& list = have.get_array();
    if (deletes_items) {
      Array kept;
      for (const Value& v : list) {
        if (!Contains(patch, v)) kept.push_back(v);
      }
      list = std::move(kept);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(list, MergeScalars(Array(list), patch));
    return absl::OkStatus();
  }

  static absl::Status RetainKeys(Object& original, Object& patch) {
    const Value* keys = patch.if_contains(kRetainKeys);
    if (keys == nullptr) return absl::OkStatus();
    if (!keys->is_array()) return Error("invalid patch format of retainKeys");
    const Array retained = keys->get_array();
    object::StableErase(patch, kRetainKeys);
    for (const auto& [key, value] : patch) {
      const absl::string_view name = View(key);
      if (value.is_null() || absl::StartsWith(name, kDeletePrefix) ||
          absl::StartsWith(name, kOrderPrefix)) {
        continue;
      }
      if (!Contains(retained, Value(key))) return Error("invalid patch format of retainKeys");
    }
    Object kept;
    for (const auto& [key, value] : original) {
      if (Contains(retained, Value(key))) kept[key] = value;
    }
    original = std::move(kept);
    return absl::OkStatus();
  }

  static std::string Shown(const Array& list) { return go::Plain(FromJson(Value(list))); }

  // The list must be spelled in the order that is asked for.
  static absl::Status CheckOrder(const Array& patch, const Array& order) {
    size_t next = 0;
    for (const Value& v : order) {
      if (next < patch.size() && object::Equal(patch[next], v)) ++next;
    }
    if (next == patch.size()) return absl::OkStatus();
    return Error(absl::StrCat("The order in patch list:\n", Shown(patch),
                              "\n doesn't match $setElementOrder list:\n", Shown(order), "\n"));
  }

  static absl::Status SetOrder(Object& original, Object& patch, const StructType* type,
                               absl::string_view type_name) {
    std::vector<std::string> directives;
    for (const auto& [key, value] : patch) {
      if (absl::StartsWith(View(key), kOrderPrefix)) directives.emplace_back(View(key));
    }
    for (const std::string& directive : directives) {
      const Value order = patch[directive];
      object::StableErase(patch, directive);
      absl::string_view key = directive;
      absl::ConsumePrefix(&key, kOrderPrefix);
      ASSIGN_OR_RETURN(const FieldType* field, FieldOf(key, type, type_name));
      const Value* before = original.if_contains(Key(key));
      const Value* added = patch.if_contains(Key(key));
      if (before == nullptr && added == nullptr) continue;
      for (const Value* list : {&order, before, added}) {
        if (list != nullptr && !list->is_array()) {
          return Error(absl::StrCat("expected a list at ", directive));
        }
      }
      if (added != nullptr) RETURN_IF_ERROR(CheckOrder(added->get_array(), order.get_array()));
      const Array server = before == nullptr ? Array() : before->get_array();
      Array merged = added == nullptr ? server : added->get_array();
      if (before != nullptr && added != nullptr && field->list_patch != ListPatch::kReplaces) {
        ASSIGN_OR_RETURN(merged, MergeScalars(server, added->get_array()));
      }
      original[Key(key)] = Ordered(merged, order.get_array(), server);
      object::StableErase(patch, key);
    }
    return absl::OkStatus();
  }
};

}  // namespace

absl::StatusOr<Value> StrategicMerge(const Value& application, const Value& patch) {
  if (patch.is_null()) return application;
  if (!patch.is_object()) return Error("Invalid JSON document");
  const StructType& type = ApplicationType();
  return Merging().Objects(application.get_object(), patch.get_object(), &type, type.name);
}

}  // namespace leidang::generators
