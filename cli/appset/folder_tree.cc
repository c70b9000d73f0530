#include "cli/appset/folder_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/object/sha256.h"

namespace leidang::cli {

namespace fs = std::filesystem;

absl::StatusOr<std::shared_ptr<const FolderTree>> FolderTree::Read(const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return absl::NotFoundError(absl::StrCat(directory, ": no such folder"));
  }
  auto tree = std::make_shared<FolderTree>();
  std::set<std::string> directories;
  fs::recursive_directory_iterator it(directory, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string path = fs::path(it->path()).lexically_relative(directory).generic_string();
    if (path == ".git") {
      if (it->is_directory()) it.disable_recursion_pending();
      continue;
    }
    if (it->is_symlink()) {
      tree->files_.push_back({path, Mode::kSymlink});
      tree->content_[path] = fs::read_symlink(it->path(), error).string();
    } else if (it->is_regular_file()) {
      std::ifstream in(it->path(), std::ios::binary);
      tree->files_.push_back({path, Mode::kRegular});
      tree->content_[path] = {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      if (in.bad())
        return absl::UnavailableError(absl::StrCat(it->path().string(), ": cannot be read"));
    } else {
      continue;
    }
    // Git knows a directory by its files only.
    for (fs::path up = fs::path(path).parent_path(); !up.empty(); up = up.parent_path()) {
      directories.insert(up.generic_string());
    }
  }
  if (error) return absl::UnavailableError(absl::StrCat(directory, ": ", error.message()));
  std::sort(tree->files_.begin(), tree->files_.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  tree->directories_.assign(directories.begin(), directories.end());
  object::Sha256Stream digest;
  for (const auto& [path, content] : tree->content_) {
    digest.Add(absl::StrCat(path.size(), ":", path, content.size(), ":", content));
  }
  tree->commit_ = digest.Finish().Hex().substr(0, 40);
  return std::shared_ptr<const FolderTree>(std::move(tree));
}

absl::StatusOr<absl::string_view> FolderTree::Read(absl::string_view path) const {
  const auto it = content_.find(std::string(path));
  if (it == content_.end()) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  return absl::string_view(it->second);
}

}  // namespace leidang::cli
