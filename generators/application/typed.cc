#include "generators/application/typed.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::generators {

namespace {

using object::Array;
using object::Object;
using object::Value;

absl::string_view View(const boost::json::string_view& s) { return {s.data(), s.size()}; }

absl::Status Expected(absl::string_view path, absl::string_view what, const Value& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected ", what, ", found ", KindOf(found)));
}

std::string At(absl::string_view path, size_t i) { return absl::StrCat(path, "[", i, "]"); }
std::string At(absl::string_view path, absl::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(path, ".", name);
}

absl::StatusOr<Value> ReadInteger(const Value& value, absl::string_view path) {
  if (value.is_int64()) return value;
  if (value.is_double() && value.get_double() == std::trunc(value.get_double()) &&
      std::fabs(value.get_double()) < 9e15) {
    return Value(static_cast<int64_t>(value.get_double()));
  }
  return Expected(path, "a whole number", value);
}

absl::StatusOr<Value> ReadTextList(const Value& value, absl::string_view path) {
  if (!value.is_array()) return Expected(path, "a list", value);
  Array out;
  for (size_t i = 0; i < value.get_array().size(); ++i) {
    const Value& item = value.get_array()[i];
    if (item.is_null()) {
      out.emplace_back("");
    } else if (item.is_string()) {
      out.push_back(item);
    } else {
      return Expected(At(path, i), "text", item);
    }
  }
  return Value(std::move(out));
}

absl::StatusOr<Value> ReadMap(const Value& value, Shape shape, absl::string_view path) {
  if (!value.is_object()) return Expected(path, "an object", value);
  Object out;
  for (const auto& [key, item] : value.get_object()) {
    const bool text = shape == Shape::kTextMap;
    if (item.is_null()) {
      out[key] = text ? Value("") : Value(false);
    } else if (text ? item.is_string() : item.is_bool()) {
      out[key] = item;
    } else {
      return Expected(At(path, View(key)), text ? "text" : "true or false", item);
    }
  }
  return Value(std::move(out));
}

absl::StatusOr<Value> ReadPluginParameter(const Value& value, absl::string_view path) {
  if (!value.is_object()) return Expected(path, "an object", value);
  Object out;
  out["name"] = "";
  for (const auto& [key, item] : value.get_object()) {
    const absl::string_view name = View(key);
    if (item.is_null()) continue;
    if (name == "name" || name == "string") {
      if (!item.is_string()) return Expected(At(path, name), "text", item);
      out[key] = item;
    } else if (name == "map") {
      ASSIGN_OR_RETURN(out[key], ReadMap(item, Shape::kTextMap, At(path, name)));
    } else if (name == "array") {
      ASSIGN_OR_RETURN(out[key], ReadTextList(item, At(path, name)));
    }
  }
  return Value(std::move(out));
}

class Reader {
 public:
  explicit Reader(const TypedOptions& options) : options_(options) {}

  absl::StatusOr<Value> Struct(const Value& value, const StructType& type, absl::string_view path) {
    if (!value.is_object() && !value.is_null()) return Expected(path, "an object", value);
    // Later names win, as they do where two spellings mean one field.
    std::vector<const Value*> found(type.fields.size(), nullptr);
    if (value.is_object()) {
      for (const auto& [key, item] : value.get_object()) {
        if (const FieldType* field = FieldOf(type, View(key))) {
          found[static_cast<size_t>(field - type.fields.data())] = &item;
        }
      }
    }
    Object out;
    for (size_t i = 0; i < type.fields.size(); ++i) {
      const FieldType& field = type.fields[i];
      ASSIGN_OR_RETURN(std::optional<Value> written, Field(found[i], field, At(path, field.name)));
      if (written.has_value()) {
        out[boost::json::string_view(field.name.data(), field.name.size())] = *std::move(written);
      }
    }
    return Value(std::move(out));
  }

 private:
  const FieldType* FieldOf(const StructType& type, absl::string_view name) const {
    if (const FieldType* field = type.Find(name)) return field;
    if (options_.names == TypedOptions::Names::kExact) return nullptr;
    const auto it = std::find_if(type.fields.begin(), type.fields.end(), [&](const FieldType& f) {
      return absl::EqualsIgnoreCase(f.name, name);
    });
    return it == type.fields.end() ? nullptr : &*it;
  }

