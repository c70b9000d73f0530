#include "tests/conformance/area.h"
#include "tests/conformance/match_areas.h"

namespace leidang::conformance {

std::map<std::string, LineCheck> LineChecks() {
  return {
      {"durations", CheckDuration},
      {"globs", CheckGlob},
      {"labelselector", CheckLabelSelector},
  };
}

}  // namespace leidang::conformance
