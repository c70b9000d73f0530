#pragma once

// Why a repository, a revision, a path or a source could not be had, as a reason that travels
// inside an absl::Status. Code and reason go together, so that a caller may look at either:
//   RepositoryUnreachable  kUnavailable        worth trying again; the last good state stays
//   AuthenticationFailed   kUnauthenticated    credentials or a host key are wrong or missing
//   RevisionNotFound       kNotFound           the mirror is fresh, but has no such revision
//   PathNotFound           kNotFound           the commit has no such file or directory
//   TooLarge               kResourceExhausted  a limit on size or number was met
//   UnsupportedSource      kUnimplemented      right, but it needs what is not built yet
//   others                 kInvalidArgument    it cannot work until somebody changes it
// Messages name the repository without its credentials, what failed, and what to do.
//
// Pure; thread-safe.

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/conditions/reason.h"

namespace leidang::hub {

using SourceReason = conditions::Reason;

absl::Status SourceError(SourceReason reason, absl::string_view message);

// nullopt for a status that was not made by SourceError.
std::optional<SourceReason> SourceReasonOf(const absl::Status& status);

}  // namespace leidang::hub
