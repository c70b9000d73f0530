#include "tests/sim/mutant.h"

namespace leidang::sim {
namespace {

struct Named {
  Mutant mutant;
  absl::string_view name;
  absl::string_view rule;
  World world = World::kLink;
};
constexpr Named kNamed[] = {
    {Mutant::kNone, "none", ""},
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

World WorldOf(Mutant mutant) {
  for (const Named& named : kNamed) {
    if (named.mutant == mutant) return named.world;
  }
  return World::kLink;
}

std::vector<Mutant> AllMutants() {
  std::vector<Mutant> mutants;
  for (const Named& named : kNamed) {
    if (named.mutant != Mutant::kNone) mutants.push_back(named.mutant);
  }
  return mutants;
}

}  // namespace leidang::sim
