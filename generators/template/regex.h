#pragma once

// Regular expressions as Go's package regexp: RE2 in matching, Go's syntax names and messages.
// Patterns are compiled once per text and shared. Thread-safe.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::generators::go {

class Regex {
 public:
  // kInvalidArgument with Go's text: "error parsing regexp: missing closing ]: `[`".
  static absl::StatusOr<Regex> Compile(absl::string_view pattern);

  // How large the compiled pattern is: what compiling it took, and an upper bound of what a byte of
  // text may take.
  size_t size() const;

  bool Matches(absl::string_view text) const;
  // The leftmost match; nullptr data where there is none.
  absl::string_view Find(absl::string_view text) const;
  // At most `count` of them, all for a negative one.
  std::vector<absl::string_view> FindAll(absl::string_view text, int64_t count) const;
  // $1, ${1}, $name and $$ in `replacement` mean what they mean in Go. Stops at `bytes_max` with
  // kResourceExhausted.
  absl::StatusOr<std::string> ReplaceAll(absl::string_view text, absl::string_view replacement,
                                         size_t bytes_max) const;
  absl::StatusOr<std::string> ReplaceAllLiteral(absl::string_view text,
                                                absl::string_view replacement,
                                                size_t bytes_max) const;
  std::vector<std::string> Split(absl::string_view text, int64_t count) const;

 private:
  struct Compiled;
  explicit Regex(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const Compiled> compiled_;
};

std::string QuoteMeta(absl::string_view text);

}  // namespace leidang::generators::go
