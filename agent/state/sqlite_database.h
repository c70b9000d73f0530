#pragma once

// The file of a SqliteState: its schema, and rows to and from the tables in memory. The only
// includer of SQLite.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/state/memory_tables.h"
#include "common/object/sha256.h"

namespace leidang::agent {

// What one sync writes: rows with their new content, nullopt where they go.
struct RowWrites {
  std::optional<Allegiance> allegiance;
  uint64_t next_status_number = 0;
  std::vector<std::pair<EntryRef, std::optional<Entry>>> entries;
  struct Item {
    EntryRef entry;
    object::ObjectKey object;
    std::optional<InventoryItem> item;
  };
  std::vector<Item> items;
  struct Status {
    EntryRef entry;
    std::optional<std::pair<NumberedStatus, bool>> status;  // And whether it waits.
  };
  std::vector<Status> statuses;
  std::vector<std::pair<OperationId, std::optional<OperationRecord>>> operations;
  std::vector<std::pair<object::Sha256, std::string>> new_content;
  std::vector<object::Sha256> dropped_content;
};

// One connection. Thread-compatible; two connections to one file may be used by two threads.
class SqliteDatabase {
 public:
  enum class Access { kReadOnly, kReadWrite };

  // Opens or creates the file (mode 0600) with WAL and synchronous=FULL. kDataLoss if it is damaged
  // or no database of an agent; kFailedPrecondition if it was written by a later version;
  // kPermissionDenied, kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path,
                                                              Access access);
  ~SqliteDatabase();

  // Everything but content, and the digests of what content there is. kDataLoss names the row.
  absl::Status Load(MemoryTables* tables, std::set<object::Sha256>* content);

  // All of it in one transaction that is on the disk when this returns, or nothing.
  absl::Status Write(const RowWrites& writes);

  absl::StatusOr<std::string> ReadContent(const object::Sha256& digest);  // kNotFound.

 private:
  struct Impl;
  explicit SqliteDatabase(std::unique_ptr<Impl> impl);

  absl::Status LoadMeta(MemoryTables* tables);
  absl::Status LoadEntries(MemoryTables* tables);
  absl::Status LoadInventory(MemoryTables* tables);
  absl::Status LoadStatuses(MemoryTables* tables);
  absl::Status LoadOperations(MemoryTables* tables);
  absl::Status LoadContent(std::set<object::Sha256>* content);
  absl::Status WriteEntries(const RowWrites& writes);
  absl::Status WriteItems(const RowWrites& writes);
  absl::Status WriteStatuses(const RowWrites& writes);
  absl::Status WriteOperations(const RowWrites& writes);
  absl::Status WriteContent(const RowWrites& writes);
  absl::Status WriteMeta(const RowWrites& writes);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace leidang::agent
