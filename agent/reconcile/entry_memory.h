#pragma once

// EntryMemory: what the reconciler remembers about an entry across its own end, as the one opaque
// text that State keeps (PutNote). Plain values and pure functions; thread-compatible.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "agent/apply/sync_tasks.h"
#include "common/object/key.h"
#include "common/object/sha256.h"
#include "common/object/value.h"

namespace leidang::agent {

// One sync that ended.
struct SyncHistoryItem {
  int64_t id = 0;      // 1, 2, … in the life of the entry.
  std::string commit;  // Several are separated by commas.
  std::string by;      // Who asked for it, or "automated".
  absl::Time started;
  absl::Time ended;
  int64_t attempts = 1;  // Automated ones of one commit that failed one after the other.
  enum class Result : uint8_t { kSucceeded, kFailed } result = Result::kSucceeded;
  std::string message;

  friend bool operator==(const SyncHistoryItem&, const SyncHistoryItem&) = default;
};

// A sync in phases that is under way, as far as it must not be done twice.
struct SyncProgress {
  object::Sha256 element;  // Of the assignment that it is of.
  absl::Time started;      // Names of its hooks are made of it.
  int64_t attempts = 1;
  std::string by;
  std::map<SyncTaskId, SyncResult> hooks;  // Those that have begun.

  friend bool operator==(const SyncProgress&, const SyncProgress&) = default;
};

// How the last sync in phases of everything ended; a restart begins it no second time.
struct SyncEnd {
  object::Sha256 element;  // Of the assignment that it was of.
  int64_t attempts = 1;
  std::string by;
  SyncHistoryItem::Result result = SyncHistoryItem::Result::kSucceeded;
  enum class Again : uint8_t { kNo, kYes } again = Again::kNo;  // Tried again by itself.
  std::string failure;

  friend bool operator==(const SyncEnd&, const SyncEnd&) = default;
};

struct EntryMemory {
  size_t prunes = 0;                     // Within the hour that the brake looks at.
  std::vector<SyncHistoryItem> history;  // The oldest first.
  std::optional<SyncProgress> sync;
  std::optional<SyncEnd> last;
  // Deletions that ask for confirmation, and since when, to the second: a confirmation is of what
  // had asked by then, and lets nothing go that asked later.
  std::map<object::ObjectKey, absl::Time> unconfirmed;
  // Of an entry that is being deleted: its PreDelete hooks are done, or its PostDelete hooks too.
  enum class Ending : uint8_t { kNotBegun, kHooksDone, kAllDone } ending = Ending::kNotBegun;

  std::string hooks_skipped;  // Why such hooks did not run; empty if all did.

  friend bool operator==(const EntryMemory&, const EntryMemory&) = default;
};

// "" for a memory of nothing.
std::string EncodeMemory(const EntryMemory& memory);
// What cannot be read is forgotten: all but the count of prunes, which is then held to be one, is
// found out again.
EntryMemory DecodeMemory(absl::string_view note);

// Adds `item` with its id, or counts it as one more attempt of the last one; keeps `limit` of them.
void AddHistory(std::vector<SyncHistoryItem>& history, SyncHistoryItem item, size_t limit);

// {"items":[…]}, the newest first.
object::Value HistoryDocument(const std::vector<SyncHistoryItem>& history);

}  // namespace leidang::agent
