#pragma once

// Names and repository URLs in normal form, as Argo CD makes them. Pure; thread-safe.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::generators {

// A name for Kubernetes: lower case, every character outside of [-a-z0-9.] a dash, at most 253
// bytes, no dash or dot at either end.
std::string Normalize(absl::string_view name);

enum class Truncate {
  kAtWord,  // Back to the last dash, if there is one.
  kAnywhere,
};
struct SlugOptions {
  int64_t length_max = 50;  // 0 with kAtWord: no limit.
  Truncate truncate = Truncate::kAtWord;
};
// A short readable name. kInvalidArgument for a length that Go refuses (its words).
absl::StatusOr<std::string> Slugify(absl::string_view text, const SlugOptions& options = {});

// The form in which repository URLs are compared; empty for a URL that is invalid.
std::string NormalizeGitUrl(absl::string_view url);
// Whether two URLs name the same repository.
bool SameGitUrl(absl::string_view a, absl::string_view b);

}  // namespace leidang::generators
