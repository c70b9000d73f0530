#include "agent/render/render_error.h"

#include <string>

#include "absl/strings/cord.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kPayload = "leidang.dev/render-reason";

absl::StatusCode CodeOf(RenderReason reason) {
  switch (reason) {
    case RenderReason::kPathNotFound:
      return absl::StatusCode::kNotFound;
    case RenderReason::kUnsupportedSource:
      return absl::StatusCode::kUnimplemented;
    case RenderReason::kTooLarge:
      return absl::StatusCode::kResourceExhausted;
    case RenderReason::kContentMissing:
    case RenderReason::kToolUnavailable:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInvalidArgument;
  }
}

}  // namespace

absl::Status RenderError(RenderReason reason, absl::string_view message) {
  absl::Status status(CodeOf(reason), message);
  status.SetPayload(kPayload, absl::Cord(conditions::ToString(reason)));
  return status;
}

std::optional<RenderReason> RenderReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return std::nullopt;
  return conditions::ReasonFromString(std::string(*payload));
}

}  // namespace leidang::agent
