#include "common/object/value.h"

#include "common/object/number.h"

namespace leidang::object {
namespace {

bool NumbersEqual(const Value& a, const Value& b) {
  const auto whole_a = AsWholeNumber(a);
  const auto whole_b = AsWholeNumber(b);
  if (whole_a || whole_b) return whole_a == whole_b;
  // Neither is a whole number that an integer could hold, so both are doubles.
  return a.get_double() == b.get_double();
}

bool ObjectsEqual(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  for (const auto& member : a) {
    const Value* other = b.if_contains(member.key());
    if (other == nullptr || !Equal(member.value(), *other)) return false;
  }
  return true;
}

bool ArraysEqual(const Array& a, const Array& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!Equal(a[i], b[i])) return false;
  }
  return true;
}

}  // namespace

bool Equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return NumbersEqual(a, b);
  if (a.kind() != b.kind()) return false;
  if (a.is_object()) return ObjectsEqual(a.get_object(), b.get_object());
  if (a.is_array()) return ArraysEqual(a.get_array(), b.get_array());
  if (a.is_string()) return a.get_string() == b.get_string();
  return a.is_null() || a.get_bool() == b.get_bool();
}

const Value* Find(const Value& value, std::initializer_list<absl::string_view> path) {
  const Value* at = &value;
  for (const absl::string_view key : path) {
    const Object* object = at->if_object();
    if (object == nullptr) return nullptr;
    at = object->if_contains(boost::json::string_view(key.data(), key.size()));
    if (at == nullptr) return nullptr;
  }
  return at;
}

absl::string_view FindString(const Value& value, std::initializer_list<absl::string_view> path) {
  const Value* found = Find(value, path);
  if (found == nullptr || !found->is_string()) return "";
  const boost::json::string& text = found->get_string();
  return absl::string_view(text.data(), text.size());
}

bool StableErase(Object& object, absl::string_view key) {
  const auto it = object.find(boost::json::string_view(key.data(), key.size()));
  if (it == object.end()) return false;
  object.stable_erase(it);
  return true;
}

}  // namespace leidang::object
