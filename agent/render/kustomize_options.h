#pragma once

// The options that an Application sets for Kustomize, and what they do to a kustomization. Pure;
// thread-safe.

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::agent {

// Names that `${NAME}` in some options stands for, such as ARGOCD_APP_NAME.
using BuildEnvironment = std::map<std::string, std::string>;

struct KustomizeOptions {
  // Arguments of `kustomize edit`, one list a call, in order: they change the kustomization as
  // Argo CD does.
  std::vector<std::vector<std::string>> edits;
  // Appended to `patches` of the kustomization.
  object::Array patches;
  // Added by `kustomize edit add component`, those that are no directory left out if told so.
  std::vector<std::string> components;
  enum class MissingComponents { kAreErrors, kAreLeftOut } missing = MissingComponents::kAreErrors;

  bool empty() const { return edits.empty() && patches.empty() && components.empty(); }
};

// Reads `spec.source.kustomize` (an object, or null for none). RenderErrors that name the field:
// kInvalidSpec, kUnsupportedSource for `version`.
absl::StatusOr<KustomizeOptions> ReadKustomizeOptions(const object::Value& spec,
                                                      const BuildEnvironment& environment);

// `$NAME` and `${NAME}` replaced as Go's os.Expand does; `$$` is a dollar, unknown names nothing.
std::string ExpandVariables(absl::string_view text, const BuildEnvironment& environment);

}  // namespace leidang::agent
