// Dictionaries.

#include <set>

#include "absl/strings/str_cat.h"

#include "generators/template/cast.h"
#include "generators/template/function_sets.h"
#include "generators/template/merge.h"
#include "generators/template/semver.h"

namespace leidang::generators::gotmpl {
namespace {

using Entries = std::vector<const TMap::Entry*>;

Entries Sorted(const TValue& map) { return map.map() == nullptr ? Entries() : map.map()->Sorted(); }

absl::Status Get(Call& call) {
  const TValue* found = call[0].Find(call.Text(1));
  return call.Return(found != nullptr ? *found : TValue::String(""));
}

absl::Status HasKey(Call& call) { return call.ReturnBool(call[0].Find(call.Text(1)) != nullptr); }

absl::Status Set(Call& call) {
  const TValue& map = call[0];
  if (map.map() == nullptr) return CallError("assignment to entry in nil map");
  if (absl::Status status = CheckNoCycle(call[2], map, &call.budget()); !status.ok()) return status;
  // Entries move up for a new key.
  if (!call.budget().Charge(map.map()->size() / 16)) return call.budget().StepsError();
  map.mutable_map()->Set(call[1], call[2]);
  return call.Return(map);
}

absl::Status Unset(Call& call) {
  if (call[0].map() != nullptr) {
    if (!call.budget().Charge(call[0].map()->size() / 16)) return call.budget().StepsError();
    call[0].mutable_map()->Erase(call.Text(1));
  }
  return call.Return(call[0]);
}

absl::Status ReturnList(Call& call, std::vector<TValue> items, GoType type) {
  if (!call.budget().Charge(items.size())) return call.budget().StepsError();
  const size_t capacity = TValue::GrownCapacity(items.size());
  TValue list = TValue::List(std::move(items), type);
  list.mutable_list()->set_capacity(capacity);
  return call.Return(std::move(list));
}

absl::Status Pluck(Call& call) {
  std::vector<TValue> values;
  for (size_t i = 1; i < call.size(); ++i) {
    if (const TValue* found = call[i].Find(call.Text(0)); found != nullptr)
      values.push_back(*found);
  }
  return ReturnList(call, std::move(values), GoType::kAnyList);
}

// Go walks maps in random order; here `keys` and `values` are sorted by key, so that output does
// not change by itself.
absl::Status Keys(Call& call) {
  std::vector<TValue> keys;
  for (size_t i = 0; i < call.size(); ++i) {
    for (const TMap::Entry* entry : Sorted(call[i])) keys.push_back(entry->key);
  }
  return ReturnList(call, std::move(keys), GoType::kStringList);
}

absl::Status Values(Call& call) {
  std::vector<TValue> values;
  for (const TMap::Entry* entry : Sorted(call[0])) values.push_back(entry->value);
  return ReturnList(call, std::move(values), GoType::kAnyList);
}

absl::Status Pick(Call& call) {
  TValue picked = TValue::Map();
  for (size_t i = 1; i < call.size(); ++i) {
    if (const TValue* found = call[0].Find(call.Text(i)); found != nullptr) {
      picked.mutable_map()->Set(call[i], *found);
    }
  }
  return call.Return(std::move(picked));
}

absl::Status Omit(Call& call) {
  std::set<absl::string_view> omitted;
  for (size_t i = 1; i < call.size(); ++i) omitted.insert(call.Text(i));
  TValue kept = TValue::Map();
  for (const TMap::Entry* entry : Sorted(call[0])) {
    if (omitted.count(entry->key.text()) == 0) kept.mutable_map()->Set(entry->key, entry->value);
  }
  return call.Return(std::move(kept));
}

absl::Status Dict(Call& call) {
  TValue map = TValue::Map();
  for (size_t i = 0; i < call.size(); i += 2) {
    TValue value = i + 1 < call.size() ? call[i + 1] : TValue::String("");
    map.mutable_map()->Set(TValue::String(ToText(call[i])), std::move(value));
  }
  return call.Return(std::move(map));
}

template <Overwrite overwrite>
absl::Status MergeAll(Call& call) {
  TValue target = call[0];
  for (size_t i = 1; i < call.size(); ++i) {
    if (absl::Status status = Merge(&target, call[i], overwrite, &call.budget()); !status.ok())
      return status;
  }
  return call.Return(std::move(target));
}

absl::Status Dig(Call& call) {
  if (call.size() < 3) return CallError("dig needs at least three arguments");
  const size_t keys = call.size() - 2;
  const TValue* map = &call[call.size() - 1];
  if (map->type() != GoType::kAnyMap) return ConversionError(*map, "map[string]interface {}");
  for (size_t i = 0; i < keys; ++i) {
    if (!call[i].is_string()) return ConversionError(call[i], "string");
  }
  for (size_t i = 0; i < keys; ++i) {
    if (map->type() != GoType::kAnyMap) return ConversionError(*map, "map[string]interface {}");
    const TValue* step = map->Find(call.Text(i));
    if (step == nullptr) return call.Return(call[call.size() - 2]);
    map = step;
  }
  return call.Return(*map);
}

absl::Status DeepCopy(Call& call) {
  if (call[0].is_nil()) return CallError("reflect: call of reflect.Value.Type on zero Value");
  // Its fields are not exported, so the copy of a version has none of them.
  if (call[0].type() == GoType::kVersionPtr)
    return call.Return(MakeVersion(GoType::kVersionPtr, Version()));
  if (absl::Status status = ChargeTree(call[0], &call.budget()); !status.ok()) return status;
  return call.Return(call[0].MutableCopy());
}

constexpr Function kFunctions[] = {
    {"deepCopy", "a", 'a', DeepCopy},
    {"dict", ".a", 'm', Dict},
    {"dig", ".a", 'a', Dig},
    {"get", "ms", 'a', Get},
    {"hasKey", "ms", 'b', HasKey},
    {"keys", ".m", 'S', Keys},
    {"merge", "m.m", 'a', MergeAll<Overwrite::kEmpty>, kMutates},
    {"mergeOverwrite", "m.m", 'a', MergeAll<Overwrite::kAll>, kMutates},
    {"mustDeepCopy", "a", 'a', DeepCopy},
    {"mustMerge", "m.m", 'a', MergeAll<Overwrite::kEmpty>, kMutates},
    {"mustMergeOverwrite", "m.m", 'a', MergeAll<Overwrite::kAll>, kMutates},
    {"omit", "m.s", 'm', Omit},
    {"pick", "m.s", 'm', Pick},
    {"pluck", "s.m", 'l', Pluck},
    {"set", "msa", 'm', Set, kMutates},
    {"unset", "ms", 'm', Unset, kMutates},
    {"values", "m", 'l', Values},
};

}  // namespace

absl::Span<const Function> DictFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
