#pragma once

// ClosureBuilder gathers the files of one closure with the ids that they depend on. Part of
// closure.cc and kustomize_reach.cc.
//
// Thread-compatible.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "hub/resolve/blob_digests.h"
#include "hub/resolve/closure.h"
#include "hub/source/git_tree.h"

namespace leidang::hub {

class ClosureBuilder {
 public:
  // All must outlive it.
  ClosureBuilder(const GitTree& tree, const ClosureLimits& limits, BlobDigests* digests)
      : tree_(tree), limits_(limits), digests_(digests) {}

  const GitTree& tree() const { return tree_; }
  const ClosureLimits& limits() const { return limits_; }

  // Adds a file, or a directory with all below it, and the symbolic links on the way and in it with
  // what they lead to. PathNotFound if it is not there.
  absl::Status Add(const std::string& path);

  // Adds only the symbolic links on the way to `path`, which is there.
  absl::Status AddWay(const std::string& path) { return AddLinksOn(path).status(); }

  // Notes that the closure depends on what `path` is, and returns that.
  const ClosureDependency& DependOn(const std::string& path);

  // The closure of what was added; the builder is empty afterwards.
  absl::StatusOr<Closure> Finish(intent::Tool tool);
  std::vector<ClosureDependency> TakeDependencies();

 private:
  struct File {
    tree::TreeFile file;
    GitId blob;
  };

  // Adds the links that lie on `path` and returns where it leads in the end.
  absl::StatusOr<std::string> AddLinksOn(const std::string& path);
  absl::Status AddOne(const std::string& path);
  absl::Status AddSubtree(const std::string& resolved);
  absl::Status AddFile(const std::string& path, const TreeEntry& entry);
  // InvalidSource for a link whose text leads out of the repository.
  absl::Status CheckLink(const std::string& path) const;

  const GitTree& tree_;
  const ClosureLimits& limits_;
  BlobDigests* const digests_;
  std::map<std::string, File> files_;
  std::map<std::string, GitId> submodules_;
  std::set<std::string> subtrees_;    // Added already.
  std::vector<std::string> pending_;  // Still to be added; never deep recursion.
  std::map<std::string, ClosureDependency> dependencies_;
  uint64_t bytes_ = 0;
};

}  // namespace leidang::hub
