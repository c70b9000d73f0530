#pragma once

// Go's path.Match (and filepath.Match on Unix): `*` and `?` stop at `/`, `[a-z]`, `[^a]` (which
// also takes a `/`),
// `\` escapes; no `**`, no braces, and `[!a]` is the set of `!` and `a`. Used for git directories
// and for the kind lists of projects. Pure.

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::match {

// Whether `pattern` takes all of `name`. kInvalidArgument "syntax error in pattern" for a malformed
// pattern, whether or not the text already differs before the malformed place.
absl::StatusOr<bool> PathMatch(absl::string_view pattern, absl::string_view name);

}  // namespace leidang::match
