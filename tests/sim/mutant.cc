#include "tests/sim/mutant.h"

namespace leidang::sim {
namespace {

struct Named {
  Mutant mutant;
  absl::string_view name;
  absl::string_view rule;
  std::optional<World> world = World::kLink;
};
constexpr Named kNamed[] = {
    {Mutant::kNone, "none", "", std::nullopt},
    {Mutant::kAckBeforeFsync, "ack-before-fsync", "DurableBeforeVisible"},
    {Mutant::kSendBeforeCommit, "send-before-commit", "DurableBeforeVisible"},
    {Mutant::kDeleteOnCompare, "delete-on-compare", "NothingByAbsence"},
    {Mutant::kAcceptOlderRevision, "accept-older-revision", "MonotoneRevision"},
    {Mutant::kKeepOldSession, "keep-old-session", "OneSession"},
    {Mutant::kServeOtherCluster, "serve-other-cluster", "OwnOnly"},
    {Mutant::kUnboundedOutbox, "unbounded-outbox", "BoundedEverything"},
    {Mutant::kStaleInSync, "stale-in-sync", "ProofIsHonest"},
    {Mutant::kEmptyOnError, "empty-on-error", "ErrorIsNotEmpty", World::kFleet},
    {Mutant::kPruneByLabel, "prune-by-label", "ExactPrune", World::kReconcile},
    {Mutant::kBrakeOff, "brake-off", "BrakeHolds", World::kReconcile},
    {Mutant::kSetBrakeOff, "set-brake-off", "BrakeHolds", World::kFleet},
    {Mutant::kDropTombstones, "drop-tombstones", "Liveness"},
    {Mutant::kWallClock, "wall-clock", "Liveness", std::nullopt},
    {Mutant::kNoBackoff, "no-backoff", "BoundedEverything", std::nullopt},
    {Mutant::kImpatientHub, "impatient-hub", "BoundedEverything", std::nullopt},
    {Mutant::kOneLane, "one-lane", "BoundedEverything", std::nullopt},
    {Mutant::kNoHold, "no-hold", "NothingByAbsence", std::nullopt},
    {Mutant::kSendOnce, "send-once", "Liveness", std::nullopt},
    {Mutant::kNoCorrectionCap, "no-correction-cap", "BoundedEverything", std::nullopt},
    {Mutant::kStrictDelete, "strict-delete", "Liveness", std::nullopt},
    {Mutant::kTrustAnyone, "trust-anyone", "MonotoneRevision", std::nullopt},
    {Mutant::kEndsForgotten, "ends-forgotten", "Liveness", std::nullopt},
    {Mutant::kContentNeverSwept, "content-never-swept", "BoundedEverything", std::nullopt},
    {Mutant::kAnyStatus, "any-status", "BoundedEverything", std::nullopt},
    {Mutant::kResumeDormant, "resume-dormant", "ProofIsHonest", std::nullopt},
};

}  // namespace

absl::string_view MutantName(Mutant mutant) {
  for (const Named& named : kNamed) {
    if (named.mutant == mutant) return named.name;
  }
  return "unknown";
}

std::optional<Mutant> MutantByName(absl::string_view name) {
  for (const Named& named : kNamed) {
    if (named.name == name) return named.mutant;
  }
  return std::nullopt;
}

absl::string_view RuleBrokenBy(Mutant mutant) {
  for (const Named& named : kNamed) {
    if (named.mutant == mutant) return named.rule;
  }
  return "";
}

std::optional<World> WorldOf(Mutant mutant) {
  for (const Named& named : kNamed) {
    if (named.mutant == mutant) return named.world;
  }
  return std::nullopt;
}

std::vector<Mutant> AllMutants() {
  std::vector<Mutant> mutants;
  for (const Named& named : kNamed) {
    if (named.world.has_value()) mutants.push_back(named.mutant);
  }
  return mutants;
}

}  // namespace leidang::sim
