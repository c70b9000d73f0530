#include "tests/sim/executor.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/tree/tree_manifest.h"

namespace leidang::sim {

Executor::Executor(EventLoop& loop, Random& random, agent::State& state,
                   agent::ContentFetcher& fetcher, SimCluster& cluster, Hooks hooks,
                   absl::Duration pause_max)
    : loop_(loop),
      random_(random),
      state_(state),
      fetcher_(fetcher),
      cluster_(cluster),
      hooks_(std::move(hooks)),
      pause_max_(pause_max) {
  state_.AddObserver(this);
}

Executor::~Executor() {
  *alive_ = false;
  state_.RemoveObserver(this);
}

void Executor::Start() {
  const auto heads = state_.Heads();
  CHECK(heads.ok());
  for (const agent::EntryHead& head : *heads) dirty_.insert(head.ref);
  const auto operations = state_.Operations();
  CHECK(operations.ok());
  for (const agent::OperationRecord& record : *operations) operations_.insert(record.id);
  Wake();
}

void Executor::Edited(const intent::EntryKey& key) {
  const auto heads = state_.HeadsOf(key);
  CHECK(heads.ok());
  for (const agent::EntryHead& head : *heads) dirty_.insert(head.ref);
  Wake();
}

void Executor::OnEntryChanged(const agent::EntryRef& entry) {
  dirty_.insert(entry);
  Wake();
}

void Executor::OnOperationChanged(const agent::OperationId& id) {
  operations_.insert(id);
  Wake();
}

void Executor::Wake() {
  if (awake_ || committing_ || (dirty_.empty() && operations_.empty())) return;
  awake_ = true;
  loop_.After(PauseBeforeNext(), [this, alive = alive_] {
    if (!*alive) return;
    awake_ = false;
    Next();
    Wake();
  });
}

absl::Duration Executor::PauseBeforeNext() {
  const int64_t most = absl::ToInt64Milliseconds(pause_max_);
  if (most == 0) return absl::ZeroDuration();
  return absl::Milliseconds(static_cast<int64_t>(1 + random_.Below(static_cast<uint64_t>(most))));
}

void Executor::Next() {
  if (committing_) return;
  if (!operations_.empty()) {
    const agent::OperationId id = *operations_.begin();
    operations_.erase(operations_.begin());
    return Operate(id);
  }
  if (dirty_.empty()) return;
  // In any order: nothing may depend on it.
  auto it = dirty_.begin();
  std::advance(it, static_cast<ptrdiff_t>(random_.Below(dirty_.size())));
  const agent::EntryRef ref = *it;
  dirty_.erase(it);
  Look(ref);
}

void Executor::Look(const agent::EntryRef& ref) {
  const absl::StatusOr<agent::Entry> entry = state_.Find(ref);
  if (!entry.ok()) return;
  if (entry->head.phase == agent::EntryPhase::kDeleting) return Delete(*entry);
  if (entry->head.phase == agent::EntryPhase::kUnclaimed) return Report(entry->head, {});
  const auto object = cluster_.find(ref.key);
  const bool there = object != cluster_.end() && object->second.owner == ref.uid &&
                     object->second.element == entry->head.element && !object->second.edited;
  if (entry->head.applied == entry->head.element) {
    const absl::StatusOr<intent::EntryStatus> said = state_.FindStatus(ref);
    const bool reclaimed = said.ok() && said->unclaimed;
    if (there && !reclaimed) return;
    if (there) return Apply(*entry);
    return Drifted(*entry);
  }
  if (HasContent(*entry)) Apply(*entry);
}

void Executor::Drifted(const agent::Entry& entry) {
  agent::Transaction transaction = {agent::MarkApplied{entry.head.ref, {}}};
  dirty_.insert(entry.head.ref);
  Report(entry.head, std::move(transaction));
}

bool Executor::HasContent(const agent::Entry& entry) {
  bool complete = true;
  const agent::EntryRef ref = entry.head.ref;
  const auto want = [&](const object::Sha256& digest) {
    const absl::StatusOr<bool> held = state_.HasContent(digest);
    CHECK(held.ok());
    if (*held) return true;
    complete = false;
    fetcher_.Want(digest, [this, alive = alive_, ref](absl::Status) {
      // Also after a refusal: the entry may have changed since; if not, it is tried again later.
      if (*alive) Again(ref);
    });
    return false;
  };
  for (const intent::Source& source : entry.assignment->sources) {
    if (!want(source.tree)) continue;
    const absl::StatusOr<std::string> bytes = state_.GetContent(source.tree);
    CHECK(bytes.ok());
    const absl::StatusOr<tree::TreeManifest> manifest = tree::Parse(*bytes);
    CHECK(manifest.ok());
    for (const tree::TreeFile& file : manifest->files) want(file.digest);
  }
  return complete;
}

void Executor::Again(const agent::EntryRef& ref) {
  loop_.After(absl::Milliseconds(500), [this, alive = alive_, ref] {
    if (!*alive) return;
    dirty_.insert(ref);
    Wake();
  });
}

std::string Executor::FileContent(const agent::Entry& entry) const {
  std::string all;
  for (const intent::Source& source : entry.assignment->sources) {
    const absl::StatusOr<std::string> bytes = state_.GetContent(source.tree);
    const absl::StatusOr<tree::TreeManifest> manifest = tree::Parse(*bytes);
    for (const tree::TreeFile& file : manifest->files) all += *state_.GetContent(file.digest);
  }
  return all;
}

void Executor::Apply(const agent::Entry& entry) {
  const agent::EntryHead& head = entry.head;
  cluster_[head.ref.key] = {
      .owner = head.ref.uid, .element = head.element, .content = FileContent(entry)};
  agent::Transaction transaction = {
      agent::PutInventory{
          head.ref,
          {{"", "Object", "", head.ref.key.name}, head.ref.uid.Hex(), head.element.Raw()}},
      agent::MarkApplied{head.ref, head.element}};
  Report(head, std::move(transaction));
}

void Executor::Delete(const agent::Entry& entry) {
  const auto object = cluster_.find(entry.head.ref.key);
  // An object that a namesake has taken over is not this entry's any more.
  if (entry.policy != intent::DeletionPolicy::kOrphan && object != cluster_.end() &&
      object->second.owner == entry.head.ref.uid) {
    cluster_.erase(object);
    hooks_.deleted(entry.head.ref);
  }
  Report(entry.head, {agent::FinishDeletion{entry.head.ref}});
}

void Executor::Report(const agent::EntryHead& head, agent::Transaction transaction) {
  const bool deleting = head.phase == agent::EntryPhase::kDeleting;
  const bool applying = transaction.size() == 2;
  const bool unclaimed = head.phase == agent::EntryPhase::kUnclaimed;
  intent::EntryStatus status{
      .key = head.ref.key,
      .uid = head.ref.uid,
      .received = head.revision,
      .applied = applying ? head.revision : 0,
      .applied_element = applying ? head.element : object::Sha256(),
      .sync = applying ? intent::SyncState::kSynced : intent::SyncState::kOutOfSync,
      .health = applying ? intent::HealthState::kHealthy : intent::HealthState::kProgressing,
      .gone = deleting,
      .unclaimed = unclaimed,
      .observed_at = absl::FromUnixMicros(absl::ToUnixMicros(loop_.clock().Now()))};
  if (unclaimed) {
    const absl::StatusOr<agent::Entry> entry = state_.Find(head.ref);
    if (entry.ok() && entry->assignment.has_value()) status.body = entry->assignment->body;
  }
  transaction.push_back(agent::PutStatus{std::move(status)});
  Commit(std::move(transaction), head.ref);
}

void Executor::Operate(const agent::OperationId& id) {
  const auto operations = state_.Operations();
  CHECK(operations.ok());
  const auto record = std::find_if(operations->begin(), operations->end(),
                                   [&](const agent::OperationRecord& r) { return r.id == id; });
  if (record == operations->end() || agent::IsFinal(record->state)) return;
  agent::OperationRecord done = *record;
  const bool expired = record->expires < loop_.clock().Now();
  done.state = expired ? agent::OperationState::kExpired : agent::OperationState::kSucceeded;
  committing_ = true;
  state_.Commit({agent::PutOperation{std::move(done)}},
                [this, alive = alive_, id, expired](absl::Status status) {
                  if (!*alive) return;
                  committing_ = false;
                  if (status.ok()) {
                    if (!expired) hooks_.executed(id);
                  } else {
                    operations_.insert(id);
                  }
                  Wake();
                });
}

void Executor::Commit(agent::Transaction transaction, const agent::EntryRef& ref) {
  committing_ = true;
  state_.Commit(std::move(transaction), [this, alive = alive_, ref](absl::Status status) {
    if (!*alive) return;
    committing_ = false;
    if (!status.ok()) dirty_.insert(ref);
    hooks_.marked();
    Wake();
  });
}

}  // namespace leidang::sim
