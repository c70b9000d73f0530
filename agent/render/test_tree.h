#pragma once

// Trees for tests of this room.

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "agent/render/source_tree.h"

namespace leidang::agent {

inline SourceTree::File TextFile(std::string content,
                                 tree::FileMode mode = tree::FileMode::kRegular) {
  return {mode, std::make_shared<const std::string>(std::move(content))};
}

inline SourceTree::File Link(std::string target) {
  return TextFile(std::move(target), tree::FileMode::kSymlink);
}

inline SourceTree TreeOf(
    std::initializer_list<std::pair<const std::string, SourceTree::File>> files) {
  return SourceTree(SourceTree::Files(files));
}

// A ConfigMap of that name.
inline std::string ConfigMap(const std::string& name) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n  from: test\n";
}

}  // namespace leidang::agent
