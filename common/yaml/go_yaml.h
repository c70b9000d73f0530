#pragma once

#include <string>

#include "common/object/value.h"

namespace leidang::yaml {

enum class KeyOrder {
  kSorted,  // As Go sorts them: letters by code point, runs of digits by value ("a2" before "a10").
  kAsTheyAre,  // The order of the object.
};

// YAML text with exactly the bytes that Go's sigs.k8s.io/yaml v1.6.0 Marshal makes of the same JSON
// value (with kSorted): what `toYaml` in templates and `kubectl -o yaml` print. Ends with a line
// feed.
//
// Strings that would be read as something else are quoted; text of several lines is a block literal
// where YAML can carry it so; lists stand at the indent of their key; lines of more than 80
// characters are folded at a space (with kSorted only). Read back it gives what ToJson of the value
// gives, except that Go leaves the key `<<` without quotes, which is then a merge.
//
// Where Go fails, this goes on: control characters are escaped, infinities and NaN become null.
// Bytes that are not UTF-8 become U+FFFD, as in Go.
//
// Pure; thread-safe.
std::string MarshalYaml(const object::Value& value, KeyOrder order = KeyOrder::kSorted);

}  // namespace leidang::yaml
