// How a pass drives a sync in phases and waves.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "agent/apply/hooks.h"
#include "agent/reconcile/entry_pass.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

constexpr absl::string_view kRoom = "agent/reconcile";
// A cluster in which every look finds something to do is left to the next pass.
constexpr int kLooksMax = 100;
constexpr size_t kReasonsShown = 3;

bool IsCorrection(const ApplyTask& task) { return task.why == ApplyTask::Why::kDrift; }

bool IsToBegin(const PruneTask& task) { return task.begun == PruneTask::Begun::kNo; }

// More than corrections of drift, and than deletions that have begun.
bool Syncs(const Plan& plan) {
  return plan.create_namespace ||
         std::any_of(plan.steps.begin(), plan.steps.end(), [](const PlanStep& step) {
           return std::any_of(step.prunes.begin(), step.prunes.end(), IsToBegin) ||
                  !std::all_of(step.applies.begin(), step.applies.end(), IsCorrection);
         });
}

intent::OperationPhase PhaseOf(SyncResult::Phase phase) {
  switch (phase) {
    case SyncResult::Phase::kNone:
      return intent::OperationPhase::kNone;
    case SyncResult::Phase::kRunning:
      return intent::OperationPhase::kRunning;
    case SyncResult::Phase::kSucceeded:
      return intent::OperationPhase::kSucceeded;
    case SyncResult::Phase::kFailed:
      return intent::OperationPhase::kFailed;
    case SyncResult::Phase::kError:
      return intent::OperationPhase::kError;
  }
  return intent::OperationPhase::kNone;
}

std::vector<intent::ObjectStatus> HooksOf(const PhasedSync& sync) {
  std::vector<intent::ObjectStatus> hooks;
  for (const auto& [task, result] : sync.operation().results()) {
    if (!sync.hooks().contains(task.key)) continue;
    hooks.push_back({.key = task.key,
                     .sync = intent::SyncState::kUnknown,
                     .health = std::nullopt,
                     .hook = std::string(PhaseName(task.phase)),
                     .operation = PhaseOf(result.phase),
                     .message = result.message});
  }
  return hooks;
}

}  // namespace

std::string EntryPass::FailureOf(const SyncOperation& operation) {
  std::string text = operation.message();
  size_t left = kReasonsShown;
  for (const auto& [task, result] : operation.results()) {
    const bool failed =
        result.phase == SyncResult::Phase::kFailed || result.phase == SyncResult::Phase::kError;
    if (!failed || result.message.empty() || absl::StrContains(text, result.message)) continue;
    if (left-- == 0) break;
    absl::StrAppend(&text, "; ", task.key.ToString(), ": ", result.message);
  }
  return text;
}

void EntryPass::CarryOutInPhases() {
  findings_.hooks = EntryFindings::Hooks::kRun;
  std::map<ObjectKey, const LiveObject*> live;
  for (const LiveObject& object : live_) live.emplace(object.key, &object);
  std::set<ObjectKey> hooks;
  for (const DesiredHook& hook : desired_->hooks) hooks.insert(hook.key);
  std::erase_if(plan_.unowned, [&](const ObjectKey& key) {
    const auto found = live.find(key);
    return hooks.contains(key) || (found != live.end() && found->second->manifest != nullptr &&
                                   IsHook(*found->second->manifest));
  });
  SyncRecord& record = context_.syncs[ref_];
  const object::Sha256& element = findings_.entry.head.element;
  if (record.running != nullptr &&
      (record.element != element || !record.running->IsOf(*desired_))) {
    context_.log.Info(kRoom, "a sync gives way to newer content", {{"app", ref_.key.name}});
    if (record.extent == SyncRecord::Extent::kPart) {
      ForgetPart(record);
    } else {
      record = {};
    }
  }
  if (record.element != element) record = {};
  RecallEnd(record);
  // Nobody asks for it any more.
  if (record.extent == SyncRecord::Extent::kPart && asked_.sync != record.operation) {
    ForgetPart(record);
  }
  if (record.running == nullptr && NeedsSync(record)) {
    BeginSync(record);
    // Where its hooks are to be may stand something that has not been read.
    if (!record.running->hooks().empty()) return Look();
  }
  if (record.running != nullptr && !may_sync_) {
    findings_.running = true;
    findings_.sync_started = record.started;
    return Conclude(NextTime());
  }
  if (record.running != nullptr) return RunLook(record);
  findings_.sync_failure = record.failure;
  if (!part_failure_.empty()) findings_.sync_failure = part_failure_;
  if (!shared_failure_.empty()) findings_.sync_failure = shared_failure_;
  findings_.hook_results = record.hooks;
  KeepCorrectionsOnly();
  if (plan_.empty()) return Conclude(NextTime());
  CarryOut();
}

