#pragma once

#include <cstdint>

#include "tests/sim/mutant.h"
#include "tests/sim/run_result.h"
#include "tests/sim/trace.h"

namespace leidang::sim {

// The world of one cluster: the reconciler with its state, cluster and hub in memory, under
// commits, deletions, renames, hands in the cluster, faults of the cluster, a hub that is away, and
// kills. ExactPrune, NothingByAbsence and BrakeHolds are checked at every deletion; in the end
// everything heals, and each Application must be as its last commit wants.
//
// A run is one seed in virtual time, in the calling thread.
RunResult RunReconcileSim(uint64_t seed, Mutant mutant, Trace::Output output);

}  // namespace leidang::sim
