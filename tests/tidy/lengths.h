#pragma once

// Hard stops of length: a file of 800 lines (tests 1,000), a function of 80.

#include <cstddef>
#include <string>
#include <vector>

#include "tests/tidy/finding.h"
#include "tests/tidy/source.h"

namespace leidang::tidy {

inline constexpr size_t kFileLinesMax = 800;
inline constexpr size_t kTestFileLinesMax = 1000;
inline constexpr size_t kFunctionLinesMax = 80;

// A function's body, from the line of its `{` to that of its `}`.
struct Function {
  size_t line = 0;
  size_t lines = 0;
};

// Functions at namespace and class level; lambdas and local types count as part of the one around
// them.
std::vector<Function> Functions(const Source& source);

Findings CheckLengths(const Source& source);

}  // namespace leidang::tidy
