#include "agent/state/memory_tables.h"

#include <iterator>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "agent/state/rules.h"
#include "agent/state/state.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

void Count(MemoryTables& tables, const EntryHead& head) {
  if (head.phase != EntryPhase::kLive) return;
  tables.intent_digest.Add(head.ref.key, head.element);
  if (head.applied == head.element) tables.applied_digest.Add(head.ref.key, head.element);
}

void Uncount(MemoryTables& tables, const EntryHead& head) {
  if (head.phase != EntryPhase::kLive) return;
  tables.intent_digest.Remove(head.ref.key, head.element);
  if (head.applied == head.element) tables.applied_digest.Remove(head.ref.key, head.element);
}

// Replaces the row of `ref`, removing it where there is none to be; returns the former one.
std::optional<Entry> Replace(MemoryTables& tables, const EntryRef& ref,
                             std::optional<Entry> entry) {
  std::optional<Entry> old;
  const auto it = tables.entries.find(ref);
  if (it != tables.entries.end()) {
    Uncount(tables, it->second.head);
    old = std::move(it->second);
    tables.entries.erase(it);
  }
  if (entry.has_value()) {
    Count(tables, entry->head);
    tables.entries.emplace(ref, *std::move(entry));
  }
  return old;
}

std::optional<InventoryItem> ReplaceItem(MemoryTables& tables, const EntryRef& ref,
                                         const object::ObjectKey& object,
                                         std::optional<InventoryItem> item) {
  std::optional<InventoryItem> old;
  auto& items = tables.inventory[ref];
  if (const auto it = items.find(object); it != items.end()) {
    old = std::move(it->second);
    items.erase(it);
  }
  if (item.has_value()) items.emplace(object, *std::move(item));
  if (items.empty()) tables.inventory.erase(ref);
  return old;
}

std::optional<MemoryTables::StatusRow> ReplaceStatus(MemoryTables& tables, const EntryRef& ref,
                                                     std::optional<MemoryTables::StatusRow> row) {
  std::optional<MemoryTables::StatusRow> old;
  if (const auto it = tables.statuses.find(ref); it != tables.statuses.end()) {
    old = std::move(it->second);
    tables.statuses.erase(it);
    tables.status_digest.Remove(old->element);
    tables.waiting.erase(old->current.number);
    tables.gone_waiting.erase(old->current.number);
  }
  if (row.has_value()) {
    tables.status_digest.Add(row->element);
    if (row->waiting) tables.waiting.emplace(row->current.number, ref);
    if (row->waiting && row->current.status.gone) tables.gone_waiting.insert(row->current.number);
    tables.statuses.emplace(ref, *std::move(row));
  }
  return old;
}

std::optional<OperationRecord> ReplaceOperation(MemoryTables& tables, const OperationId& id,
                                                std::optional<OperationRecord> record) {
  std::optional<OperationRecord> old;
  if (const auto it = tables.operations.find(id); it != tables.operations.end()) {
    old = std::move(it->second);
    tables.operations.erase(it);
  }
  if (record.has_value()) tables.operations.emplace(id, *std::move(record));
  return old;
}

// Applies mutations one by one, and notes how to take them back.
class Application {
 public:
  Application(MemoryTables& tables, Touched& touched, DirtyRows& dirty, Undo& undo)
      : tables_(tables), touched_(touched), dirty_(dirty), undo_(undo) {}

  absl::Status operator()(const Obey& obey) {
    RETURN_IF_ERROR(CheckObey(tables_.allegiance, obey));
    SetAllegiance(After(tables_.allegiance, obey));
    return absl::OkStatus();
  }

  absl::Status operator()(const TrustHub& trust) {
    SetAllegiance(After(tables_.allegiance, trust));
    std::vector<Entry> changed;
    for (const auto& [ref, entry] : tables_.entries) changed.push_back(entry);
    for (Entry& entry : changed) {
      entry.head.epoch = 0;
      entry.head.revision = 0;
      SetEntry(entry.head.ref, entry);
    }
    return absl::OkStatus();
  }

