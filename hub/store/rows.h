#pragma once

// Rows: ordered keys and values in families, what the store and the ledger are written on. In
// memory (memory_rows.h) or in RocksDB (rocks/).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::hub {

// Each is written by one room only: `ledger` by hub/ledger, `audit` by hub/auth through the ledger,
// all others by hub/store.
enum class Family : uint8_t {
  kMeta,
  kLedger,
  kDerived,
  kAssign,
  kLog,
  kStatus,
  kContent,
  kAudit,
};
inline constexpr size_t kFamilies = 8;
absl::string_view FamilyName(Family family);

// Puts and deletes, the last one of a key counts. A value; thread-compatible.
class RowBatch {
 public:
  using Key = std::pair<Family, std::string>;
  using Rows = std::map<Key, std::optional<std::string>>;  // nullopt: deleted.

  void Put(Family family, std::string key, std::string value) {
    rows_.insert_or_assign(Key(family, std::move(key)), std::move(value));
  }
  void Delete(Family family, std::string key) {
    rows_.insert_or_assign(Key(family, std::move(key)), std::nullopt);
  }
  // nullptr where the batch says nothing about the key.
  const std::optional<std::string>* Find(Family family, absl::string_view key) const {
    const auto it = rows_.find(Key(family, std::string(key)));
    return it == rows_.end() ? nullptr : &it->second;
  }
  // Everything of `later` on top.
  void Merge(RowBatch later) {
    if (rows_.empty()) {
      rows_ = std::move(later.rows_);
      return;
    }
    for (auto& [key, value] : later.rows_) rows_.insert_or_assign(key, std::move(value));
  }

  const Rows& rows() const { return rows_; }
  bool empty() const { return rows_.empty(); }

 private:
  Rows rows_;
};

// One state of all rows, which does not change. Thread-safe.
class RowView {
 public:
  // False ends the scan.
  using Visit = std::function<bool(absl::string_view key, absl::string_view value)>;

  virtual ~RowView() = default;

  // kDataLoss for damage.
  virtual absl::StatusOr<std::optional<std::string>> Get(Family family,
                                                         absl::string_view key) const = 0;
  // Rows with begin <= key < end, ascending; `end` empty: to the last.
  virtual absl::Status Scan(Family family, absl::string_view begin, absl::string_view end,
                            const Visit& visit) const = 0;
};

enum class Durability : uint8_t {
  kSynced,    // On disk when Persist returns.
  kUnsynced,  // A crash of the machine may lose it and all unsynced after it, never what comes
              // before the last synced batch.
};

// Only one thread calls Persist and Reveal.
class Rows {
 public:
  virtual ~Rows() = default;

  // Writes the batch, as a whole or not at all. On error it is unknown whether the batch is there
  // after the next start: the caller must write nothing more.
  virtual absl::Status Persist(RowBatch batch, Durability durability) = 0;
  // The state with all that was persisted. `previous` is the caller's last view, or nullptr.
  virtual std::shared_ptr<const RowView> Reveal(std::shared_ptr<const RowView> previous) = 0;
};

}  // namespace leidang::hub
