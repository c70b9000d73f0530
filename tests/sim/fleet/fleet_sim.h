#pragma once

#include "tests/sim/run_request.h"
#include "tests/sim/run_result.h"

namespace leidang::sim {

// The world of the whole fleet: a list of deeds, each of people who commit and move labels, or of
// what goes wrong (see FleetBed). In the end everything heals, and each cluster must have exactly
// what people want.
//
// A run is one seed in virtual time, in the calling thread.
RunResult RunFleetSim(const RunRequest& request);

}  // namespace leidang::sim
