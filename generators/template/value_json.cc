#include "generators/template/value_json.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "boost/json/array.hpp"
#include "boost/json/object.hpp"

#include "generators/template/boxes.h"
#include "generators/template/fmt.h"

namespace leidang::generators {
namespace {

constexpr double kExactMax = 9007199254740992.0;

object::Value Number(double d) {
  if (std::trunc(d) == d && std::fabs(d) <= kExactMax) return static_cast<int64_t>(d);
  return d;
}

absl::string_view View(const boost::json::string& s) { return {s.data(), s.size()}; }

}  // namespace

TValue FromJson(const object::Value& json) {
  switch (json.kind()) {
    case boost::json::kind::null:
      return TValue();
    case boost::json::kind::bool_:
      return TValue::Bool(json.get_bool());
    case boost::json::kind::int64:
      return TValue::Float(static_cast<double>(json.get_int64()));
    case boost::json::kind::uint64:
      return TValue::Float(static_cast<double>(json.get_uint64()));
    case boost::json::kind::double_:
      return TValue::Float(json.get_double());
    case boost::json::kind::string:
      return TValue::String(View(json.get_string()));
    case boost::json::kind::array: {
      std::vector<TValue> items;
      items.reserve(json.get_array().size());
      for (const object::Value& item : json.get_array()) items.push_back(FromJson(item));
      const size_t size = items.size();
      TValue list = TValue::List(std::move(items));
      list.mutable_list()->set_capacity(TValue::GrownCapacity(size));
      return list;
    }
    case boost::json::kind::object: {
      TValue map = TValue::Map();
      for (const auto& member : json.get_object()) {
        map.mutable_map()->Set({member.key().data(), member.key().size()},
                               FromJson(member.value()));
      }
      return map;
    }
  }
  return TValue();
}

TValue RawJson(const object::Value& json) {
  std::string text = object::ToJson(json);
  std::vector<TValue> bytes;
  bytes.reserve(text.size());
  for (const char c : text) bytes.push_back(TValue::Uint8(static_cast<uint8_t>(c)));
  TValue list = TValue::List(std::move(bytes), GoType::kByteList);
  return TValue::Boxed(GoType::kRawJson, new RawJsonBox(std::move(text), std::move(list)));
}

object::Value ToJson(const TValue& v) {
  if (v.is_map()) {
    if (v.map() == nullptr) return nullptr;
    object::Object object;
    for (const TMap::Entry* entry : v.map()->Sorted()) {
      const absl::string_view key = entry->key.text();
      object.emplace(boost::json::string_view(key.data(), key.size()), ToJson(entry->value));
    }
    return object;
  }
  if (v.is_list()) {
    if (v.list() == nullptr) return nullptr;
    object::Array array;
    for (const TValue& item : v.items()) array.push_back(ToJson(item));
    return array;
  }
  switch (v.type()) {
    case GoType::kNil:
      return nullptr;
    case GoType::kBool:
      return v.as_bool();
    case GoType::kUint64:
      return v.as_uint();
    case GoType::kFloat64:
      return Number(v.as_float());
    case GoType::kInt:
    case GoType::kInt64:
    case GoType::kUint8:
    case GoType::kUint32:
    case GoType::kDuration:
    case GoType::kMonth:
    case GoType::kWeekday:
      return v.as_int();
    case GoType::kRawJson: {
      const auto* raw = static_cast<const RawJsonBox*>(v.box());
      return object::ParseJson(raw->text).value_or(object::Value());
    }
    default: {
      const std::string text =
          go::HasString(v.type()) ? go::JsonTextOf(v).value_or("") : go::Plain(v);
      return boost::json::string(text.data(), text.size());
    }
  }
}

}  // namespace leidang::generators