  absl::Status operator()(const Receive& receive) {
    RETURN_IF_ERROR(CheckReceive(tables_.allegiance, receive));
    for (const intent::Change& change : receive.changes) ReceiveChange(change);
    for (const EntryRef& ref : receive.unclaimed) {
      const auto it = tables_.entries.find(ref);
      if (it != tables_.entries.end() && it->second.head.phase == EntryPhase::kLive) Displace(ref);
    }
    SetAllegiance(After(tables_.allegiance, receive));
    return absl::OkStatus();
  }

  absl::Status operator()(const FinishDeletion& finish) {
    const auto it = tables_.entries.find(finish.entry);
    if (it == tables_.entries.end()) return absl::OkStatus();
    if (it->second.head.phase != EntryPhase::kDeleting) {
      return absl::FailedPreconditionError(absl::StrCat(
          finish.entry.ToString(), " has no tombstone: nothing but one ends an entry"));
    }
    SetEntry(finish.entry, std::nullopt);
    const auto items = tables_.inventory.find(finish.entry);
    if (items != tables_.inventory.end()) {
      for (const auto& [object, item] : items->second) dirty_.items.insert({finish.entry, object});
      undo_.push_back([&tables = tables_, ref = finish.entry, old = items->second] {
        tables.inventory[ref] = old;
      });
      tables_.inventory.erase(items);
    }
    touched_.entries.insert(finish.entry);
    return absl::OkStatus();
  }

  absl::Status operator()(const PutInventory& put) {
    if (!tables_.entries.contains(put.entry)) {
      return absl::FailedPreconditionError(absl::StrCat("object ", put.item.object.ToString(),
                                                        " for ", put.entry.ToString(),
                                                        ", which is not there"));
    }
    SetItem(put.entry, put.item.object, put.item);
    return absl::OkStatus();
  }

  absl::Status operator()(const RemoveInventory& remove) {
    SetItem(remove.entry, remove.object, std::nullopt);
    return absl::OkStatus();
  }

  absl::Status operator()(const MarkApplied& mark) {
    const auto it = tables_.entries.find(mark.entry);
    if (it == tables_.entries.end()) return absl::OkStatus();
    Entry changed = it->second;
    changed.head.applied = mark.element;
    SetEntry(mark.entry, std::move(changed));
    return absl::OkStatus();
  }

  absl::Status operator()(const PutNote& put) {
    const auto it = tables_.entries.find(put.entry);
    if (it == tables_.entries.end()) return absl::OkStatus();
    Entry changed = it->second;
    changed.note = put.note;
    SetEntry(put.entry, std::move(changed));
    return absl::OkStatus();
  }

  absl::Status operator()(const PutStatus& put) {
    const EntryRef ref{put.status.key, put.status.uid};
    const uint64_t number = tables_.next_status_number++;
    undo_.push_back([&tables = tables_] { --tables.next_status_number; });
    SetStatus(ref, MemoryTables::StatusRow{.current = {number, put.status},
                                           .element = proof::StatusElementOf(put.status),
                                           .waiting = true});
    while (tables_.gone_waiting.size() > State::kGoneStatusesMax) {
      SetStatus(tables_.waiting.at(*tables_.gone_waiting.begin()), std::nullopt);
    }
    touched_.statuses = true;
    return absl::OkStatus();
  }

  absl::Status operator()(const AcknowledgeStatus& acknowledge) {
    const auto it = tables_.statuses.find(acknowledge.entry);
    if (it == tables_.statuses.end() || it->second.current.number != acknowledge.number) {
      return absl::OkStatus();
    }
    std::optional<MemoryTables::StatusRow> row = it->second;
    row->waiting = false;
    if (row->current.status.gone) row.reset();
    SetStatus(acknowledge.entry, std::move(row));
    return absl::OkStatus();
  }

  absl::Status operator()(const ReportAllStatus&) {
    std::vector<EntryRef> refs;
    for (const auto& [ref, row] : tables_.statuses) {
      if (!row.waiting) refs.push_back(ref);
    }
    for (const EntryRef& ref : refs) {
      MemoryTables::StatusRow row = tables_.statuses.at(ref);
      row.waiting = true;
      SetStatus(ref, std::move(row));
    }
    touched_.statuses = true;
    return absl::OkStatus();
  }

