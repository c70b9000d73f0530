#pragma once

// TreeManifest: the list of files that one source of an Application consists of (its source
// closure), each named by the SHA-256 of its content. Its own encoding is content too, and the
// digest of that encoding is what an assignment names. Format: docs/formats/content.md.
//
// A manifest that came from Encode or Parse is canonical and safe to lay out on a disk below one
// directory: see Validate. Pure values; thread-compatible.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/sha256.h"

namespace leidang::tree {

// The values are part of stored and sent data.
enum class FileMode : uint8_t { kRegular = 1, kExecutable = 2, kSymlink = 3 };

struct TreeFile {
  std::string path;  // Relative to the root of the repository, "/" between segments.
  FileMode mode = FileMode::kRegular;
  uint64_t size = 0;      // Of the content, in bytes.
  object::Sha256 digest;  // Of the content; of the target's text for a symbolic link.

  friend bool operator==(const TreeFile&, const TreeFile&) = default;
};

struct TreeManifest {
  std::vector<TreeFile> files;  // Sorted by the bytes of their paths.

  uint64_t TotalBytes() const;
  // nullptr if `path` is no file of the tree.
  const TreeFile* Find(absl::string_view path) const;
  // True if some file lies in the directory `path`; "." and "" are the root.
  bool HasDirectory(absl::string_view path) const;

  friend bool operator==(const TreeManifest&, const TreeManifest&) = default;
};

inline constexpr size_t kFilesMax = 200'000;
inline constexpr size_t kPathBytesMax = 4096;
inline constexpr size_t kSegmentBytesMax = 255;
inline constexpr size_t kSymlinkBytesMax = 4096;

// OK if the manifest is canonical and safe: files sorted by path and distinct, no path empty,
// absolute, over the limits, or with an empty, "." or ".." segment or a NUL byte; no file stands
// where another one has a directory; sizes of links within their limit. kInvalidArgument names the
// path otherwise.
//
// Where a link points is not known here: see CheckSymlink.
absl::Status Validate(const TreeManifest& manifest);

// The target of the link at `path` must be relative and stay inside the tree.
absl::Status CheckSymlink(absl::string_view path, absl::string_view target);

// Sorts the files, then encodes. The error of Validate.
absl::StatusOr<std::string> Encode(TreeManifest manifest);

// The reverse: accepts exactly what Encode yields. kInvalidArgument otherwise.
absl::StatusOr<TreeManifest> Parse(absl::string_view bytes);

// kDataLoss, naming the file, if `content` is not what `file` promises.
absl::Status VerifyContent(const TreeFile& file, absl::string_view content);

}  // namespace leidang::tree
