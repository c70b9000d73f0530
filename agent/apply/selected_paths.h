#pragma once

#include "common/object/value.h"

namespace leidang::agent {

// Removes what is at `paths`, as jq's `delpaths` does: each is a list of keys, indexes (negative
// ones count from the end) and slices ({"start", "end"}), and the last in order goes first, so that
// indexes stay right. What is not there, or is no path, is left. Pure.
void RemoveAtPaths(object::Value& value, const object::Array& paths);

}  // namespace leidang::agent
