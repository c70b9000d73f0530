#pragma once

// WorkTree: the files of one commit as a checkout would show them, with directories and symbolic
// links, without a disk.
//
// Paths are relative to the root, which is ".". Value type; thread-safe once built.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace leidang::match {

class WorkTree {
 public:
  enum class Kind { kFile, kDirectory, kSymlink };

  struct Child {
    std::string name;
    Kind kind;
  };

  WorkTree();
  void AddFile(absl::string_view path);
  void AddDirectory(absl::string_view path);
  void AddSymlink(absl::string_view path, absl::string_view target);
  // Sorts the children; call it after the last Add.
  void Finish();

  enum class Where {
    kInside,
    kMissing,  // No such path, or links that never end.
    kOutside,  // A link leads out of the tree.
  };

  struct Resolved {
    Where where = Where::kMissing;
    Kind kind = Kind::kFile;  // Never kSymlink.
    std::string path;         // With every link followed; "." for the root.
  };

  // Follows `path` from the root, as stat(2) would.
  Resolved Resolve(absl::string_view path) const;

  // The children of a directory, links in its path followed, sorted by name. nullptr where it is
  // none.
  const std::vector<Child>* List(absl::string_view directory) const;

 private:
  void Add(absl::string_view path, Kind kind);

  // By directory path, "." the root.
  absl::flat_hash_map<std::string, std::vector<Child>> children_;
  absl::flat_hash_map<std::string, Kind> kinds_;
  absl::flat_hash_map<std::string, std::string> targets_;
};

// Go's path.Clean and path.Join(dir, name).
std::string CleanPath(absl::string_view path);
std::string JoinPath(absl::string_view dir, absl::string_view name);

}  // namespace leidang::match
