#include "agent/apply/sync_operation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/check.h"

namespace leidang::agent {
namespace {

using Code = SyncResult::Code;
using Phase = SyncResult::Phase;

std::string Named(const SyncTask& task) {
  return absl::StrCat(task.id.key.group, "/", task.id.key.kind, "/", task.id.key.name);
}

SyncResult HookResult(const SyncTask& task) {
  SyncResult result = task.result;
  // Only what a running hook can come back from may have made it vanish; it did not finish.
  if (task.live == nullptr) {
    result.phase = Phase::kFailed;
    result.message = absl::StrCat(task.id.key.ToString(), " was removed before it completed");
    return result;
  }
  result.message = task.live->health_message;
  switch (task.live->health.value_or(intent::HealthState::kHealthy)) {
    case intent::HealthState::kDegraded:
    case intent::HealthState::kUnknown:
      result.phase = Phase::kFailed;
      break;
    case intent::HealthState::kProgressing:
    case intent::HealthState::kSuspended:
      result.phase = Phase::kRunning;
      break;
    case intent::HealthState::kHealthy:
    case intent::HealthState::kMissing:
      result.phase = Phase::kSucceeded;
      break;
  }
  return result;
}

SyncResult ObjectResult(const SyncTask& task) {
  SyncResult result = task.result;
  if (task.live == nullptr) return result;
  const intent::HealthState health = task.live->health.value_or(intent::HealthState::kHealthy);
  if (health == intent::HealthState::kHealthy) result.phase = Phase::kSucceeded;
  if (health == intent::HealthState::kDegraded) result.phase = Phase::kFailed;
  if (result.phase != Phase::kRunning) result.message = task.live->health_message;
  return result;
}

}  // namespace

SyncOperation::SyncOperation(SyncOptions options, std::map<SyncTaskId, SyncResult> results)
    : options_(options), results_(std::move(results)) {}

template <typename Predicate>
std::vector<size_t> SyncOperation::Select(const Predicate& predicate) const {
  std::vector<size_t> selected;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    if (predicate(tasks_[i])) selected.push_back(i);
  }
  return selected;
}

void SyncOperation::SetResult(size_t task, SyncResult result) {
  results_[tasks_[task].id] = result;
  tasks_[task].result = std::move(result);
}

void SyncOperation::Emit(SyncBatch::What what, std::vector<size_t> tasks, Stage stage) {
  CHECK(!tasks.empty());
  batch_ = {what, std::move(tasks)};
  stage_ = stage;
  failures_.clear();
  made_.clear();
}

void SyncOperation::BeginLook(const SyncTargets& targets,
                              const std::map<object::ObjectKey, SyncLive>& live) {
  CHECK(state_ == State::kRunning && Batch() == nullptr);
  targets_ = &targets;
  tasks_ = MakeSyncTasks(targets, live, results_);
  wave_.reset();
  stage_ = Stage::kOver;
  if (results_.empty() && !dry_run_done_) return Start();
  Decide();
}

// The dry run of what is in a namespace needs the namespace.
void SyncOperation::Start() {
  const auto& to_create = targets_->namespace_to_create;
  std::vector<size_t> task = Select(
      [&](const SyncTask& task) { return to_create.has_value() && task.object == &*to_create; });
  if (task.empty()) return StartDryRun();
  Emit(SyncBatch::What::kApply, std::move(task), Stage::kNamespace);
}

void SyncOperation::StartDryRun() {
  std::vector<size_t> tasks =
      Select([](const SyncTask& task) { return !task.IsPrune() && task.IsPending(); });
  if (!tasks.empty()) return Emit(SyncBatch::What::kDryRun, std::move(tasks), Stage::kDryRun);
  dry_run_done_ = true;
  Decide();
}

void SyncOperation::ReportFailure(size_t task, std::string why) {
  failures_.insert_or_assign(task, std::move(why));
}

