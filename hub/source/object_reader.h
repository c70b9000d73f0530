#pragma once

// ObjectReader: one bare repository on disk, read (and its references written) through libgit2. The
// only place that knows libgit2; its types stop in the .cc file.
//
// A handle of libgit2 may be used by one thread at a time, so the reader keeps a few and lends one
// to each call. An object that cannot be read through an old handle is looked for once more through
// a new one: `git gc` may have moved it to another pack in between.
//
// Thread-safe.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "hub/source/git_source.h"
#include "hub/source/git_tree.h"
#include "hub/source/git_types.h"
#include "hub/source/revision.h"

namespace leidang::hub {

// References of a mirror besides branches and tags.
inline constexpr char kRemoteHead[] = "refs/leidang/head";  // Where the remote's HEAD leads.
inline constexpr char kDefaultBranch[] =
    "refs/leidang/default";                            // Symbolic: the remote's default branch.
inline constexpr char kPins[] = "refs/leidang/pins/";  // + full id: commits wanted by id.

class ObjectReader final : public GitObjects {
 public:
  // Creates an empty bare repository. kInternal with libgit2's reason.
  static absl::Status CreateRepository(const std::string& path);

  // Does not touch the disk yet. `name` is how messages call the repository.
  ObjectReader(std::string path, std::string name);
  ~ObjectReader() override;

  absl::StatusOr<std::vector<TreeEntry>> ReadTree(const GitId& tree) const override;
  absl::StatusOr<std::optional<TreeEntry>> FindEntry(const GitId& tree,
                                                     const std::string& name) const override;
  absl::StatusOr<uint64_t> BlobSize(const GitId& blob) const override;
  absl::StatusOr<std::string> ReadBlob(const GitId& blob, uint64_t size_max) const override;

  // Branches and tags, and kRemoteHead if it is there.
  absl::StatusOr<RefMap> ReadRefs() const;
  // The full name of the branch that kDefaultBranch names; "" if it is not set.
  absl::StatusOr<std::string> ReadDefaultBranch() const;
  // An empty `branch` removes it.
  absl::Status WriteDefaultBranch(const std::string& branch) const;
  absl::Status DeleteRef(const std::string& name) const;

  // The commit that `id` (of a commit or a tag of one) leads to. kNotFound if it is not there or no
  // commit.
  absl::StatusOr<GitId> Peel(const GitId& id) const;
  // The one commit whose id begins with `digits`. kNotFound if none or several.
  absl::StatusOr<GitId> Expand(const std::string& digits) const;
  absl::StatusOr<GitId> RootTree(const GitId& commit) const;
  absl::StatusOr<CommitInfo> Describe(const GitId& commit) const;

 private:
  struct Pool;

  template <typename T, typename F>
  absl::StatusOr<T> With(const F& function) const;

  const std::string path_;
  const std::string name_;
  const std::unique_ptr<Pool> pool_;
};

}  // namespace leidang::hub
