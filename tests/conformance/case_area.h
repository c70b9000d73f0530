#pragma once

// The folder cases: an ApplicationSet, the world around it, and what Argo CD makes of them.

#include <string>

#include "tests/conformance/area.h"

namespace leidang::conformance {

// `directory` holds a `case.yaml`. `expected` is the content of its `expected.yaml`, after
// deliberate differences.
Outcome CheckCase(const std::string& directory, const object::Value& expected);

}  // namespace leidang::conformance
