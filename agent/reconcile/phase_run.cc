#include "agent/reconcile/phase_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/reconcile/status_report.h"
#include "common/base/check.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

// Of one wave: more new objects than this are not tried, nor more objects than that.
constexpr size_t kNewTriedMax = 25;
constexpr size_t kTriedMax = 1000;

object::Value Parsed(const std::string& manifest) {
  absl::StatusOr<object::Value> value = object::ParseJson(manifest);
  CHECK(value.ok());  // We printed it ourselves.
  return *std::move(value);
}

}  // namespace

PhaseRun::PhaseRun(State& state, ClusterClient& cluster, PhasedSync& sync, const Plan& plan,
                   MakeJob make_job, Done done)
    : state_(state),
      cluster_(cluster),
      sync_(sync),
      plan_(plan),
      make_job_(std::move(make_job)),
      done_(std::move(done)) {
  for (const PlanStep& step : plan_.steps) {
    for (const ApplyTask& task : step.applies) applies_.emplace(task.key, task);
    for (const PruneTask& task : step.prunes) prunes_.emplace(task.key, task);
  }
}

PhaseRun::~PhaseRun() { *alive_ = false; }

void PhaseRun::Start() {
  Plan part;
  part.dropped = plan_.dropped;
  RunPart(std::move(part), [this] { NextBatch(); });
}

void PhaseRun::NextBatch() {
  if (!outcome_.storage.ok()) return Finish();
  const SyncBatch* batch = sync_.operation().Batch();
  if (batch == nullptr) return Finish();
  switch (batch->what) {
    case SyncBatch::What::kDryRun:
      return DryRun();
    case SyncBatch::What::kApply:
      return ApplyObjects();
    case SyncBatch::What::kPrune:
      return PruneObjects();
    case SyncBatch::What::kDeleteHook:
    case SyncBatch::What::kTidyHook:
      return DeleteHooks();
  }
}

void PhaseRun::Finish() {
  run_.reset();
  done_(std::move(outcome_));
}

void PhaseRun::EndBatch() {
  sync_.operation().EndBatch();
  NextBatch();
}

void PhaseRun::NoteFailure(size_t task, const absl::Status& status) {
  if (status.ok()) return;
  const ObjectKey& key = sync_.operation().tasks()[task].id.key;
  sync_.operation().ReportFailure(task, std::string(status.message()));
  outcome_.failures[key] = std::string(status.message());
}

void PhaseRun::Answered(size_t task, const absl::Status& status) {
  NoteFailure(task, status);
  if (--in_flight_ == 0) EndBatch();
}

// What has waves may find out late. In one wave it is worth its requests where something that runs
// may be left half changed, and where they are few.
bool PhaseRun::TriesFirst() const {
  if (sync_.HasStages()) return true;
  size_t applies = 0;
  bool changes = !prunes_.empty();
  for (const size_t i : sync_.operation().Batch()->tasks) {
    const auto apply = applies_.find(sync_.operation().tasks()[i].id.key);
    if (apply == applies_.end()) continue;
    ++applies;
    changes = changes || !apply->second.seen_uid.empty();
  }
  // One alone is its own trial.
  if (applies + prunes_.size() < 2) return false;
  return changes || applies <= kNewTriedMax;
}

// What is there already as a hook is made anew, not changed.
std::optional<ApplyRequest> PhaseRun::TrialOf(size_t i) const {
  const SyncTask& task = sync_.operation().tasks()[i];
  const auto apply = applies_.find(task.id.key);
  const auto hook = sync_.hooks().find(task.id.key);
  ApplyRequest request;
  request.key = task.id.key;
  if (task.IsHook() && task.live == nullptr && hook != sync_.hooks().end()) {
    request.manifest = Parsed(hook->second);
  } else if (!task.IsHook() && apply != applies_.end()) {
    request = make_job_({}).RequestOf(apply->second);
  } else {
    return std::nullopt;
  }
  // A trial is an apply in place: what is replaced or made anew may be refused in it and be right.
  if (request.way == ApplyRequest::Way::kReplace ||
      request.refused == ApplyRequest::Refused::kMakeAnew) {
    return std::nullopt;
  }
  return request;
}

void PhaseRun::DryRun() {
  tries_.clear();
  next_try_ = 0;
  if (TriesFirst()) tries_ = sync_.operation().Batch()->tasks;
  if (!sync_.HasStages() && tries_.size() > kTriedMax) tries_.resize(kTriedMax);
  in_flight_ = 0;
  TryMore();
}

