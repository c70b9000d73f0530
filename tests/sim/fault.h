#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace leidang::sim {

enum class Fault : uint8_t {
  kHubKill,
  kHubKillSilent,  // Nobody is told: as a power cut.
  kHubDrain,       // Goodbye, then down.
  kAgentKill,
  kAgentKillSilent,
  kAgentDiskLost,
  kAgentDiskFails,  // A transaction fails for want of space.
  kAgentDiskSlow,
  kHubDiskFails,  // The store takes no more writes: the hub process ends and starts again.
  kHubDiskSlow,
  kCut,
  kHalfOpenAgent,  // The connection is gone, and only the agent is told.
  kHalfOpenHub,    // …and only the hub is told.
  kPartitionUp,    // Nothing from the agent arrives.
  kPartitionDown,
  kPartitionBoth,
  kSlowNetwork,
  kFetchCut,
  kCloneAgent,   // Two agents with one identity.
  kForeignHub,   // Another hub id answers at the address.
  kOlderHub,     // A copy of the hub's disk, with an epoch that has passed, answers at the address.
  kHubRollback,  // The hub's disk goes back in time; a person recovers it later.
  kHubRestore,   // The hub is restored from a copy, with a new epoch.
  kNewHubIdentity,  // The hub is rebuilt without its identity; people at the clusters accept it.
  kImpostor,        // An agent says that it is another cluster.
  kPeeping,         // An agent asks for another cluster's content.
  kClockStep,       // The wall clock jumps.
  kDrift,           // Somebody changes the cluster.
  kCount,
};

absl::string_view FaultName(Fault fault);

// How often each kind of fault fired.
using FaultCounts = std::array<uint64_t, static_cast<size_t>(Fault::kCount)>;

}  // namespace leidang::sim
