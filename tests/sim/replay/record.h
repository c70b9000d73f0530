#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "tests/sim/replay/recording.h"

namespace leidang::sim {

// Does the deeds of `script` with today's two ends, one on the other, and records what the wire
// carries. `script` may be an older recording: only its deeds and its end count. The errors of
// deeds, with their line.
absl::StatusOr<Recording> Record(const Recording& script, const std::string& commit);

}  // namespace leidang::sim