  absl::Status operator()(const PutOperation& put) {
    const OperationId& id = put.operation.id;
    if (!tables_.operations.contains(id) && tables_.operations.size() >= State::kOperationsMax) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "operation ", id.Hex(), ": ", State::kOperationsMax, " operations wait already"));
    }
    SetOperation(id, put.operation);
    return absl::OkStatus();
  }

  absl::Status operator()(const RemoveOperation& remove) {
    SetOperation(remove.id, std::nullopt);
    return absl::OkStatus();
  }

 private:
  void SetAllegiance(const Allegiance& after) {
    dirty_.allegiance = true;
    undo_.push_back([&tables = tables_, old = std::exchange(tables_.allegiance, after)] {
      tables.allegiance = old;
    });
  }

  void ReceiveChange(const intent::Change& change) {
    const uint64_t epoch = tables_.allegiance.authority.epoch;
    const ChangePlan plan = PlanChange(tables_.HeadsOf(change.key()), epoch, change);
    if (plan.action == ChangePlan::Action::kSkip) return;
    for (const EntryRef& ref : plan.displaced) Displace(ref);
    const EntryRef ref{change.key(), change.uid()};
    const auto it = tables_.entries.find(ref);
    Entry entry = it == tables_.entries.end() ? Entry{} : it->second;
    entry.head.ref = ref;
    entry.head.epoch = epoch;
    entry.head.revision = change.revision;
    if (plan.action == ChangePlan::Action::kMakeLive) {
      entry.head.phase = EntryPhase::kLive;
      entry.assignment = std::get<intent::Assignment>(change.what);
      entry.head.element = proof::ElementOf(*entry.assignment);
    } else {
      entry.head.phase = EntryPhase::kDeleting;
      entry.policy = std::get<intent::Tombstone>(change.what).policy;
    }
    SetEntry(ref, std::move(entry));
    touched_.entries.insert(ref);
  }

  void Displace(const EntryRef& ref) {
    Entry entry = tables_.entries.at(ref);
    entry.head.phase = EntryPhase::kUnclaimed;
    SetEntry(ref, std::move(entry));
    touched_.entries.insert(ref);
  }

  void SetEntry(const EntryRef& ref, std::optional<Entry> entry) {
    dirty_.entries.insert(ref);
    std::optional<Entry> old = Replace(tables_, ref, std::move(entry));
    undo_.push_back([&tables = tables_, ref, old = std::move(old)] { Replace(tables, ref, old); });
  }

  void SetItem(const EntryRef& ref, const object::ObjectKey& object,
               std::optional<InventoryItem> item) {
    dirty_.items.insert({ref, object});
    std::optional<InventoryItem> old = ReplaceItem(tables_, ref, object, std::move(item));
    undo_.push_back([&tables = tables_, ref, object, old = std::move(old)] {
      ReplaceItem(tables, ref, object, old);
    });
  }

  void SetStatus(EntryRef ref, std::optional<MemoryTables::StatusRow> row) {
    dirty_.statuses.insert(ref);
    std::optional<MemoryTables::StatusRow> old = ReplaceStatus(tables_, ref, std::move(row));
    undo_.push_back([&tables = tables_, ref = std::move(ref), old = std::move(old)] {
      ReplaceStatus(tables, ref, old);
    });
  }

  void SetOperation(const OperationId& id, std::optional<OperationRecord> record) {
    std::optional<OperationRecord> old = ReplaceOperation(tables_, id, std::move(record));
    dirty_.operations.insert(id);
    undo_.push_back(
        [&tables = tables_, id, old = std::move(old)] { ReplaceOperation(tables, id, old); });
    touched_.operations.insert(id);
  }

  MemoryTables& tables_;
  Touched& touched_;
  DirtyRows& dirty_;
  Undo& undo_;
};

}  // namespace

