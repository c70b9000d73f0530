#include "agent/state/memory_tables.h"

#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "agent/state/rules.h"
#include "agent/state/state.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

// Applies mutations one by one and can take all of them back.
class Application {
 public:
  Application(MemoryTables& tables, Touched& touched) : tables_(tables), touched_(touched) {}

  void Revert() {
    while (!undo_.empty()) {
      undo_.back()();
      undo_.pop_back();
    }
  }

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
      undo_.push_back(
          [this, ref = finish.entry, old = items->second] { tables_.inventory[ref] = old; });
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

  absl::Status operator()(const PutStatus& put) {
    const EntryRef ref{put.status.key, put.status.uid};
    const uint64_t number = tables_.next_status_number++;
    undo_.push_back([this] { --tables_.next_status_number; });
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
  void SetAllegiance(Allegiance after) {
    undo_.push_back([this, old = std::exchange(tables_.allegiance, std::move(after))] {
      tables_.allegiance = old;
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

  void Count(const EntryHead& head) {
    if (head.phase != EntryPhase::kLive) return;
    tables_.intent_digest.Add(head.ref.key, head.element);
    if (head.applied == head.element) tables_.applied_digest.Add(head.ref.key, head.element);
  }

  void Uncount(const EntryHead& head) {
    if (head.phase != EntryPhase::kLive) return;
    tables_.intent_digest.Remove(head.ref.key, head.element);
    if (head.applied == head.element) tables_.applied_digest.Remove(head.ref.key, head.element);
  }

  // Replaces the row of `ref`, removing it where there is none to be; returns the former one.
  std::optional<Entry> Replace(const EntryRef& ref, std::optional<Entry> entry) {
    std::optional<Entry> old;
    const auto it = tables_.entries.find(ref);
    if (it != tables_.entries.end()) {
      Uncount(it->second.head);
      old = std::move(it->second);
      tables_.entries.erase(it);
    }
    if (entry.has_value()) {
      Count(entry->head);
      tables_.entries.emplace(ref, *std::move(entry));
    }
    return old;
  }

  void SetEntry(const EntryRef& ref, std::optional<Entry> entry) {
    std::optional<Entry> old = Replace(ref, std::move(entry));
    undo_.push_back([this, ref, old = std::move(old)] { Replace(ref, old); });
  }

  void SetItem(const EntryRef& ref, const object::ObjectKey& object,
               std::optional<InventoryItem> item) {
    std::optional<InventoryItem> old = ReplaceItem(ref, object, std::move(item));
    undo_.push_back([this, ref, object, old = std::move(old)] { ReplaceItem(ref, object, old); });
  }

  std::optional<InventoryItem> ReplaceItem(const EntryRef& ref, const object::ObjectKey& object,
                                           std::optional<InventoryItem> item) {
    std::optional<InventoryItem> old;
    auto& items = tables_.inventory[ref];
    if (const auto it = items.find(object); it != items.end()) {
      old = std::move(it->second);
      items.erase(it);
    }
    if (item.has_value()) items.emplace(object, *std::move(item));
    if (items.empty()) tables_.inventory.erase(ref);
    return old;
  }

  std::optional<MemoryTables::StatusRow> ReplaceStatus(const EntryRef& ref,
                                                       std::optional<MemoryTables::StatusRow> row) {
    std::optional<MemoryTables::StatusRow> old;
    if (const auto it = tables_.statuses.find(ref); it != tables_.statuses.end()) {
      old = std::move(it->second);
      tables_.statuses.erase(it);
      tables_.status_digest.Remove(old->element);
      tables_.waiting.erase(old->current.number);
      tables_.gone_waiting.erase(old->current.number);
    }
    if (row.has_value()) {
      tables_.status_digest.Add(row->element);
      if (row->waiting) tables_.waiting.emplace(row->current.number, ref);
      if (row->waiting && row->current.status.gone)
        tables_.gone_waiting.insert(row->current.number);
      tables_.statuses.emplace(ref, *std::move(row));
    }
    return old;
  }

  void SetStatus(EntryRef ref, std::optional<MemoryTables::StatusRow> row) {
    std::optional<MemoryTables::StatusRow> old = ReplaceStatus(ref, std::move(row));
    undo_.push_back(
        [this, ref = std::move(ref), old = std::move(old)] { ReplaceStatus(ref, old); });
  }

  std::optional<OperationRecord> ReplaceOperation(const OperationId& id,
                                                  std::optional<OperationRecord> record) {
    std::optional<OperationRecord> old;
    if (const auto it = tables_.operations.find(id); it != tables_.operations.end()) {
      old = std::move(it->second);
      tables_.operations.erase(it);
    }
    if (record.has_value()) tables_.operations.emplace(id, *std::move(record));
    return old;
  }

  void SetOperation(const OperationId& id, std::optional<OperationRecord> record) {
    std::optional<OperationRecord> old = ReplaceOperation(id, std::move(record));
    undo_.push_back([this, id, old = std::move(old)] { ReplaceOperation(id, old); });
    touched_.operations.insert(id);
  }

  MemoryTables& tables_;
  Touched& touched_;
  std::vector<std::function<void()>> undo_;
};

}  // namespace

absl::Status MemoryTables::Apply(const Transaction& transaction, Touched* touched) {
  Touched seen;
  Application application(*this, seen);
  for (const Mutation& mutation : transaction) {
    if (absl::Status status = std::visit(application, mutation); !status.ok()) {
      application.Revert();
      return status;
    }
  }
  *touched = std::move(seen);
  return absl::OkStatus();
}

std::vector<EntryHead> MemoryTables::HeadsOf(const intent::EntryKey& key) const {
  std::vector<EntryHead> heads;
  for (auto it = entries.lower_bound(EntryRef{key, {}});
       it != entries.end() && it->first.key == key; ++it) {
    heads.push_back(it->second.head);
  }
  return heads;
}

}  // namespace leidang::agent
