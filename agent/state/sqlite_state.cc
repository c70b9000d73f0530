#include "agent/state/sqlite_state.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/state/sqlite_database.h"
#include "common/base/status_macros.h"
#include "common/proof/bucketed_digest.h"

namespace leidang::agent {
namespace {

constexpr size_t kGroupMax = 1000;

template <typename Map, typename Key>
auto Row(const Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

absl::Status CheckContent(const object::Sha256& digest, absl::string_view bytes) {
  if (bytes.size() > State::kContentBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("content ", digest.Hex(), " has ", bytes.size(),
                                                   " bytes, more than ", State::kContentBytesMax));
  }
  if (const object::Sha256 actual = object::Sha256::Of(bytes); actual != digest) {
    return absl::InvalidArgumentError(
        absl::StrCat("content ", digest.Hex(), " has the digest ", actual.Hex()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteState>> SqliteState::Open(EventLoop& loop,
                                                               EventLoop& disk_loop,
                                                               const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> writer,
                   SqliteDatabase::Open(path, SqliteDatabase::Access::kReadWrite));
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> reader,
                   SqliteDatabase::Open(path, SqliteDatabase::Access::kReadOnly));
  std::unique_ptr<SqliteState> state(
      new SqliteState(loop, disk_loop, std::move(writer), std::move(reader)));
  RETURN_IF_ERROR(state->writer_->Load(&state->tables_, &state->content_));
  return state;
}

SqliteState::SqliteState(EventLoop& loop, EventLoop& disk_loop,
                         std::unique_ptr<SqliteDatabase> writer,
                         std::unique_ptr<SqliteDatabase> reader)
    : loop_(loop), disk_loop_(disk_loop), writer_(std::move(writer)), reader_(std::move(reader)) {}

SqliteState::~SqliteState() { *alive_ = false; }

void SqliteState::AddObserver(StateObserver* observer) { observers_.push_back(observer); }
void SqliteState::RemoveObserver(StateObserver* observer) { std::erase(observers_, observer); }

void SqliteState::Add(Write write) {
  waiting_.push_back(std::move(write));
  if (writing_ || scheduled_) return;
  // What else this turn of the loop commits goes with the same sync.
  scheduled_ = true;
  loop_.Post([this, alive = alive_] {
    if (!*alive) return;
    scheduled_ = false;
    StartGroup();
  });
}

// Tries the group on the tables, notes the rows that it changes, and takes it back: what is not
// durable is not shown.
RowWrites SqliteState::RowsOf(Group* group) {
  RowWrites rows;
  DirtyRows dirty;
  Undo undo;
  const uint64_t number_before = tables_.next_status_number;
  std::set<object::Sha256> content = content_;
  for (Write& write : *group) {
    Touched touched;
    write.status = tables_.Apply(write.transaction, &touched, &dirty, &undo);
    if (write.put) {
      write.status = CheckContent(write.put->first, write.put->second);
      if (write.status.ok() && content.insert(write.put->first).second)
        rows.new_content.push_back(*write.put);
    }
    if (!write.keep) continue;
    for (auto it = content.begin(); it != content.end();) {
      if (write.keep->contains(*it)) {
        ++it;
        continue;
      }
      std::erase_if(rows.new_content, [&](const auto& put) { return put.first == *it; });
      rows.dropped_content.push_back(*it);
      it = content.erase(it);
    }
  }
  // Put again after it was dropped in the same group: it stays.
  std::erase_if(rows.dropped_content,
                [&](const object::Sha256& digest) { return content.contains(digest); });
  if (dirty.allegiance) rows.allegiance = tables_.allegiance;
  if (tables_.next_status_number != number_before)
    rows.next_status_number = tables_.next_status_number;
  for (const EntryRef& ref : dirty.entries)
    rows.entries.emplace_back(ref, Row(tables_.entries, ref));
  for (const auto& [ref, object] : dirty.items) {
    const auto items = tables_.inventory.find(ref);
    rows.items.push_back(
        {ref, object,
         items == tables_.inventory.end() ? std::nullopt : Row(items->second, object)});
  }
  for (const EntryRef& ref : dirty.statuses) {
    const auto row = Row(tables_.statuses, ref);
    rows.statuses.push_back(
        {ref, row ? std::optional(std::pair(row->current, row->waiting)) : std::nullopt});
  }
  for (const OperationId& id : dirty.operations)
    rows.operations.emplace_back(id, Row(tables_.operations, id));
  MemoryTables::Revert(&undo);
  return rows;
}

void SqliteState::StartGroup() {
  if (writing_ || waiting_.empty()) return;
  writing_ = true;
  auto group = std::make_shared<Group>();
  if (waiting_.size() <= kGroupMax) {
    group->swap(waiting_);
  } else {
    const auto end = waiting_.begin() + kGroupMax;
    group->assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
  }
  auto rows = std::make_shared<RowWrites>(RowsOf(group.get()));
  disk_loop_.Post([this, alive = alive_, &loop = loop_, writer = writer_, group, rows] {
    const absl::Status status = writer->Write(*rows);
    loop.Post([this, alive, group, rows, status] {
      if (*alive) OnWritten(group, *rows, status);
    });
  });
}

void SqliteState::OnWritten(const std::shared_ptr<Group>& group, const RowWrites& rows,
                            const absl::Status& disk) {
  writing_ = false;
  const std::shared_ptr<bool> alive = alive_;
  if (disk.ok()) {
    for (const auto& [digest, bytes] : rows.new_content) content_.insert(digest);
    for (const object::Sha256& digest : rows.dropped_content) content_.erase(digest);
  }
  for (Write& write : *group) {
    Touched touched;
    if (disk.ok() && write.status.ok()) write.status = tables_.Apply(write.transaction, &touched);
    Tell(touched);
    if (!*alive) return;
    write.done(disk.ok() ? write.status : disk);
    if (!*alive) return;
  }
  StartGroup();
}

void SqliteState::Tell(const Touched& touched) {
  for (StateObserver* observer : std::vector<StateObserver*>(observers_)) {
    for (const EntryRef& entry : touched.entries) observer->OnEntryChanged(entry);
    for (const OperationId& id : touched.operations) observer->OnOperationChanged(id);
    if (touched.statuses) observer->OnStatusWaiting();
  }
}

void SqliteState::Commit(Transaction transaction, Done done) {
  Add({.transaction = std::move(transaction), .done = std::move(done)});
}

void SqliteState::PutContent(const object::Sha256& digest, std::string bytes, Done done) {
  Add({.put = std::pair(digest, std::move(bytes)), .done = std::move(done)});
}

void SqliteState::DropContentExcept(std::set<object::Sha256> keep, Done done) {
  Add({.keep = std::move(keep), .done = std::move(done)});
}

const Allegiance& SqliteState::allegiance() const { return tables_.allegiance; }
const proof::BucketedDigest& SqliteState::intent_digest() const { return tables_.intent_digest; }
const proof::BucketedDigest& SqliteState::applied_digest() const { return tables_.applied_digest; }
absl::StatusOr<std::vector<EntryHead>> SqliteState::Heads() const { return tables_.Heads(); }
absl::StatusOr<std::vector<EntryHead>> SqliteState::HeadsOf(const intent::EntryKey& key) const {
  return tables_.HeadsOf(key);
}
absl::StatusOr<std::vector<EntryHead>> SqliteState::LiveInBucket(uint8_t bucket) const {
  return tables_.LiveInBucket(bucket);
}
absl::StatusOr<Entry> SqliteState::Find(const EntryRef& entry) const { return tables_.Find(entry); }
absl::StatusOr<std::vector<InventoryItem>> SqliteState::Inventory(const EntryRef& entry) const {
  return tables_.Inventory(entry);
}
absl::StatusOr<std::vector<NumberedStatus>> SqliteState::StatusesWaiting(uint64_t after,
                                                                         size_t limit) const {
  return tables_.StatusesWaiting(after, limit);
}
size_t SqliteState::statuses_waiting() const { return tables_.waiting.size(); }
object::Sha256 SqliteState::status_digest() const { return tables_.status_digest.Root(); }
absl::StatusOr<intent::EntryStatus> SqliteState::FindStatus(const EntryRef& entry) const {
  return tables_.FindStatus(entry);
}
absl::StatusOr<std::vector<OperationRecord>> SqliteState::Operations() const {
  return tables_.Operations();
}

absl::StatusOr<bool> SqliteState::HasContent(const object::Sha256& digest) const {
  return content_.contains(digest);
}
absl::StatusOr<std::string> SqliteState::GetContent(const object::Sha256& digest) const {
  if (!content_.contains(digest))
    return absl::NotFoundError(absl::StrCat("content ", digest.Hex(), " is not held"));
  ASSIGN_OR_RETURN(std::string bytes, reader_->ReadContent(digest));
  if (object::Sha256::Of(bytes) != digest) {
    return absl::DataLossError(
        absl::StrCat("content ", digest.Hex(), " is damaged on the agent's disk"));
  }
  return bytes;
}

}  // namespace leidang::agent
