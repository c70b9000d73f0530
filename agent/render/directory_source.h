#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "agent/render/source_tree.h"
#include "common/object/value.h"

namespace leidang::agent {

// The objects of all .yaml, .yml and .json files in the directory `path` of `tree`, in the order of
// their paths; deeper ones too if `options` (the JSON object `directory` of the source, or null)
// says `recurse`. Its `include` and `exclude` are globs over the path below that directory, in
// which
// `*` crosses "/" and braces list; what is excluded stays out even if it is included. A file with
// the comment `+argocd:skip-file-rendering` is passed over. Errors are RenderErrors.
//
// Pure; thread-safe.
absl::StatusOr<std::vector<object::Value>> RenderDirectory(const SourceTree& tree,
                                                           absl::string_view path,
                                                           const object::Value& options);

}  // namespace leidang::agent
