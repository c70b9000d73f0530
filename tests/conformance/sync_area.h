#pragma once

#include "common/object/value.h"
#include "tests/conformance/area.h"

namespace leidang::conformance {

Outcome CheckSyncOrder(const object::Value& line);

}  // namespace leidang::conformance
