// sim_test: runs seeds of the simulated world, each twice, and says which rule which seed broke.
//
//   sim_test [--world=link|fleet|reconcile|all] [--seeds=N] [--seed=N] [--first=N]
//            [--mutant=NAME|all] [--trace] [--floor=N]
//
// --world   which; each in turn unless told. A mutant has its own
// --seeds (environment LEIDANG_SIM_SEEDS)  how many seeds, from --first on; 200 unless told
// --seed    this one alone
// --mutant  plants a fault: a run is good when some seed catches it; `all`: each in turn
// --trace   prints what happens
// --floor   with it each kind of fault must have fired at least that often, if there are 200 seeds
// or more

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "tests/sim/fleet/fleet_sim.h"
#include "tests/sim/mutant.h"
#include "tests/sim/reconcile/reconcile_sim.h"
#include "tests/sim/run_result.h"
#include "tests/sim/sim_world.h"

namespace leidang::sim {
namespace {

struct Arguments {
  uint64_t first = 1;
  uint64_t seeds = 200;
  uint64_t floor = 0;
  bool every_mutant = false;
  Mutant mutant = Mutant::kNone;
  std::optional<World> world;  // nullopt: each.
  Trace::Output output = Trace::Output::kNone;
};

struct NamedWorld {
  World world;
  absl::string_view name;
  RunResult (*run)(uint64_t seed, Mutant mutant, Trace::Output output);
};
constexpr NamedWorld kWorlds[] = {
    {World::kLink, "link", RunLinkSim},
    {World::kFleet, "fleet", RunFleetSim},
    {World::kReconcile, "reconcile", RunReconcileSim},
};

const NamedWorld& Named(World world) {
  return *std::find_if(std::begin(kWorlds), std::end(kWorlds),
                       [&](const NamedWorld& named) { return named.world == world; });
}

bool ParseWorld(absl::string_view name, Arguments* arguments) {
  if (name == "all") return true;
  for (const NamedWorld& world : kWorlds) {
    if (world.name == name) arguments->world = world.world;
  }
  return arguments->world.has_value();
}

bool ParseOne(absl::string_view argument, Arguments* arguments) {
  if (argument == "--trace") {
    arguments->output = Trace::Output::kPrint;
    return true;
  }
  if (absl::ConsumePrefix(&argument, "--seeds="))
    return absl::SimpleAtoi(argument, &arguments->seeds);
  if (absl::ConsumePrefix(&argument, "--first="))
    return absl::SimpleAtoi(argument, &arguments->first);
  if (absl::ConsumePrefix(&argument, "--floor="))
    return absl::SimpleAtoi(argument, &arguments->floor);
  if (absl::ConsumePrefix(&argument, "--seed=")) {
    arguments->seeds = 1;
    return absl::SimpleAtoi(argument, &arguments->first);
  }
  if (absl::ConsumePrefix(&argument, "--world=")) return ParseWorld(argument, arguments);
  if (argument == "--mutant=all") return arguments->every_mutant = true;
  if (absl::ConsumePrefix(&argument, "--mutant=")) {
    const std::optional<Mutant> mutant = MutantByName(argument);
    if (mutant.has_value()) arguments->mutant = *mutant;
    return mutant.has_value();
  }
  return false;
}

std::optional<Arguments> Parse(int argc, char** argv) {
  Arguments arguments;
  if (const char* seeds = std::getenv("LEIDANG_SIM_SEEDS"); seeds != nullptr) {
    if (!absl::SimpleAtoi(seeds, &arguments.seeds)) return std::nullopt;
  }
  for (int i = 1; i < argc; ++i) {
    if (!ParseOne(argv[i], &arguments)) return std::nullopt;
  }
  return arguments;
}

void Say(const std::string& line) { std::puts(line.c_str()); }

std::string Reproduce(const NamedWorld& world, uint64_t seed, Mutant mutant) {
  return absl::StrCat("sim_test ",
                      mutant == Mutant::kNone ? absl::StrCat("--world=", world.name)
                                              : absl::StrCat("--mutant=", MutantName(mutant)),
                      " --seed=", seed);
}

// How many checks failed in one seed, run twice.
int RunSeed(const NamedWorld& world, uint64_t seed, Trace::Output output, RunResult* sum) {
  const RunResult result = world.run(seed, Mutant::kNone, output);
  const RunResult again = world.run(seed, Mutant::kNone, Trace::Output::kNone);
  for (const auto& [fault, times] : result.faults) sum->faults[fault] += times;
  sum->steps += result.steps;
  sum->changes += result.changes;
  sum->virtual_time += result.virtual_time;
  int failed = 0;
  const auto fail = [&](absl::string_view what) {
    ++failed;
    Say(absl::StrCat("FAILED ", world.name, " seed ", seed, ": ", what,
                     "\n  again with: ", Reproduce(world, seed, Mutant::kNone)));
  };
  if (result.violation.has_value()) fail(*result.violation);
  if (result.digest != again.digest) fail("SameSeedSameRun: two runs differ");
  return failed;
}

int RunSeeds(const Arguments& arguments, const NamedWorld& world) {
  RunResult sum;
  int failed = 0;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed)
    failed += RunSeed(world, seed, arguments.output, &sum);
  Say(absl::StrCat("RESULT name=sim world=", world.name, " seeds=", arguments.seeds,
                   " failed=", failed, " steps=", sum.steps, " changes=", sum.changes,
                   " virtual_s=", absl::ToInt64Seconds(sum.virtual_time)));
  for (const auto& [fault, times] : sum.faults) {
    const bool rare = arguments.seeds >= 200 && times < arguments.floor;
    Say(absl::StrCat(rare ? "FAILED " : "", "fault ", fault, " ", times));
    if (rare) ++failed;
  }
  return failed;
}

// 0 if a seed catches it.
int HuntMutant(const Arguments& arguments, Mutant mutant) {
  const NamedWorld& world = Named(WorldOf(mutant));
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const RunResult result = world.run(seed, mutant, arguments.output);
    if (!result.violation.has_value() || !absl::StartsWith(*result.violation, RuleBrokenBy(mutant)))
      continue;
    Say(absl::StrCat("caught ", MutantName(mutant), " after ", seed - arguments.first + 1,
                     " seeds: ", *result.violation,
                     "\n  again with: ", Reproduce(world, seed, mutant)));
    return 0;
  }
  Say(absl::StrCat("FAILED mutant ", MutantName(mutant), " lived through ", arguments.seeds,
                   " seeds"));
  return 1;
}

int Main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::optional<Arguments> arguments = Parse(argc, argv);
  if (!arguments.has_value()) {
    Say("usage: sim_test [--world=link|fleet|reconcile|all] [--seeds=N] [--seed=N] [--first=N] "
        "[--mutant=NAME|all] [--trace] [--floor=N]");
    return 64;
  }
  if (arguments->every_mutant) {
    int failed = 0;
    for (const Mutant mutant : AllMutants()) failed += HuntMutant(*arguments, mutant);
    return failed == 0 ? 0 : 1;
  }
  if (arguments->mutant != Mutant::kNone) return HuntMutant(*arguments, arguments->mutant);
  int failed = 0;
  for (const NamedWorld& world : kWorlds) {
    if (arguments->world.value_or(world.world) == world.world)
      failed += RunSeeds(*arguments, world);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace leidang::sim

int main(int argc, char** argv) { return leidang::sim::Main(argc, argv); }
