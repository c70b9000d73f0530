#pragma once

// The files of the repository as values, so that each rule can be shown a planted one.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::tidy {

// Larger files are left out.
inline constexpr size_t kFileBytesMax = 4 << 20;

struct File {
  std::string path;  // From the root, with slashes.
  std::string text;
};

// Ordered by path.
using Repository = std::vector<File>;

// All files below `root`, but for build trees, .git and what tools keep in folders with a dot.
absl::StatusOr<Repository> ReadRepository(const std::string& root);

const File* FindFile(const Repository& repository, absl::string_view path);

// Whether `folder` holds a file, and one that is not empty.
enum class Folder { kMissing, kEmpty, kFilled };
Folder FolderState(const Repository& repository, absl::string_view folder);

}  // namespace leidang::tidy
