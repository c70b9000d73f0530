#pragma once

// From what an Application says about its source to a pinned intent::Source.
//
//   ASSIGN_OR_RETURN(SourceSpec spec, ReadSource(application));            pure
//   commit = GitSource::Resolve(spec.repo_url, spec.Wanted())               by whoever pins inputs
//   ASSIGN_OR_RETURN(PinnedSource pinned, PinSource(spec, *tree, closures))  on a worker
//   ContentKeeper::AddTree(pinned.closure->manifest, …)
//
// What is not built yet is UnsupportedSource, on that Application alone: Helm, plugins, charts,
// several sources, sources by reference, OCI. Thread-safe.

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "common/intent/intent.h"
#include "common/object/value.h"
#include "hub/resolve/closure.h"
#include "hub/source/git_tree.h"
#include "hub/source/revision.h"

namespace leidang::hub {

struct SourceSpec {
  std::string repo_url;  // As written.
  Revision revision;     // `targetRevision` and `tagPrefix`; empty text is HEAD.
  std::string path;      // Normalised; "." is the root.
  std::optional<intent::Tool> tool;
  object::Value kustomize;  // The block, or null.
};

// Of a whole Application: `spec.source`, or the only one of `spec.sources`. InvalidSpec where a
// field is missing or has the wrong type; UnsupportedSource; InvalidSource for a path that leads
// out.
absl::StatusOr<SourceSpec> ReadSource(const object::Value& application);

// Of one `spec.source`.
absl::StatusOr<SourceSpec> ReadSourceBlock(const object::Value& source);

struct PinnedSource {
  intent::Source source;
  std::shared_ptr<const Closure> closure;
};

// The errors of closure.h, and UnsupportedSource where the files ask for a tool that is not there
// yet.
absl::StatusOr<PinnedSource> PinSource(const SourceSpec& spec, const GitTree& tree,
                                       Closures* closures);

}  // namespace leidang::hub
