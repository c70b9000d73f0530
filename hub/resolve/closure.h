#pragma once

// The source closure: every file of a commit that rendering one path may read, and nothing else.
// Its digest is what an assignment names, so a commit that touches other paths changes no
// assignment.
//
// - The path's own subtree belongs to it, always.
// - With Kustomize, also what its kustomization files reach, through any number of directories:
//   resources, bases, components, patches, generator files, crds, configurations, replacements,
//   openapi, generators, transformers, validators; and the components and patch files that the
//   Application itself names.
// - Symbolic links come with what they lead to.
// - Helm and Jsonnet may read any file below the path, which is in the subtree.
//
// Errors, as SourceErrors that name repository, file and line: PathNotFound; RemoteBase for what a
// kustomization takes from elsewhere; InvalidSource for what leads out of the repository or has a
// wrong form; InvalidYaml; UnsupportedSource for charts in a kustomization and for SOPS files that
// it names; TooLarge.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"

#include "common/base/mutex.h"
#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "common/object/value.h"
#include "common/tree/tree_manifest.h"
#include "hub/resolve/blob_digests.h"
#include "hub/source/git_tree.h"
#include "hub/source/git_types.h"

namespace leidang::hub {

struct SubmoduleNotice {
  std::string path;
  GitId commit;  // Of the other repository.

  friend bool operator==(const SubmoduleNotice&, const SubmoduleNotice&) = default;
};

struct Closure {
  intent::Tool tool = intent::Tool::kDirectory;
  tree::TreeManifest manifest;  // Valid and sorted.
  object::Sha256 digest;        // Of the encoded manifest.
  std::vector<GitId> blobs;     // Of manifest.files, in their order.
  // Submodules below the path: their files are not in the closure. To be shown, not an error.
  std::vector<SubmoduleNotice> submodules;

  // The content of one of the manifest's files, from the repository. kNotFound if it is none of
  // them.
  absl::StatusOr<std::string> Read(const GitTree& tree, const tree::TreeFile& file) const;
};

struct ClosureRequest {
  std::string path;                  // As NormalizePath takes it.
  std::optional<intent::Tool> tool;  // nullopt: by the files in the directory.
  // `spec.source.kustomize`, or null: its components and patch files are reached too.
  object::Value kustomize;
};

struct ClosureLimits {
  uint64_t total_bytes_max = uint64_t{256} << 20;  // What an agent lays out for one render.
  uint64_t file_bytes_max = uint64_t{64} << 20;
  size_t kustomizations_max = 1'000;
};

// One thing that a closure depends on: what a path was, in terms of Git's ids. While all are the
// same in another commit, so is the closure.
struct ClosureDependency {
  std::string path;
  std::string resolved;  // Links followed; empty together with a none id if it is not there.
  GitId id;

  friend bool operator==(const ClosureDependency&, const ClosureDependency&) = default;
};

// Computes closures and remembers them, so that one whose files did not change costs a few lookups
// of tree ids. Thread-safe; reads the mirror: for workers.
class Closures {
 public:
  explicit Closures(const ClosureLimits& limits = {}, size_t entries_max = 20'000);

  // `tree` may be of any repository.
  absl::StatusOr<std::shared_ptr<const Closure>> Compute(const GitTree& tree,
                                                         const ClosureRequest& request)
      ABSL_LOCKS_EXCLUDED(mu_);

  // How often Compute was answered from memory.
  uint64_t hits() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::vector<ClosureDependency> dependencies;
    std::shared_ptr<const Closure> closure;
  };

  std::shared_ptr<const Closure> Remembered(const GitTree& tree, const std::string& key)
      ABSL_LOCKS_EXCLUDED(mu_);

  const ClosureLimits limits_;
  const size_t entries_max_;
  BlobDigests digests_;

  mutable Mutex mu_;
  // The last closure of each (repository, path, options).
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mu_);
  uint64_t hits_ ABSL_GUARDED_BY(mu_) = 0;
};

// What `path` is in `tree` now.
ClosureDependency DependencyOn(const GitTree& tree, const std::string& path);

}  // namespace leidang::hub
