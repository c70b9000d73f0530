#pragma once

#include "common/object/value.h"
#include "tests/conformance/area.h"

namespace leidang::conformance {

Outcome CheckAppDiff(const object::Value& line);

}  // namespace leidang::conformance
