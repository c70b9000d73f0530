#include "hub/source/source_error.h"

#include <array>
#include <string>

#include "absl/strings/cord.h"

namespace leidang::hub {
namespace {

constexpr char kPayload[] = "leidang.dev/reason";

struct Row {
  SourceReason reason;
  const char* name;
  absl::StatusCode code;
};

constexpr std::array<Row, 6> kRows = {{
    {SourceReason::kRepositoryUnreachable, "RepositoryUnreachable", absl::StatusCode::kUnavailable},
    {SourceReason::kAuthenticationFailed, "AuthenticationFailed",
     absl::StatusCode::kUnauthenticated},
    {SourceReason::kRevisionNotFound, "RevisionNotFound", absl::StatusCode::kNotFound},
    {SourceReason::kPathNotFound, "PathNotFound", absl::StatusCode::kNotFound},
    {SourceReason::kInvalidRepository, "InvalidRepository", absl::StatusCode::kInvalidArgument},
    {SourceReason::kTooLarge, "TooLarge", absl::StatusCode::kResourceExhausted},
}};

const Row& RowOf(SourceReason reason) {
  for (const Row& row : kRows) {
    if (row.reason == reason) return row;
  }
  return kRows[0];
}

}  // namespace

absl::string_view SourceReasonName(SourceReason reason) { return RowOf(reason).name; }

absl::Status SourceError(SourceReason reason, absl::string_view message) {
  const Row& row = RowOf(reason);
  absl::Status status(row.code, message);
  status.SetPayload(kPayload, absl::Cord(row.name));
  return status;
}

std::optional<SourceReason> SourceReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload) return std::nullopt;
  for (const Row& row : kRows) {
    if (*payload == row.name) return row.reason;
  }
  return std::nullopt;
}

}  // namespace leidang::hub
