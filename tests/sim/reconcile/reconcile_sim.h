#pragma once

#include "tests/sim/run_request.h"
#include "tests/sim/run_result.h"

namespace leidang::sim {

// The world of one cluster: the reconciler with its state, cluster and hub in memory, under
// commits, deletions, renames, hands in the cluster, faults of the cluster, a hub that is away, and
// kills. ExactPrune, NothingByAbsence and BrakeHolds are checked at every deletion; in the end
// everything heals, and each Application must be as its last commit wants.
//
// A run is one seed in virtual time, in the calling thread.
RunResult RunReconcileSim(const RunRequest& request);

}  // namespace leidang::sim
