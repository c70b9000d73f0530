#include "tests/sim/fault.h"

namespace leidang::sim {

absl::string_view FaultName(Fault fault) {
  constexpr absl::string_view kNames[] = {
      "hub-kill",
      "hub-kill-silent",
      "hub-drain",
      "agent-kill",
      "agent-kill-silent",
      "agent-disk-lost",
      "agent-disk-fails",
      "agent-disk-slow",
      "hub-disk-fails",
      "hub-disk-slow",
      "cut",
      "half-open-agent",
      "half-open-hub",
      "partition-up",
      "partition-down",
      "partition-both",
      "slow-network",
      "fetch-cut",
      "clone-agent",
      "foreign-hub",
      "older-hub",
      "hub-rollback",
      "hub-restore",
      "new-hub-identity",
      "impostor",
      "peeping",
      "clock-step",
      "drift",
  };
  static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<size_t>(Fault::kCount));
  return kNames[static_cast<size_t>(fault)];
}

}  // namespace leidang::sim
