#pragma once

#include <cstdint>

#include "tests/sim/mutant.h"
#include "tests/sim/run_result.h"
#include "tests/sim/trace.h"

namespace leidang::sim {

// The world of the fleet: all of hub/control and hub/session, three clusters with their agents, and
// a Git that fails, lies in pieces and comes back. People commit, break and mend files and move
// labels; hub and agents are killed, the hub loses its derived data, agents lose their disks.
//
// ErrorIsNotEmpty: what stands in a cluster and has been wanted all along, goes on standing,
// whatever fails. After the calm each cluster holds exactly what Git and labels say.
//
// A run is one seed in virtual time, in the calling thread.
RunResult RunFleetSim(uint64_t seed, Mutant mutant, Trace::Output output);

}  // namespace leidang::sim