void SyncOperation::ReportMade(size_t task, std::string uid) {
  made_.insert_or_assign(task, std::move(uid));
}

void SyncOperation::EndBatchTask(size_t task, const std::string* failure) {
  if (failure != nullptr) run_state_ = Run::kFailed;
  switch (batch_.what) {
    case SyncBatch::What::kDryRun:
    case SyncBatch::What::kApply:
      if (failure != nullptr) {
        SetResult(task, {Code::kSyncFailed, Phase::kFailed, *failure});
      } else if (batch_.what == SyncBatch::What::kApply) {
        SetResult(task, {Code::kSynced, Phase::kRunning, "", std::move(made_[task])});
      }
      return;
    case SyncBatch::What::kPrune:
      SetResult(task, failure != nullptr ? SyncResult{Code::kSyncFailed, Phase::kFailed, *failure}
                                         : SyncResult{Code::kPruned, Phase::kSucceeded, "pruned"});
      return;
    case SyncBatch::What::kDeleteHook:
      if (failure == nullptr) return;
      SetResult(task, {Code::kNone, Phase::kError,
                       absl::StrCat("failed to delete resource: ", *failure)});
      return;
    case SyncBatch::What::kTidyHook:
      return;
  }
}

void SyncOperation::EndBatch() {
  CHECK(Batch() != nullptr);
  const Stage stage = std::exchange(stage_, Stage::kOver);
  if (stage == Stage::kNamespace || stage == Stage::kDryRun) run_state_ = Run::kSuccessful;
  for (const size_t task : batch_.tasks) {
    const auto failure = failures_.find(task);
    EndBatchTask(task, failure == failures_.end() ? nullptr : &failure->second);
  }
  batch_ = {};
  const bool failed = !failures_.empty();
  switch (stage) {
    case Stage::kNamespace:
      if (!failed) return StartDryRun();
      state_ = State::kFailed;
      message_ = "the namespace failed to apply";
      return;
    case Stage::kDryRun:
      dry_run_done_ = true;
      if (!failed) return Decide();
      state_ = State::kFailed;
      message_ = "one or more objects failed to apply (dry run)";
      return;
    case Stage::kPrunes:
      return failed ? EndRun() : RunHookDeletions();
    case Stage::kHooks:
      if (!failed) run_state_ = Run::kPending;
      return EndRun();
    case Stage::kApplies:
      return RunNextKind();
    case Stage::kTidy:
      return EndTidy();
    case Stage::kOver:
      CHECK(false);
  }
}

void SyncOperation::Decide() {
  UpdateRunning();
  if (WaitsForSomething()) return;
  const auto tidy = [](HookDeletion policy) {
    return [policy](const SyncTask& task) {
      return task.IsHook() && task.live != nullptr && !task.IsRunning() &&
             task.object->deletions.contains(policy);
    };
  };
  tidy_succeeded_ = Select(tidy(HookDeletion::kSucceeded));
  tidy_failed_ = Select(tidy(HookDeletion::kFailed));
  const auto counts = [](const SyncTask& task) { return task.id.phase != SyncPhase::kSyncFail; };
  const bool failed = std::any_of(tasks_.begin(), tasks_.end(), [&](const SyncTask& task) {
    return counts(task) && task.IsCompleted() && !task.IsSuccessful();
  });
  if (failed) {
    return TidyAndFail("one or more synchronization tasks completed unsuccessfully",
                       Select(counts));
  }
  BeginWave();
}

void SyncOperation::UpdateRunning() {
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const SyncTask& task = tasks_[i];
    if (!task.IsRunning()) continue;
    SetResult(i, task.IsHook() ? HookResult(task) : ObjectResult(task));
  }
}

