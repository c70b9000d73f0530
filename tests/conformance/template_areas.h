#pragma once

// The areas of templates and parameters.

#include "tests/conformance/area.h"

namespace leidang::conformance {

Outcome CheckGoTemplate(const object::Value& line);
Outcome CheckFastTemplate(const object::Value& line);
Outcome CheckNormalize(const object::Value& line);
Outcome CheckPostSelector(const object::Value& line);

}  // namespace leidang::conformance
