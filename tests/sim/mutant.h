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
  kDropTombstones,  // The agent says that it took a deletion, and did not.
  // What only a scenario looks for.
  kWallClock,        // The hub takes the wall clock for the monotonic one.
  kNoBackoff,        // The agent tries again at once.
  kImpatientHub,     // The hub ends a session whose acknowledgements take long.
  kOneLane,          // The hub deals with one agent's message after the other's, each taking long.
  kNoHold,           // A hub that recovers lets its agents in at once.
  kSendOnce,         // The hub sends an operation only to a session that is live already.
  kNoCorrectionCap,  // The agent corrects an object as often as somebody changes it.
  kStrictDelete,     // At the agent a deletion of what is gone already never ends.
  kTrustAnyone,      // The agent obeys whichever hub answers.
  kEndsForgotten,    // Pending deletions are lost with what can be computed again.
  kContentNeverSwept,  // The hub keeps all content that anything ever needed.
  kAnyStatus,          // The hub keeps a status of whatever an agent names.
  kResumeDormant,      // A dormant cluster goes on from what it acknowledged, as if nothing was
                       // dropped.
};

// The worlds of the simulation.
enum class World : uint8_t { kLink, kFleet, kReconcile };

absl::string_view MutantName(Mutant mutant);
std::optional<Mutant> MutantByName(absl::string_view name);
// The rule that it breaks: being caught for another one does not count.
absl::string_view RuleBrokenBy(Mutant mutant);
// Where it is planted; nullopt if only scenarios look for it.
std::optional<World> WorldOf(Mutant mutant);
// All that have a world.
std::vector<Mutant> AllMutants();

}  // namespace leidang::sim
