#pragma once

// KindCatalog: the custom kinds whose health Leidang knows by itself, from the files in kinds/.
// Internal to agent/health.
//
// Immutable; thread-safe.

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "agent/health/kind_rules.h"

namespace leidang::agent {

class KindCatalog {
 public:
  // Reads a file of YAML documents, one a set of rules. kInvalidArgument naming it and the place.
  absl::Status Add(absl::string_view text, absl::string_view file);

  // Of several that concern a kind, one that names its group comes before one with "*.". nullptr
  // where none does.
  const KindRules* Find(absl::string_view group, absl::string_view kind) const;

  const std::vector<KindRules>& all() const { return all_; }

  // What was built in. Read at the first use.
  static const KindCatalog& Shipped();

 private:
  std::vector<KindRules> all_;
};

}  // namespace leidang::agent
