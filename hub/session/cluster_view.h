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
#include "hub/model/link_record.h"

namespace leidang::hub {

enum class LinkVerdict : uint8_t {
  kNeverSeen,  // Nothing is known of it.
  kOffline,    // No live session. What was proven then may no longer hold.
  kPending,    // The agent does not hold the newest intent yet, or that is not proven.
  kReceived,   // Proven: it holds the newest intent durably.
  kInSync,     // Proven: the cluster equals the newest intent.
  kDiverged,   // A comparison did not bring the digests together.
};
absl::string_view LinkVerdictName(LinkVerdict verdict);

enum class LinkTrouble : uint8_t {
  kNone,
  kHubBehind,        // The agent holds what this hub never had: the hub lost data and must recover.
  kRefusedByAgent,   // The agent obeys another authority.
  kContested,        // Two agents with one identity take the session from each other.
  kStatusesRefused,  // It reports of so much that is not assigned to it that not all is kept.
};
absl::string_view LinkTroubleName(LinkTrouble trouble);

struct UnclaimedEntry {
  intent::EntryKey key;
  intent::Uid uid;

  friend auto operator<=>(const UnclaimedEntry&, const UnclaimedEntry&) = default;
};

struct ClusterView {
  intent::ClusterId cluster;
  LinkVerdict verdict = LinkVerdict::kNeverSeen;
  uint64_t session_epoch = 0;  // Of the live session; 0 when there is none.
  // Of the session, or of its end; where that was before the hub's start, the last message.
  absl::Time since = absl::InfinitePast();
  absl::Time last_seen = absl::InfinitePast();  // The last message.
  std::string agent_version;
  intent::Revision head = 0;
  intent::Revision acked = 0;  // Durable at the agent, as far as the hub knows durably.
  uint64_t pending_tombstones = 0;
  uint64_t status_backlog = 0;  // Statuses that wait at the agent.
  // History, which no change and no end of a session takes back: the verdict alone says what holds
  // now.
  std::optional<Proof> proof;          // The last one,
  std::optional<Proof> applied_proof;  // and the last one with `applied_at`.

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
