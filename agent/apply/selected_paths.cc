#include "agent/apply/selected_paths.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace leidang::agent {
namespace {

using object::Array;
using object::Value;

// jq's order of kinds: numbers, texts, lists, maps.
int RankOf(const Value& value) {
  if (value.is_number()) return 0;
  if (value.is_string()) return 1;
  return value.is_array() ? 2 : 3;
}

double NumberOf(const Value& value) { return value.is_number() ? value.to_number<double>() : 0; }

double BoundOf(const Value& slice, const char* name) {
  const Value* found = object::Find(slice, {name});
  return found == nullptr ? 0 : NumberOf(*found);
}

bool IsBefore(const Value& a, const Value& b) {
  if (RankOf(a) != RankOf(b)) return RankOf(a) < RankOf(b);
  if (a.is_number()) return NumberOf(a) < NumberOf(b);
  if (a.is_string()) return a.get_string() < b.get_string();
  return BoundOf(a, "start") < BoundOf(b, "start");
}

bool IsPathBefore(const Value* a, const Value* b) {
  const Array& left = a->get_array();
  const Array& right = b->get_array();
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      IsBefore);
}

// Of an index that may be negative or have a fraction.
std::optional<size_t> IndexIn(const Array& list, const Value& part) {
  double index = NumberOf(part);
  const double size = static_cast<double>(list.size());
  if (index < 0) index += size;
  if (!(index >= 0 && index < size)) return std::nullopt;
  return static_cast<size_t>(index);
}

size_t SliceEnd(const Array& list, const Value* bound, double otherwise) {
  const double size = static_cast<double>(list.size());
  double at = bound != nullptr && bound->is_number() ? NumberOf(*bound) : otherwise;
  if (at < 0) at += size;
  return static_cast<size_t>(std::clamp(at, 0.0, size));
}

void RemoveSlice(Array& list, const Value& slice) {
  const size_t begin = SliceEnd(list, object::Find(slice, {"start"}), 0);
  const size_t end = SliceEnd(list, object::Find(slice, {"end"}), static_cast<double>(list.size()));
  if (begin >= end) return;
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(begin),
             list.begin() + static_cast<std::ptrdiff_t>(end));
}

Value* Below(Value& value, const Value& part) {
  if (value.is_object() && part.is_string()) {
    return value.get_object().if_contains(part.get_string());
  }
  if (value.is_array() && part.is_number()) {
    const std::optional<size_t> index = IndexIn(value.get_array(), part);
    return index.has_value() ? &value.get_array()[*index] : nullptr;
  }
  return nullptr;
}

void RemoveLast(Value& value, const Value& part) {
  if (value.is_object() && part.is_string()) {
    const auto& name = part.get_string();
    object::StableErase(value.get_object(), {name.data(), name.size()});
  } else if (value.is_array() && part.is_number()) {
    Array& list = value.get_array();
    const std::optional<size_t> index = IndexIn(list, part);
    if (index.has_value()) list.erase(list.begin() + static_cast<std::ptrdiff_t>(*index));
  } else if (value.is_array() && part.is_object()) {
    RemoveSlice(value.get_array(), part);
  }
}

}  // namespace

void RemoveAtPaths(Value& value, const Array& paths) {
  std::vector<const Value*> sorted;
  for (const Value& path : paths) {
    if (path.is_array()) sorted.push_back(&path);
  }
  std::sort(sorted.begin(), sorted.end(), IsPathBefore);
  for (auto path = sorted.rbegin(); path != sorted.rend(); ++path) {
    const Array& parts = (*path)->get_array();
    if (parts.empty()) {
      value = nullptr;  // The whole.
      return;
    }
    Value* at = &value;
    for (size_t i = 0; i + 1 < parts.size() && at != nullptr; ++i) at = Below(*at, parts[i]);
    if (at != nullptr) RemoveLast(*at, parts.back());
  }
}

}  // namespace leidang::agent
