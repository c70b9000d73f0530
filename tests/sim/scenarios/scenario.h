#pragma once

// Scenarios: failures that other systems of this kind were hit by, each a small seeded world of its
// own. README.md says how to add one.

#include <functional>
#include <vector>

#include "absl/strings/string_view.h"

#include "tests/sim/mutant.h"
#include "tests/sim/run_request.h"
#include "tests/sim/run_result.h"

namespace leidang::sim {

struct Scenario {
  absl::string_view name;
  absl::string_view failure;  // What goes wrong in it, in a few words.
  // Planted faults that it must catch, each by the rule that it breaks or by Liveness.
  std::vector<Mutant> catches;
  std::function<RunResult(const RunRequest&)> run;
};

// All of them, in the order in which they are shown.
std::vector<Scenario> AllScenarios();

// By theme.
std::vector<Scenario> NetworkScenarios();
std::vector<Scenario> CrashScenarios();
std::vector<Scenario> DeletionScenarios();
std::vector<Scenario> AuthorityScenarios();
std::vector<Scenario> LoadScenarios();
std::vector<Scenario> FleetScenarios();
std::vector<Scenario> ClusterScenarios();

}  // namespace leidang::sim
