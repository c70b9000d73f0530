#pragma once

// MemoryState: the twin of the SQLite state for simulation, tests and load tools.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/state/memory_tables.h"
#include "agent/state/state.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// A disk in memory: what it holds outlives the MemoryState that is opened on it, as a file outlives
// a process. Thread-compatible; one MemoryState at a time.
class MemoryDisk {
 public:
  const MemoryTables& tables() const { return tables_; }
  MemoryTables& tables() { return tables_; }

  // Loses everything, as a new disk does.
  void Wipe() { tables_ = MemoryTables(); }

 private:
  MemoryTables tables_;
};

// Destroying it is a crash: transactions that wait for the disk are lost.
class MemoryState final : public State {
 public:
  struct Options {
    // How long the next sync takes; zero unless set.
    std::function<absl::Duration()> sync_delay;
    // What the next sync fails with; OK unless set. Nothing of the transaction is written then.
    std::function<absl::Status()> sync_fault;
  };

  // `loop` and `disk` must outlive it.
  MemoryState(EventLoop& loop, MemoryDisk& disk, Options options);
  MemoryState(EventLoop& loop, MemoryDisk& disk);
  ~MemoryState() override;

  void AddObserver(StateObserver* observer) override;
  void RemoveObserver(StateObserver* observer) override;
  void Commit(Transaction transaction, Done done) override;

  const Allegiance& allegiance() const override;
  const proof::BucketedDigest& intent_digest() const override;
  const proof::BucketedDigest& applied_digest() const override;
  absl::StatusOr<std::vector<EntryHead>> Heads() const override;
  absl::StatusOr<std::vector<EntryHead>> HeadsOf(const intent::EntryKey& key) const override;
  absl::StatusOr<std::vector<EntryHead>> LiveInBucket(uint8_t bucket) const override;
  absl::StatusOr<Entry> Find(const EntryRef& entry) const override;
  absl::StatusOr<std::vector<InventoryItem>> Inventory(const EntryRef& entry) const override;
  absl::StatusOr<std::vector<NumberedStatus>> StatusesWaiting(uint64_t after,
                                                              size_t limit) const override;
  size_t statuses_waiting() const override;
  object::Sha256 status_digest() const override;
  absl::StatusOr<intent::EntryStatus> FindStatus(const EntryRef& entry) const override;
  absl::StatusOr<std::vector<OperationRecord>> Operations() const override;

  void PutContent(const object::Sha256& digest, std::string bytes, Done done) override;
  absl::StatusOr<bool> HasContent(const object::Sha256& digest) const override;
  absl::StatusOr<std::string> GetContent(const object::Sha256& digest) const override;
  void DropContentExcept(std::set<object::Sha256> keep, Done done) override;

 private:
  // Runs `write` when the disk has synced, then `done`; in the order of the calls.
  void Write(std::function<absl::Status(Touched*)> write, Done done);
  void Tell(const Touched& touched);

  EventLoop& loop_;
  MemoryDisk& disk_;
  const Options options_;
  absl::Duration last_due_;
  std::vector<StateObserver*> observers_;
  // Tells callbacks on the loop that this object has ended.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::agent