void PhaseRun::TryMore() {
  if (trying_) return;  // An answer inside its question.
  trying_ = true;
  while (next_try_ < tries_.size() && in_flight_ < SyncRun::kConcurrentMax) {
    const size_t i = tries_[next_try_++];
    const std::optional<ApplyRequest> trial = TrialOf(i);
    if (!trial.has_value()) continue;
    ++in_flight_;
    cluster_.Check(*trial, [this, alive = alive_, i](const absl::Status& status) {
      if (!*alive) return;
      --in_flight_;
      NoteFailure(i, IsOfTheWhole(status) ? status : absl::OkStatus());
      TryMore();
    });
  }
  trying_ = false;
  if (in_flight_ == 0 && next_try_ == tries_.size()) EndBatch();
}

// What is made in the same wave may be what an object misses in its trial: a ServiceAccount, say,
// of which admission says that it is forbidden to have none.
bool PhaseRun::IsOfTheWhole(const absl::Status& refusal) const {
  if (sync_.HasStages() || !absl::IsPermissionDenied(refusal)) return true;
  return std::none_of(applies_.begin(), applies_.end(),
                      [](const auto& apply) { return apply.second.seen_uid.empty(); });
}

void PhaseRun::RunPart(Plan part, std::function<void()> next) {
  if (part.empty()) return next();
  run_ = std::make_unique<SyncRun>(
      state_, cluster_, make_job_(std::move(part)),
      [this, alive = alive_, next = std::move(next)](SyncOutcome outcome) {
        if (!*alive) return;
        const std::map<ObjectKey, std::string> failures = outcome.failures;
        Merge(outcome_, std::move(outcome));
        if (!outcome_.storage.ok()) return Finish();
        const SyncBatch* batch = sync_.operation().Batch();
        for (const size_t task : batch == nullptr ? std::vector<size_t>() : batch->tasks) {
          const auto failure = failures.find(sync_.operation().tasks()[task].id.key);
          if (failure != failures.end()) sync_.operation().ReportFailure(task, failure->second);
        }
        next();
      });
  run_->Start();
}

void PhaseRun::ApplyObjects() {
  Plan part;
  PlanStep step;
  for (const size_t i : sync_.operation().Batch()->tasks) {
    const SyncTask& task = sync_.operation().tasks()[i];
    if (sync_.IsNamespace(task)) part.create_namespace = true;
    const auto apply = applies_.find(task.id.key);
    if (!task.IsHook() && apply != applies_.end()) step.applies.push_back(apply->second);
  }
  if (!step.applies.empty()) part.steps.push_back(std::move(step));
  RunPart(std::move(part), [this] { ApplyHooks(); });
}

void PhaseRun::ApplyHooks() {
  const std::vector<size_t> batch = sync_.operation().Batch()->tasks;
  in_flight_ = 1;
  for (const size_t i : batch) {
    const SyncTask& task = sync_.operation().tasks()[i];
    if (!task.IsHook()) continue;
    ++in_flight_;
    const ObjectKey key = task.id.key;
    const absl::Status ours = sync_.StandingAt(key).status();
    if (!ours.ok()) {
      Answered(i, ours);
      continue;
    }
    cluster_.Apply({key, Parsed(sync_.hooks().at(key)), std::nullopt},
                   [this, alive = alive_, i](const absl::StatusOr<Applied>& answer) {
                     if (!*alive) return;
                     if (answer.ok()) sync_.operation().ReportMade(i, answer->uid);
                     Answered(i, answer.status());
                   });
  }
  if (--in_flight_ == 0) EndBatch();
}

void PhaseRun::PruneObjects() {
  Plan part;
  PlanStep step;
  for (const size_t i : sync_.operation().Batch()->tasks) {
    const auto prune = prunes_.find(sync_.operation().tasks()[i].id.key);
    if (prune != prunes_.end()) step.prunes.push_back(prune->second);
  }
  if (!step.prunes.empty()) part.steps.push_back(std::move(step));
  RunPart(std::move(part), [this] { EndBatch(); });
}

void PhaseRun::DeleteHooks() {
  const std::vector<size_t> batch = sync_.operation().Batch()->tasks;
  in_flight_ = batch.size() + 1;
  for (const size_t i : batch) {
    DeleteRequest request;
    request.key = sync_.operation().tasks()[i].id.key;
    const absl::StatusOr<const LiveObject*> standing = sync_.StandingAt(request.key);
    if (!standing.ok() || *standing == nullptr) {
      Answered(i, standing.status());
      continue;
    }
    request.uid = (*standing)->uid;
    request.propagation = Propagation::kBackground;
    cluster_.Delete(std::move(request),
                    [this, alive = alive_, i](const absl::StatusOr<Deleted>& answer) {
                      if (*alive) Answered(i, answer.status());
                    });
  }
  if (--in_flight_ == 0) EndBatch();
}

}  // namespace leidang::agent
