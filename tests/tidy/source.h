#pragma once

// A C++ file as the rules read it: each line's code without comments and literals, and its comments
// apart.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "tests/tidy/repository.h"

namespace leidang::tidy {

struct Line {
  std::string code;     // Literals are emptied ("" stays), comments are gone.
  std::string comment;  // The text of comments alone.
};

struct Include {
  size_t line = 0;  // From 1.
  enum class Form { kQuoted, kAngled } form = Form::kQuoted;
  std::string name;
};

struct Source {
  std::string path;
  std::vector<Line> lines;
  std::vector<Include> includes;
};

bool IsCpp(absl::string_view path);
bool IsHeader(absl::string_view path);

// Tests, fuzzers, benchmarks and contract tests that stand beside the code, and all below tests/.
bool IsTestCode(absl::string_view path);

Source ParseSource(const File& file);

// Does `code` hold `name` at `at` as a name of its own? `std::rand(` and `::rand(` are found by
// `rand(`, `x.rand(`, `my::rand(` and `strand(` are not.
bool IsWholeName(absl::string_view code, size_t at);

}  // namespace leidang::tidy
