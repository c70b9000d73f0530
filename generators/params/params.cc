#include "generators/params/params.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/base/utf8.h"
#include "common/object/value.h"
#include "common/yaml/yaml.h"
#include "generators/template/fmt.h"
#include "generators/template/value_json.h"
#include "generators/template/yaml_text.h"

namespace leidang::generators {

namespace {

bool EmptyMap(const TValue& v) { return v.map() == nullptr || v.map()->empty(); }

// A list whose elements a flattened set cannot reach: of text, or of maps that are more than JSON.
bool IsOpaque(const TValue& v) { return v.is_list() && v.type() != GoType::kAnyList; }

void FlattenInto(const TValue& value, const std::string& key,
                 std::map<std::string, std::string>* out) {
  const std::string prefix = key.empty() ? "" : absl::StrCat(key, ".");
  if (value.is_map()) {
    if (value.map() == nullptr) return;
    for (const TMap::Entry* entry : value.map()->Sorted()) {
      FlattenInto(entry->value, absl::StrCat(prefix, entry->key.text()), out);
    }
    return;
  }
  if (value.is_list() && !IsOpaque(value)) {
    size_t i = 0;
    for (const TValue& item : value.items()) FlattenInto(item, absl::StrCat(prefix, i++), out);
    return;
  }
  (*out)[key] = go::Plain(value);
}

// The rest of a flat key behind `part` and its dot; nullopt where `key` does not go that way.
std::optional<absl::string_view> Behind(absl::string_view key, absl::string_view part) {
  if (!absl::ConsumePrefix(&key, part) || !absl::ConsumePrefix(&key, ".")) return std::nullopt;
  return key;
}

std::optional<std::string> FindBelow(const TValue& value, absl::string_view key);

std::optional<std::string> FindEntry(const TValue& value, absl::string_view name,
                                     absl::string_view key) {
  const bool container = value.is_map() || (value.is_list() && !IsOpaque(value));
  if (!container) {
    if (name == key) return go::Plain(value);
    return std::nullopt;
  }
  const std::optional<absl::string_view> rest = Behind(key, name);
  return rest.has_value() ? FindBelow(value, *rest) : std::nullopt;
}

std::optional<std::string> FindBelow(const TValue& value, absl::string_view key) {
  if (value.is_map()) {
    if (value.map() == nullptr) return std::nullopt;
    if (const TValue* found = value.Find(key)) {
      if (auto text = FindEntry(*found, key, key)) return text;
    }
    if (key.find('.') == absl::string_view::npos) return std::nullopt;
    for (const TMap::Entry* entry : value.map()->Sorted()) {
      if (auto text = FindEntry(entry->value, entry->key.text(), key)) return text;
    }
    return std::nullopt;
  }
  size_t i = 0;
  for (const TValue& item : value.items()) {
    if (auto text = FindEntry(item, absl::StrCat(i++), key)) return text;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<TValue> JoinParams(const TValue& over, const TValue& under) {
  if (EmptyMap(over)) return under;
  if (EmptyMap(under) && under.type() == over.type()) return over;
  if (under.type() == GoType::kStringMap && over.type() != GoType::kStringMap) {
    return absl::InvalidArgumentError(
        "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string");
  }
  // Keys of both that hold maps on both sides have to be joined themselves.
  TValue joined;
  for (const TMap::Entry* entry : over.map()->Sorted()) {
    if (!entry->value.is_map()) continue;
    const TValue* below = under.Find(entry->key.text());
    if (below == nullptr || !below->is_map() || EmptyMap(*below)) continue;
    ASSIGN_OR_RETURN(TValue both, JoinParams(entry->value, *below));
    if (joined.is_nil()) joined = TValue::Map();
    joined.mutable_map()->Set(entry->key, std::move(both));
  }
  std::vector<TValue> layers;
  if (!joined.is_nil()) layers.push_back(std::move(joined));
  layers.push_back(over);
  layers.push_back(under);
  TValue result = TValue::Layered(layers);
  if (under.type() != GoType::kStringMap) return result;
  TValue typed = TValue::Map(GoType::kStringMap);
  for (const TMap::Entry* entry : result.map()->Sorted()) {
    typed.mutable_map()->Set(entry->key, entry->value);
  }
  return typed;
}

absl::StatusOr<TValue> JoinFlatParams(const TValue& a, const TValue& b) {
  TValue out = TValue::Map();
  TMap* map = out.mutable_map();
  if (a.map() != nullptr) {
    for (const TMap::Entry* entry : a.map()->Sorted()) {
      const bool text = entry->value.is_string();
      map->Set(entry->key, text ? entry->value : TValue::String(go::Plain(entry->value)));
    }
  }
  if (b.map() == nullptr) return out;
  for (const TMap::Entry* entry : b.map()->Sorted()) {
    TValue text = entry->value.is_string() ? entry->value : TValue::String(go::Plain(entry->value));
    const TValue* have = map->Find(entry->key);
    if (have != nullptr && have->text() != text.text()) {
      return absl::InvalidArgumentError(absl::StrCat("found duplicate key ", entry->key.text(),
                                                     " with different value, a: ", have->text(),
                                                     " ,b: ", text.text()));
    }
    if (have == nullptr) map->Set(entry->key, std::move(text));
  }
  return out;
}

std::map<std::string, std::string> FlattenParams(const TValue& params) {
  std::map<std::string, std::string> out;
  if (params.map() == nullptr) return out;
  for (const TMap::Entry* entry : params.map()->Sorted()) {
    FlattenInto(entry->value, std::string(entry->key.text()), &out);
  }
  return out;
}

std::optional<std::string> FindFlatParam(const TValue& params, absl::string_view key) {
  return FindBelow(params, key);
}

TValue FlatParamsOf(const TValue& object) {
  TValue out = TValue::Map();
  for (const auto& [key, value] : FlattenParams(object)) {
    out.mutable_map()->Set(key, TValue::String(value));
  }
  return out;
}

TValue FromUnstructured(const object::Value& json) {
  if (json.is_int64()) return TValue::Int64(json.get_int64());
  if (json.is_array()) {
    std::vector<TValue> items;
    for (const object::Value& item : json.get_array()) items.push_back(FromUnstructured(item));
    return TValue::List(std::move(items));
  }
  if (!json.is_object()) return FromJson(json);
  TValue out = TValue::Map();
  for (const auto& [key, value] : json.get_object()) {
    out.mutable_map()->Set({key.data(), key.size()}, FromUnstructured(value));
  }
  return out;
}

TValue RawParameters(const object::Value& parameters) {
  TValue out = TValue::Map();
  for (const auto& [key, value] : parameters.get_object()) {
    out.mutable_map()->Set({key.data(), key.size()}, RawJson(value));
  }
  return out;
}

TValue TextMap(const std::map<std::string, std::string>& values) {
  TValue out = TValue::Map(GoType::kStringMap);
  for (const auto& [key, value] : values) out.mutable_map()->Set(key, TValue::String(value));
  return out;
}

std::string ParamsExcerpt(const TValue& params, size_t bytes_max) {
  std::string text = object::ToJson(ToJson(params));
  if (text.size() <= bytes_max) return text;
  return absl::StrCat(Utf8Prefix(text, bytes_max), "…");
}

namespace {

constexpr char kDetail[] = "leidang.dev/detail";

absl::Status NotRead(absl::string_view what, const std::string& why, absl::string_view detail) {
  return WithDetail(absl::InvalidArgumentError(absl::StrCat(what, why)), detail);
}

}  // namespace

absl::Status WithDetail(absl::Status status, absl::string_view detail) {
  status.SetPayload(kDetail, absl::Cord(detail));
  return status;
}

absl::StatusOr<std::vector<TValue>> ReadObjects(absl::string_view text, absl::string_view path,
                                                SingleObject single) {
  const absl::StatusOr<object::Value> parsed = yaml::ParseYaml(text, path);
  if (!parsed.ok()) {
    return NotRead("error converting YAML to JSON: ", gotmpl::YamlErrorText(parsed.status()),
                   parsed.status().message());
  }
  const bool one = single == SingleObject::kYes;
  if (parsed->is_null()) return std::vector<TValue>(one ? 1 : 0, TValue::Map());
  if (one && parsed->is_object()) return std::vector<TValue>{FromJson(*parsed)};
  const auto mistyped = [&](const object::Value& value, absl::string_view type) {
    return NotRead(
        "error unmarshaling JSON: while decoding JSON: ", gotmpl::JsonTypeError(value, type),
        absl::StrCat(path, " holds neither ", one ? "an object nor " : "", "a list of ",
                     one ? "objects" : "objects nor nothing"));
  };
  if (!parsed->is_array()) return mistyped(*parsed, "[]map[string]interface {}");
  std::vector<TValue> out;
  for (const object::Value& item : parsed->get_array()) {
    if (!item.is_object() && !item.is_null()) return mistyped(item, "map[string]interface {}");
    out.push_back(item.is_null() ? TValue::Map() : FromJson(item));
  }
  return out;
}

std::string DetailOf(const absl::Status& status) {
  const absl::optional<absl::Cord> detail = status.GetPayload(kDetail);
  return detail.has_value() ? std::string(*detail) : std::string();
}

}  // namespace leidang::generators
