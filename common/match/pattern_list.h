#pragma once

// Lists of names and patterns as Argo CD's settings hold them: project namespaces, allowed
// Application namespaces, RBAC objects. Thread-safe once compiled.

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/match/glob.h"
#include "common/match/regexp.h"

namespace leidang::match {

class PatternList {
 public:
  enum class Mode {
    kExact,
    kGlob,
    // An entry `/…/` is a regular expression, not anchored, with look-around; any other a glob.
    kRegexp,
  };

  // Never fails: an entry that cannot be compiled matches nothing, as in Argo CD, and is named in
  // problems().
  static PatternList Compile(const std::vector<std::string>& entries, Mode mode);

  bool Matches(absl::string_view text) const;
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::vector<std::variant<std::string, Glob, LookaroundRegexp>> entries_;
  std::vector<std::string> problems_;
};

}  // namespace leidang::match
