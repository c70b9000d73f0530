#pragma once

// Parses template text into trees, with Go's own messages. Pure; thread-safe.

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "generators/template/nodes.h"

namespace leidang::generators::gotmpl {

// The name of the outermost template, as error messages show it.
inline constexpr char kRootName[] = "base";

// Looks a function up by name; nullptr if there is none.
const Function* FindFunction(absl::string_view name);

// kInvalidArgument with Go's text: `template: base:1: unexpected "}" in operand`.
absl::StatusOr<Forest> ParseTemplate(absl::string_view text);

}  // namespace leidang::generators::gotmpl
