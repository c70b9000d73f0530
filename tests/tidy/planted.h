#pragma once

// Bad examples for the rules, as short as they can be.

#include <string>
#include <vector>

#include "tests/tidy/finding.h"
#include "tests/tidy/source.h"

namespace leidang::tidy {

inline Source Planted(const std::string& path, const std::string& text) {
  return ParseSource({path, text});
}

// "line: rule" of each.
inline std::vector<std::string> Found(const Findings& findings) {
  std::vector<std::string> found;
  for (const Finding& finding : findings)
    found.push_back(absl::StrCat(finding.line, ": ", finding.rule));
  return found;
}

}  // namespace leidang::tidy
