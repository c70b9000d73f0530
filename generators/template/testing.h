#pragma once

// For tests: parameters from the JSON of the conformance vectors.

#include "common/object/value.h"
#include "generators/template/value.h"

namespace leidang::generators {

// As FromJson, with `{"$strings": […]}` for a []string and `{"$stringmap": {…}}` for a
// map[string]string.
TValue TypedFromJson(const object::Value& json);

}  // namespace leidang::generators
