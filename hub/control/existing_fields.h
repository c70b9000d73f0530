#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"
#include "generators/expand.h"
#include "hub/model/application.h"

namespace leidang::hub {

// ExistingFields knows what a set leaves as it is in Applications that exist: `preservedFields` and
// `ignoreApplicationDifferences`. Pure.
class ExistingFields {
 public:
  // Both must outlive it. `current` is sorted by key; nullptr: the set has nothing yet.
  ExistingFields(const generators::ApplicationSet& set,
                 const std::vector<DerivedApplication>* current);

  // Whether the set has any such rule.
  static bool AnyIn(const generators::ApplicationSet& set);

  // What `generated` becomes where it exists already; nullopt if that is what was generated.
  // `canonical` is its canonical JSON. kInvalidArgument for a rule that cannot be evaluated.
  absl::StatusOr<std::optional<object::Value>> Keep(absl::string_view key,
                                                    absl::string_view canonical,
                                                    const object::Value& generated) const;

 private:
  const generators::ApplicationSet& set_;
  const std::vector<DerivedApplication>* const current_;
};

// Fields of a set that are right and that this hub does not heed, as warnings.
std::vector<std::string> UnheededFields(const object::Value& manifest);

}  // namespace leidang::hub
