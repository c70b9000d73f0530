// sim_test: runs seeds of the simulated worlds and of the scenarios, each twice, and says which
// rule which seed broke.
//
// --world     which; each in turn unless told. A mutant has its own
// --scenario  this one in place of the worlds; all; or their list
// --seeds (environment LEIDANG_SIM_SEEDS)  how many seeds, from --first on; 200 unless told,
//             of a scenario a tenth of that
// --seed      this one alone
// --mutant    plants a fault: a run is good when some seed catches it; `all`: each in turn, with
//             --scenario each that the scenario is to catch
// --shrink    of a seed that fails: the shortest list of deeds that still does
// --only      of the list of deeds only these
// --trace     prints what happens
// --floor     with it each kind of fault must have fired at least that often, if there are 200
//             seeds or more

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "tests/sim/fleet/fleet_sim.h"
#include "tests/sim/mutant.h"
#include "tests/sim/reconcile/reconcile_sim.h"
#include "tests/sim/run_request.h"
#include "tests/sim/run_result.h"
#include "tests/sim/scenarios/scenario.h"
#include "tests/sim/shrink.h"
#include "tests/sim/sim_arguments.h"
#include "tests/sim/sim_world.h"

namespace leidang::sim {
namespace {

// A world or a scenario.
struct Subject {
  std::string flag;  // That names it: "--world=link".
  std::function<RunResult(const RunRequest&)> run;
};

Subject OfWorld(World world) {
  const std::string flag = absl::StrCat("--world=", WorldName(world));
  switch (world) {
    case World::kLink:
      return {flag, RunLinkSim};
    case World::kFleet:
      return {flag, RunFleetSim};
    case World::kReconcile:
      break;
  }
  return {flag, RunReconcileSim};
}

Subject OfScenario(const Scenario& scenario) {
  return {absl::StrCat("--scenario=", scenario.name), scenario.run};
}

void Say(const std::string& line) { std::puts(line.c_str()); }

std::string Reproduce(const Subject& subject, uint64_t seed, Mutant mutant) {
  return absl::StrCat("sim_test ", subject.flag,
                      mutant == Mutant::kNone ? "" : absl::StrCat(" --mutant=", MutantName(mutant)),
                      " --seed=", seed);
}

// How many checks failed in one seed, run twice.
int RunSeed(const Arguments& arguments, const Subject& subject, uint64_t seed, RunResult* sum) {
  RunRequest request{.seed = seed, .output = arguments.output, .only = arguments.only};
  const RunResult result = subject.run(request);
  request.output = Trace::Output::kNone;
  const RunResult again = subject.run(request);
  for (const auto& [fault, times] : result.faults) sum->faults[fault] += times;
  sum->steps += result.steps;
  sum->changes += result.changes;
  sum->virtual_time += result.virtual_time;
  int failed = 0;
  const auto fail = [&](absl::string_view what) {
    ++failed;
    Say(absl::StrCat("FAILED ", subject.flag, " seed ", seed, ": ", what,
                     "\n  again with: ", Reproduce(subject, seed, Mutant::kNone)));
  };
  if (result.violation.has_value()) fail(*result.violation);
  if (result.digest != again.digest) fail("SameSeedSameRun: two runs differ");
  return failed;
}

int RunSeeds(const Arguments& arguments, const Subject& subject) {
  RunResult sum;
  int failed = 0;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed)
    failed += RunSeed(arguments, subject, seed, &sum);
  Say(absl::StrCat("RESULT name=sim ", subject.flag.substr(2), " seeds=", arguments.seeds,
                   " failed=", failed, " steps=", sum.steps, " changes=", sum.changes,
                   " virtual_s=", absl::ToInt64Seconds(sum.virtual_time)));
  for (const auto& [fault, times] : sum.faults) {
    const bool rare = arguments.seeds >= 200 && times < arguments.floor;
    Say(absl::StrCat(rare ? "FAILED " : "", "fault ", fault, " ", times));
    if (rare) ++failed;
  }
  return failed;
}

// 0 if a seed catches it, by one of the rules.
int HuntMutant(const Arguments& arguments, const Subject& subject, Mutant mutant,
               const std::vector<absl::string_view>& rules) {
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const RunResult result = subject.run(
        {.seed = seed, .mutant = mutant, .output = arguments.output, .only = arguments.only});
    if (!result.violation.has_value()) continue;
    for (const absl::string_view rule : rules) {
      if (!absl::StartsWith(*result.violation, rule)) continue;
      Say(absl::StrCat("caught ", MutantName(mutant), " after ", seed - arguments.first + 1,
                       " seeds: ", *result.violation,
                       "\n  again with: ", Reproduce(subject, seed, mutant)));
      return 0;
    }
  }
  Say(absl::StrCat("FAILED mutant ", MutantName(mutant), " lived through ", arguments.seeds,
                   " seeds of ", subject.flag));
  return 1;
}

