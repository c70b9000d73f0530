#pragma once

#include <functional>

#include "tests/sim/fleet/fleet_bed.h"
#include "tests/sim/run_request.h"
#include "tests/sim/run_result.h"

namespace leidang::sim {

// A scenario's run over a whole fleet: the script, then calm.
inline std::function<RunResult(const RunRequest&)> OnFleet(
    const std::function<void(FleetBed&)>& script) {
  return [script](const RunRequest& request) {
    FleetBed bed(request.seed, request.mutant, request.output);
    script(bed);
    bed.Calm();
    return bed.Result();
  };
}

}  // namespace leidang::sim
