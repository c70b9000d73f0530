#pragma once

// State: what an agent knows durably, so that it can go on without its hub and across its own end.
//
// Two implementations pass one contract test (state_contract.h): MemoryState for simulation and
// load tools, and SQLite for agents.
//
// Promises
// - Durable first: Commit's completion runs when the transaction survives a power cut, never
// before; an
//   acknowledgement to the hub or an effect on the cluster that relies on it comes after. Reads
//   show durable data only, and show it at the latest when its completion runs.
// - Atomic and in order: transactions take effect in the order of the calls, each wholly or not at
// all.
// - NothingByAbsence: an entry ends by FinishDeletion alone, which needs a tombstone.
// - MonotoneRevision: see Receive.
//
// Loop-bound: every call is made on the loop that the implementation was given, and completions run
// there, never inside the call. Writing may happen on a thread of its own, which may put several
// waiting transactions into one disk sync. When the object is destroyed, completions that have not
// run are dropped, and their transactions may or may not be there at the next opening, as after a
// crash.
//
// Reads are synchronous and answer kDataLoss or kInternal when the disk does. Callers bound what
// they have in flight: no queue in here does it for them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/state/transaction.h"
#include "common/intent/intent.h"
#include "common/object/sha256.h"

namespace leidang::proof {
class BucketedDigest;
}  // namespace leidang::proof

namespace leidang::agent {

// Told on the loop of what a transaction changed, after it is durable and before its completion.
// May read and commit, but not remove itself.
class StateObserver {
 public:
  virtual ~StateObserver() = default;
  virtual void OnEntryChanged(const EntryRef& entry) = 0;  // By Receive or FinishDeletion.
  virtual void OnOperationChanged(const OperationId& id) = 0;
  virtual void OnStatusWaiting() = 0;  // By PutStatus or ReportAllStatus.
};

class State {
 public:
  using Done = std::function<void(absl::Status)>;

  static constexpr size_t kOperationsMax = 1'000;
  // Statuses of ended entries (`gone`) that wait for the hub. Beyond it the oldest are dropped: the
  // hub finds by comparison that those entries are no longer there.
  static constexpr size_t kGoneStatusesMax = 10'000;
  static constexpr size_t kContentBytesMax = 32u << 20;  // Of one blob.

  virtual ~State() = default;

  // Observers must outlive the state or be removed. Called in the order of adding.
  virtual void AddObserver(StateObserver* observer) = 0;
  virtual void RemoveObserver(StateObserver* observer) = 0;

  // On an error nothing of the transaction has taken effect: the errors of its mutations,
  // kResourceExhausted when the disk is full, kDataLoss or kInternal when it fails.
  virtual void Commit(Transaction transaction, Done done) = 0;

  virtual const Allegiance& allegiance() const = 0;
  // Over the live entries, and over those whose applied element is the current one.
  virtual const proof::BucketedDigest& intent_digest() const = 0;
  virtual const proof::BucketedDigest& applied_digest() const = 0;

  // Sorted by key, then uid; of every phase. `LiveInBucket` only the live ones of one bucket.
  virtual absl::StatusOr<std::vector<EntryHead>> Heads() const = 0;
  virtual absl::StatusOr<std::vector<EntryHead>> HeadsOf(const intent::EntryKey& key) const = 0;
  virtual absl::StatusOr<std::vector<EntryHead>> LiveInBucket(uint8_t bucket) const = 0;
  virtual absl::StatusOr<Entry> Find(const EntryRef& entry) const = 0;  // kNotFound.

  // Sorted by object; empty if there is no such entry.
  virtual absl::StatusOr<std::vector<InventoryItem>> Inventory(const EntryRef& entry) const = 0;

  // Statuses that the hub has not acknowledged, in the order of their numbers, beginning after
  // `after`.
  virtual absl::StatusOr<std::vector<NumberedStatus>> StatusesWaiting(uint64_t after,
                                                                      size_t limit) const = 0;
  virtual size_t statuses_waiting() const = 0;
  // Sum of the elements of all current statuses, acknowledged or not (docs/formats/link.md).
  virtual object::Sha256 status_digest() const = 0;
  virtual absl::StatusOr<intent::EntryStatus> FindStatus(
      const EntryRef& entry) const = 0;  // kNotFound.

  // Sorted by id.
  virtual absl::StatusOr<std::vector<OperationRecord>> Operations() const = 0;

  // Content by its SHA-256. PutContent answers kInvalidArgument if `bytes` have another digest or
  // are too many; it is ordered with Commit. DropContentExcept drops what is not in `keep`; a blob
  // that is put after the call stays.
  virtual void PutContent(const object::Sha256& digest, std::string bytes, Done done) = 0;
  virtual absl::StatusOr<bool> HasContent(const object::Sha256& digest) const = 0;
  virtual absl::StatusOr<std::string> GetContent(
      const object::Sha256& digest) const = 0;  // kNotFound.
  virtual void DropContentExcept(std::set<object::Sha256> keep, Done done) = 0;
};

}  // namespace leidang::agent
