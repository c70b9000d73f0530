#include <utility>

#include "tests/sim/scenarios/scenario.h"

namespace leidang::sim {

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all;
  for (const auto theme :
       {&NetworkScenarios, &CrashScenarios, &DeletionScenarios, &AuthorityScenarios, &LoadScenarios,
        &FleetScenarios, &ClusterScenarios}) {
    for (Scenario& scenario : theme()) all.push_back(std::move(scenario));
  }
  return all;
}

}  // namespace leidang::sim
