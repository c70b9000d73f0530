// The hooks of an Application's end: before its first deletion, and after its last.

#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/reconcile/entry_pass.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kRoom = "agent/reconcile";
constexpr absl::Duration kBetweenLooks = absl::Seconds(2);
constexpr int kLooksMax = 100;
constexpr size_t kShownMax = 500;

}  // namespace

// Those of a namesake are not ours to run, nor are those of what stays.
bool EntryPass::HasEndingHooks() const {
  if (context_.options.syncs != ReconcileOptions::Syncs::kPhases ||
      !findings_.entry.assignment.has_value() || !application_.spec.is_object() ||
      findings_.entry.policy == intent::DeletionPolicy::kOrphan) {
    return false;
  }
  const absl::StatusOr<std::vector<EntryHead>> heads = context_.state.HeadsOf(ref_.key);
  return !heads.ok() || heads->size() == 1;
}

void EntryPass::RunEnding(HookType type) {
  ending_ = type;
  if (const auto heads = context_.state.HeadsOf(ref_.key); !heads.ok()) {
    return Fail(heads.status());
  }
  if (desired_ != nullptr) return LookForEnding();
  context_.desired.Get(ref_, application_, Alive(&EntryPass::OnEndingDesired));
}

void EntryPass::OnEndingDesired(absl::StatusOr<DesiredSource::Set> answer) {
  if (answer.ok()) {
    desired_ = *std::move(answer);
    return LookForEnding();
  }
  if (context_.desired.OnItsWay(ref_)) {
    findings_.progress = std::string(answer.status().message());
    return Conclude(WorkResult::After(context_.options.resync));
  }
  if (!MayPass(answer.status())) return SkipEnding(answer.status());
  findings_.sync_failure =
      absl::StrCat("the deletion waits, for its hooks cannot be told now, which is tried again: ",
                   answer.status().message());
  context_.log.Warning(kRoom, "the hooks of a deletion cannot be told",
                       {{"app", ref_.key.name}, {"error", answer.status().message()}});
  Conclude(WorkResult::Retry());
}

// What cannot be rendered any more must not stand in the way of its own end.
void EntryPass::SkipEnding(const absl::Status& why) {
  memory_.hooks_skipped =
      absl::StrCat("hooks of the deletion do not run, for they cannot be rendered: ",
                   absl::string_view(why.message()).substr(0, kShownMax));
  findings_.sync_failure = memory_.hooks_skipped;
  context_.log.Warning(kRoom, "an application ends without its hooks",
                       {{"app", ref_.key.name}, {"error", why.message()}});
  EndEnding();
}

void EntryPass::LookForEnding() {
  ++looks_;
  SyncRecord& record = context_.syncs[ref_];
  if (record.running == nullptr || record.ending != ending_) {
    // Why the last attempt failed is said until one succeeds.
    std::string failure = record.ending == ending_ ? std::move(record.failure) : "";
    record = {};
    record.ending = ending_;
    record.failure = std::move(failure);
    PhasedSync::Options options;
    options.started = context_.loop.clock().Now();
    options.ending = ending_;
    record.running = std::make_unique<PhasedSync>(application_, desired_, std::move(options));
    if (record.running->hooks().empty()) return EndEnding();
  }
  Selection selection{application_.app, {}};
  for (const auto& [key, manifest] : record.running->hooks()) selection.keys.push_back(key);
  context_.cluster.Read(std::move(selection), Alive(&EntryPass::OnEndingRead));
}

void EntryPass::OnEndingRead(absl::StatusOr<std::vector<LiveObject>> answer) {
  HealthSource::Objects objects;
  if (answer.ok()) {
    for (const LiveObject& live : *answer) objects.push_back(live.manifest);
  }
  context_.health.Prepare(std::move(objects),
                          [this, alive = alive_, answer = std::move(answer)]() mutable {
                            if (*alive) OnEndingLive(std::move(answer));
                          });
}

void EntryPass::OnEndingLive(absl::StatusOr<std::vector<LiveObject>> answer) {
  if (!answer.ok()) return OnLive(std::move(answer));
  live_ = *std::move(answer);
  plan_ = {};
  SyncRecord& record = context_.syncs[ref_];
  record.running->BeginLook(plan_, live_, context_.health);
  phase_run_ = std::make_unique<PhaseRun>(
      context_.state, context_.cluster, *record.running, plan_,
      [this](Plan part) { return MakeJob(std::move(part)); },
      // Hooks are in no inventory; the operation knows how they ended.
      [this, alive = alive_](const SyncOutcome&) {
        // The run is still on the stack.
        context_.loop.Post([this, alive] {
          if (*alive) OnEndingPhases();
        });
      });
  phase_run_->Start();
}

void EntryPass::OnEndingPhases() {
  SyncRecord& record = context_.syncs[ref_];
  const SyncOperation& operation = record.running->operation();
  if (operation.state() == SyncOperation::State::kSucceeded) return EndEnding();
  if (operation.state() == SyncOperation::State::kFailed) {
    record.failure =
        absl::StrCat("a hook of the deletion failed, and is tried again: ", FailureOf(operation));
    findings_.sync_failure = record.failure;
    context_.log.Warning(kRoom, "a hook of a deletion failed",
                         {{"app", ref_.key.name}, {"error", findings_.sync_failure}});
    record.running.reset();
    return Conclude(WorkResult::Retry());
  }
  if (operation.wave().has_value() && looks_ < kLooksMax) return LookForEnding();
  findings_.progress = operation.message();
  if (!record.failure.empty()) findings_.sync_failure = record.failure;
  Conclude(WorkResult::After(kBetweenLooks));
}

// They are not run again, whatever ends the process now.
void EntryPass::EndEnding() {
  context_.syncs.erase(ref_);
  const bool before = ending_ == HookType::kPreDelete;
  memory_.ending = before ? EntryMemory::Ending::kHooksDone : EntryMemory::Ending::kAllDone;
  findings_.entry.note = EncodeMemory(memory_);
  context_.state.Commit({PutNote{ref_, findings_.entry.note}},
                        [this, alive = alive_, before](const absl::Status& put) {
                          if (!*alive) return;
                          if (!put.ok()) return Fail(put);
                          if (before) return LookForDeletion();
                          FinishDeletionOf();
                        });
}

}  // namespace leidang::agent
