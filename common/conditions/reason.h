#pragma once

// Why a condition holds. One list for hub and agent: people search for these words, tools and tests
// compare them, and messages may change freely. Texts are the enumerators without the k
// ("NameConflict"), are stored and sent, and never change.
//
// Pure; thread-safe.

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace leidang::conditions {

enum class Reason : uint8_t {
  kUpToDate,  // Nothing is wrong: the reason of conditions that report success.

  // Sources: what was asked of Git.
  kRepositoryUnreachable,
  kAuthenticationFailed,
  kInvalidRepository,
  kRevisionNotFound,
  kPathNotFound,
  kInvalidSource,
  kUnsupportedSource,
  kUnsupportedOption,  // Of the Application; it has no effect.

  // What users wrote.
  kInvalidYaml,
  kInvalidSpec,
  kInvalidDestination,
  kValidationFailed,
  kNameInvalid,
  kNameConflict,
  kOwnedByAnother,  // The object comes from the config repository, or from the API, and the other
                    // side wants it.
  kNoSuchCluster,
  kNoSuchProject,
  kProjectDenied,

  // Expansion and rendering.
  kUnknownGenerator,
  kUnsupportedGenerator,
  kGenerationFailed,
  kTemplateFailed,
  kRenderFailed,
  kRemoteBase,
  kToolUnavailable,
  kTooLarge,
  kTimedOut,

  // Brakes, rollouts, authority.
  kDeletionsHeld,
  kRolloutNotSupported,
  kUnclaimed,
  kRecovering,
  kForeignHub,
  kSuperseded,

  // Clusters and what happens in them.
  kClusterOffline,
  kClusterDormant,
  kContentMissing,
  kRefusedByPolicy,
  kOutsideWindow,
  kApplyFailed,
  kPruneFailed,
  kHookFailed,
  kDegraded,
  kFieldConflict,
  kSharedResource,
  kRepeatedResource,
  kClusterUnreachable,
  kStorageFailed,
  kSkipped,  // As the Application asks.
};

absl::string_view ToString(Reason reason);

// nullopt for a text that is no reason, such as one of a newer program.
std::optional<Reason> ReasonFromString(absl::string_view text);

// All of them, in order.
absl::Span<const Reason> AllReasons();

}  // namespace leidang::conditions
