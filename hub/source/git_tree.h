#pragma once

// GitTree: the files of one commit, read from the object database; there is never a checkout.
//
// A GitTree does not change and stays readable when the mirror moves on. Symbolic links are
// followed within the repository only: one that is absolute, leaves the repository, dangles or runs
// in a circle is an error (PathNotFound) that names it. Submodules appear as entries of mode
// kSubmodule; what is behind them is not in the repository, and a path that goes through one is an
// error that says so.
//
// Paths are as NormalizePath takes them; "" and "." are the root. Listings are sorted by name, byte
// by byte.
//
// Thread-safe.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "hub/source/git_types.h"

namespace leidang::hub {

// Where the objects of a repository come from. Thread-safe.
class GitObjects {
 public:
  virtual ~GitObjects() = default;

  // kNotFound if there is no such tree, kDataLoss if it cannot be read.
  virtual absl::StatusOr<std::vector<TreeEntry>> ReadTree(const GitId& tree) const = 0;
  // The entry of that name; nullopt if the tree has none. Errors as ReadTree.
  virtual absl::StatusOr<std::optional<TreeEntry>> FindEntry(const GitId& tree,
                                                             const std::string& name) const = 0;
  virtual absl::StatusOr<uint64_t> BlobSize(const GitId& blob) const = 0;
  // kResourceExhausted if the blob has more than `size_max` bytes.
  virtual absl::StatusOr<std::string> ReadBlob(const GitId& blob, uint64_t size_max) const = 0;
};

struct WalkOptions {
  uint64_t entries_max = 1'000'000;  // kResourceExhausted beyond.
  uint32_t depth_max = 256;          // kResourceExhausted beyond.
};

enum class WalkStep { kContinue, kSkipDirectory, kStop };

class GitTree {
 public:
  // `name` says in messages whose tree this is: "https://host/repo at 1234abc".
  GitTree(std::shared_ptr<const GitObjects> objects, std::string name, const GitId& commit,
          const GitId& root);

  const GitId& commit() const { return commit_; }
  // The id of the whole tree: equal for commits with equal files.
  const GitId& root() const { return root_; }
  const std::string& name() const { return name_; }

  // The path with every symbolic link replaced by what it leads to.
  absl::StatusOr<std::string> Resolve(absl::string_view path) const;

  // The entry at `path`, links followed. The root is a kDirectory without a name.
  absl::StatusOr<TreeEntry> Find(absl::string_view path) const;

  // The entry at `path` itself: links are followed in the directories on the way, but a link at the
  // end is returned as the link.
  absl::StatusOr<TreeEntry> FindLink(absl::string_view path) const;

  // The entries of a directory. PathNotFound if it is no directory.
  absl::StatusOr<std::vector<TreeEntry>> List(absl::string_view path) const;

  // The content of a file, links followed. TooLarge beyond `size_max` bytes.
  absl::StatusOr<std::string> Read(absl::string_view path, uint64_t size_max) const;

  // The text of a symbolic link, which need not lead anywhere.
  absl::StatusOr<std::string> ReadLink(absl::string_view path) const;

  absl::StatusOr<uint64_t> Size(const GitId& blob) const { return objects_->BlobSize(blob); }
  absl::StatusOr<std::string> ReadBlob(const GitId& blob, uint64_t size_max) const {
    return objects_->ReadBlob(blob, size_max);
  }

  // Visits everything below the directory `path` in order of full paths (as a sorted listing of the
  // files would be), directories before what they hold. Links are shown, not followed.
  using Visit = std::function<WalkStep(const std::string& path, const TreeEntry& entry)>;
  absl::Status Walk(absl::string_view path, const WalkOptions& options, const Visit& visit) const;

 private:
  struct Found;
  struct Step;
  struct WalkState;
  enum class LastLink { kFollow, kKeep };

  absl::StatusOr<Found> Locate(absl::string_view path, LastLink last) const;
  absl::Status Enter(Found* at, const std::string& part) const;
  absl::Status FollowLink(Found* at, std::vector<std::string>* rest, int* links_left,
                          absl::string_view asked) const;
  absl::StatusOr<WalkStep> WalkDirectory(const std::string& path, const GitId& tree, uint32_t depth,
                                         WalkState* state) const;
  absl::Status Missing(absl::string_view asked, absl::string_view why) const;

  const std::shared_ptr<const GitObjects> objects_;
  const std::string name_;
  const GitId commit_;
  const GitId root_;
};

}  // namespace leidang::hub
