#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace leidang::agent {

// What a load test consists of. Zero leaves a phase out.
struct SwarmOptions {
  size_t agents = 1'000;
  size_t apps = 10;  // Of each agent, beside the one that changes.
  size_t sets = 1;   // That these Applications come from.
  absl::Duration apply_max = absl::Milliseconds(500);  // An agent needs a random part of it.
  absl::Duration idle = absl::Seconds(20);
  size_t changes = 5;        // Rounds of one change to every agent, by the API and by a commit.
  size_t status_rounds = 5;  // Every agent reports all it has, as fast as the hub takes it.
  size_t herds = 1;          // The hub is killed and started again with all agents connected.
  // Further agents, which break no rule of the link: at the end they take all that they can get, or
  // nothing, while the others get changes.
  size_t flooding = 0;
  size_t stalled = 0;
  absl::Duration hostile_time = absl::Seconds(10);
  bool floor = false;  // Also measure a server that does nothing but hold connections.

  // All targets in two runs, of ten and of one thousand agents, times `scale`; the numbers above do
  // not count then.
  bool targets = false;
  double scale = 1;

  std::string hub_program;  // Empty: leidang-hub beside this program.
  std::string directory;    // Of hub and repository; empty: a temporary one.
  std::string json;         // File for the figures; empty: none.
  absl::Duration phase_limit = absl::Minutes(10);
  size_t hostile() const { return flooding + stalled; }

  std::string serve_floor;  // Internal: be that server, with the identity in this directory.
};

// Parses the command line. Prints help, version or what is wrong, and returns the exit code, where
// the program is to end.
std::optional<int> ParseOptions(int argc, char** argv, SwarmOptions* options);

}  // namespace leidang::agent
