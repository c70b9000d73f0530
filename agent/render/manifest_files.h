#pragma once

// Texts of files to Kubernetes objects, by Argo CD's rules for a directory of manifests. Pure;
// thread-safe.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::agent {

// The objects of a YAML file of several documents. A file that is no YAML, or holds a document that
// is no object, is kInvalidYaml if it looks like a manifest or an object came before, and is passed
// over otherwise: repositories keep other YAML beside their manifests. Empty documents are skipped.
absl::StatusOr<std::vector<object::Value>> ParseManifests(absl::string_view text,
                                                          absl::string_view file_name);

// The one object of a JSON file. kInvalidYaml if it is anything else.
absl::StatusOr<object::Value> ParseJsonManifest(absl::string_view text,
                                                absl::string_view file_name);

// All documents of a tool's output; each must be an object. kRenderFailed otherwise.
absl::StatusOr<std::vector<object::Value>> ParseToolOutput(absl::string_view text,
                                                           absl::string_view tool);

// Replaces each list of objects (what has an array `items`) by its items; null lists vanish.
std::vector<object::Value> ExpandLists(std::vector<object::Value> objects);

}  // namespace leidang::agent
