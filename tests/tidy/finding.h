#pragma once

// What a rule of the repository found, and what to do about it.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace leidang::tidy {

struct Finding {
  std::string path;
  size_t line = 0;  // From 1; 0 for the file as a whole.
  std::string rule;
  std::string advice;

  std::string Text() const { return absl::StrCat(path, ":", line, ": ", rule, ": ", advice); }
};

using Findings = std::vector<Finding>;

}  // namespace leidang::tidy