bool EntryPass::NeedsSync(const SyncRecord& record) const {
  // Of what was good before nothing new begins.
  if (sync_over_ || !may_sync_ || !shared_failure_.empty() || !findings_.failure.ok() ||
      !findings_.progress.empty())
    return false;
  if (asked_.request != Request::kNone) return true;
  if (application_.policy.automation != Automation::kAutomated) return false;
  const EntryHead& head = findings_.entry.head;
  const bool hooks_wait = !desired_->hooks.empty() && head.applied != head.element &&
                          record.end != SyncRecord::End::kSucceeded && !plan_.refused_empty;
  if (!Syncs(plan_) && !hooks_wait) return false;
  if (record.end != SyncRecord::End::kFailed) return true;
  return record.next.has_value() && context_.loop.clock().Monotonic() >= *record.next;
}

void EntryPass::ForgetPart(SyncRecord& record) {
  const std::unique_ptr<SyncRecord> whole = std::move(record.whole);
  record = std::move(*whole);
}

void EntryPass::BeginSync(SyncRecord& record) {
  const object::Sha256& element = findings_.entry.head.element;
  if (asked_.selection.has_value()) {
    auto whole = std::make_unique<SyncRecord>(std::move(record));
    whole->element = element;
    record = {};
    record.extent = SyncRecord::Extent::kPart;
    record.operation = *asked_.sync;
    record.whole = std::move(whole);
  }
  const bool part = record.extent == SyncRecord::Extent::kPart;
  // One that a restart has interrupted goes on: hooks that have run do not run again.
  const bool goes_on =
      memory_.sync.has_value() && memory_.sync->element == element && record.attempts == 0 && !part;
  PhasedSync::Options options;
  // To the millisecond, as it is remembered.
  options.started = goes_on ? memory_.sync->started
                            : absl::FromUnixMillis(absl::ToUnixMillis(context_.loop.clock().Now()));
  if (goes_on) {
    options.results = memory_.sync->hooks;
    record.attempts = memory_.sync->attempts - 1;
  }
  options.selection = asked_.selection;
  record.element = element;
  record.started = options.started;
  findings_.sync_started = record.started;
  record.by = goes_on && asked_.request == Request::kNone ? memory_.sync->by : asked_.by;
  record.running = std::make_unique<PhasedSync>(application_, desired_, std::move(options));
  record.end = SyncRecord::End::kNone;
  record.failure.clear();
  record.next.reset();
  ++record.attempts;
  if (!part) {
    memory_.sync.reset();
    memory_.last.reset();
  }
  if (!part && !record.running->hooks().empty()) {
    memory_.sync = SyncProgress{element, record.started, record.attempts, record.by,
                                record.running->HookResults()};
  }
  ReportRunning();
}

void EntryPass::RunLook(SyncRecord& record) {
  findings_.running = true;
  findings_.sync_started = record.started;
  record.running->BeginLook(plan_, live_, context_.health);
  std::map<SyncTaskId, SyncResult> hooks = record.running->HookResults();
  const bool part = record.extent == SyncRecord::Extent::kPart;
  if (part || !memory_.sync.has_value() || memory_.sync->hooks == hooks) return RunPhases(record);
  // That a hook has completed is known durably before anything follows from it.
  memory_.sync->hooks = std::move(hooks);
  findings_.entry.note = EncodeMemory(memory_);
  context_.state.Commit({PutNote{ref_, findings_.entry.note}},
                        [this, alive = alive_](const absl::Status& put) {
                          if (!*alive) return;
                          if (!put.ok()) return Fail(put);
                          RunPhases(context_.syncs[ref_]);
                        });
}

