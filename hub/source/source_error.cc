#include "hub/source/source_error.h"

#include <string>

#include "absl/strings/cord.h"

namespace leidang::hub {
namespace {

constexpr char kPayload[] = "leidang.dev/reason";

absl::StatusCode CodeOf(SourceReason reason) {
  switch (reason) {
    case SourceReason::kRepositoryUnreachable:
      return absl::StatusCode::kUnavailable;
    case SourceReason::kAuthenticationFailed:
      return absl::StatusCode::kUnauthenticated;
    case SourceReason::kRevisionNotFound:
    case SourceReason::kPathNotFound:
      return absl::StatusCode::kNotFound;
    case SourceReason::kTooLarge:
      return absl::StatusCode::kResourceExhausted;
    case SourceReason::kUnsupportedSource:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kInvalidArgument;
  }
}

}  // namespace

absl::Status SourceError(SourceReason reason, absl::string_view message) {
  absl::Status status(CodeOf(reason), message);
  status.SetPayload(kPayload, absl::Cord(conditions::ToString(reason)));
  return status;
}

std::optional<SourceReason> SourceReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload) return std::nullopt;
  return conditions::ReasonFromString(std::string(*payload));
}

}  // namespace leidang::hub
