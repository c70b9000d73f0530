#include "agent/swarm/options.h"

#include "CLI/CLI.hpp"

namespace leidang::agent {

std::optional<int> ParseOptions(int argc, char** argv, SwarmOptions* options) {
  CLI::App app(
      "Starts a Leidang hub and loads it with many agents in one process: real sessions over "
      "mutual "
      "TLS, without clusters. Prints what hub and agents took, as a table and as JSON.",
      "leidang-swarm");
  app.set_version_flag("--version", std::string("leidang-swarm ") + LEIDANG_VERSION);
  double idle_s = absl::ToDoubleSeconds(options->idle);
  double apply_s = absl::ToDoubleSeconds(options->apply_max);
  double hostile_s = absl::ToDoubleSeconds(options->hostile_time);
  double limit_s = absl::ToDoubleSeconds(options->phase_limit);
  app.add_option("--agents", options->agents, "Agents, each with a connection of its own")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--apps", options->apps, "Applications of each agent")
      ->check(CLI::Range(0, 1'000))
      ->capture_default_str();
  app.add_option("--sets", options->sets, "ApplicationSets that these come from")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--apply", apply_s, "Seconds that an agent needs at most to apply what came")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--idle", idle_s, "Seconds to look at an idle fleet")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--changes", options->changes, "Rounds of one change to every agent")
      ->capture_default_str();
  app.add_option("--status-rounds", options->status_rounds,
                 "Rounds in which every agent reports everything anew")
      ->capture_default_str();
  app.add_option("--herds", options->herds,
                 "How often the hub is killed with all agents connected, and started again")
      ->capture_default_str();
  app.add_option("--flood", options->flooding,
                 "Further agents that take all that they can get while the others get changes")
      ->capture_default_str();
  app.add_option("--stall", options->stalled, "Further agents that read nothing meanwhile")
      ->capture_default_str();
  app.add_option("--hostile-time", hostile_s, "Seconds of that, at least")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--targets", options->targets,
               "All targets of docs/BENCHMARKS.md, met or missed: 10,000 agents, then 1,000");
  app.add_option("--scale", options->scale, "With --targets: a part of these agents")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  app.add_flag("--floor", options->floor,
               "Measure first what gRPC itself takes for so many connections");
  app.add_option("--hub-program", options->hub_program,
                 "The leidang-hub to load (default: the one beside this program)");
  app.add_option("--data-dir", options->directory,
                 "Empty folder for hub and repository, kept (default: a temporary one)");
  app.add_option("--json", options->json, "File that the figures are written to, as JSON");
  app.add_option("--phase-limit", limit_s, "Seconds that a phase may take")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--serve-floor", options->serve_floor)->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  options->apply_max = absl::Seconds(apply_s);
  options->hostile_time = absl::Seconds(hostile_s);
  options->idle = absl::Seconds(idle_s);
  options->phase_limit = absl::Seconds(limit_s);
  return std::nullopt;
}

}  // namespace leidang::agent
