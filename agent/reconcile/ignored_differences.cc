#include "agent/reconcile/ignored_differences.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "agent/cluster/owned_fields.h"
#include "agent/cluster/secret_data.h"
#include "agent/scripts/ignored_fields.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

bool IsLeaf(const Value& fields) { return !fields.is_object() || fields.get_object().empty(); }

// What nobody wrote but the server.
Value Written(Value object) {
  if (!object.is_object()) return object;
  object::StableErase(object.get_object(), "status");
  if (Value* metadata = object.get_object().if_contains("metadata");
      metadata != nullptr && metadata->is_object()) {
    for (const absl::string_view name :
         {"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"}) {
      object::StableErase(metadata->get_object(), name);
    }
  }
  return object;
}

bool SameOwned(const Value& expected, const Value& live) {
  if (object::Find(live, {"metadata", "managedFields"}) == nullptr &&
      object::Find(expected, {"metadata", "managedFields"}) == nullptr) {
    return object::Equal(Written(expected), Written(live));
  }
  const std::string ours = OwnedValuesHash(live);
  return !ours.empty() && ours == OwnedValuesHash(expected);
}

// Where nobody keeps account of owners: everything that is there, lists as wholes.
Value StructureOf(const Value& value) {
  object::Object fields;
  if (!value.is_object()) return fields;
  for (const auto& member : value.get_object()) {
    fields[absl::StrCat("f:", View(member.key()))] = StructureOf(member.value());
  }
  return fields;
}

using Fields = std::vector<const Value*>;

Fields Below(const Fields& fields, absl::string_view element) {
  Fields below;
  for (const Value* one : fields) {
    const Value* found = one->is_object()
                             ? one->get_object().if_contains({element.data(), element.size()})
                             : nullptr;
    if (found != nullptr) below.push_back(found);
  }
  return below;
}

// The place in `target` that `element` names; nullptr if there is nothing.
Value* PlaceIn(Value& target, absl::string_view element) {
  absl::string_view name = element;
  if (absl::ConsumePrefix(&name, "f:")) {
    return target.is_object() ? target.get_object().if_contains({name.data(), name.size()})
                              : nullptr;
  }
  const Value* found = BelowField(target, element);
  if (found == nullptr) return nullptr;
  object::Array& list = target.get_array();
  return &list[static_cast<size_t>(found - list.data())];
}

// Puts `value`, found in `live` by `element`, into the same place of `target`.
void Put(Value& target, absl::string_view element, const Value& live, const Value& found,
         const Value& value) {
  if (Value* place = PlaceIn(target, element)) {
    *place = value;
    return;
  }
  absl::string_view name = element;
  if (absl::ConsumePrefix(&name, "f:")) {
    if (target.is_object()) target.get_object()[{name.data(), name.size()}] = value;
    return;
  }
  if (!target.is_array() || !live.is_array()) return;
  object::Array& list = target.get_array();
  const auto index = &found - live.get_array().data();
  list.insert(
      list.begin() + std::min<std::ptrdiff_t>(index, static_cast<std::ptrdiff_t>(list.size())),
      value);
}

// Each is the same part of its object; `desired` may be null.
struct Part {
  const Value& live;
  const Value& stripped;
  const Value* desired;
  const Value& ours;
  Fields others;
};

bool Restore(const Part& part, Value& target) {
  if (!part.ours.is_object()) return false;
  bool restored = false;
  for (const auto& member : part.ours.get_object()) {
    const absl::string_view element = View(member.key());
    const Value* live = element == "." ? nullptr : BelowField(part.live, element);
    if (live == nullptr) continue;
    const Value* stripped = BelowField(part.stripped, element);
    const Value* desired = part.desired == nullptr ? nullptr : BelowField(*part.desired, element);
    const Fields others = Below(part.others, element);
    const bool leaf = IsLeaf(member.value());
    if (stripped == nullptr) {
      if (leaf && !others.empty()) continue;
      Put(target, element, part.live, *live, *live);
      restored = true;
      continue;
    }
    if (object::Equal(*live, *stripped)) continue;
    Value* place = PlaceIn(target, element);
    if (leaf) {
      const bool theirs = place != nullptr && !object::Equal(*place, *stripped);
      if (theirs && desired == nullptr) continue;
      Put(target, element, part.live, *live, theirs ? *desired : *live);
      restored = true;
      continue;
    }
    Value inner = place != nullptr   ? *place
                  : live->is_array() ? Value(object::Array())
                                     : Value(object::Object());
    if (!Restore({*live, *stripped, desired, member.value(), others}, inner)) continue;
    Put(target, element, part.live, *live, inner);
    restored = true;
  }
  return restored;
}

}  // namespace

