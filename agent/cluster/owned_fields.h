#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::agent {

inline constexpr char kFieldManager[] = "leidang";

// Hash of (path, value) at exactly the paths that our applies, and replacements, own in `object`,
// by its managedFields: what somebody else adds, or owns, is no part of it. Empty if we own
// nothing.
//
// A list item that is found by its key counts wherever it stands; a path whose value is gone counts
// as gone. Pure; thread-safe.
std::string OwnedHash(const object::Value& object);

// As OwnedHash, without the paths whose value is gone: two states of an object from which the same
// was taken out before are compared by it. Empty if we own nothing.
std::string OwnedValuesHash(const object::Value& object);

// fieldsV1 of what our applies and our replacements own, and of what each other manager owns, by
// the object's managedFields, subresources left out. Pointers into `object`.
struct FieldOwners {
  std::vector<const object::Value*> ours;
  std::vector<const object::Value*> others;
};
FieldOwners OwnersOf(const object::Value& object);

// What the element ("f:name", "k:{…}", "v:…", "i:1") of a fieldsV1 names below `value`; nullptr if
// there is nothing.
const object::Value* BelowField(const object::Value& value, absl::string_view element);

// The field manager, other than ours, that changed the object last; empty if there is none. What
// only wrote its status does not count.
std::string LastRival(const object::Value& object);

}  // namespace leidang::agent
