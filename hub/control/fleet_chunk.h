#pragma once

// What FleetRecords writes with; nothing else includes it.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "hub/control/fleet_records.h"
#include "hub/ledger/ledger.h"

namespace leidang::hub {

// One transaction in the making.
struct FleetRecords::Chunk {
  // A little below what the ledger takes.
  static constexpr size_t kOps = 90;
  static constexpr size_t kBytes = 900 << 10;

  LedgerTxn txn;
  std::set<std::string> keys;
  size_t bytes = 0;

  bool empty() const { return txn.ops.empty(); }

  void Put(const std::string& key, std::string value) {
    bytes += key.size() + value.size();
    keys.insert(key);
    txn.Put(key, std::move(value));
  }
  void Delete(const std::string& key) {
    bytes += key.size();
    keys.insert(key);
    txn.Delete(key);
  }

  // Whether `more`, made without a look at this, can be part of the transaction: it may not touch
  // the same keys.
  bool Fits(const Chunk& more) const {
    return HasRoomFor(more) &&
           std::none_of(more.keys.begin(), more.keys.end(),
                        [this](const std::string& key) { return keys.contains(key); });
  }
  // Whether `more` can, where it was made from tables that showed this: what it puts replaces what
  // was put before. A guard, however, is held against the ledger as it is.
  bool FitsBehind(const Chunk& more) const {
    return HasRoomFor(more) &&
           std::none_of(more.txn.guards.begin(), more.txn.guards.end(),
                        [this](const LedgerGuard& guard) { return keys.contains(guard.key); });
  }
  void Append(Chunk more) {
    std::move(more.txn.guards.begin(), more.txn.guards.end(), std::back_inserter(txn.guards));
    for (LedgerOp& op : more.txn.ops) {
      if (keys.contains(op.key))
        std::erase_if(txn.ops, [&](const LedgerOp& o) { return o.key == op.key; });
      txn.ops.push_back(std::move(op));
    }
    keys.merge(more.keys);
    bytes += more.bytes;
  }

 private:
  bool HasRoomFor(const Chunk& more) const {
    return empty() ||
           (txn.ops.size() + more.txn.ops.size() <= kOps && bytes + more.bytes <= kBytes);
  }
};

// One transaction, and which calls at the front of the queue it is of.
struct FleetRecords::Batch {
  struct Member {
    absl::Status refused;  // OK: its changes before `end` are in the transaction.
    size_t end = 0;
  };
  Chunk chunk;
  std::vector<Member> members;
};

}  // namespace leidang::hub
