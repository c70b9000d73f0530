#pragma once

// The words in which Go's sigs.k8s.io/yaml refuses a text. Pure; thread-safe.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::generators::gotmpl {

// An error of common/yaml as go-yaml puts it: "yaml: line 3: …", or "unsupported …" for what JSON
// cannot hold. What the reader knows beyond that is left out.
std::string YamlErrorText(const absl::Status& status);

// "json: cannot unmarshal <what `value` is> into Go value of type <type>", or "Go struct field
// <field>" where one is given.
std::string JsonTypeError(const object::Value& value, absl::string_view type,
                          absl::string_view field = "");

}  // namespace leidang::generators::gotmpl
