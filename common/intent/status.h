#pragma once

// What an agent reports about one entry of its intent. Plain values; the hub stores them unsynced
// and shows them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/object/key.h"
#include "common/object/sha256.h"

namespace leidang::intent {

// The values are part of stored and sent data; the names are Argo CD's.
enum class SyncState : uint8_t { kUnknown = 0, kSynced = 1, kOutOfSync = 2 };
enum class HealthState : uint8_t {
  kUnknown = 0,
  kHealthy = 1,
  kProgressing = 2,
  kSuspended = 3,
  kDegraded = 4,
  kMissing = 5,
};
enum class OperationPhase : uint8_t {
  kNone = 0,
  kRunning = 1,
  kSucceeded = 2,
  kFailed = 3,
  kError = 4,
  kTerminating = 5
};

struct StatusCondition {
  std::string type;    // "SyncError", "Refused", …
  std::string reason;  // From common/conditions.
  std::string message;
  absl::Time since;

  friend bool operator==(const StatusCondition&, const StatusCondition&) = default;
};

// One object of an Application, or a hook of its last sync.
struct ObjectStatus {
  object::ObjectKey key;
  SyncState sync = SyncState::kUnknown;
  std::optional<HealthState> health;  // Absent: its kind has no check, or it is not there.
  std::string hook;                   // "PreSync", … of a hook; else empty.
  // Of the last sync: of a hook how far it is, of others kFailed if it failed.
  OperationPhase operation = OperationPhase::kNone;
  std::string message;  // What failed, or what its health check says; at most kObjectMessageMax.

  friend bool operator==(const ObjectStatus&, const ObjectStatus&) = default;
};
// Of one status; what needs attention is there before what does not.
inline constexpr size_t kObjectStatusesMax = 100;
inline constexpr size_t kObjectMessageMax = 256;
inline constexpr size_t kStatusBodyMax = 64 << 10;  // Bytes.

struct EntryStatus {
  EntryKey key;
  Uid uid;
  Revision received = 0;  // The change that the agent holds durably.
  Revision applied = 0;   // The change whose content the last successful sync applied.
  object::Sha256
      applied_element;  // Digest of that content: says more than a revision once epochs change.
  SyncState sync = SyncState::kUnknown;
  HealthState health = HealthState::kUnknown;
  OperationPhase operation = OperationPhase::kNone;
  std::string message;         // Of the last sync, one line.
  std::string applied_commit;  // Commits of the sources that were applied, comma-separated.
  uint64_t objects = 0;        // Objects in the inventory.
  uint64_t drift_corrections = 0;
  bool deleting = false;   // A tombstone is being carried out.
  bool gone = false;       // It has been carried out: the agent holds nothing of this uid any more.
  bool unclaimed = false;  // Held by the agent, unknown to the hub's intent.
  absl::Time observed_at;  // By the agent's clock; shown, never decided upon.
  std::vector<StatusCondition> conditions;
  std::vector<ObjectStatus> resources;  // By key; at most kObjectStatusesMax.
  // Of an unclaimed Application: its assignment's body, so that a hub that does not know it can
  // claim it; empty if it is larger than kStatusBodyMax. Follows from the uid's last assignment; no
  // part of the status digest.
  std::string body = {};
  // When the sync or correction that `operation` is of began and ended, by the agent's clock, and
  // the commits that it was of. Absent or empty where that is not known, and `finished` while it
  // goes on. No part of the status digest: observed_at changes with them.
  std::optional<absl::Time> operation_started = {};
  std::optional<absl::Time> operation_finished = {};
  std::string operation_commit = {};

  friend bool operator==(const EntryStatus&, const EntryStatus&) = default;
};

}  // namespace leidang::intent
