#include "generators/reconciling/merge_patch.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace leidang::generators {

using object::Object;
using object::Value;

Value MakeMergePatch(const Value& from, const Value& to) {
  Object patch;
  for (const auto& [key, value] : to.get_object()) {
    const Value* before = from.get_object().if_contains(key);
    if (before != nullptr && object::Equal(*before, value)) continue;
    const bool both = before != nullptr && before->is_object() && value.is_object();
    patch[key] = both ? MakeMergePatch(*before, value) : value;
  }
  for (const auto& [key, value] : from.get_object()) {
    if (!to.get_object().contains(key)) patch[key] = nullptr;
  }
  return Value(std::move(patch));
}

Value ApplyMergePatch(const Value& value, const Value& patch) {
  if (!patch.is_object()) return patch;
  Object out = value.is_object() ? value.get_object() : Object();
  for (const auto& [key, change] : patch.get_object()) {
    if (change.is_null()) {
      object::StableErase(out, {key.data(), key.size()});
      continue;
    }
    const Value* before = out.if_contains(key);
    Value after = ApplyMergePatch(before == nullptr ? Value() : *before, change);
    out[key] = std::move(after);
  }
  return Value(std::move(out));
}

void RemovePointer(absl::string_view pointer, Value* value) {
  if (pointer.empty() || pointer.front() != '/') return;
  const std::vector<std::string> parts = absl::StrSplit(pointer.substr(1), '/');
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string name = absl::StrReplaceAll(parts[i], {{"~1", "/"}, {"~0", "~"}});
    const bool last = i + 1 == parts.size();
    if (value->is_object()) {
      if (last) object::StableErase(value->get_object(), name);
      Value* next = value->get_object().if_contains(name);
      if (next == nullptr) return;
      value = next;
      continue;
    }
    size_t index = 0;
    if (!value->is_array() || !absl::SimpleAtoi(name, &index)) return;
    if (index >= value->get_array().size()) return;
    if (last) {
      value->get_array().erase(value->get_array().begin() + static_cast<ptrdiff_t>(index));
      return;
    }
    value = &value->get_array()[index];
  }
}

}  // namespace leidang::generators
