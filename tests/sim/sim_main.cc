// sim_test: runs seeds of the simulated world, each twice, and says which rule which seed broke.
//
//   sim_test [--seeds=N] [--seed=N] [--first=N] [--mutant=NAME|all] [--trace] [--floor=N]
//
// --seeds (environment LEIDANG_SIM_SEEDS)  how many seeds, from --first on; 200 unless told
// --seed    this one alone
// --mutant  plants a fault: a run is good when some seed catches it; `all`: each in turn
// --trace   prints what happens
// --floor   with it each kind of fault must have fired at least that often, if there are 200 seeds
// or more

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "tests/sim/fault.h"
#include "tests/sim/mutant.h"
#include "tests/sim/sim_world.h"

namespace leidang::sim {
namespace {

struct Arguments {
  uint64_t first = 1;
  uint64_t seeds = 200;
  uint64_t floor = 0;
  bool every_mutant = false;
  Mutant mutant = Mutant::kNone;
  Trace::Output output = Trace::Output::kNone;
};

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

RunResult RunOnce(uint64_t seed, Mutant mutant, Trace::Output output) {
  SimWorld world(seed, Shape::Of(seed), mutant, output);
  return world.Run();
}

void Say(const std::string& line) { std::puts(line.c_str()); }

std::string Reproduce(uint64_t seed, Mutant mutant) {
  std::string command = absl::StrCat("sim_test --seed=", seed);
  if (mutant != Mutant::kNone) absl::StrAppend(&command, " --mutant=", MutantName(mutant).data());
  return command;
}

int RunSeeds(const Arguments& arguments) {
  FaultCounts faults{};
  uint64_t steps = 0;
  uint64_t changes = 0;
  absl::Duration virtual_time;
  int failed = 0;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const RunResult result = RunOnce(seed, Mutant::kNone, arguments.output);
    const RunResult again = RunOnce(seed, Mutant::kNone, Trace::Output::kNone);
    for (size_t i = 0; i < faults.size(); ++i) faults[i] += result.faults[i];
    steps += result.steps;
    changes += result.changes;
    virtual_time += result.virtual_time;
    if (result.violation.has_value()) {
      ++failed;
      Say(absl::StrCat("FAILED seed ", seed, ": ", *result.violation,
                       "\n  again with: ", Reproduce(seed, Mutant::kNone)));
    }
    if (result.digest != again.digest) {
      ++failed;
      Say(absl::StrCat("FAILED seed ", seed, ": SameSeedSameRun: two runs differ\n  again with: ",
                       Reproduce(seed, Mutant::kNone)));
    }
  }
  Say(absl::StrCat("RESULT name=sim seeds=", arguments.seeds, " failed=", failed, " steps=", steps,
                   " changes=", changes, " virtual_s=", absl::ToInt64Seconds(virtual_time)));
  for (size_t i = 0; i < faults.size(); ++i) {
    const bool rare = arguments.seeds >= 200 && faults[i] < arguments.floor;
    Say(absl::StrCat(rare ? "FAILED " : "", "fault ", FaultName(static_cast<Fault>(i)).data(), " ",
                     faults[i]));
    if (rare) ++failed;
  }
  return failed == 0 ? 0 : 1;
}

// 0 if a seed catches it.
int HuntMutant(const Arguments& arguments, Mutant mutant) {
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const RunResult result = RunOnce(seed, mutant, arguments.output);
    if (!result.violation.has_value() || !absl::StartsWith(*result.violation, RuleBrokenBy(mutant)))
      continue;
    Say(absl::StrCat("caught ", MutantName(mutant).data(), " after ", seed - arguments.first + 1,
                     " seeds: ", *result.violation, "\n  again with: ", Reproduce(seed, mutant)));
    return 0;
  }
  Say(absl::StrCat("FAILED mutant ", MutantName(mutant).data(), " lived through ", arguments.seeds,
                   " seeds"));
  return 1;
}

int Main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::optional<Arguments> arguments = Parse(argc, argv);
  if (!arguments.has_value()) {
    Say("usage: sim_test [--seeds=N] [--seed=N] [--first=N] [--mutant=NAME|all] [--trace] "
        "[--floor=N]");
    return 64;
  }
  if (arguments->every_mutant) {
    int failed = 0;
    for (const Mutant mutant : AllMutants()) failed += HuntMutant(*arguments, mutant);
    return failed == 0 ? 0 : 1;
  }
  if (arguments->mutant != Mutant::kNone) return HuntMutant(*arguments, arguments->mutant);
  return RunSeeds(*arguments);
}

}  // namespace
}  // namespace leidang::sim

int main(int argc, char** argv) { return leidang::sim::Main(argc, argv); }
