#pragma once

// Why a repository, a revision or a path could not be had, as a reason that travels inside an
// absl::Status.
//
// The text of a reason is the name under which it appears in a condition. Code and reason go
// together:
//   RepositoryUnreachable  kUnavailable        worth trying again; the last good state stays
//   AuthenticationFailed   kUnauthenticated    credentials or a host key are wrong or missing
//   RevisionNotFound       kNotFound           the mirror is fresh, but has no such revision
//   PathNotFound           kNotFound           the commit has no such file or directory
//   InvalidRepository      kInvalidArgument    the URL or its credentials cannot be used at all
//   TooLarge               kResourceExhausted  a limit on size or number was met
// Messages name the repository without its credentials, what failed, and what to do.
//
// Pure; thread-safe.

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace leidang::hub {

enum class SourceReason {
  kRepositoryUnreachable,
  kAuthenticationFailed,
  kRevisionNotFound,
  kPathNotFound,
  kInvalidRepository,
  kTooLarge,
};

// "RepositoryUnreachable", …
absl::string_view SourceReasonName(SourceReason reason);

absl::Status SourceError(SourceReason reason, absl::string_view message);

// nullopt for a status that was not made by SourceError.
std::optional<SourceReason> SourceReasonOf(const absl::Status& status);

}  // namespace leidang::hub
