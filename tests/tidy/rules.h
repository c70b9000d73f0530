#pragma once

// All rules of the repository, as tests/tidy enforces them on each file.

#include "tests/tidy/finding.h"
#include "tests/tidy/repository.h"

namespace leidang::tidy {

// Ordered by path and line.
Findings CheckRepository(const Repository& repository);

}  // namespace leidang::tidy
