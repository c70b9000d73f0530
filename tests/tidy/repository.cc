#include "tests/tidy/repository.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace leidang::tidy {
namespace {

namespace fs = std::filesystem;

bool IsForeignFolder(const fs::path& relative) {
  const std::string name = relative.filename().string();
  const bool top = !relative.has_parent_path();
  return (top && absl::StartsWith(name, "build")) || (name[0] == '.' && name != ".ci") ||
         name == "node_modules";
}

}  // namespace

absl::StatusOr<Repository> ReadRepository(const std::string& root) {
  Repository repository;
  std::error_code error;
  fs::recursive_directory_iterator it(root, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const fs::path relative = it->path().lexically_relative(root);
    if (it->is_directory(error) && !it->is_symlink(error)) {
      if (IsForeignFolder(relative)) it.disable_recursion_pending();
      continue;
    }
    if (relative == ".git" || !it->is_regular_file(error) || it->is_symlink(error)) continue;
    if (it->file_size(error) > kFileBytesMax) continue;
    std::ifstream stream(it->path(), std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    if (!stream.good() && !stream.eof()) {
      return absl::InternalError(absl::StrCat("cannot read ", it->path().string()));
    }
    repository.push_back({relative.generic_string(), std::move(text)});
  }
  if (error) {
    return absl::InternalError(absl::StrCat("cannot walk ", root, ": ", error.message()));
  }
  std::sort(repository.begin(), repository.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return repository;
}

const File* FindFile(const Repository& repository, absl::string_view path) {
  const auto it = std::lower_bound(repository.begin(), repository.end(), path,
                                   [](const File& file, absl::string_view wanted) {
                                     return absl::string_view(file.path) < wanted;
                                   });
  return it != repository.end() && it->path == path ? &*it : nullptr;
}

Folder FolderState(const Repository& repository, absl::string_view folder) {
  const std::string prefix = absl::StrCat(folder, "/");
  Folder state = Folder::kMissing;
  for (const File& file : repository) {
    if (!absl::StartsWith(file.path, prefix)) continue;
    if (!file.text.empty()) return Folder::kFilled;
    state = Folder::kEmpty;
  }
  return state;
}

}  // namespace leidang::tidy
