#include "agent/reconcile/phase_run.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/reconcile/status_report.h"
#include "common/base/check.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

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

void PhaseRun::Answered(size_t task, const absl::Status& status) {
  if (!status.ok()) {
    const ObjectKey& key = sync_.operation().tasks()[task].id.key;
    sync_.operation().ReportFailure(task, std::string(status.message()));
    outcome_.failures[key] = std::string(status.message());
  }
  if (--in_flight_ == 0) EndBatch();
}

// What is there already as a hook is made anew, not changed.
void PhaseRun::DryRun() {
  if (!sync_.HasStages()) return EndBatch();
  const std::vector<size_t> batch = sync_.operation().Batch()->tasks;
  in_flight_ = 1;
  for (const size_t i : batch) {
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
      continue;
    }
    ++in_flight_;
    cluster_.Check(request, [this, alive = alive_, i](const absl::Status& status) {
      if (*alive) Answered(i, status);
    });
  }
  // Perhaps all have been answered by now.
  if (--in_flight_ == 0) EndBatch();
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
                     if (*alive) Answered(i, answer.status());
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
