#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

#include "tests/sim/mutant.h"
#include "tests/sim/trace.h"

namespace leidang::sim {

// A run of one seed in one world: what shall be done.
struct RunRequest {
  uint64_t seed = 1;
  Mutant mutant = Mutant::kNone;
  Trace::Output output = Trace::Output::kNone;
  // In a world whose run is a list of deeds: only these of the list are done, by number. None
  // given: all.
  std::optional<std::set<size_t>> only;
};

}  // namespace leidang::sim
