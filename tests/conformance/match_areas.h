#pragma once

// The areas of common/match and common/kube.

#include "tests/conformance/area.h"

namespace leidang::conformance {

Outcome CheckGlob(const object::Value& line);
Outcome CheckLabelSelector(const object::Value& line);
Outcome CheckDuration(const object::Value& line);

}  // namespace leidang::conformance
