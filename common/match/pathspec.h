#pragma once

// Git pathspecs as `git ls-files -- <pathspec>` takes them at the root of a work tree: `*`, `?` and
// `[…]` cross `/`, a directory stands for all below it, `:(glob)`, `:(literal)`, `:(icase)`,
// `:(exclude)` (`:!`, `:^`), `:(top)` (`:/`). Used for git files with the default globbing.
// Thread-safe once parsed.

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::match {

class Pathspec {
 public:
  // kInvalidArgument with Git's text for an unknown magic word or a path outside the repository;
  // kUnimplemented for
  // `:(attr:…)`. The empty text stands for the whole repository.
  static absl::StatusOr<Pathspec> Parse(absl::string_view text);

  // `path` is a file's, relative to the root.
  bool Matches(absl::string_view path) const;

 private:
  bool MatchesItem(absl::string_view path) const;

  std::string text_;
  size_t literal_bytes_ = 0;  // Before the first special character.
  bool glob_ = false;
  bool icase_ = false;
  bool exclude_ = false;
};

}  // namespace leidang::match
