#pragma once

// What the hub remembers of the link to one cluster's agent. Plain values.

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/object/sha256.h"

namespace leidang::hub {

// Equal digests, and since when that is known. The times are those of the hub's wall clock just
// before the agent looked at its own state, so a proof is never younger than it says.
struct Proof {
  object::Sha256 root;                           // Of the intent.
  intent::Revision revision = 0;                 // Of the log at which it stood.
  absl::Time received_at;                        // The agent holds that intent durably.
  absl::Time applied_at = absl::InfinitePast();  // And the cluster equals it.

  friend bool operator==(const Proof&, const Proof&) = default;
};

// History, so that a cluster that is away is shown with its true age after a restart of the hub.
// Nothing is decided by it but when a cluster has been away for long: without the record it is
// unknown, and an older one is as true as it was.
struct LinkRecord {
  intent::ClusterId cluster;
  absl::Time last_seen = absl::InfinitePast();  // The last message.
  std::string agent_version;
  intent::Revision agent_revision = 0;  // What the agent said last that it holds.
  uint64_t status_backlog = 0;          // Statuses that waited at the agent.
  std::optional<Proof> proof;           // The last one,
  std::optional<Proof> applied_proof;   // and the last one with `applied_at`.

  friend bool operator==(const LinkRecord&, const LinkRecord&) = default;
};

}  // namespace leidang::hub
