#include "tests/sim/sim_arguments.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace leidang::sim {
namespace {

bool ParseWorld(absl::string_view name, Arguments* arguments) {
  if (name == "all") return true;
  for (const World world : {World::kLink, World::kFleet, World::kReconcile}) {
    if (WorldName(world) == name) arguments->world = world;
  }
  return arguments->world.has_value();
}

bool ParseMutant(absl::string_view name, Arguments* arguments) {
  if (name == "all") return arguments->every_mutant = true;
  const std::optional<Mutant> mutant = MutantByName(name);
  if (mutant.has_value()) arguments->mutant = *mutant;
  return mutant.has_value();
}

bool ParseList(absl::string_view text, Arguments* arguments) {
  arguments->only.emplace();
  if (text == "none") return true;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    size_t number = 0;
    if (!absl::SimpleAtoi(part, &number)) return false;
    arguments->only->insert(number);
  }
  return true;
}

bool ParseNumber(absl::string_view argument, Arguments* arguments) {
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
  return false;
}

bool ParseOne(absl::string_view argument, Arguments* arguments) {
  if (argument == "--trace") {
    arguments->output = Trace::Output::kPrint;
    return true;
  }
  if (argument == "--shrink") return arguments->shrink = true;
  if (absl::ConsumePrefix(&argument, "--world=")) return ParseWorld(argument, arguments);
  if (absl::ConsumePrefix(&argument, "--mutant=")) return ParseMutant(argument, arguments);
  if (absl::ConsumePrefix(&argument, "--only=")) return ParseList(argument, arguments);
  if (absl::ConsumePrefix(&argument, "--scenario=")) {
    arguments->scenario = std::string(argument);
    return !argument.empty();
  }
  return ParseNumber(argument, arguments);
}

}  // namespace

absl::string_view WorldName(World world) {
  switch (world) {
    case World::kLink:
      return "link";
    case World::kFleet:
      return "fleet";
    case World::kReconcile:
      return "reconcile";
  }
  return "unknown";
}

std::optional<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  if (const char* seeds = std::getenv("LEIDANG_SIM_SEEDS"); seeds != nullptr) {
    if (!absl::SimpleAtoi(seeds, &arguments.seeds)) return std::nullopt;
  }
  bool told = false;
  for (int i = 1; i < argc; ++i) {
    if (!ParseOne(argv[i], &arguments)) return std::nullopt;
    told |= absl::StartsWith(argv[i], "--seed");
  }
  if (!arguments.scenario.empty() && !told)
    arguments.seeds = std::max<uint64_t>(1, arguments.seeds / 10);
  return arguments;
}

std::string ListText(const std::set<size_t>& numbers) {
  return numbers.empty() ? "none" : absl::StrJoin(numbers, ",");
}

}  // namespace leidang::sim