absl::Status MemoryTables::Apply(const Transaction& transaction, Touched* touched) {
  DirtyRows dirty;
  Undo undo;
  return Apply(transaction, touched, &dirty, &undo);
}

absl::Status MemoryTables::Apply(const Transaction& transaction, Touched* touched, DirtyRows* dirty,
                                 Undo* undo) {
  Touched seen;
  DirtyRows written;
  Undo back;
  Application application(*this, seen, written, back);
  for (const Mutation& mutation : transaction) {
    if (absl::Status status = std::visit(application, mutation); !status.ok()) {
      Revert(&back);
      return status;
    }
  }
  *touched = std::move(seen);
  dirty->allegiance = dirty->allegiance || written.allegiance;
  dirty->entries.merge(written.entries);
  dirty->items.merge(written.items);
  dirty->statuses.merge(written.statuses);
  dirty->operations.merge(written.operations);
  undo->insert(undo->end(), std::make_move_iterator(back.begin()),
               std::make_move_iterator(back.end()));
  return absl::OkStatus();
}

void MemoryTables::Revert(Undo* undo) {
  while (!undo->empty()) {
    undo->back()();
    undo->pop_back();
  }
}

void MemoryTables::LoadEntry(Entry entry) {
  const EntryRef ref = entry.head.ref;
  Replace(*this, ref, std::move(entry));
}

void MemoryTables::LoadStatus(NumberedStatus status, bool waiting) {
  const EntryRef ref{status.status.key, status.status.uid};
  const object::Sha256 element = proof::StatusElementOf(status.status);
  ReplaceStatus(*this, ref, StatusRow{std::move(status), element, waiting});
}

std::vector<EntryHead> MemoryTables::HeadsOf(const intent::EntryKey& key) const {
  std::vector<EntryHead> heads;
  for (auto it = entries.lower_bound(EntryRef{key, {}});
       it != entries.end() && it->first.key == key; ++it) {
    heads.push_back(it->second.head);
  }
  return heads;
}

absl::StatusOr<std::vector<EntryHead>> MemoryTables::Heads() const {
  std::vector<EntryHead> heads;
  heads.reserve(entries.size());
  for (const auto& [ref, entry] : entries) heads.push_back(entry.head);
  return heads;
}

absl::StatusOr<std::vector<EntryHead>> MemoryTables::LiveInBucket(uint8_t bucket) const {
  std::vector<EntryHead> heads;
  for (const auto& [ref, entry] : entries) {
    if (entry.head.phase == EntryPhase::kLive && proof::BucketOf(ref.key) == bucket)
      heads.push_back(entry.head);
  }
  return heads;
}

absl::StatusOr<Entry> MemoryTables::Find(const EntryRef& entry) const {
  const auto it = entries.find(entry);
  if (it == entries.end()) {
    return absl::NotFoundError(absl::StrCat(entry.ToString(), " is not held"));
  }
  return it->second;
}

absl::StatusOr<std::vector<InventoryItem>> MemoryTables::Inventory(const EntryRef& entry) const {
  std::vector<InventoryItem> items;
  const auto it = inventory.find(entry);
  if (it == inventory.end()) return items;
  for (const auto& [key, item] : it->second) items.push_back(item);
  return items;
}

absl::StatusOr<std::vector<NumberedStatus>> MemoryTables::StatusesWaiting(uint64_t after,
                                                                          size_t limit) const {
  std::vector<NumberedStatus> found;
  for (auto it = waiting.upper_bound(after); it != waiting.end() && found.size() < limit; ++it) {
    found.push_back(statuses.at(it->second).current);
  }
  return found;
}

absl::StatusOr<intent::EntryStatus> MemoryTables::FindStatus(const EntryRef& entry) const {
  const auto it = statuses.find(entry);
  if (it == statuses.end()) {
    return absl::NotFoundError(absl::StrCat(entry.ToString(), " has no status"));
  }
  return it->second.current.status;
}

absl::StatusOr<std::vector<OperationRecord>> MemoryTables::Operations() const {
  std::vector<OperationRecord> records;
  for (const auto& [id, record] : operations) records.push_back(record);
  return records;
}

}  // namespace leidang::agent
