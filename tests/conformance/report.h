#pragma once

// Counts and prints what the areas found.

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "tests/conformance/area.h"

namespace leidang::conformance {

enum class Verbose : bool { kNo, kYes };

class Report {
 public:
  explicit Report(Verbose verbose) : verbose_(verbose) {}

  // `name` says where the case is; `rule` is the reason of a deliberate difference, or empty.
  void Add(absl::string_view area, absl::string_view name, const Outcome& outcome,
           absl::string_view rule);
  void NotBuilt(absl::string_view area, size_t cases);
  void Ignored(absl::string_view file);

  // Prints the figures and the closing line. The program's exit code.
  int Close() const;

 private:
  struct Figures {
    size_t passed = 0;
    size_t failed = 0;
    size_t deliberate = 0;
    size_t errors = 0;
    size_t same_messages = 0;
  };
  const Verbose verbose_;
  std::map<std::string, Figures> areas_;
  size_t skipped_ = 0;
};

}  // namespace leidang::conformance