int HuntIn(const Arguments& arguments, const Scenario& scenario) {
  int failed = 0;
  for (const Mutant mutant : scenario.catches) {
    if (!arguments.every_mutant && mutant != arguments.mutant) continue;
    failed += HuntMutant(arguments, OfScenario(scenario), mutant, {RuleBrokenBy(mutant)});
  }
  return failed;
}

int RunScenarios(const Arguments& arguments) {
  int failed = 0;
  bool found = false;
  const bool mutants = arguments.every_mutant || arguments.mutant != Mutant::kNone;
  for (const Scenario& scenario : AllScenarios()) {
    if (arguments.scenario == "list") {
      Say(absl::StrCat(scenario.name, "\t", scenario.failure));
      continue;
    }
    if (arguments.scenario != "all" && arguments.scenario != scenario.name) continue;
    found = true;
    failed += mutants ? HuntIn(arguments, scenario) : RunSeeds(arguments, OfScenario(scenario));
  }
  if (arguments.scenario == "list") return 0;
  if (!found) Say(absl::StrCat("no scenario ", arguments.scenario, ": see --scenario=list"));
  return failed + (found ? 0 : 1);
}

// The first seed that breaks a rule, cut down. 0 if there is one, and it was cut.
int ShrinkFirst(const Arguments& arguments, const Subject& subject) {
  RunRequest request{.seed = arguments.first, .mutant = arguments.mutant, .only = arguments.only};
  RunResult whole = subject.run(request);
  while (!whole.violation.has_value() && ++request.seed < arguments.first + arguments.seeds)
    whole = subject.run(request);
  if (!whole.violation.has_value() || whole.deeds.empty()) {
    Say(whole.violation.has_value()
            ? absl::StrCat("FAILED to shrink: there is no list of deeds with ", subject.flag)
            : "FAILED to shrink: no seed breaks a rule");
    return 1;
  }
  Say(absl::StrCat("seed ", request.seed, ": ", *whole.violation));
  const std::string rule = whole.violation->substr(0, whole.violation->find(':') + 1);
  std::set<size_t> deeds;
  for (const auto& [number, what] : whole.deeds) deeds.insert(number);
  size_t runs = 0;
  const auto fails = [&](const std::set<size_t>& only) {
    request.only = only;
    const RunResult result = subject.run(request);
    return result.violation.has_value() && absl::StartsWith(*result.violation, rule);
  };
  deeds = Shrink(deeds, fails, &runs);
  request.only = deeds;
  const RunResult least = subject.run(request);
  Say(absl::StrCat("shrunk from ", whole.deeds.size(), " deeds to ", deeds.size(), " in ", runs,
                   " runs: ", least.violation.value_or("")));
  for (const auto& [number, what] : least.deeds) Say(absl::StrCat("  ", number, ": ", what));
  Say(absl::StrCat("  again with: ", Reproduce(subject, request.seed, request.mutant),
                   " --only=", ListText(deeds)));
  return least.violation.has_value() && deeds.size() < whole.deeds.size() ? 0 : 1;
}

int RunWorlds(const Arguments& arguments) {
  if (arguments.every_mutant) {
    int failed = 0;
    for (const Mutant mutant : AllMutants())
      failed += HuntMutant(arguments, OfWorld(*WorldOf(mutant)), mutant, {RuleBrokenBy(mutant)});
    return failed;
  }
  const Mutant mutant = arguments.mutant;
  if (mutant != Mutant::kNone && !WorldOf(mutant).has_value()) {
    Say(absl::StrCat("mutant ", MutantName(mutant), " has no world: give a --scenario with it"));
    return 1;
  }
  const World own = WorldOf(mutant).value_or(World::kFleet);
  if (arguments.shrink) return ShrinkFirst(arguments, OfWorld(arguments.world.value_or(own)));
  if (mutant != Mutant::kNone)
    return HuntMutant(arguments, OfWorld(own), mutant, {RuleBrokenBy(mutant)});
  int failed = 0;
  for (const World world : {World::kLink, World::kFleet, World::kReconcile}) {
    if (arguments.world.value_or(world) == world) failed += RunSeeds(arguments, OfWorld(world));
  }
  return failed;
}

int Main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::optional<Arguments> arguments = ParseArguments(argc, argv);
  if (!arguments.has_value()) {
    Say(kUsage);
    return 64;
  }
  if (!arguments->scenario.empty() && (arguments->shrink || arguments->only.has_value())) {
    Say("--shrink and --only need a list of deeds, which a scenario has not: give them with "
        "--world");
    return 64;
  }
  const int failed = arguments->scenario.empty() ? RunWorlds(*arguments) : RunScenarios(*arguments);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace leidang::sim

int main(int argc, char** argv) { return leidang::sim::Main(argc, argv); }
