#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::agent {

inline constexpr char kFieldManager[] = "leidang";

// Hash of (path, value) at exactly the paths that our server-side apply owns in `object`, by its
// managedFields: what somebody else adds, or owns, is no part of it. Empty if we own nothing.
//
// A list item that is found by its key counts wherever it stands; a path whose value is gone counts
// as gone. Pure; thread-safe.
std::string OwnedHash(const object::Value& object);

}  // namespace leidang::agent
