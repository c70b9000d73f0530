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
  absl::Duration idle = absl::Seconds(20);
  size_t changes = 5;        // Rounds of one change to every agent, by the API and by a commit.
  size_t status_rounds = 5;  // Every agent reports all it has, as fast as the hub takes it.
  size_t herds = 1;          // The hub is killed and started again with all agents connected.
  bool floor = false;        // Also measure a server that does nothing but hold connections.

  std::string hub_program;  // Empty: leidang-hub beside this program.
  std::string directory;    // Of hub and repository; empty: a temporary one.
  std::string json;         // File for the figures; empty: none.
  absl::Duration phase_limit = absl::Minutes(10);
  std::string serve_floor;  // Internal: be that server, with the identity in this directory.
};

// Parses the command line. Prints help, version or what is wrong, and returns the exit code, where
// the program is to end.
std::optional<int> ParseOptions(int argc, char** argv, SwarmOptions* options);

}  // namespace leidang::agent
