#pragma once

// Globs with `*`, `**`, `?`, `[abc]`, `[!a-z]` and `{a,b}`: the dialect of projects, RBAC policies,
// sync windows and ignore rules (gobwas/glob 0.2.3), its defects included, since they decide who
// may do what in an existing installation:
//   - a wildcard within braces next to other text is matched short (`team-{a*,b}` does not match
//   `team-abc`);
//   - prefix and suffix may overlap (`prod-*-prod` matches `prod-prod`);
//   - a lone `?` or `[!a]` matches the empty text;
//   - `[^a]` is no negation; an unclosed `{` is accepted, an unclosed `[` is an error.
// A caller that must not copy one of them (because it widens a permission) decides that itself and
// says so in tests/conformance/differences.yaml.
//
// `*` and `?` stop at the separators, `**` does not. There is no separator unless one is given.
//
// Thread-safe once compiled.

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::match {

class Glob {
 public:
  // Patterns longer than this are refused: compiling is cubic in the number of their parts.
  static constexpr size_t kPatternBytesMax = 1024;

  enum class Outcome {
    kNo,
    kYes,
    // The original crashes on this pattern and text (`a{}` against `a`), or the search was given up
    // after too many steps. Neither yes nor no: never a ground to permit anything.
    kUndecided,
  };

  // kInvalidArgument with the original's text: "unexpected end of input", "could not parse range",
  // ….
  static absl::StatusOr<Glob> Compile(absl::string_view pattern, absl::string_view separators = "");

  Outcome Try(absl::string_view text) const;
  bool Matches(absl::string_view text) const { return Try(text) == Outcome::kYes; }

 private:
  class Impl;
  explicit Glob(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace leidang::match
