#pragma once

#include <string>
#include <vector>

#include "common/object/value.h"

namespace leidang::hub {

// What is wrong with the entries of `spec.generators`, nested ones included, that have no generator
// of a known kind: one text an entry, naming the field and what was found. An API server would drop
// the unknown field, and the entry would silently generate nothing. Pure.
std::vector<std::string> UnknownGenerators(const object::Value& application_set);

}  // namespace leidang::hub
