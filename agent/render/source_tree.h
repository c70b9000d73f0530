#pragma once

// SourceTree: the files of one source closure with their content, in memory, as a render reads
// them. Immutable once made; thread-safe.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/tree/tree_manifest.h"

namespace leidang::agent {

class SourceTree {
 public:
  struct File {
    tree::FileMode mode = tree::FileMode::kRegular;
    std::shared_ptr<const std::string> content;  // Joint with others that have the same file.
  };
  // By path; what tree::Validate demands of a manifest holds for it.
  using Files = std::map<std::string, File>;

  // A closure that is larger is refused before its content is read.
  static constexpr uint64_t kBytesMax = uint64_t{256} << 20;

  explicit SourceTree(Files files) : files_(std::move(files)) {}

  const Files& files() const { return files_; }

  // The path that `path` stands for once symbolic links are followed and "." and ".." are gone; ""
  // is the root. nullopt if it leads out of the tree or round in circles. What it names need not
  // exist.
  std::optional<std::string> Resolve(absl::string_view path) const;

  // The content of a file, links followed; nullptr if there is none.
  const std::string* Find(absl::string_view path) const;
  // True if some file lies below `path`; "" and "." are the root.
  bool HasDirectory(absl::string_view path) const;

  // Writes all files below `directory`, which must be empty, with modes 0600 and 0700.
  // kInvalidArgument for a link that would lead out of it; kUnavailable if the disk refuses.
  absl::Status LayOut(const std::string& directory) const;

 private:
  const Files files_;
};

}  // namespace leidang::agent
