#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

#include "common/time/clock.h"
#include "hub/store/rocks/rocks_database.h"

namespace leidang::hub {

// Writes and syncs a small file in `directory` that often, for about a second at most, and removes
// it again. REQUIRES: samples > 0.
absl::StatusOr<SyncLatency> MeasureSync(const std::string& directory, size_t samples,
                                        const Clock& clock);

}  // namespace leidang::hub