void EntryPass::RunPhases(SyncRecord& record) {
  phase_run_ = std::make_unique<PhaseRun>(
      context_.state, context_.cluster, *record.running, plan_,
      [this](Plan part) { return MakeJob(std::move(part)); },
      [this, alive = alive_](SyncOutcome outcome) {
        // The run is still on the stack.
        context_.loop.Post([this, alive, outcome = std::move(outcome)]() mutable {
          if (*alive) OnPhases(std::move(outcome));
        });
      });
  phase_run_->Start();
}

void EntryPass::OnPhases(SyncOutcome outcome) {
  CountOutcome(outcome);
  SyncRecord& record = context_.syncs[ref_];
  const SyncOperation& operation = record.running->operation();
  record.hooks = HooksOf(*record.running);
  findings_.hook_results = record.hooks;
  const bool part = record.extent == SyncRecord::Extent::kPart;
  if (!part && memory_.sync.has_value()) memory_.sync->hooks = record.running->HookResults();
  const bool stored = outcome.storage.ok();
  // A namespace without our label is not watched: that it is there now is seen by looking only.
  const bool made_namespace = plan_.create_namespace && !std::exchange(made_namespace_, true);
  const bool more = (operation.wave().has_value() || made_namespace) && outcome.pending == 0 &&
                    looks_ < kLooksMax;
  if (!outcome_.has_value()) outcome_.emplace();
  Merge(*outcome_, std::move(outcome));
  findings_.outcome = &*outcome_;
  findings_.operation = operation.message();
  if (!stored) return Conclude(WorkResult::Retry());
  if (operation.state() != SyncOperation::State::kRunning) {
    EndSync(record);
    return Look();
  }
  if (more) return Look();
  if (absl::Status read = ReadInventory(); !read.ok()) return Fail(std::move(read));
  Conclude(NextTime());
}

void EntryPass::EndSync(SyncRecord& record) {
  sync_over_ = true;
  findings_.running = false;
  const SyncOperation& operation = record.running->operation();
  const bool failed = operation.state() == SyncOperation::State::kFailed;
  if (record.extent == SyncRecord::Extent::kPart) {
    // It says nothing about the whole, and is no part of its history.
    if (failed) part_failure_ = FailureOf(operation);
    return ForgetPart(record);
  }
  memory_.sync.reset();
  record.end = failed ? SyncRecord::End::kFailed : SyncRecord::End::kSucceeded;
  Remember(failed ? SyncHistoryItem::Result::kFailed : SyncHistoryItem::Result::kSucceeded,
           failed ? FailureOf(operation) : operation.message(), record.started, record.by);
  if (failed) {
    record.failure = FailureOf(operation);
    const bool automatic = asked_.request == Request::kNone;
    const std::optional<absl::Duration> wait =
        automatic ? application_.policy.retry.WaitBefore(record.attempts) : std::nullopt;
    if (wait.has_value()) record.next = context_.loop.clock().Monotonic() + *wait;
    context_.log.Warning(kRoom, "a sync failed",
                         {{"app", ref_.key.name}, {"error", record.failure}});
  } else {
    context_.log.Info(kRoom, "synced", {{"app", ref_.key.name}});
  }
  record.running.reset();
  RememberEnd(record);
}

// Of a partial sync; corrections go on beside it.
void EntryPass::KeepSelected() {
  if (!asked_.selection.has_value()) return;
  const SyncPolicy& policy = application_.policy;
  const bool heals =
      policy.automation == Automation::kAutomated && policy.healing == Healing::kCorrect;
  for (PlanStep& step : plan_.steps) {
    std::erase_if(step.applies, [&](const ApplyTask& task) {
      return !asked_.selection->Selects(task.key) && !(heals && IsCorrection(task));
    });
    std::erase_if(step.prunes,
                  [&](const PruneTask& task) { return !asked_.selection->Selects(task.key); });
  }
  std::erase_if(plan_.steps,
                [](const PlanStep& step) { return step.applies.empty() && step.prunes.empty(); });
}

void EntryPass::KeepCorrectionsOnly() {
  for (PlanStep& step : plan_.steps) {
    std::erase_if(step.applies, [](const ApplyTask& task) { return !IsCorrection(task); });
    step.prunes.clear();
  }
  std::erase_if(plan_.steps, [](const PlanStep& step) { return step.applies.empty(); });
  plan_.create_namespace = false;
}

}  // namespace leidang::agent
