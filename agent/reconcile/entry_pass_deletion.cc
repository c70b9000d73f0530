// How a pass carries out a tombstone.

#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/apply/hooks.h"
#include "agent/reconcile/entry_pass.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kRoom = "agent/reconcile";

}  // namespace

void EntryPass::StartDeletion() {
  TellOfDeletion();
  const auto record = context_.syncs.find(ref_);
  const bool ending = record != context_.syncs.end() && record->second.ending.has_value();
  if (!ending) context_.syncs.erase(ref_);
  memory_.sync.reset();
  context_.on_settled();
  findings_.sync_failure = memory_.hooks_skipped;
  application_.app = ref_.key.name;
  if (findings_.entry.assignment.has_value()) {
    // Only for what is to stay with the cluster; an Application that cannot be read names nothing.
    absl::StatusOr<Application> application = ReadApplication(*findings_.entry.assignment);
    if (application.ok()) application_ = *std::move(application);
  }
  if (absl::Status read = ReadOperations(); !read.ok()) return Fail(std::move(read));
  for (const OperationRecord& operation : asked_.operations) {
    if (!asked_.answers.contains(operation.id) && !asked_.approvals.contains(operation.id)) {
      asked_.refused[operation.id] = "the Application is being deleted";
    }
  }
  const ClusterPolicy::Limit limit = context_.policy.At(context_.loop.clock().Now());
  if (limit.changes != ClusterPolicy::Changes::kAll) {
    ObeyLimit(limit);
    findings_.withheld = true;
    return Conclude(NextTime());
  }
  if (findings_.entry.policy == intent::DeletionPolicy::kOrphan) return FinishDeletionOf();
  if (memory_.ending == EntryMemory::Ending::kNotBegun && HasEndingHooks()) {
    return RunEnding(HookType::kPreDelete);
  }
  LookForDeletion();
}

// What it had is free too, wanted or not: it may never have been rendered since the agent started,
// or claim nothing any more. Once; whoever comes later finds the tombstone.
void EntryPass::TellOfDeletion() {
  std::set<EntryRef> waiting = context_.wants.Erase(ref_);
  const absl::StatusOr<intent::EntryStatus> told = context_.state.FindStatus(ref_);
  const absl::StatusOr<std::vector<InventoryItem>> items = context_.state.Inventory(ref_);
  if (items.ok() && (!told.ok() || !told->deleting)) {
    for (const InventoryItem& item : *items) {
      waiting.merge(context_.wants.ClaimersOf(item.object, ref_));
    }
  }
  TellWaiting(waiting);
}

void EntryPass::LookForDeletion() {
  ++looks_;
  if (absl::Status read = ReadInventory(); !read.ok()) return Fail(std::move(read));
  if (inventory_.empty()) return FinishDeletionOf();
  if (!context_.all_settled()) {
    findings_.progress = "waits until it is known whether another Application takes its objects";
    context_.park(ref_.key);
    return Conclude(NextTime());
  }
  Selection selection;
  for (const OwnedObject& object : inventory_) selection.keys.push_back(object.key);
  context_.cluster.Read(std::move(selection), Alive(&EntryPass::OnDeletionLive));
}

void EntryPass::OnDeletionLive(absl::StatusOr<std::vector<LiveObject>> answer) {
  if (!answer.ok()) return OnLive(std::move(answer));
  findings_.live.clear();
  for (const LiveObject& live : *answer) findings_.live.push_back(SeenOf(live));
  live_ = *std::move(answer);
  FindHeldUp();
  PlanInput input = Input();
  input.desired.clear();
  if (absl::Status found = FindNeighbours(input); !found.ok()) return Fail(std::move(found));
  plan_ = MakeDeletionPlan(input);
  findings_.plan = &plan_;
  context_.held.erase(ref_);
  if (!plan_.held.empty()) context_.held[ref_] = plan_.held;
  RememberConfirmation();
  ObeyPolicy();
  if (plan_.empty()) return Conclude(NextTime());
  CarryOut();
}

