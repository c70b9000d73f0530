#pragma once

// The RocksDB database of a hub: rows of all families in one directory. Store and ledger stand on
// it, each with its own batches:
//
//   ASSIGN_OR_RETURN(auto database, RocksDatabase::Open(options, clock));
//   ThreadLoop commits("commit");
//   ASSIGN_OR_RETURN(auto ledger, OpenLedger(database->rows(), &commits));
//   ASSIGN_OR_RETURN(auto store, OpenRocksStore(*database, &commits));
//
// Stop the commit loop before the ledger and the store go, and destroy the database last. The
// commit loop's thread is the only one that calls fsync.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/time/clock.h"
#include "common/time/event_loop.h"
#include "hub/store/rows.h"
#include "hub/store/store.h"

namespace leidang::hub {

struct DatabaseDisk;  // rocks_handle.h

struct DatabaseOptions {
  std::string directory;  // Of RocksDB's files, "<data-dir>/store"; created with mode 0700.
  // What a new database is given; drawn at random by the caller. One that exists keeps its own.
  intent::HubId new_hub_id;
  // Refuse a database of another hub; none: any is fine.
  intent::HubId expected_hub_id;
  // How many small writes measure the disk at opening, for about a second at most.
  size_t sync_samples = 50;
  const DatabaseDisk* disk = nullptr;  // Null: the machine's. Must outlive the database.
  // Told of each synced write and how long it took, on the thread that writes; may be empty.
  std::function<void(absl::Duration)> on_synced;
};

// How long the disk takes to make a small write durable, measured at opening.
struct SyncLatency {
  absl::Duration median;
  absl::Duration p99;
  size_t samples = 0;

  static constexpr absl::Duration kWarnAbove = absl::Milliseconds(10);
  bool Slow() const { return p99 > kWarnAbove; }
};

class RocksDatabase {
 public:
  // kDataLoss: damaged, or files are missing; kFailedPrecondition: another hub's, a later format,
  // or in use; kResourceExhausted: no space; kUnavailable, kPermissionDenied: the disk. Nothing is
  // served then, and nothing was changed.
  static absl::StatusOr<std::unique_ptr<RocksDatabase>> Open(const DatabaseOptions& options,
                                                             const Clock& clock);
  ~RocksDatabase();
  RocksDatabase(const RocksDatabase&) = delete;
  RocksDatabase& operator=(const RocksDatabase&) = delete;

  // Persist and Reveal from one thread only, whoever calls.
  Rows* rows();

  // The state with all that was persisted. Any thread, beside whoever persists.
  std::shared_ptr<const RowView> Snapshot() const;

  const intent::HubId& hub_id() const { return hub_id_; }
  const std::string& directory() const { return directory_; }
  const SyncLatency& sync_latency() const { return sync_latency_; }
  // OK until a write failed, then why: nothing is written any more. Any thread.
  absl::Status WriteHealth() const;
  // "" or a sentence for the log: the disk syncs slowly, which one, how slowly.
  std::string SlowDiskWarning() const;

  // Drops everything that can be rebuilt from the ledger and Git: all families but `meta`, `ledger`
  // and `audit`. Goes on at the next opening if it was interrupted. Only before a store is opened.
  absl::Status DeleteDerived();

  // Writes what is in memory to tables. For tests and benchmarks: RocksDB does so by itself.
  absl::Status Flush();

  // Reads all files of the tables and compares their checksums. kDataLoss names what is damaged.
  // Any thread.
  absl::Status VerifyFiles() const;

  // For hub/store/rocks/*.cc.
  struct Handle;
  const Handle& handle() const { return *handle_; }

  // Bytes on disk of all files, for metrics and benchmarks.
  absl::StatusOr<uint64_t> DiskBytes() const;

 private:
  class View;
  class TheRows;

  RocksDatabase(std::shared_ptr<Handle> handle, std::string directory,
                std::function<void(absl::Duration)> on_synced);

  absl::Status CheckMeta(const DatabaseOptions& options, const Clock& clock);
  absl::Status DropDerivedFamilies();

  const std::shared_ptr<Handle> handle_;
  const std::unique_ptr<TheRows> rows_;
  const std::string directory_;
  intent::HubId hub_id_;
  SyncLatency sync_latency_;
};

// The Store in a database. Reads all change logs; kDataLoss for damage. Both must outlive it.
absl::StatusOr<std::unique_ptr<Store>> OpenRocksStore(RocksDatabase& database,
                                                      EventLoop* commit_loop);

}  // namespace leidang::hub
