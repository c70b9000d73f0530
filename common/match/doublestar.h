#pragma once

// Globs over paths in the dialect of bmatcuk/doublestar 4.10: `*` stops at `/`, `**` between
// slashes does not, `{a,b}`,
// `[a-z]`, `[!a]`, `[^a]`, `?`, `\` escapes. Used for git files with the newer globbing. Pure.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/match/work_tree.h"

namespace leidang::match {

// Whether `pattern` takes all of `name`. kInvalidArgument "syntax error in pattern";
// kResourceExhausted where nested braces make too many alternatives.
absl::StatusOr<bool> DoublestarMatch(absl::string_view pattern, absl::string_view name);

// The paths of a work tree that `pattern`, taken relative to its root, selects: files, and
// directories too. Sorted, each once. Symbolic links are followed; what they lead to outside the
// tree is left out. kNotFound where the pattern itself selects a link that leads nowhere.
absl::StatusOr<std::vector<std::string>> DoublestarGlob(absl::string_view pattern,
                                                        const WorkTree& tree);

}  // namespace leidang::match
