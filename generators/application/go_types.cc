#include "generators/application/go_types.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "generators/template/go_json.h"
#include "generators/template/value_json.h"

namespace leidang::generators {

namespace {

using object::Value;

absl::string_view View(const boost::json::string_view& s) { return {s.data(), s.size()}; }

std::string TypeName(const StructType& type) {
  return absl::StrCat(
      type.name == "ObjectMeta" || type.name == "OwnerReference" ? "v1." : "v1alpha1.", type.name);
}

std::string Kind(const Value& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  return value.is_bool() ? "bool" : "number";
}

bool IsWhole(const Value& value) {
  if (value.is_int64()) return true;
  if (!value.is_double()) return false;
  const double number = value.get_double();
  return number == std::trunc(number) && std::fabs(number) < 9e18;
}

class Walk {
 public:
  explicit Walk(MemberOrder order) : order_(order) {}

  // False once something does not fit.
  bool Struct(const Value& value, const StructType& type) {
    if (value.is_null()) return true;
    if (!value.is_object()) return Refuse(Kind(value), TypeName(type));
    const absl::string_view outer = std::exchange(struct_, type.name);
    for (const auto* member : Members(value)) {
      const FieldType* field = FieldOf(type, View(member->key()));
      if (field == nullptr) continue;
      path_.push_back(field->name);
      const bool fits = Field(member->value(), *field);
      path_.pop_back();
      if (!fits) return false;
    }
    struct_ = outer;
    return true;
  }

  std::string message() && { return std::move(message_); }

 private:
  using Member = boost::json::key_value_pair;

  std::vector<const Member*> Members(const Value& value) const {
    std::vector<const Member*> members;
    for (const Member& member : value.get_object()) members.push_back(&member);
    if (order_ == MemberOrder::kByName) {
      std::sort(members.begin(), members.end(),
                [](const Member* a, const Member* b) { return View(a->key()) < View(b->key()); });
    }
    return members;
  }

  static const FieldType* FieldOf(const StructType& type, absl::string_view name) {
    if (const FieldType* field = type.Find(name)) return field;
    const auto it = std::find_if(type.fields.begin(), type.fields.end(), [&](const FieldType& f) {
      return absl::EqualsIgnoreCase(f.name, name);
    });
    return it == type.fields.end() ? nullptr : &*it;
  }

  bool Refuse(absl::string_view found, absl::string_view wanted) {
    message_ = absl::StrCat(
        "json: cannot unmarshal ", found, " into Go ",
        path_.empty() ? "value"
                      : absl::StrCat("struct field ", struct_, ".", absl::StrJoin(path_, ".")),
        " of type ", wanted);
    return false;
  }

  bool Scalar(const Value& value, bool fits, absl::string_view wanted) {
    return value.is_null() || fits || Refuse(Kind(value), wanted);
  }

  bool Integer(const Value& value, absl::string_view wanted) {
    if (value.is_null() || IsWhole(value)) return true;
    if (!value.is_number()) return Refuse(Kind(value), wanted);
    const absl::StatusOr<std::string> written = go::EncodeJson(FromJson(value));
    return Refuse(absl::StrCat("number ", written.ok() ? *written : ""), wanted);
  }

  template <typename Each>
  bool List(const Value& value, absl::string_view wanted, const Each& each) {
    if (value.is_null()) return true;
    if (!value.is_array()) return Refuse(Kind(value), wanted);
    return std::all_of(value.get_array().begin(), value.get_array().end(), each);
  }

  bool Map(const Value& value, absl::string_view item_type) {
    if (value.is_null()) return true;
    if (!value.is_object()) return Refuse(Kind(value), absl::StrCat("map[string]", item_type));
    for (const Member* member : Members(value)) {
      const Value& item = member->value();
      const bool fits = item_type == "string" ? item.is_string() : item.is_bool();
      if (!Scalar(item, fits, item_type)) return false;
    }
    return true;
  }

  bool Field(const Value& value, const FieldType& field) {
    const auto named = [&](absl::string_view usual) {
      return std::string(field.go_type.empty() ? usual : field.go_type);
    };
    switch (field.shape) {
      case Shape::kText:
        return Scalar(value, value.is_string(), "string");
      case Shape::kBool:
        return Scalar(value, value.is_bool(), "bool");
      case Shape::kInteger:
        return Integer(value, "int64");
      case Shape::kIntegerOrText: {
        // A reader of its own, which knows nothing of what is around it.
        if (value.is_string()) return true;
        const auto path = std::exchange(path_, {});
        const bool fits = Integer(value, "int32");
        path_ = path;
        return fits;
      }
      case Shape::kTextList: {
        const std::string item =
            field.go_type == "v1alpha1.KustomizeImages" ? "v1alpha1.KustomizeImage" : "string";
        return List(value, named("[]string"),
                    [&](const Value& v) { return Scalar(v, v.is_string(), item); });
      }
      case Shape::kTextMap:
        return Map(value, "string");
      case Shape::kBoolMap:
        return Map(value, "bool");
      case Shape::kStruct:
        return Struct(value, *field.type);
      case Shape::kStructList:
        return List(value, named(absl::StrCat("[]", TypeName(*field.type))),
                    [&](const Value& v) { return Struct(v, *field.type); });
      case Shape::kPluginParameterList:
        return List(value, "v1alpha1.ApplicationSourcePluginParameters",
                    [](const Value&) { return true; });
      case Shape::kRaw:
      case Shape::kPluginParameter:
      case Shape::kTime:
        break;
    }
    return true;
  }

  const MemberOrder order_;
  absl::string_view struct_;
  std::vector<absl::string_view> path_;
  std::string message_;
};

}  // namespace

std::optional<std::string> GoTypeMismatch(const Value& value, const StructType& type,
                                          MemberOrder order) {
  Walk walk(order);
  if (walk.Struct(value, type)) return std::nullopt;
  return std::move(walk).message();
}

}  // namespace leidang::generators
