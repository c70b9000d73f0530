#pragma once

// What users wrote, as the ledger keeps it: it cannot be recomputed. Plain values.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/object/sha256.h"

namespace leidang::hub {

// The values are part of stored data.
enum class WrittenKind : uint8_t {
  kApplicationSet = 1,
  kApplication = 2,  // Written directly, not generated.
  kAppProject = 3,
  kRepository = 4,  // Credentials and settings of a repository URL.
  kSettings = 5,    // What every cluster's agent is told: Argo CD's ConfigMap argocd-cm.
};

// Who may change an object: each has exactly one owner.
inline constexpr char kApiOwner[] = "api";
// Otherwise "config <file>@<commit>".
inline constexpr char kConfigOwnerPrefix[] = "config ";
// "released <file>@<commit>": the config repository let go of it without deleting it; whoever
// writes it next owns it.
inline constexpr char kReleasedOwnerPrefix[] = "released ";

// How Applications end when what they belong to is deleted. The values are part of stored data.
enum class Ending : uint8_t {
  kForeground = 1,
  kBackground = 2,
  kOrphan = 3,
  kAsDeclared = 4,  // Each as its own finalizers say.
};

// One object as it was given.
struct WrittenObject {
  WrittenKind kind = WrittenKind::kApplicationSet;
  std::string key;       // "namespace/name"; of all others the plain name.
  std::string manifest;  // Canonical JSON, without status.
  std::string owner = kApiOwner;
  absl::Time created_at;
  absl::Time changed_at;
  // Somebody asked for its deletion: its Applications are being ended under this policy, then the
  // record goes.
  std::optional<Ending> deleting;

  friend bool operator==(const WrittenObject&, const WrittenObject&) = default;
};

// A cluster that may join, or has. `id`, `name` and `server` never change; a name is used again
// only under a new id.
// Of a cluster that was away for so long that no deletion waits for it any more
// (hub/control/dormancy.h). It stands until its agent is back.
struct ClusterDormancy {
  absl::Time since;
  std::set<std::string> left_behind;  // Names of what is not deleted there: the first that came,
  bool more_left_behind = false;      // and whether there was more.

  friend bool operator==(const ClusterDormancy&, const ClusterDormancy&) = default;
};

struct ClusterRegistration {
  intent::ClusterId id;
  std::string name;
  std::string server;  // "https://<name>.leidang.invalid" unless told.
  std::string project;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::string owner = kApiOwner;
  absl::Time created_at;
  absl::Time joined_at = absl::InfinitePast();  // When a join token was last spent.
  intent::Authority log;                        // Of the cluster's change log.
  // The cluster is being removed: its Applications are ended under this policy first.
  std::optional<intent::DeletionPolicy> deleting;
  // The hub was restored, or has lost what this cluster's agent holds: nothing is sent until the
  // two have been compared and the difference is accepted (hub/control/recovery.h).
  bool recovering = false;
  std::optional<ClusterDormancy> dormancy;

  bool joined() const { return joined_at != absl::InfinitePast(); }
  friend bool operator==(const ClusterRegistration&, const ClusterRegistration&) = default;
};

// A decision that an entry ends on a cluster; it stays until the agent has acknowledged and carried
// it out.
struct PendingDeletion {
  intent::ClusterId cluster;
  intent::EntryKey key;
  intent::Uid uid;
  intent::DeletionPolicy policy = intent::DeletionPolicy::kForeground;
  absl::Time decided_at;
  std::string reason;  // "no longer produced by set leidang/shop", "moved to another cluster", …

  friend bool operator==(const PendingDeletion&, const PendingDeletion&) = default;
};

// A one-time join token: its hash, what it is for, and whether it has been used.
struct JoinToken {
  object::Sha256 hash;
  intent::ClusterId cluster;
  absl::Time expires_at;
  absl::Time spent_at = absl::InfiniteFuture();

  friend bool operator==(const JoinToken&, const JoinToken&) = default;
};

// One line of the audit log; each names the hash of the one before it.
struct AuditEntry {
  uint64_t sequence = 0;
  absl::Time at;
  std::string who;      // "admin", "cluster staging", "config <file>@<commit>", "hub".
  std::string from;     // Address of the peer, if any.
  std::string what;     // "apply ApplicationSet leidang/shop"
  std::string outcome;  // "created", "refused: …"
  object::Sha256 previous;

  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

}  // namespace leidang::hub
