#pragma once

// What the kustomization files of a directory reach within the repository.

#include <string>

#include "absl/status/status.h"

#include "common/object/value.h"
#include "hub/resolve/closure_builder.h"

namespace leidang::hub {

// Adds to `builder` what the kustomization in `directory` (links followed, there) names, and what
// the kustomizations among that name, and so on. Directories that are reached again, or in a
// circle, are added once: Kustomize itself says what is wrong with a circle.
//
// `application` is the Application's `spec.source.kustomize` or null: its components and patch
// files count as if the kustomization named them. Errors as closure.h says.
absl::Status AddKustomizeReach(const std::string& directory, const object::Value& application,
                               ClosureBuilder* builder);

}  // namespace leidang::hub
