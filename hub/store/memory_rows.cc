#include "hub/store/memory_rows.h"

#include <atomic>

namespace leidang::hub {

struct MemoryRows::Tables {
  Tables() = default;
  Tables(const Tables& other) : of(other.of) {}

  std::array<Table, kFamilies> of;
  // Views that look at this; what they read happened before they go.
  std::atomic<int> views = 0;
};

class MemoryRows::View final : public RowView {
 public:
  explicit View(std::shared_ptr<Tables> tables) : tables_(std::move(tables)) {
    tables_->views.fetch_add(1, std::memory_order_relaxed);
  }
  ~View() override { tables_->views.fetch_sub(1, std::memory_order_release); }

  absl::StatusOr<std::optional<std::string>> Get(Family family,
                                                 absl::string_view key) const override {
    const Table& table = tables_->of[static_cast<size_t>(family)];
    const auto it = table.find(std::string(key));
    if (it == table.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }

  absl::Status Scan(Family family, absl::string_view begin, absl::string_view end,
                    const Visit& visit) const override {
    const Table& table = tables_->of[static_cast<size_t>(family)];
    for (auto it = table.lower_bound(std::string(begin)); it != table.end(); ++it) {
      if (!end.empty() && absl::string_view(it->first) >= end) break;
      if (!visit(it->first, it->second)) break;
    }
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<Tables> tables_;
};

MemoryRows::MemoryRows() : visible_(std::make_shared<Tables>()) {}
MemoryRows::~MemoryRows() = default;

void MemoryRows::Apply(const RowBatch& batch, Tables& tables) {
  for (const auto& [key, value] : batch.rows()) {
    Table& table = tables.of[static_cast<size_t>(key.first)];
    if (value.has_value()) {
      table.insert_or_assign(key.second, *value);
    } else {
      table.erase(key.second);
    }
  }
}

absl::Status MemoryRows::Persist(RowBatch batch, Durability durability) {
  if (!fail_next_.ok()) return std::exchange(fail_next_, absl::OkStatus());
  if (durability == Durability::kSynced) {
    ++syncs_;
    unsynced_.clear();  // One sync covers all that was written before.
  } else {
    RowBatch undo;
    for (const auto& [key, value] : batch.rows()) {
      const Table& table = TableOf(key.first);
      const auto it = table.find(key.second);
      if (it == table.end()) {
        undo.Delete(key.first, key.second);
      } else {
        undo.Put(key.first, key.second, it->second);
      }
    }
    unsynced_.push_back(std::move(undo));
  }
  unrevealed_.push_back(std::move(batch));
  return absl::OkStatus();
}

std::shared_ptr<const RowView> MemoryRows::Reveal(std::shared_ptr<const RowView> previous) {
  previous.reset();
  // Views do not change: where somebody still looks at this state, the next one is a copy.
  if (!unrevealed_.empty() && visible_->views.load(std::memory_order_acquire) > 0) {
    visible_ = std::make_shared<Tables>(*visible_);
  }
  for (const RowBatch& batch : unrevealed_) Apply(batch, *visible_);
  unrevealed_.clear();
  return std::make_shared<View>(visible_);
}

void MemoryRows::DropUnsynced(size_t keep) {
  for (const RowBatch& batch : unrevealed_) Apply(batch, *visible_);
  unrevealed_.clear();
  while (unsynced_.size() > keep) {
    Apply(unsynced_.back(), *visible_);
    unsynced_.pop_back();
  }
}

MemoryRows::Table& MemoryRows::TableOf(Family family) {
  return visible_->of[static_cast<size_t>(family)];
}

void MemoryRows::DropDerived() {
  for (const Family family :
       {Family::kDerived, Family::kAssign, Family::kLog, Family::kStatus, Family::kContent}) {
    DropFamily(family);
  }
}

void MemoryRows::DropFamily(Family family) { TableOf(family).clear(); }

bool MemoryRows::Overwrite(Family family, absl::string_view key, std::string value) {
  Table& table = TableOf(family);
  const auto it = table.find(std::string(key));
  if (it == table.end()) return false;
  it->second = std::move(value);
  return true;
}

size_t MemoryRows::CountRows(Family family) const {
  return visible_->of[static_cast<size_t>(family)].size();
}

}  // namespace leidang::hub
