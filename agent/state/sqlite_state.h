#pragma once

// SqliteState: what an agent knows, in `<data-dir>/state.db` (SQLite, WAL, synchronous=FULL).
//
// Entries, inventory and statuses are kept in memory as well, since every pass reads them; content
// is read from the file. Transactions that wait are written with one sync, by a thread of its own;
// tables change and completions run when that has ended, on the loop.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "agent/state/memory_tables.h"
#include "agent/state/state.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

class SqliteDatabase;
struct RowWrites;

class SqliteState final : public State {
 public:
  // Reads all that is held. `loop` is where everything is called and answered, `disk_loop` where
  // writing blocks; both must outlive it, and `disk_loop` must be stopped, or be the same loop,
  // when it goes. kDataLoss for a damaged file.
  static absl::StatusOr<std::unique_ptr<SqliteState>> Open(EventLoop& loop, EventLoop& disk_loop,
                                                           const std::string& path);
  ~SqliteState() override;

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
  // One call that waits for the disk: a transaction, content to put, or content to keep.
  struct Write {
    Transaction transaction;
    std::optional<std::pair<object::Sha256, std::string>> put;
    std::optional<std::set<object::Sha256>> keep;
    absl::Status status;  // What it comes to, unless the disk fails.
    Done done;
  };
  using Group = std::vector<Write>;

  SqliteState(EventLoop& loop, EventLoop& disk_loop, std::unique_ptr<SqliteDatabase> writer,
              std::unique_ptr<SqliteDatabase> reader);

  void Add(Write write);
  void StartGroup();
  RowWrites RowsOf(Group* group);
  void OnWritten(const std::shared_ptr<Group>& group, const RowWrites& rows,
                 const absl::Status& disk);
  void Tell(const Touched& touched);

  EventLoop& loop_;
  EventLoop& disk_loop_;
  const std::shared_ptr<SqliteDatabase> writer_;  // Joint with what runs on the disk's loop.
  const std::unique_ptr<SqliteDatabase> reader_;
  MemoryTables tables_;
  std::set<object::Sha256> content_;
  std::vector<StateObserver*> observers_;
  Group waiting_;
  bool writing_ = false;
  bool scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::agent