// Hooks stand in no inventory; what is left of them goes with their Application.
void EntryPass::FinishDeletionOf() {
  if (memory_.ending != EntryMemory::Ending::kAllDone && HasEndingHooks()) {
    return RunEnding(HookType::kPostDelete);
  }
  const bool orphan = findings_.entry.policy == intent::DeletionPolicy::kOrphan;
  const absl::StatusOr<std::vector<EntryHead>> heads = context_.state.HeadsOf(ref_.key);
  // Those of a namesake are not ours to remove.
  const bool alone = heads.ok() && heads->size() == 1;
  if (context_.options.syncs == ReconcileOptions::Syncs::kWaves || orphan || !alone) {
    return RemoveMirror();
  }
  context_.cluster.Read({application_.app, {}}, Alive(&EntryPass::OnHooksLeft));
}

void EntryPass::OnHooksLeft(absl::StatusOr<std::vector<LiveObject>> answer) {
  if (!answer.ok()) return Fail(answer.status());
  const auto left = std::make_shared<size_t>(1);
  const auto failed = std::make_shared<absl::Status>();
  const auto one_done = [this, left, failed] {
    if (--*left > 0) return;
    if (failed->ok()) return RemoveMirror();
    Fail(*failed);
  };
  for (const LiveObject& live : *answer) {
    if (live.owner != application_.app || live.manifest == nullptr || !IsHook(*live.manifest)) {
      continue;
    }
    ++*left;
    DeleteRequest request;
    request.key = live.key;
    request.uid = live.uid;
    request.propagation = Propagation::kBackground;
    context_.cluster.Delete(std::move(request), [alive = alive_, failed,
                                                 one_done](const absl::StatusOr<Deleted>& deleted) {
      if (!*alive) return;
      // Another one stands there by now.
      if (!absl::IsAborted(deleted.status())) failed->Update(deleted.status());
      one_done();
    });
  }
  one_done();
}

// The mirror goes first: what it lists is gone.
void EntryPass::RemoveMirror() {
  if (context_.mirror == nullptr) return RecordEnd();
  context_.mirror->Remove(ref_, [this, alive = alive_](const absl::Status& removed) {
    if (!*alive) return;
    if (removed.ok()) return RecordEnd();
    Fail(absl::Status(removed.code(), absl::StrCat("cannot remove the inventory in the cluster: ",
                                                   removed.message())));
  });
}

void EntryPass::RecordEnd() {
  findings_.gone = true;
  plan_ = {};
  findings_.plan = nullptr;
  findings_.inventory = 0;
  absl::StatusOr<intent::EntryStatus> before = context_.state.FindStatus(ref_);
  std::optional<intent::EntryStatus> known;
  if (before.ok()) known = *std::move(before);
  Transaction transaction;
  transaction.push_back(FinishDeletion{ref_});
  intent::EntryStatus status = MakeStatus(findings_, known, context_.loop.clock().Now());
  RecordEvents(known, status);
  transaction.push_back(PutStatus{std::move(status)});
  AddOperationOutcomes(transaction);
  context_.state.Commit(
      std::move(transaction), [this, alive = alive_](const absl::Status& finished) {
        if (!*alive) return;
        if (!finished.ok()) {
          context_.log.Error(kRoom, "cannot record the end of a deletion",
                             {{"app", ref_.key.name}, {"error", finished.message()}});
          return done_(WorkResult::Retry());
        }
        context_.log.Info(kRoom, "application deleted", {{"app", ref_.key.name}});
        context_.desired.Forget(ref_);
        context_.prunes.Erase(ref_);
        context_.held.erase(ref_);
        context_.judged.erase(ref_);
        context_.deleting.erase(ref_);
        context_.syncs.erase(ref_);
        context_.mirrored.erase(ref_);
        context_.approved.erase(ref_);
        context_.on_settled();
        done_(WorkResult::Done());
      });
}

}  // namespace leidang::agent
