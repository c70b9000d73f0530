#pragma once

// A folder's files as one commit. Reads everything when it is made; immutable then.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "generators/world.h"

namespace leidang::cli {

class FolderTree final : public generators::GitTree {
 public:
  // kNotFound where there is no such folder.
  static absl::StatusOr<std::shared_ptr<const FolderTree>> Read(const std::string& directory);

  absl::string_view Commit() const override { return commit_; }
  absl::Span<const std::string> Directories() const override { return directories_; }
  absl::Span<const File> Files() const override { return files_; }
  absl::StatusOr<absl::string_view> Read(absl::string_view path) const override;

 private:
  std::string commit_;
  std::vector<std::string> directories_;
  std::vector<File> files_;
  std::map<std::string, std::string> content_;
};

}  // namespace leidang::cli
