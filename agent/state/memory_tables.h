#pragma once

// The contents of a MemoryState, and what a transaction does to them. Internal to agent/state.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/state/transaction.h"
#include "common/object/key.h"
#include "common/object/sha256.h"
#include "common/proof/bucketed_digest.h"
#include "common/proof/status_digest.h"

namespace leidang::agent {

// What observers are told about a transaction.
struct Touched {
  std::set<EntryRef> entries;
  std::set<OperationId> operations;
  bool statuses = false;
};

// The rows that a transaction wrote or removed: what a disk has to be told.
struct DirtyRows {
  bool allegiance = false;
  std::set<EntryRef> entries;
  std::set<std::pair<EntryRef, object::ObjectKey>> items;
  std::set<EntryRef> statuses;
  std::set<OperationId> operations;
};

// How to take transactions back: run from the last to the first.
using Undo = std::vector<std::function<void()>>;

// Thread-compatible. Copies are snapshots.
struct MemoryTables {
  struct StatusRow {
    NumberedStatus current;
    object::Sha256 element;
    bool waiting = true;
  };

  // All of the transaction, or an error and nothing of it.
  absl::Status Apply(const Transaction& transaction, Touched* touched);
  // The same; adds the rows to `dirty` and the way back to `undo`.
  absl::Status Apply(const Transaction& transaction, Touched* touched, DirtyRows* dirty,
                     Undo* undo);
  static void Revert(Undo* undo);

  // Puts a row that was read from a disk in its place, digests and indexes included.
  void LoadEntry(Entry entry);
  void LoadStatus(NumberedStatus status, bool waiting);

  // The reads of State, which says what they give.
  absl::StatusOr<std::vector<EntryHead>> Heads() const;
  std::vector<EntryHead> HeadsOf(const intent::EntryKey& key) const;
  absl::StatusOr<std::vector<EntryHead>> LiveInBucket(uint8_t bucket) const;
  absl::StatusOr<Entry> Find(const EntryRef& entry) const;
  absl::StatusOr<std::vector<InventoryItem>> Inventory(const EntryRef& entry) const;
  absl::StatusOr<std::vector<NumberedStatus>> StatusesWaiting(uint64_t after, size_t limit) const;
  absl::StatusOr<intent::EntryStatus> FindStatus(const EntryRef& entry) const;
  absl::StatusOr<std::vector<OperationRecord>> Operations() const;

  Allegiance allegiance;
  std::map<EntryRef, Entry> entries;
  std::map<EntryRef, std::map<object::ObjectKey, InventoryItem>> inventory;
  std::map<EntryRef, StatusRow> statuses;
  std::map<uint64_t, EntryRef> waiting;  // Numbers of statuses that are not acknowledged.
  std::set<uint64_t> gone_waiting;       // Those of them that say `gone`.
  uint64_t next_status_number = 1;
  std::map<OperationId, OperationRecord> operations;
  std::map<object::Sha256, std::string> content;
  proof::BucketedDigest intent_digest;
  proof::BucketedDigest applied_digest;
  proof::StatusDigest status_digest;
};

}  // namespace leidang::agent
