#include "tests/conformance/area.h"
#include "tests/conformance/diff_area.h"
#include "tests/conformance/health_area.h"
#include "tests/conformance/match_areas.h"
#include "tests/conformance/sync_area.h"
#include "tests/conformance/template_areas.h"

namespace leidang::conformance {

std::map<std::string, LineCheck> LineChecks() {
  return {
      {"appdiff", CheckAppDiff},           {"durations", CheckDuration},
      {"fasttemplate", CheckFastTemplate}, {"globs", CheckGlob},
      {"gotemplate", CheckGoTemplate},     {"health", CheckHealth},
      {"health-crd", CheckCustomHealth},   {"labelselector", CheckLabelSelector},
      {"normalize", CheckNormalize},       {"postselector", CheckPostSelector},
      {"syncorder", CheckSyncOrder},
  };
}

}  // namespace leidang::conformance
