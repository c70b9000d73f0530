#pragma once

#include "common/object/value.h"
#include "tests/conformance/area.h"

namespace leidang::conformance {

Outcome CheckHealth(const object::Value& line);

// Custom kinds: a kind that has no check here is nobody's claim, and equal. Messages are figures,
// as ours are our own.
Outcome CheckCustomHealth(const object::Value& line);

}  // namespace leidang::conformance
