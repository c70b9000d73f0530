#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "tests/sim/mutant.h"
#include "tests/sim/trace.h"

namespace leidang::sim {

// What sim_test is told to do.
struct Arguments {
  uint64_t first = 1;
  uint64_t seeds = 200;  // Of a scenario a tenth, unless told.
  uint64_t floor = 0;
  bool every_mutant = false;
  bool shrink = false;
  Mutant mutant = Mutant::kNone;
  std::optional<World> world;  // nullopt: each.
  std::string scenario;        // A name, "all" or "list"; "": none.
  std::optional<std::set<size_t>> only;
  Trace::Output output = Trace::Output::kNone;
};

constexpr char kUsage[] =
    "usage: sim_test [--world=link|fleet|reconcile|all] [--scenario=NAME|all|list]\n"
    "                [--seeds=N] [--first=N] [--seed=N] [--mutant=NAME|all]\n"
    "                [--shrink] [--only=N,N,…|none] [--trace] [--floor=N]";

absl::string_view WorldName(World world);

// Of the command line and the environment. nullopt if it cannot be understood.
std::optional<Arguments> ParseArguments(int argc, char** argv);

// "1,4,7"; "none" for no number.
std::string ListText(const std::set<size_t>& numbers);

}  // namespace leidang::sim
