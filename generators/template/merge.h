#pragma once

// Merging of maps as the library behind sprig's `merge` does it, and the checks that keep values
// trees.

#include "absl/status/status.h"

#include "generators/template/functions.h"
#include "generators/template/value.h"

namespace leidang::generators::gotmpl {

enum class Overwrite {
  kEmpty,  // Only what is empty in the target.
  kAll,
};

// Merges `source` into `*target`, both map[string]interface{}. Maps within are merged too, in
// place.
absl::Status Merge(TValue* target, const TValue& source, Overwrite overwrite, Budget* budget);

// An error if `map` can be reached from `value`: a map that holds itself has no end.
absl::Status CheckNoCycle(const TValue& value, const TValue& map, Budget* budget);

// Charges a step for every value within, and refuses trees that are too deep.
absl::Status ChargeTree(const TValue& value, Budget* budget);

}  // namespace leidang::generators::gotmpl
