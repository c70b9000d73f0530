#pragma once

// RepositoryUrl: a Git repository's address, checked, with its secrets taken out.
//
// Accepted: https://…, ssh://…, user@host:path, file:///…, an absolute local path, and http://…
// (whoever fetches decides whether it may be used). Refused with the reason InvalidRepository:
// other schemes, helper syntax such as `ext::`, control characters, and whatever a program could
// take for an option.
//
// Pure; thread-safe.

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::hub {

struct RepositoryUrl {
  enum class Scheme { kHttps, kHttp, kSsh, kFile };

  Scheme scheme = Scheme::kHttps;
  std::string host;      // With its port; empty for kFile.
  std::string user;      // As decoded from the URL; secret is `password` only.
  std::string password;  // As decoded from the URL.
  // What `git` is called with and what people are shown: no password; the user only with ssh.
  std::string clean;

  static absl::StatusOr<RepositoryUrl> Parse(absl::string_view text);
};

// `text` with the password of a URL replaced, whether or not it can be parsed: for messages.
std::string WithoutCredentials(absl::string_view text);

// True if both name the same repository: case of scheme and host, a trailing ".git" or "/", user
// and default ports, and ssh's two spellings are ignored. What webhooks and `sourceRepos`
// comparisons use.
bool SameRepository(absl::string_view a, absl::string_view b);

}  // namespace leidang::hub
