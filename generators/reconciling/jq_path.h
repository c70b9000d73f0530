#pragma once

// The path expressions of jq that select what to ignore: `.spec.sources[] | select(.ref == "v") |
// .targetRevision`.
//
// Fields, `["name"]`, indices, `[]`, `..`, `?`, pipes, commas, parentheses, `//`, `select`, `has`,
// `contains`, `startswith`, `endswith`, `test`, comparisons, `and`, `or`, `not`, and literals.
// Anything else is refused when it is compiled: user text runs in the hub here, so it is evaluated
// by bounded code of ours and not by jq, which cannot be stopped.
//
// Thread-safe once compiled.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::generators {

class JqPath {
 public:
  // kInvalidArgument naming the place; kUnimplemented for what jq has and this has not.
  static absl::StatusOr<JqPath> Compile(absl::string_view expression);

  // `value` without what the expression selects. Unchanged where it fails (iterating over null, …),
  // as in Argo CD.
  object::Value Delete(const object::Value& value) const;

  struct Node;

 private:
  explicit JqPath(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;
};

}  // namespace leidang::generators