  // nullopt where the field is left out.
  absl::StatusOr<std::optional<Value>> Field(const Value* value, const FieldType& field,
                                             const std::string& path) {
    const bool absent = value == nullptr || value->is_null();
    if (absent && field.empty != Empty::kWritten) return std::optional<Value>();
    if (absent) return std::optional<Value>(Zero(field));
    ASSIGN_OR_RETURN(Value written, Present(*value, field, path));
    if (field.empty == Empty::kOmitted && IsEmptyValue(written)) return std::optional<Value>();
    return std::optional<Value>(std::move(written));
  }

  Value Zero(const FieldType& field) {
    if (field.shape == Shape::kStruct) return *Struct(Value(), *field.type, "");
    return field.shape == Shape::kIntegerOrText ? Value(0) : Value("");
  }

  absl::StatusOr<Value> Present(const Value& value, const FieldType& field,
                                const std::string& path) {
    switch (field.shape) {
      case Shape::kText:
      case Shape::kTime:
        if (!value.is_string()) return Expected(path, "text", value);
        return value;
      case Shape::kBool:
        if (!value.is_bool()) return Expected(path, "true or false", value);
        return value;
      case Shape::kInteger:
        return ReadInteger(value, path);
      case Shape::kIntegerOrText:
        if (value.is_string()) return value;
        return ReadInteger(value, path);
      case Shape::kTextList:
        return ReadTextList(value, path);
      case Shape::kTextMap:
      case Shape::kBoolMap:
        return ReadMap(value, field.shape, path);
      case Shape::kStruct:
        return Struct(value, *field.type, path);
      case Shape::kRaw:
        return value;
      case Shape::kPluginParameter:
        return ReadPluginParameter(value, path);
      case Shape::kStructList:
      case Shape::kPluginParameterList:
        break;
    }
    if (!value.is_array()) return Expected(path, "a list", value);
    Array out;
    for (size_t i = 0; i < value.get_array().size(); ++i) {
      const Value& item = value.get_array()[i];
      absl::StatusOr<Value> one = field.shape == Shape::kStructList
                                      ? Struct(item, *field.type, At(path, i))
                                      : ReadPluginParameter(item, At(path, i));
      if (!one.ok()) return one.status();
      out.push_back(*std::move(one));
    }
    return Value(std::move(out));
  }

  const TypedOptions options_;
};

Value Merge(const Value& own, const Value& base, const StructType& type);

Value MergeField(const Value& own, const Value& base, const FieldType& field) {
  switch (field.shape) {
    case Shape::kStruct:
      return Merge(own, base, *field.type);
    case Shape::kTextMap: {
      Object out = own.get_object();
      for (const auto& [key, item] : base.get_object()) {
        const Value* mine = out.if_contains(key);
        if (mine == nullptr || IsEmptyValue(*mine)) out[key] = item;
      }
      return Value(std::move(out));
    }
    default:
      return IsEmptyValue(own) && !IsEmptyValue(base) ? base : own;
  }
}

Value Merge(const Value& own, const Value& base, const StructType& type) {
  Object out;
  for (const FieldType& field : type.fields) {
    const boost::json::string_view name(field.name.data(), field.name.size());
    const Value* a = own.get_object().if_contains(name);
    const Value* b = base.get_object().if_contains(name);
    if (a == nullptr && b == nullptr) continue;
    out[name] = a == nullptr ? *b : (b == nullptr ? *a : MergeField(*a, *b, field));
  }
  return Value(std::move(out));
}

}  // namespace

bool IsEmptyValue(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return true;
    case boost::json::kind::bool_:
      return !value.get_bool();
    case boost::json::kind::int64:
      return value.get_int64() == 0;
    case boost::json::kind::uint64:
      return value.get_uint64() == 0;
    case boost::json::kind::double_:
      return value.get_double() == 0;
    case boost::json::kind::string:
      return value.get_string().empty();
    case boost::json::kind::array:
      return value.get_array().empty();
    case boost::json::kind::object:
      return value.get_object().empty();
  }
  return true;
}

absl::string_view KindOf(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "true or false";
    case boost::json::kind::string:
      return "text";
    case boost::json::kind::array:
      return "a list";
    case boost::json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

absl::StatusOr<Value> ThroughType(const Value& value, const StructType& type,
                                  absl::string_view path, const TypedOptions& options) {
  return Reader(options).Struct(value, type, path);
}

Value MergeTemplates(const Value& own, const Value& base) {
  return Merge(own, base, TemplateType());
}

}  // namespace leidang::generators
