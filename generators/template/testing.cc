#include "generators/template/testing.h"

#include <utility>
#include <vector>

#include "boost/json/array.hpp"
#include "boost/json/object.hpp"

#include "generators/template/value_json.h"

namespace leidang::generators {

TValue TypedFromJson(const object::Value& json) {
  if (json.is_array()) {
    std::vector<TValue> items;
    for (const object::Value& item : json.get_array()) items.push_back(TypedFromJson(item));
    const size_t size = items.size();
    TValue list = TValue::List(std::move(items));
    list.mutable_list()->set_capacity(TValue::GrownCapacity(size));
    return list;
  }
  if (!json.is_object()) return FromJson(json);
  const object::Object& members = json.get_object();
  if (members.size() == 1) {
    const absl::string_view key(members.begin()->key().data(), members.begin()->key().size());
    const TValue plain = FromJson(members.begin()->value());
    if (key == "$strings" && plain.is_list()) {
      return TValue::List({plain.items().begin(), plain.items().end()}, GoType::kStringList);
    }
    if (key == "$stringmap" && plain.is_map()) {
      TValue map = TValue::Map(GoType::kStringMap);
      for (const TMap::Entry* entry : plain.map()->Sorted())
        map.mutable_map()->Set(entry->key, entry->value);
      return map;
    }
  }
  TValue map = TValue::Map();
  for (const auto& member : members) {
    map.mutable_map()->Set({member.key().data(), member.key().size()},
                           TypedFromJson(member.value()));
  }
  return map;
}

}  // namespace leidang::generators
