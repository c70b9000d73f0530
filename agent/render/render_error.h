#pragma once

// Why a source could not be rendered, as a reason that travels inside an absl::Status.
//
//   kPathNotFound       kNotFound           the source has no such directory or file
//   kInvalidYaml        kInvalidArgument    a manifest is no YAML, JSON or Kubernetes object
//   kInvalidSpec        kInvalidArgument    an option of the source has a wrong type or value
//   kRenderFailed       kInvalidArgument    the tool refused the files
//   kUnsupportedSource  kUnimplemented      needs a tool or option that this agent does not have
//   kTooLarge           kResourceExhausted  a limit on size, memory or time was met
//   kToolUnavailable    kUnavailable        the tool is not installed or could not be started
//   kContentMissing     kUnavailable        files of the source have not come from the hub (yet)
//
// Pure; thread-safe.

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/conditions/reason.h"

namespace leidang::agent {

using RenderReason = conditions::Reason;

// REQUIRES: `reason` is one of the above.
absl::Status RenderError(RenderReason reason, absl::string_view message);

// nullopt for a status that was not made by RenderError.
std::optional<RenderReason> RenderReasonOf(const absl::Status& status);

}  // namespace leidang::agent