bool RestoreIgnored(const Value& live, const Value& stripped, const Value& desired, Value& target) {
  const FieldOwners owners = OwnersOf(live);
  if (!owners.ours.empty()) {
    bool restored = false;
    for (const Value* ours : owners.ours) {
      if (Restore({live, stripped, &desired, *ours, owners.others}, target)) restored = true;
    }
    return restored;
  }
  // An object whose managers are known and are not us loses nothing that we leave out.
  if (object::Find(live, {"metadata", "managedFields"}) != nullptr) return false;
  return Restore({live, stripped, &desired, StructureOf(Written(live)), {}}, target);
}

void IgnoredDifferences::Strip(const IgnoreRules& rules, const ObjectKey& key, const Value& live,
                               Value object, Stripped done) {
  if (scripts_ != nullptr) {
    return StripIgnored(rules, key, &live, std::move(object), *scripts_, std::move(done));
  }
  if (!rules.Expressions(key).empty()) {
    return done(absl::UnimplementedError("this agent runs no jq expressions"));
  }
  rules.StripFields(key, &live, object);
  done(std::move(object));
}

void IgnoredDifferences::OnlyIgnoredDiffer(const IgnoreRules& rules, const ObjectKey& key,
                                           Value desired, const Verdict& done) {
  const auto compare = [this, rules, key, done](const Value& live, Value expected) {
    Strip(rules, key, live, std::move(expected),
          [this, rules, key, live, done](absl::StatusOr<Value> wanted) {
            if (!wanted.ok()) return done(wanted.status());
            Strip(rules, key, live, live,
                  [wanted = *std::move(wanted), done](const absl::StatusOr<Value>& found) {
                    if (!found.ok()) return done(found.status());
                    done(SameOwned(wanted, *found));
                  });
          });
  };
  cluster_.ReadWhole(
      key, [this, key, desired = std::move(desired), done, compare](absl::StatusOr<Value> live) {
        if (absl::IsNotFound(live.status()) || absl::IsUnimplemented(live.status()))
          return done(false);
        if (!live.ok()) return done(live.status());
        cluster_.Preview({key, desired, std::nullopt},
                         [live = *std::move(live), done, compare](absl::StatusOr<Value> expected) {
                           if (expected.ok()) return compare(live, *std::move(expected));
                           const bool refused = absl::IsInvalidArgument(expected.status()) ||
                                                absl::IsUnimplemented(expected.status());
                           if (refused) return done(false);
                           done(expected.status());
                         });
      });
}

void IgnoredDifferences::KeepLive(const IgnoreRules& rules, const ObjectKey& key, Value desired,
                                  Request done) {
  FoldStringData(desired);
  cluster_.ReadWhole(key, [this, rules, key, desired = std::move(desired),
                           done = std::move(done)](absl::StatusOr<Value> live) {
    if (absl::IsNotFound(live.status()) || absl::IsUnimplemented(live.status())) {
      return done(ApplyRequest{key, desired, std::nullopt});
    }
    if (!live.ok()) return done(live.status());
    const auto found = std::make_shared<const Value>(*std::move(live));
    Strip(rules, key, *found, desired,
          [this, rules, key, desired, done, found](absl::StatusOr<Value> wanted) {
            if (!wanted.ok()) return done(wanted.status());
            Strip(rules, key, *found, *found,
                  [key, desired, done, found,
                   target = *std::move(wanted)](const absl::StatusOr<Value>& stripped) mutable {
                    if (!stripped.ok()) return done(stripped.status());
                    ApplyRequest request{key, {}, std::nullopt};
                    const absl::string_view version =
                        object::FindString(*found, {"metadata", "resourceVersion"});
                    if (RestoreIgnored(*found, *stripped, desired, target) && !version.empty()) {
                      request.if_version = std::string(version);
                    }
                    request.manifest = std::move(target);
                    done(std::move(request));
                  });
          });
  });
}

}  // namespace leidang::agent
