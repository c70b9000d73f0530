#pragma once

// The targets of a hub under many agents (docs/BENCHMARKS.md), judged by what two runs measured.

#include <optional>
#include <string>
#include <vector>

#include "agent/swarm/figures.h"
#include "agent/swarm/options.h"
#include "common/object/value.h"

namespace leidang::agent {

struct Target {
  std::string what;
  std::string wanted;  // "< 1500 MB"
  std::string measured;
  std::optional<bool> met;  // nullopt: it was not measured.
};

// The two runs that they take: many agents, and many assignments.
SwarmOptions ManyAgents(SwarmOptions options);
SwarmOptions ManyAssignments(SwarmOptions options);

// `agents` and `assignments` are the figures of these runs.
std::vector<Target> Judge(const Figures& agents, const Figures& assignments);
std::string TargetsTable(const std::vector<Target>& targets);
object::Value TargetsJson(const std::vector<Target>& targets);

}  // namespace leidang::agent
