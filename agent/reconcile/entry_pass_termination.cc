// How a pass ends a sync that somebody wants ended.

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "agent/reconcile/entry_pass.h"

namespace leidang::agent {

// Its hooks are known by what their applies made: what stands there by now may be another's. Those
// of a sync that a restart interrupted are in memory.
void EntryPass::Terminate() {
  std::map<SyncTaskId, SyncResult> hooks;
  if (HasSyncRunning()) {
    hooks = context_.syncs[ref_].running->HookResults();
  } else if (memory_.sync.has_value() && memory_.sync->element == findings_.entry.head.element) {
    hooks = memory_.sync->hooks;
  }
  for (const auto& [task, result] : hooks) {
    if (result.phase == SyncResult::Phase::kRunning) to_stop_.emplace_back(task.key, result.uid);
  }
  StopNextHook();
}

void EntryPass::StopNextHook() {
  if (to_stop_.empty()) return EndTermination();
  const auto [hook, uid] = std::move(to_stop_.back());
  to_stop_.pop_back();
  if (uid.empty()) {
    stopped_.push_back(absl::StrCat("its running hook ", hook.ToString(),
                                    " is left, as it is not known which one is its own"));
    return StopNextHook();
  }
  DeleteRequest request;
  request.key = hook;
  request.uid = uid;
  request.propagation = Propagation::kBackground;
  context_.cluster.Delete(std::move(request), [this, alive = alive_,
                                               hook = hook](const absl::StatusOr<Deleted>& answer) {
    if (*alive) OnHookStopped(hook, answer);
  });
}

void EntryPass::OnHookStopped(const object::ObjectKey& hook,
                              const absl::StatusOr<Deleted>& answer) {
  const std::string named = absl::StrCat("its running hook ", hook.ToString());
  if (absl::IsAborted(answer.status())) {
    stopped_.push_back(absl::StrCat(named, " is gone, and what stands there now is another one"));
  } else if (!answer.ok()) {
    stopping_ = Stopping::kFailed;
    stopped_.push_back(absl::StrCat(named, " could not be deleted: ", answer.status().message()));
  } else if (*answer == Deleted::kPending) {
    stopped_.push_back(absl::StrCat(named, " is being deleted, and held by its finalizers"));
  } else {
    stopped_.push_back(absl::StrCat(named, " was deleted"));
  }
  StopNextHook();
}

// A sync that was asked for later than the order to end stays to be done.
void EntryPass::EndTermination() {
  SyncRecord& record = context_.syncs[ref_];
  const object::Sha256& element = findings_.entry.head.element;
  const bool running = record.running != nullptr;
  const bool interrupted = !running && memory_.sync.has_value() && memory_.sync->element == element;
  const bool part = running && record.extent == SyncRecord::Extent::kPart;
  const OperationId of = record.operation;
  std::string ended = "the sync was terminated";
  if (!stopped_.empty()) absl::StrAppend(&ended, "; ", absl::StrJoin(stopped_, "; "));
  if (interrupted) {
    record = {};
    record.element = element;
    record.started = memory_.sync->started;
    record.by = memory_.sync->by;
    record.attempts = memory_.sync->attempts;
  }
  if (part) {
    ForgetPart(record);
  } else if (running || interrupted) {
    findings_.sync_started = record.started;
    record.running.reset();
    record.end = SyncRecord::End::kFailed;
    record.failure = ended;
    memory_.sync.reset();
    record.next.reset();
    Remember(SyncHistoryItem::Result::kFailed, record.failure, record.started, record.by);
    RememberEnd(record);
  }
  for (const OperationRecord& operation : asked_.operations) {
    if (operation.kind == OperationKind::kTerminate) {
      if (!running && !interrupted) {
        asked_.refused[operation.id] = "no sync is running";
      } else if (stopping_ == Stopping::kFailed) {
        asked_.refused[operation.id] = ended;
      } else if (!stopped_.empty()) {
        asked_.answers[operation.id] = ended;
      }
    }
    const bool begun = operation.state == OperationState::kRunning || (part && operation.id == of);
    if (operation.kind != OperationKind::kSync || !begun) continue;
    asked_.refused[operation.id] = ended;
    asked_.request = Request::kNone;
    asked_.selection.reset();
  }
  GoOnLive();
}

}  // namespace leidang::agent