bool SyncOperation::WaitsForSomething() {
  if (tasks_.empty()) return false;
  const SyncTask& first = tasks_.front();
  const SyncTask& last = tasks_.back();
  const bool several = first.wave != last.wave || first.id.phase != last.id.phase;
  const std::vector<size_t> running = Select(
      [several](const SyncTask& task) { return (several || task.IsHook()) && task.IsRunning(); });
  if (!running.empty()) {
    WaitFor(running, Waiting::kForHealth);
    return true;
  }
  const std::vector<size_t> deleting = Select([](const SyncTask& task) {
    return task.result.code == Code::kPruned && task.live != nullptr &&
           task.live->life == SyncLive::Life::kDeleting;
  });
  WaitFor(deleting, Waiting::kForDeletion);
  return !deleting.empty();
}

void SyncOperation::BeginWave() {
  const auto pending = [](const SyncTask& task) {
    return task.id.phase != SyncPhase::kSyncFail && task.IsPending();
  };
  const std::vector<size_t> all = Select(pending);
  if (all.empty()) return TidyAndSucceed("successfully synced (no more tasks)");
  const SyncPhase phase = tasks_[all[0]].id.phase;
  const int64_t wave = tasks_[all[0]].wave;
  const auto in_wave = [&](const SyncTask& task) {
    return task.id.phase == phase && task.wave == wave;
  };
  // What is applied last need not become healthy; hooks must complete.
  nothing_remains_ = std::all_of(
      all.begin(), all.end(), [&](size_t i) { return in_wave(tasks_[i]) && !tasks_[i].IsHook(); });
  message_ = "one or more tasks are running";
  wave_ = {phase, wave};
  RunTasks(Select([&](const SyncTask& task) { return pending(task) && in_wave(task); }),
           Running::kWave);
}

void SyncOperation::RunTasks(std::vector<size_t> tasks, Running what) {
  running_ = what;
  run_ = std::move(tasks);
  run_state_ = Run::kSuccessful;
  next_apply_ = 0;
  if (NeedsConfirmation()) {
    run_state_ = Run::kPending;
    return EndRun();
  }
  std::vector<size_t> prunes;
  for (const size_t i : run_) {
    const SyncTask& task = tasks_[i];
    if (!task.IsPrune()) continue;
    if (options_.prune == SyncOptions::Prune::kSkip) {
      SetResult(i, {Code::kPruneSkipped, Phase::kSucceeded, "ignored (requires pruning)"});
    } else if (task.object->pruning == SyncObject::Pruning::kKeep) {
      SetResult(i, {Code::kPruneSkipped, Phase::kSucceeded, "ignored (no prune)"});
    } else if (task.live->life == SyncLive::Life::kDeleting) {
      SetResult(i, {Code::kPruned, Phase::kSucceeded, "pruned"});
    } else {
      prunes.push_back(i);
    }
  }
  if (prunes.empty()) return RunHookDeletions();
  Emit(SyncBatch::What::kPrune, std::move(prunes), Stage::kPrunes);
}

bool SyncOperation::NeedsConfirmation() {
  if (options_.confirmed == SyncOptions::Confirmed::kYes) return false;
  std::vector<size_t> asked;
  for (const size_t i : run_) {
    const SyncTask& task = tasks_[i];
    if (task.IsPrune() && task.object->pruning == SyncObject::Pruning::kConfirm) asked.push_back(i);
  }
  if (asked.empty()) return false;
  message_ = absl::StrCat("waiting for pruning confirmation of ", Named(tasks_[asked[0]]));
  if (asked.size() > 1) absl::StrAppend(&message_, " and ", asked.size() - 1, " more resources");
  return true;
}

void SyncOperation::RunHookDeletions() {
  std::vector<size_t> hooks;
  for (const size_t i : run_) {
    if (tasks_[i].MustGoFirst()) hooks.push_back(i);
  }
  if (hooks.empty()) return RunNextKind();
  Emit(SyncBatch::What::kDeleteHook, std::move(hooks), Stage::kHooks);
}

