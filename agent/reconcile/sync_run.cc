#include "agent/reconcile/sync_run.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "agent/reconcile/find_by_key.h"
#include "common/base/check.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

InventoryItem ItemOf(const OwnedObject& owned) {
  return {owned.key, owned.uid, EncodeOwned(owned)};
}

// What the inventory says of an object whose apply has not been completed.
OwnedObject Intended(const DesiredObject& desired, const std::string& uid) {
  OwnedObject owned;
  owned.key = desired.key;
  owned.uid = uid;
  owned.wave = desired.wave;
  owned.pruning = desired.pruning;
  owned.with_app = desired.with_app;
  return owned;
}

absl::Status Named(const absl::Status& status, absl::string_view what, const ObjectKey& key) {
  if (absl::StrContains(status.message(), key.ToString())) return status;
  return absl::Status(status.code(),
                      absl::StrCat(what, " ", key.ToString(), ": ", status.message()));
}

}  // namespace

ApplyRequest SyncRun::Job::RequestOf(const ApplyTask& task) const {
  ApplyRequest request;
  const auto other = adjusted == nullptr ? decltype(adjusted->end())() : adjusted->find(task.key);
  if (adjusted != nullptr && other != adjusted->end()) {
    request = other->second;
  } else {
    absl::StatusOr<object::Value> manifest =
        object::ParseJson(desired->objects[task.desired].manifest);
    CHECK(manifest.ok());  // We printed it ourselves.
    request.key = task.key;
    request.manifest = *std::move(manifest);
  }
  if (task.if_version.has_value()) request.if_version = task.if_version;
  request.seen_uid = task.seen_uid;
  const DesiredObject& object = desired->objects[task.desired];
  const auto wished = [](Wish own, Wish all) {
    return (own == Wish::kUnsaid ? all : own) == Wish::kYes;
  };
  if (wished(object.replace, replace)) request.way = ApplyRequest::Way::kReplace;
  if (wished(object.force, force)) request.refused = ApplyRequest::Refused::kMakeAnew;
  if (task.why == ApplyTask::Why::kTaken && task.from == ApplyTask::From::kNobody) {
    request.former = ApplyRequest::Former::kTakeOver;
  }
  return request;
}

SyncRun::SyncRun(State& state, ClusterClient& cluster, Job job, Done done)
    : state_(state), cluster_(cluster), job_(std::move(job)), done_(std::move(done)) {
  CHECK(!job_.plan.empty());
}

SyncRun::~SyncRun() { *alive_ = false; }

void SyncRun::Commit(Transaction transaction, std::function<void()> next) {
  if (transaction.empty()) return next();
  state_.Commit(std::move(transaction),
                [this, alive = alive_, next = std::move(next)](absl::Status status) {
                  if (!*alive) return;
                  if (status.ok()) return next();
                  outcome_.storage = std::move(status);
                  if (in_flight_ == 0) Finish();
                });
}

void SyncRun::Start() {
  Transaction transaction;
  if (job_.note.has_value()) transaction.push_back(PutNote{job_.entry, *job_.note});
  for (const Plan::Dropped& dropped : job_.plan.dropped) {
    transaction.push_back(RemoveInventory{job_.entry, dropped.key});
    const auto heir = job_.heirs.find(dropped.key);
    if (heir == job_.heirs.end()) continue;
    const OwnedObject* owned = FindByKey(job_.inventory, dropped.key);
    CHECK(owned != nullptr);
    OwnedObject inherited = *owned;
    inherited.desired = {};
    transaction.push_back(PutInventory{heir->second, ItemOf(inherited)});
  }
  Commit(std::move(transaction), [this] { CreateNamespace(); });
}

void SyncRun::CreateNamespace() {
  if (!job_.plan.create_namespace) return NextStep();
  std::optional<std::string> if_version;
  if (job_.namespace_state == Job::Namespace::kMissing) if_version = "";
  cluster_.Apply({job_.namespace_key, job_.namespace_manifest, std::move(if_version)},
                 [this, alive = alive_](const absl::StatusOr<Applied>& answer) {
                   if (!*alive) return;
                   // Somebody else made it meanwhile: it is there, which is all that is wanted.
                   if (!answer.ok() && !absl::IsAborted(answer.status())) {
                     Fail(job_.namespace_key,
                          Named(answer.status(), "cannot create", job_.namespace_key));
                     return Finish();
                   }
                   NextStep();
                 });
}

void SyncRun::NextStep() {
  const bool held_up = outcome_.failed > 0 || outcome_.pending > 0;
  if (held_up || step_ == job_.plan.steps.size()) return Finish();
  next_ = 0;
  if (!job_.plan.steps[step_].applies.empty()) return BeginApplies();
  Advance();
}

