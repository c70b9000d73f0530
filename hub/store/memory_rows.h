#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/store/rows.h"

namespace leidang::hub {

// Rows that live as long as the object: the disk of a simulated hub, which outlives it. What was
// written unsynced can be lost, as a crash does.
//
// Persist and Reveal as Rows says; views are thread-safe. DropUnsynced and DropFamily only while no
// store or ledger is open on it.
class MemoryRows final : public Rows {
 public:
  MemoryRows();
  ~MemoryRows() override;

  absl::Status Persist(RowBatch batch, Durability durability) override;
  std::shared_ptr<const RowView> Reveal(std::shared_ptr<const RowView> previous) override;

  // Forgets the unsynced batches but the first `keep` of them.
  void DropUnsynced(size_t keep = 0);
  size_t unsynced() const { return unsynced_.size(); }
  // How many batches were persisted with a sync.
  uint64_t syncs() const { return syncs_; }

  void DropFamily(Family family);
  // Everything that can be rebuilt from the ledger and Git.
  void DropDerived();
  // Damages a row, as a bad disk does; false if there is none.
  bool Overwrite(Family family, absl::string_view key, std::string value);
  // The next Persist fails with `error` and writes nothing.
  void FailNextPersist(absl::Status error) { fail_next_ = std::move(error); }

  size_t CountRows(Family family) const;

 private:
  class View;
  using Table = std::map<std::string, std::string>;
  struct Tables;

  static void Apply(const RowBatch& batch, Tables& tables);
  Table& TableOf(Family family);

  std::shared_ptr<Tables> visible_;
  std::vector<RowBatch> unrevealed_;
  absl::Status fail_next_;
  uint64_t syncs_ = 0;
  std::deque<RowBatch> unsynced_;  // What undoes each unsynced batch, oldest first.
};

}  // namespace leidang::hub
