#include "agent/reconcile/reconciler.h"

#include <algorithm>
#include <utility>

#include "agent/reconcile/content_sweep.h"
#include "common/manifest/tracking.h"

namespace leidang::agent {
namespace {

using intent::EntryKey;
using intent::EntryKind;

constexpr absl::string_view kRoom = "agent/reconcile";

// The more urgent of two: a failure comes back by its backoff whatever else is due.
WorkResult Sooner(const WorkResult& a, const WorkResult& b) {
  using Kind = WorkResult::Kind;
  if (a.kind() == Kind::kRetry || b.kind() == Kind::kRetry) return WorkResult::Retry();
  if (a.kind() == Kind::kDone) return b;
  if (b.kind() == Kind::kDone) return a;
  return WorkResult::After(std::min(a.delay(), b.delay()));
}

// Deletions first: their objects may be what a namesake takes. Unclaimed entries last: they keep
// away from what a live namesake wants.
int OrderOf(EntryPhase phase) {
  switch (phase) {
    case EntryPhase::kDeleting:
      return 0;
    case EntryPhase::kLive:
      return 1;
    case EntryPhase::kUnclaimed:
      return 2;
  }
  return 3;
}

}  // namespace

Reconciler::Reconciler(EventLoop& loop, Random& random, Ports ports,
                       const ReconcileOptions& options)
    : loop_(loop),
      ports_(ports),
      options_(options),
      desired_(loop, ports.state, ports.content, ports.workers, ports.renderer, ports.cluster,
               [this](const EntryRef& entry) { queue_.Add(entry.key); }, {}),
      mirror_(options.inventory_namespace.empty()
                  ? nullptr
                  : std::make_unique<InventoryMirror>(ports.cluster, options.inventory_namespace)),
      events_(options.events_namespace.empty()
                  ? nullptr
                  : std::make_unique<EventRecorder>(loop, ports.cluster)),
      context_{.loop = loop,
               .random = random,
               .state = ports.state,
               .cluster = ports.cluster,
               .desired = desired_,
               .health = ports.health != nullptr ? *ports.health : built_in_health_,
               .log = ports.log,
               .options = options_,
               .wants = {},
               .corrections = RecentCorrections(options.corrections_per_minute_max),
               .prunes = {},
               .policy = {},
               .ignored = IgnoredDifferences(ports.cluster, ports.scripts),
               .judged = {},
               .deleting = {},
               .held = {},
               .approved = {},
               .syncs = {},
               .mirror = mirror_.get(),
               .events = events_.get(),
               .mirrored = {},
               .on_settled = [this] { WakeParked(); },
               .all_settled = [this] { return AllSettled(); },
               .park = [this](const EntryKey& key) { parked_.insert(key); },
               .wake = [this](const EntryKey& key) { queue_.Add(key); }},
      queue_(loop, random, {options.concurrent_max, options.backoff},
             [this](const EntryKey& key) { Begin(key); }) {}

Reconciler::~Reconciler() {
  *alive_ = false;
  ports_.state.RemoveObserver(this);
}

void Reconciler::SetPolicy(ClusterPolicy policy) {
  context_.policy = std::move(policy);
  LookAtAll();
}

void Reconciler::LookAtAll() {
  if (running_ == Running::kYes) AddAll();
}

void Reconciler::Start() {
  running_ = Running::kYes;
  ports_.state.AddObserver(this);
  ports_.cluster.Watch([this](const ObjectEvent& event) { OnObject(event); });
  AddAll();
  SweepLater();
}

void Reconciler::SweepLater() {
  loop_.After(options_.sweep, [this, alive = alive_] {
    if (!*alive) return;
    absl::StatusOr<std::set<object::Sha256>> in_use = ContentInUse(ports_.state);
    if (in_use.ok()) {
      ports_.state.DropContentExcept(*std::move(in_use), [](const absl::Status&) {});
    } else {
      ports_.log.Warning(kRoom, "content that is not needed stays: what is needed cannot be told",
                         {{"error", in_use.status().message()}});
    }
    SweepLater();
  });
}

void Reconciler::AddAll() {
  const absl::StatusOr<std::vector<EntryHead>> heads = ports_.state.Heads();
  if (!heads.ok()) {
    ports_.log.Error(kRoom, "cannot read the entries; will try again",
                     {{"error", heads.status().message()}});
    loop_.After(options_.backoff.max, [this, alive = alive_] {
      if (*alive) AddAll();
    });
    return;
  }
  for (const EntryHead& head : *heads) OnEntryChanged(head.ref);
}

void Reconciler::OnEntryChanged(const EntryRef& entry) {
  if (entry.key.kind == EntryKind::kApplication) {
    by_label_[manifest::AppLabel(entry.key.name)] = entry.key;
  }
  queue_.Add(entry.key);
}

void Reconciler::OnOperationChanged(const OperationId& id) {
  const absl::StatusOr<std::vector<OperationRecord>> operations = ports_.state.Operations();
  if (!operations.ok()) return;  // The entry's next pass reads them.
  for (const OperationRecord& operation : *operations) {
    if (operation.id != id || IsFinal(operation.state)) continue;
    if (!absl::IsNotFound(ports_.state.Find(operation.entry).status())) {
      queue_.Add(operation.entry.key);
      continue;
    }
    OperationRecord failed = operation;
    failed.state = OperationState::kFailed;
    failed.message = "this cluster has no such Application (any more)";
    ports_.state.Commit({PutOperation{std::move(failed)}}, [](const absl::Status&) {});
  }
}

void Reconciler::OnObject(const ObjectEvent& event) {
  if (event.kind == ObjectEvent::Kind::kEverything) return AddAll();
  const auto entry = by_label_.find(event.app_label);
  if (entry != by_label_.end()) queue_.Add(entry->second);
}

void Reconciler::Begin(const EntryKey& key) {
  absl::StatusOr<std::vector<EntryHead>> heads = ports_.state.HeadsOf(key);
  if (!heads.ok()) {
    ports_.log.Error(kRoom, "cannot read the entries of a key",
                     {{"key", key.ToString()}, {"error", heads.status().message()}});
    return queue_.Finish(key, WorkResult::Retry());
  }
  if (heads->empty()) by_label_.erase(manifest::AppLabel(key.name));
  std::stable_sort(heads->begin(), heads->end(), [](const EntryHead& a, const EntryHead& b) {
    return OrderOf(a.phase) > OrderOf(b.phase);  // Taken from the back.
  });
  KeyWork& work = work_[key];
  for (const EntryHead& head : *heads) {
    if (head.phase == EntryPhase::kUnclaimed) context_.wants.Erase(head.ref);
    if (key.kind == EntryKind::kApplication) {
      work.waiting.push_back(head.ref);
    } else {
      Settle(head);
    }
  }
  NextEntry(key);
}

// Projects and settings take effect by being there.
void Reconciler::Settle(const EntryHead& head) {
  if (head.phase == EntryPhase::kLive && head.applied == head.element) return;
  intent::EntryStatus status;
  status.key = head.ref.key;
  status.uid = head.ref.uid;
  status.received = head.revision;
  status.observed_at = loop_.clock().Now();
  Transaction transaction;
  if (head.phase == EntryPhase::kDeleting) {
    status.deleting = true;
    status.gone = true;
    transaction.push_back(FinishDeletion{head.ref});
  } else {
    status.applied = head.revision;
    status.applied_element = head.element;
    status.sync = intent::SyncState::kSynced;
    status.health = intent::HealthState::kHealthy;
    transaction.push_back(MarkApplied{head.ref, head.element});
  }
  transaction.push_back(PutStatus{std::move(status)});
  ports_.state.Commit(std::move(transaction), [this, key = head.ref.key](const absl::Status& put) {
    if (!put.ok()) {
      ports_.log.Error(kRoom, "cannot store a status",
                       {{"key", key.ToString()}, {"error", put.message()}});
    }
  });
}

void Reconciler::NextEntry(const EntryKey& key) {
  KeyWork& work = work_.at(key);
  if (work.waiting.empty()) {
    const WorkResult result = work.result;
    work_.erase(key);
    return queue_.Finish(key, result);
  }
  EntryRef entry = std::move(work.waiting.back());
  work.waiting.pop_back();
  work.pass = std::make_unique<EntryPass>(
      context_, std::move(entry), [this, key](WorkResult result) { EntryDone(key, result); });
  work.pass->Start();
}

void Reconciler::EntryDone(const EntryKey& key, WorkResult result) {
  KeyWork& work = work_.at(key);
  work.result = Sooner(work.result, result);
  // The pass is still on the stack: it goes when the loop comes round.
  loop_.Post([this, alive = alive_, key] {
    if (!*alive) return;
    work_.at(key).pass.reset();
    NextEntry(key);
  });
}

bool Reconciler::AllSettled() const {
  const absl::StatusOr<std::vector<EntryHead>> heads = ports_.state.Heads();
  if (!heads.ok()) return false;
  return std::all_of(heads->begin(), heads->end(), [this](const EntryHead& head) {
    return head.ref.key.kind != EntryKind::kApplication || head.phase != EntryPhase::kLive ||
           context_.wants.Settled(head.ref, head.element);
  });
}

void Reconciler::WakeParked() {
  if (parked_.empty() || !AllSettled()) return;
  for (const EntryKey& key : std::exchange(parked_, {})) queue_.Add(key);
}

}  // namespace leidang::agent
