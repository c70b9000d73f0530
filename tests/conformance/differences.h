#pragma once

// Deliberate differences from Argo CD: rules that match a case by its content, with what is right
// here.
//
//   - area: applicationset
//     when:                      # all must hold; paths into the case
//       - path: leavesRepository
//         equals: true
//     expected: {error: {stage: generate}}
//     reason: one line, and the decision that it comes from
//
// For a JSONL area the case is the line. For a folder it is an object of `set`, `expected`, and
// `leavesRepository`: whether a symbolic link in its repositories leads out of them.

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/object/value.h"

namespace leidang::conformance {

class Differences {
 public:
  static absl::StatusOr<Differences> Load(const std::string& file);

  struct Rule {
    std::string area;
    object::Value when;
    object::Value expected;
    std::string reason;
  };

  // The first rule of the area that matches.
  const Rule* Find(absl::string_view area, const object::Value& content) const;

 private:
  std::vector<Rule> rules_;
};

}  // namespace leidang::conformance
