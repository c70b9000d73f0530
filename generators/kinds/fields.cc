#include "generators/kinds/fields.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "generators/application/typed.h"

namespace leidang::generators {

namespace {

using object::Value;

std::string Owned(const Value& v) { return {v.get_string().data(), v.get_string().size()}; }

}  // namespace

absl::Status Fields::Wrong(absl::string_view name, absl::string_view expected,
                           const Value& found) const {
  return absl::InvalidArgumentError(
      absl::StrCat(path_, ".", name, ": expected ", expected, ", found ", KindOf(found)));
}

const Value* Fields::Find(absl::string_view name) const {
  const Value* found = object::Find(*value_, {name});
  return found == nullptr || found->is_null() ? nullptr : found;
}

absl::StatusOr<std::optional<std::string>> Fields::OptionalText(absl::string_view name) const {
  const Value* found = Find(name);
  if (found == nullptr) return std::optional<std::string>();
  if (!found->is_string()) return Wrong(name, "text", *found);
  return std::optional<std::string>(Owned(*found));
}

absl::StatusOr<std::string> Fields::Text(absl::string_view name) const {
  ASSIGN_OR_RETURN(std::optional<std::string> text, OptionalText(name));
  return std::move(text).value_or("");
}

absl::StatusOr<bool> Fields::Flag(absl::string_view name) const {
  const Value* found = Find(name);
  if (found == nullptr) return false;
  if (!found->is_bool()) return Wrong(name, "true or false", *found);
  return found->get_bool();
}

absl::StatusOr<std::optional<int64_t>> Fields::OptionalInteger(absl::string_view name) const {
  const Value* found = Find(name);
  if (found == nullptr) return std::optional<int64_t>();
  if (!found->is_int64()) return Wrong(name, "a whole number", *found);
  return std::optional<int64_t>(found->get_int64());
}

absl::StatusOr<std::optional<std::vector<std::string>>> Fields::OptionalTexts(
    absl::string_view name) const {
  const Value* found = Find(name);
  if (found == nullptr) return std::optional<std::vector<std::string>>();
  if (!found->is_array()) return Wrong(name, "a list", *found);
  std::vector<std::string> out;
  for (const Value& item : found->get_array()) {
    if (!item.is_string()) return Wrong(name, "a list of text", item);
    out.push_back(Owned(item));
  }
  return std::optional<std::vector<std::string>>(std::move(out));
}

absl::StatusOr<std::vector<std::string>> Fields::Texts(absl::string_view name) const {
  ASSIGN_OR_RETURN(std::optional<std::vector<std::string>> texts, OptionalTexts(name));
  return std::move(texts).value_or(std::vector<std::string>());
}

absl::StatusOr<std::map<std::string, std::string>> Fields::TextMap(absl::string_view name) const {
  std::map<std::string, std::string> out;
  const Value* found = Find(name);
  if (found == nullptr) return out;
  if (!found->is_object()) return Wrong(name, "an object", *found);
  for (const auto& [raw_key, value] : found->get_object()) {
    const absl::string_view key(raw_key.data(), raw_key.size());
    if (!value.is_string() && !value.is_null()) {
      return Wrong(absl::StrCat(name, ".", key), "text", value);
    }
    out.emplace(std::string(key), value.is_string() ? Owned(value) : "");
  }
  return out;
}

absl::StatusOr<const Value*> Fields::Object(absl::string_view name) const {
  const Value* found = Find(name);
  if (found != nullptr && !found->is_object()) return Wrong(name, "an object", *found);
  return found;
}

absl::StatusOr<std::optional<Fields>> Fields::Struct(absl::string_view name) const {
  ASSIGN_OR_RETURN(const Value* found, Object(name));
  if (found == nullptr) return std::optional<Fields>();
  return std::optional<Fields>(Fields(*found, absl::StrCat(path_, ".", name)));
}

absl::StatusOr<std::vector<Value>> Fields::List(absl::string_view name) const {
  const Value* found = Find(name);
  if (found == nullptr) return std::vector<Value>();
  if (!found->is_array()) return Wrong(name, "a list", *found);
  return std::vector<Value>(found->get_array().begin(), found->get_array().end());
}

absl::StatusOr<std::vector<Fields>> Fields::Structs(absl::string_view name) const {
  std::vector<Fields> out;
  const Value* found = Find(name);
  if (found == nullptr) return out;
  if (!found->is_array()) return Wrong(name, "a list", *found);
  for (size_t i = 0; i < found->get_array().size(); ++i) {
    const Value& item = found->get_array()[i];
    if (!item.is_object() && !item.is_null()) {
      return Wrong(absl::StrCat(name, "[", i, "]"), "an object", item);
    }
    out.emplace_back(item, absl::StrCat(path_, ".", name, "[", i, "]"));
  }
  return out;
}

}  // namespace leidang::generators
