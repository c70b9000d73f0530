#include "common/conditions/reason.h"

#include <array>
#include <iterator>

#include "common/base/check.h"

namespace leidang::conditions {
namespace {

struct Row {
  Reason reason;
  absl::string_view text;
};

// In the order of the enumerators, so that one is its own index.
constexpr Row kRows[] = {
    {Reason::kUpToDate, "UpToDate"},
    {Reason::kRepositoryUnreachable, "RepositoryUnreachable"},
    {Reason::kAuthenticationFailed, "AuthenticationFailed"},
    {Reason::kInvalidRepository, "InvalidRepository"},
    {Reason::kRevisionNotFound, "RevisionNotFound"},
    {Reason::kPathNotFound, "PathNotFound"},
    {Reason::kInvalidSource, "InvalidSource"},
    {Reason::kUnsupportedSource, "UnsupportedSource"},
    {Reason::kUnsupportedOption, "UnsupportedOption"},
    {Reason::kInvalidYaml, "InvalidYaml"},
    {Reason::kInvalidSpec, "InvalidSpec"},
    {Reason::kInvalidDestination, "InvalidDestination"},
    {Reason::kValidationFailed, "ValidationFailed"},
    {Reason::kNameInvalid, "NameInvalid"},
    {Reason::kNameConflict, "NameConflict"},
    {Reason::kOwnedByAnother, "OwnedByAnother"},
    {Reason::kNoSuchCluster, "NoSuchCluster"},
    {Reason::kNoSuchProject, "NoSuchProject"},
    {Reason::kProjectDenied, "ProjectDenied"},
    {Reason::kUnknownGenerator, "UnknownGenerator"},
    {Reason::kUnsupportedGenerator, "UnsupportedGenerator"},
    {Reason::kGenerationFailed, "GenerationFailed"},
    {Reason::kTemplateFailed, "TemplateFailed"},
    {Reason::kRenderFailed, "RenderFailed"},
    {Reason::kRemoteBase, "RemoteBase"},
    {Reason::kToolUnavailable, "ToolUnavailable"},
    {Reason::kTooLarge, "TooLarge"},
    {Reason::kTimedOut, "TimedOut"},
    {Reason::kDeletionsHeld, "DeletionsHeld"},
    {Reason::kRolloutNotSupported, "RolloutNotSupported"},
    {Reason::kUnclaimed, "Unclaimed"},
    {Reason::kRecovering, "Recovering"},
    {Reason::kForeignHub, "ForeignHub"},
    {Reason::kSuperseded, "Superseded"},
    {Reason::kClusterOffline, "ClusterOffline"},
    {Reason::kClusterDormant, "ClusterDormant"},
    {Reason::kContentMissing, "ContentMissing"},
    {Reason::kRefusedByPolicy, "RefusedByPolicy"},
    {Reason::kOutsideWindow, "OutsideWindow"},
    {Reason::kApplyFailed, "ApplyFailed"},
    {Reason::kPruneFailed, "PruneFailed"},
    {Reason::kHookFailed, "HookFailed"},
    {Reason::kDegraded, "Degraded"},
    {Reason::kFieldConflict, "FieldConflict"},
    {Reason::kSharedResource, "SharedResource"},
    {Reason::kRepeatedResource, "RepeatedResource"},
    {Reason::kClusterUnreachable, "ClusterUnreachable"},
    {Reason::kStorageFailed, "StorageFailed"},
    {Reason::kSkipped, "Skipped"},
};

constexpr auto kAll = [] {
  std::array<Reason, std::size(kRows)> all{};
  for (size_t i = 0; i < all.size(); ++i) all[i] = kRows[i].reason;
  return all;
}();

}  // namespace

absl::string_view ToString(Reason reason) {
  const size_t index = static_cast<size_t>(reason);
  CHECK(index < std::size(kRows) && kRows[index].reason == reason);
  return kRows[index].text;
}

std::optional<Reason> ReasonFromString(absl::string_view text) {
  for (const Row& row : kRows) {
    if (row.text == text) return row.reason;
  }
  return std::nullopt;
}

absl::Span<const Reason> AllReasons() { return kAll; }

}  // namespace leidang::conditions
