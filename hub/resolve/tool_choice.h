#pragma once

// Which tool turns a directory into objects, decided as Argo CD does: the block that the source has
// (`helm`, `kustomize`, `directory`, `plugin`; an empty one counts as absent), else the files
// directly in the directory, of which the last by name that says something counts: `Chart.yaml` (or
// any name that ends so) says Helm, `kustomization.yaml`, `kustomization.yml` and `Kustomization`
// say Kustomize. Otherwise it is a plain directory.
//
// Pure; thread-safe.

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/intent/intent.h"
#include "common/object/value.h"
#include "hub/source/git_types.h"

namespace leidang::hub {

// nullopt if the source has none of the blocks. InvalidSpec if it has several, or one that is no
// map.
absl::StatusOr<std::optional<intent::Tool>> ExplicitTool(const object::Value& source);

// By the entries of the source's directory.
intent::Tool DetectTool(const std::vector<TreeEntry>& entries);

bool IsKustomizationName(absl::string_view name);

}  // namespace leidang::hub
