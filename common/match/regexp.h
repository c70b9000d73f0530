#pragma once

// Regular expressions. GoRegexp has the syntax of Go's regexp package (RE2), LookaroundRegexp that
// of the `/…/` entries of Argo CD's lists, which allow look-around. The only room that sees RE2 and
// PCRE2.
//
// Thread-safe once compiled.

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::match {

class GoRegexp {
 public:
  // kInvalidArgument with Go's text ("error parsing regexp: missing closing ): `(a`").
  static absl::StatusOr<GoRegexp> Compile(absl::string_view pattern);
  // Anywhere in the text.
  bool Matches(absl::string_view text) const;

 private:
  class Impl;
  explicit GoRegexp(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

class LookaroundRegexp {
 public:
  static absl::StatusOr<LookaroundRegexp> Compile(absl::string_view pattern);
  // Anywhere in the text. Matching is bounded: a search that exceeds its limit does not match.
  bool Matches(absl::string_view text) const;

 private:
  class Impl;
  explicit LookaroundRegexp(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace leidang::match
