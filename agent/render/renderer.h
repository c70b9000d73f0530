#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "agent/render/kustomize.h"
#include "agent/render/source_tree.h"
#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "common/object/value.h"

namespace leidang::agent {

// One source of an Application, with everything that its objects depend on.
struct RenderRequest {
  std::string app;                         // "namespace/name"
  std::string project;                     // Of the Application.
  std::string ns;                          // Its destination's namespace.
  intent::Source source;                   // Pinned.
  object::Value spec;                      // `spec.source` of the Application.
  std::shared_ptr<const SourceTree> tree;  // The files of `source.tree`.
};

// Renders sources: plain directories in memory, Kustomize by its program. Sources that need Helm,
// Jsonnet or a plugin are kUnsupportedSource.
//
// Files `.argocd-source.yaml` and `.argocd-source-<name>.yaml` beside the manifests are merged over
// `spec`, apart from where the source lies. The objects come as the files have them: namespaces and
// tracking marks are the next step (agent/apply/desired.h).
//
// Thread-safe; blocks, so it is for workers.
class Renderer {
 public:
  explicit Renderer(const Kustomize& kustomize) : kustomize_(kustomize) {}

  // Errors are RenderErrors, or kCancelled.
  absl::StatusOr<std::vector<object::Value>> Render(const RenderRequest& request) const;

 private:
  const Kustomize& kustomize_;
};

// Equal for requests that render alike: the key of a cache.
object::Sha256 RenderKey(const RenderRequest& request);

}  // namespace leidang::agent
