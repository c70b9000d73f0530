#pragma once

// What the hub knows about the link to one cluster. Plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/intent/authority.h"
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

enum class LinkVerdict : uint8_t {
  kNeverSeen,  // Not since this hub was started.
  kOffline,    // No live session. What was proven then may no longer hold.
  kPending,    // The agent does not hold the newest intent yet, or that is not proven.
  kReceived,   // Proven: it holds the newest intent durably.
  kInSync,     // Proven: the cluster equals the newest intent.
  kDiverged,   // A comparison did not bring the digests together.
};
absl::string_view LinkVerdictName(LinkVerdict verdict);

enum class LinkTrouble : uint8_t {
  kNone,
  kHubBehind,       // The agent holds what this hub never had: the hub lost data and must recover.
  kRefusedByAgent,  // The agent obeys another authority.
  kContested,       // Two agents with one identity take the session from each other.
};

struct UnclaimedEntry {
  intent::EntryKey key;
  intent::Uid uid;

  friend auto operator<=>(const UnclaimedEntry&, const UnclaimedEntry&) = default;
};

struct ClusterView {
  intent::ClusterId cluster;
  LinkVerdict verdict = LinkVerdict::kNeverSeen;
  uint64_t session_epoch = 0;                   // Of the live session; 0 when there is none.
  absl::Time since = absl::InfinitePast();      // Of the session, or of its end.
  absl::Time last_seen = absl::InfinitePast();  // The last message.
  std::string agent_version;
  intent::Revision head = 0;
  intent::Revision acked = 0;  // Durable at the agent, as far as the hub knows durably.
  uint64_t pending_tombstones = 0;
  uint64_t status_backlog = 0;  // Statuses that wait at the agent.
  std::optional<Proof> proof;   // The last one.

  LinkTrouble trouble = LinkTrouble::kNone;
  std::string trouble_message;
  // What the agent said that it holds: what recovery must be above.
  intent::Authority agent_authority;
  intent::Revision agent_revision = 0;
  uint64_t agent_session_epoch = 0;
  // What the last comparison found at the agent and not in the intent, sorted.
  std::vector<UnclaimedEntry> unclaimed;

  friend bool operator==(const ClusterView&, const ClusterView&) = default;
};

}  // namespace leidang::hub