void SyncRun::BeginApplies() {
  Transaction intents;
  for (const ApplyTask& task : job_.plan.steps[step_].applies) {
    const bool recorded =
        task.why == ApplyTask::Why::kChanged || task.why == ApplyTask::Why::kDrift;
    if (recorded) continue;
    const auto former = job_.former.find(task.key);
    if (former != job_.former.end()) {
      for (const EntryRef& entry : former->second) {
        intents.push_back(RemoveInventory{entry, task.key});
      }
    }
    const DesiredObject& desired = job_.desired->objects[task.desired];
    intents.push_back(PutInventory{job_.entry, ItemOf(Intended(desired, ""))});
  }
  Commit(std::move(intents), [this] { Advance(); });
}

void SyncRun::StartMore() {
  const PlanStep& step = job_.plan.steps[step_];
  const bool pruning = step.applies.empty();
  const size_t size = pruning ? step.prunes.size() : step.applies.size();
  const auto kind = [&](size_t i) -> const std::string& {
    return pruning ? step.prunes[i].key.kind : step.applies[i].key.kind;
  };
  // Objects of one kind side by side, then the next kind.
  while (next_ < size && in_flight_ < kConcurrentMax &&
         (in_flight_ == 0 || kind(next_) == kind(next_ - 1))) {
    const size_t task = next_++;
    ++in_flight_;
    if (pruning) {
      Prune(step.prunes[task]);
    } else {
      Apply(step.applies[task]);
    }
  }
}

// What has been done is recorded while the next ones are under way: what is done and not recorded
// is looked at again after a crash, as what was only begun is.
void SyncRun::Advance() {
  if (advancing_) return;  // An answer inside its question.
  advancing_ = true;
  StartMore();
  advancing_ = false;
  if (recording_) return;
  if (!records_.empty() && (in_flight_ == 0 || records_.size() >= kRecordsMin)) {
    recording_ = true;
    return Commit(std::exchange(records_, {}), [this] {
      recording_ = false;
      Advance();
    });
  }
  if (in_flight_ > 0) return;
  ++step_;
  NextStep();
}

void SyncRun::Apply(const ApplyTask& task) {
  if (task.why == ApplyTask::Why::kDrift) outcome_.corrections.push_back(task.key);
  cluster_.Apply(job_.RequestOf(task),
                 [this, alive = alive_, &task](absl::StatusOr<Applied> answer) {
                   if (*alive) OnApplied(task, std::move(answer));
                 });
}

void SyncRun::OnApplied(const ApplyTask& task, absl::StatusOr<Applied> answer) {
  if (!answer.ok()) {
    Fail(task.key, Named(answer.status(), "cannot apply", task.key));
    return OneDone();
  }
  const DesiredObject& desired = job_.desired->objects[task.desired];
  OwnedObject owned = Intended(desired, answer->uid);
  owned.desired = desired.digest;
  owned.observed = answer->hash;
  const OwnedObject* before = FindByKey(job_.inventory, task.key);
  const bool known =
      before != nullptr && before->uid == owned.uid && EncodeOwned(*before) == EncodeOwned(owned);
  if (!known) records_.push_back(PutInventory{job_.entry, ItemOf(owned)});
  if (answer->effect == Applied::Effect::kUnchanged) {
    ++outcome_.unchanged;
  } else if (task.why == ApplyTask::Why::kDrift) {
    ++outcome_.corrected;
  } else if (answer->effect == Applied::Effect::kCreated) {
    ++outcome_.created;
  } else {
    ++outcome_.changed;
  }
  OneDone();
}

void SyncRun::Prune(const PruneTask& task) {
  DeleteRequest request;
  request.key = task.key;
  request.uid = task.uid;
  request.propagation = job_.propagation;
  // Where objects have a uid it names the very one; a version would also change with its status.
  if (task.uid.empty()) request.if_version = task.version;
  cluster_.Delete(std::move(request),
                  [this, alive = alive_, &task](absl::StatusOr<Deleted> answer) {
                    if (*alive) OnPruned(task, std::move(answer));
                  });
}

void SyncRun::OnPruned(const PruneTask& task, absl::StatusOr<Deleted> answer) {
  if (!answer.ok()) {
    Fail(task.key, Named(answer.status(), "cannot delete", task.key));
  } else if (*answer == Deleted::kPending) {
    ++outcome_.pending;
  } else {
    ++outcome_.pruned;
    records_.push_back(RemoveInventory{job_.entry, task.key});
  }
  OneDone();
}

void SyncRun::OneDone() {
  --in_flight_;
  if (outcome_.storage.ok()) return Advance();
  if (in_flight_ == 0) Finish();
}

void SyncRun::Fail(const ObjectKey& key, absl::Status status) {
  ++outcome_.failed;
  outcome_.failures[key] = std::string(status.message());
  if (outcome_.errors.size() < kErrorsKept) outcome_.errors.push_back(std::move(status));
}

void SyncRun::Finish() {
  SyncOutcome outcome = std::move(outcome_);
  const Done done = done_;
  done(std::move(outcome));
}

}  // namespace leidang::agent
