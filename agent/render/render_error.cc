#include "agent/render/render_error.h"

#include "absl/strings/cord.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kPayload = "leidang.dev/render-reason";

struct Named {
  RenderReason reason;
  absl::string_view name;
  absl::StatusCode code;
};

constexpr Named kReasons[] = {
    {RenderReason::kPathNotFound, "PathNotFound", absl::StatusCode::kNotFound},
    {RenderReason::kInvalidYaml, "InvalidYaml", absl::StatusCode::kInvalidArgument},
    {RenderReason::kInvalidSpec, "InvalidSpec", absl::StatusCode::kInvalidArgument},
    {RenderReason::kRenderFailed, "RenderFailed", absl::StatusCode::kInvalidArgument},
    {RenderReason::kUnsupportedSource, "UnsupportedSource", absl::StatusCode::kUnimplemented},
    {RenderReason::kTooLarge, "TooLarge", absl::StatusCode::kResourceExhausted},
    {RenderReason::kToolUnavailable, "ToolUnavailable", absl::StatusCode::kUnavailable},
};

const Named& Find(RenderReason reason) {
  for (const Named& named : kReasons) {
    if (named.reason == reason) return named;
  }
  return kReasons[3];
}

}  // namespace

absl::string_view RenderReasonName(RenderReason reason) { return Find(reason).name; }

absl::Status RenderError(RenderReason reason, absl::string_view message) {
  const Named& named = Find(reason);
  absl::Status status(named.code, message);
  status.SetPayload(kPayload, absl::Cord(named.name));
  return status;
}

std::optional<RenderReason> RenderReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return std::nullopt;
  for (const Named& named : kReasons) {
    if (*payload == named.name) return named.reason;
  }
  return std::nullopt;
}

}  // namespace leidang::agent
