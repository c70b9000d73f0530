#pragma once

// The syntax tree of a Glob; private to this room.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::match::glob {

struct Node {
  enum class Kind { kNothing, kPattern, kList, kRange, kText, kAny, kSuper, kSingle, kAnyOf };

  Kind kind = Kind::kPattern;
  std::string text;  // Of kText, and the characters of kList.
  bool negated = false;
  char32_t lo = 0;
  char32_t hi = 0;
  std::vector<std::shared_ptr<const Node>> children;

  bool Equals(const Node& other) const;
};

using NodePtr = std::shared_ptr<const Node>;

absl::StatusOr<NodePtr> ParseGlob(absl::string_view pattern);

}  // namespace leidang::match::glob
