#pragma once

// The small values of Git: object ids, file modes, entries of a tree, paths.
//
// Pure; thread-safe.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::hub {

// The id of a commit, tree, blob or tag: SHA-1, 20 bytes; text form 40 lower-case hexadecimal
// digits. All zero means "none".
struct GitId {
  std::array<uint8_t, 20> bytes{};

  static std::optional<GitId> FromHex(absl::string_view hex);
  static std::optional<GitId> FromRaw(absl::string_view raw);

  std::string Hex() const;
  std::string Raw() const;
  bool IsNone() const { return *this == GitId(); }

  friend auto operator<=>(const GitId&, const GitId&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const GitId& id) {
    return H::combine(std::move(h), id.bytes);
  }
};

enum class FileMode { kRegular, kExecutable, kSymlink, kSubmodule, kDirectory };

struct TreeEntry {
  std::string name;  // Within its directory: no slash.
  FileMode mode = FileMode::kRegular;
  GitId id;  // Of a blob, of a tree, or of a submodule's commit.

  friend bool operator==(const TreeEntry&, const TreeEntry&) = default;
};

// A path within a repository in its one form: no leading or trailing slash, no empty, `.` or `..`
// part; the root is "". kInvalidArgument (reason PathNotFound) if it is absolute or leaves the
// repository.
absl::StatusOr<std::string> NormalizePath(absl::string_view path);

// "a/b" + "c" is "a/b/c"; "" + "c" is "c".
std::string JoinPath(absl::string_view directory, absl::string_view name);

// The directory that `path` is in, "" for the root.
absl::string_view ParentPath(absl::string_view path);

}  // namespace leidang::hub
