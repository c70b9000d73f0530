#include "generators/template/merge.h"

#include "absl/strings/str_cat.h"

#include "generators/template/cast.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr int kDepthMax = 1000;

absl::Status TooDeep() { return absl::ResourceExhaustedError("a value nests too deeply"); }

// Visits every value within; `visit` may stop the walk with an error.
template <typename Visit>
absl::Status Walk(const TValue& value, int depth, Visit visit) {
  if (depth > kDepthMax) return TooDeep();
  if (absl::Status status = visit(value); !status.ok()) return status;
  if (value.is_list()) {
    for (const TValue& item : value.items()) {
      if (absl::Status status = Walk(item, depth + 1, visit); !status.ok()) return status;
    }
  } else if (value.is_map() && value.map() != nullptr) {
    for (const TMap::Entry* entry : value.map()->Sorted()) {
      if (absl::Status status = Walk(entry->value, depth + 1, visit); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

class Merger {
 public:
  Merger(Overwrite overwrite, Budget* budget)
      : overwrite_(overwrite == Overwrite::kAll), budget_(*budget) {}

  // `target` is a map that is not nil.
  absl::Status Maps(const TValue& target, const TValue& source, int depth) {
    if (depth > kDepthMax) return TooDeep();
    // The entries as they are now: source may be part of target.
    std::vector<TMap::Entry> entries;
    if (source.map() != nullptr) {
      for (const TMap::Entry* entry : source.map()->Sorted()) entries.push_back(*entry);
    }
    for (const TMap::Entry& entry : entries) {
      if (!budget_.Charge(1 + target.map()->size() / 64)) return budget_.StepsError();
      if (absl::Status status = One(target, source, entry, depth); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status One(const TValue& target, const TValue& source, const TMap::Entry& entry,
                   int depth) {
    const TValue& value = entry.value;
    if (value.is_nil()) return overwrite_ ? Assign(target, source, entry) : absl::OkStatus();
    const TValue* found = target.map()->Find(entry.key);
    const bool present = found != nullptr;
    const TValue old = present ? *found : TValue();
    if (value.is_map() && old.is_map() && old.map() != nullptr) {
      if (absl::Status status = Maps(old, value, depth + 1); !status.ok()) return status;
    }
    // A list replaces when everything does, or into an empty map; it never grows another one.
    if (value.is_list() && (overwrite_ || target.map()->empty())) {
      if (absl::Status status = Assign(target, source, entry); !status.ok()) return status;
    }
    const bool kept = present && !IsEmpty(old);
    if (kept && (value.is_list() || (value.is_map() && old.is_map()))) return absl::OkStatus();
    return overwrite_ || !kept ? Assign(target, source, entry) : absl::OkStatus();
  }

  absl::Status Assign(const TValue& target, const TValue& source, const TMap::Entry& entry) {
    if (target.type() == GoType::kStringMap && source.type() == GoType::kAnyMap) {
      return CallError(
          "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string");
    }
    if (absl::Status status = CheckNoCycle(entry.value, target, &budget_); !status.ok())
      return status;
    target.mutable_map()->Set(entry.key, entry.value);
    return absl::OkStatus();
  }

  const bool overwrite_;
  Budget& budget_;
};

}  // namespace

absl::Status CheckNoCycle(const TValue& value, const TValue& map, Budget* budget) {
  const TMap* wanted = map.map();
  return Walk(value, 0, [&](const TValue& v) {
    if (!budget->Charge(1)) return budget->StepsError();
    if (v.is_map() && v.map() == wanted) return CallError("a map cannot hold itself");
    return absl::OkStatus();
  });
}

absl::Status ChargeTree(const TValue& value, Budget* budget) {
  return Walk(value, 0, [&](const TValue&) {
    return budget->Charge(1) ? absl::OkStatus() : budget->StepsError();
  });
}

absl::Status Merge(TValue* target, const TValue& source, Overwrite overwrite, Budget* budget) {
  if (target->map() == nullptr) {
    if (source.map() == nullptr) return absl::OkStatus();
    *target = TValue::Map();
  }
  return Merger(overwrite, budget).Maps(*target, source, 0);
}

}  // namespace leidang::generators::gotmpl
