#pragma once

// Ledger: what cannot be recomputed, as keys and values. Its shape is etcd's, so that etcd can
// stand behind it: one revision for the whole keyspace that grows with every transaction, guarded
// transactions, lists in pages at one revision, watches that may answer "compacted", leases. The
// typed records on top are in records.h.
//
// Everything is asynchronous: answers are posted to the loop that the call names. A transaction
// that has been answered with OK is durable. Limits hold in every implementation, so that nothing
// works on one that another would refuse.
//
// Thread-safe. Keys and values are any bytes.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/time/event_loop.h"

namespace leidang::hub {

using LedgerRevision = uint64_t;  // 0: before the first transaction.
using LeaseId = uint64_t;         // 0: none.

struct LedgerEntry {
  std::string key;
  std::string value;
  LedgerRevision created = 0;   // When the key was put that did not exist before.
  LedgerRevision modified = 0;  // When it was last put.
  LeaseId lease = 0;

  friend bool operator==(const LedgerEntry&, const LedgerEntry&) = default;
};

// What must hold for a transaction to take place.
struct LedgerGuard {
  std::string key;
  LedgerRevision modified = 0;  // The key was last put at this revision; 0: it does not exist.
};

struct LedgerOp {
  std::string key;
  std::optional<std::string> value;  // nullopt: delete. Deleting what does not exist is no error.
  LeaseId lease = 0;                 // The key goes when the lease ends.
};

struct LedgerTxn {
  std::vector<LedgerGuard> guards;
  std::vector<LedgerOp> ops;

  void Put(std::string key, std::string value) {
    ops.push_back({std::move(key), std::move(value), 0});
  }
  void Delete(std::string key) { ops.push_back({std::move(key), std::nullopt, 0}); }
  void GuardAbsent(std::string key) { guards.push_back({std::move(key), 0}); }
  void GuardModified(std::string key, LedgerRevision at) { guards.push_back({std::move(key), at}); }
};

inline constexpr size_t kLedgerOpsMax = 100;        // Ops and guards of one transaction, each.
inline constexpr size_t kLedgerBytesMax = 1 << 20;  // Keys and values of one transaction, together.
inline constexpr size_t kLedgerPageMax = 1000;      // Entries of one page.

struct LedgerPage {
  std::vector<LedgerEntry> entries;  // In the order of keys.
  LedgerRevision revision = 0;       // That the whole list is read at.
  std::string next;                  // Token that continues the list; empty at its end.
};

struct LedgerListRequest {
  std::string prefix;
  std::string token;      // Of the page before.
  LedgerRevision at = 0;  // Of the page before; 0: the newest. kOutOfRange once it is compacted.
  size_t limit = kLedgerPageMax;
};

// One change of a key: `value` is nullopt when it was deleted.
struct LedgerChange {
  std::string key;
  std::optional<std::string> value;
  LedgerRevision revision = 0;
};

class Ledger {
 public:
  using CommitDone = std::function<void(absl::StatusOr<LedgerRevision>)>;
  using GetDone = std::function<void(absl::StatusOr<LedgerEntry>)>;
  using ListDone = std::function<void(absl::StatusOr<LedgerPage>)>;
  using LeaseDone = std::function<void(absl::StatusOr<LeaseId>)>;
  // Changes in the order of revisions, or a status that ends the watch: kOutOfRange means that
  // `from` is compacted (list again, then watch from that revision).
  using OnWatch = std::function<void(absl::StatusOr<std::vector<LedgerChange>>)>;
  using WatchId = uint64_t;

  virtual ~Ledger() = default;

  // All ops or none. kFailedPrecondition if a guard does not hold, naming its key; kInvalidArgument
  // for a transaction beyond the limits or with a key twice; kResourceExhausted, kUnavailable and
  // kDataLoss from the disk: what is read has not changed then, and nothing more is written until
  // the ledger is opened again.
  virtual void Commit(LedgerTxn txn, EventLoop* loop, CommitDone done) = 0;

  // kNotFound. `at_least`: wait until that revision can be read (another hub's write).
  virtual void Get(std::string key, LedgerRevision at_least, EventLoop* loop, GetDone done) = 0;
  virtual void List(LedgerListRequest request, EventLoop* loop, ListDone done) = 0;

  // Every change of keys with the prefix after revision `from`. Ends with CancelWatch.
  virtual WatchId Watch(std::string prefix, LedgerRevision from, EventLoop* loop,
                        OnWatch on_change) = 0;
  virtual void CancelWatch(WatchId id) = 0;

  // A lease ends `life` after its last KeepAlive, by the implementation's monotonic clock; its keys
  // go in one transaction. kNotFound for one that has ended.
  virtual void GrantLease(absl::Duration life, EventLoop* loop, LeaseDone done) = 0;
  virtual void KeepAlive(LeaseId lease, EventLoop* loop,
                         std::function<void(absl::Status)> done) = 0;
  virtual void RevokeLease(LeaseId lease, EventLoop* loop,
                           std::function<void(absl::Status)> done) = 0;
};

}  // namespace leidang::hub
