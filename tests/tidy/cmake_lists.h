#pragma once

// What the rooms' CMakeLists.txt promise: edges of the room table, all sources built, corpora that
// are there.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "tests/tidy/finding.h"
#include "tests/tidy/repository.h"

namespace leidang::tidy {

// One call such as app_module(common/time HEADERS a.h b.h DEPS dep::absl).
struct CMakeCall {
  size_t line = 0;
  std::string function;
  std::string name;                                           // Its first argument.
  std::map<std::string, std::vector<std::string>> arguments;  // By keyword in capitals.
};

std::vector<CMakeCall> ParseCMake(absl::string_view text);

// For each CMakeLists.txt of the repository.
Findings CheckCMake(const Repository& repository);

}  // namespace leidang::tidy
