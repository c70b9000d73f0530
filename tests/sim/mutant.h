#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"

namespace leidang::sim {

// Faults planted in what is proven, so that the proof itself can fail: each breaks one rule in one
// world, and the checkers must see it. They are wrappers of the simulation around rooms that are
// built as they are shipped; README.md says how.
enum class Mutant : uint8_t {
  kNone,
  kAckBeforeFsync,
  kSendBeforeCommit,
  kDeleteOnCompare,
  kAcceptOlderRevision,
  kKeepOldSession,
  kServeOtherCluster,
  kUnboundedOutbox,
  kStaleInSync,
  kEmptyOnError,
  kPruneByLabel,
  kBrakeOff,
  kSetBrakeOff,
};

// The worlds of the simulation.
enum class World : uint8_t { kLink, kFleet, kReconcile };

absl::string_view MutantName(Mutant mutant);
std::optional<Mutant> MutantByName(absl::string_view name);
// The rule that it breaks: being caught for another one does not count.
absl::string_view RuleBrokenBy(Mutant mutant);
// Where it is planted.
World WorldOf(Mutant mutant);
// All but kNone.
std::vector<Mutant> AllMutants();

}  // namespace leidang::sim
