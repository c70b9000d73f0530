#pragma once

// The contents of a MemoryState, and what a transaction does to them. Internal to agent/state.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

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

// Thread-compatible. Copies are snapshots.
struct MemoryTables {
  struct StatusRow {
    NumberedStatus current;
    object::Sha256 element;
    bool waiting = true;
  };

  // All of the transaction, or an error and nothing of it.
  absl::Status Apply(const Transaction& transaction, Touched* touched);

  std::vector<EntryHead> HeadsOf(const intent::EntryKey& key) const;

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