void SyncOperation::RunNextKind() {
  std::vector<size_t> group;
  for (; next_apply_ < run_.size(); ++next_apply_) {
    const SyncTask& task = tasks_[run_[next_apply_]];
    if (task.IsPrune()) continue;
    if (!group.empty() && tasks_[group[0]].id.key.kind != task.id.key.kind) break;
    group.push_back(run_[next_apply_]);
  }
  if (group.empty()) return EndRun();
  Emit(SyncBatch::What::kApply, std::move(group), Stage::kApplies);
}

void SyncOperation::EndRun() {
  if (running_ == Running::kSyncFail) return WaitFor(run_, Waiting::kForHealth);
  if (run_state_ == Run::kSuccessful) {
    if (nothing_remains_) return TidyAndSucceed("successfully synced (all tasks run)");
    return WaitFor(run_, Waiting::kForHealth);
  }
  std::vector<size_t> waiting;
  if (run_state_ == Run::kPending) {
    for (const size_t i : run_) {
      if (tasks_[i].MustGoFirst()) waiting.push_back(i);
    }
    return WaitFor(waiting, Waiting::kForDeletion);
  }
  wave_.reset();
  for (const size_t i : run_) {
    if (tasks_[i].IsRunning()) waiting.push_back(i);
  }
  if (!waiting.empty()) return WaitFor(waiting, Waiting::kForHealth);
  TidyAndFail("one or more objects failed to apply", run_);
}

void SyncOperation::TidyAndSucceed(absl::string_view message) {
  end_ = State::kSucceeded;
  end_message_ = std::string(message);
  if (tidy_succeeded_.empty()) return EndTidy();
  Emit(SyncBatch::What::kTidyHook, tidy_succeeded_, Stage::kTidy);
}

void SyncOperation::TidyAndFail(absl::string_view message, const std::vector<size_t>& tasks) {
  end_ = State::kFailed;
  std::vector<std::string> reasons;
  for (const size_t i : tasks) {
    if (tasks_[i].result.code == Code::kSyncFailed) reasons.push_back(tasks_[i].result.message);
  }
  end_message_ = std::string(message);
  if (!reasons.empty()) {
    absl::StrAppend(&end_message_, ", reason: ", absl::StrJoin(reasons, ","));
  }
  if (tidy_failed_.empty()) return EndTidy();
  Emit(SyncBatch::What::kTidyHook, tidy_failed_, Stage::kTidy);
}

void SyncOperation::EndTidy() {
  if (end_ == State::kFailed) {
    const auto fails = [](const SyncTask& task) { return task.id.phase == SyncPhase::kSyncFail; };
    std::vector<size_t> pending =
        Select([&](const SyncTask& task) { return fails(task) && task.IsPending(); });
    if (!pending.empty()) return RunTasks(std::move(pending), Running::kSyncFail);
  }
  state_ = end_;
  message_ = end_message_;
}

void SyncOperation::WaitFor(const std::vector<size_t>& tasks, Waiting waiting) {
  if (tasks.empty()) return;
  const SyncTask* first_hook = nullptr;
  size_t hooks = 0;
  for (const size_t i : tasks) {
    if (!tasks_[i].IsHook()) continue;
    if (first_hook == nullptr) first_hook = &tasks_[i];
    ++hooks;
  }
  const bool deletion = waiting == Waiting::kForDeletion;
  const absl::string_view what = first_hook == nullptr
                                     ? (deletion ? "deletion of" : "healthy state of")
                                     : (deletion ? "deletion of hook" : "completion of hook");
  const SyncTask& named = first_hook == nullptr ? tasks_[tasks[0]] : *first_hook;
  message_ = absl::StrCat("waiting for ", what, " ", Named(named));
  if (tasks.size() == 1) return;
  absl::StrAppend(&message_, " and ", tasks.size() - 1, " more ",
                  hooks == tasks.size() ? "hooks" : "resources");
}

}  // namespace leidang::agent
