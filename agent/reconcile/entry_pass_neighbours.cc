// What a pass has to know of other entries, and of what people asked for.

#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/apply/brake.h"
#include "agent/reconcile/entry_pass.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

absl::StatusOr<bool> Holds(const State& state, const EntryRef& entry, const ObjectKey& key) {
  ASSIGN_OR_RETURN(const std::vector<InventoryItem> items, state.Inventory(entry));
  for (const InventoryItem& item : items) {
    if (item.object == key) return true;
  }
  return false;
}

template <typename Object>
std::set<ObjectKey> KeysOf(const std::vector<Object>& objects) {
  std::set<ObjectKey> keys;
  for (const Object& object : objects) keys.insert(object.key);
  return keys;
}

}  // namespace

absl::Status EntryPass::FindNeighbours(PlanInput& input) {
  former_.clear();
  heirs_.clear();
  const std::set<ObjectKey> desired = KeysOf(input.desired);
  const std::set<ObjectKey> owned = KeysOf(input.inventory);
  for (const ObjectKey& key : owned) {
    if (desired.contains(key)) continue;
    const std::optional<EntryRef> claimer = context_.wants.ClaimerOf(key, ref_);
    if (!claimer.has_value()) continue;
    input.claimed.insert(key);
    heirs_.emplace(key, *claimer);
  }
  for (const SeenObject& seen : input.live) {
    if (seen.owner.empty() || (!desired.contains(seen.key) && !owned.contains(seen.key))) continue;
    if (seen.owner == input.app && owned.contains(seen.key)) continue;
    RETURN_IF_ERROR(FindOwner(seen, input));
  }
  return absl::OkStatus();
}

// Who has `seen` now, and whether it is let go: every entry of its owner's name is being deleted,
// or has been rendered and does not want it any more.
absl::Status EntryPass::FindOwner(const SeenObject& seen, PlanInput& input) {
  const intent::EntryKey owner{intent::EntryKind::kApplication, seen.owner};
  ASSIGN_OR_RETURN(const std::vector<EntryHead> heads, context_.state.HeadsOf(owner));
  bool released = true;
  bool known = false;
  std::set<EntryRef> holders;
  for (const EntryHead& head : heads) {
    if (head.ref == ref_) continue;
    known = true;
    ASSIGN_OR_RETURN(const bool holds, Holds(context_.state, head.ref, seen.key));
    if (holds) holders.insert(head.ref);
    if (head.phase == EntryPhase::kDeleting) continue;
    const std::set<ObjectKey>* wants = context_.wants.WantsOf(head.ref);
    if (wants == nullptr || !context_.wants.Settled(head.ref, head.element) ||
        wants->contains(seen.key)) {
      released = false;
    }
  }
  if (!known) {
    for (const OwnedObject& object : inventory_) known = known || object.key == seen.key;
    released = known;
  }
  const bool own_name = seen.owner == input.app;
  if (released && !own_name) input.released.insert(seen.key);
  if ((released || own_name) && !holders.empty()) former_[seen.key] = std::move(holders);
  return absl::OkStatus();
}

absl::Status EntryPass::ReadOperations() {
  ASSIGN_OR_RETURN(std::vector<OperationRecord> operations, context_.state.Operations());
  bool terminate = false;
  for (OperationRecord& operation : operations) {
    if (operation.entry != ref_ || IsFinal(operation.state)) continue;
    if (operation.state == OperationState::kAccepted &&
        context_.loop.clock().Now() > operation.expires) {
      asked_.expired.insert(operation.id);
      asked_.operations.push_back(std::move(operation));
      continue;
    }
    if (operation.kind == OperationKind::kHistory) {
      asked_.answers[operation.id] = object::ToJson(HistoryDocument(memory_.history));
    }
    if (operation.kind == OperationKind::kTerminate) terminate = true;
    if (operation.kind == OperationKind::kRefresh) context_.desired.Refresh(ref_);
    if (operation.kind == OperationKind::kSync) {
      const absl::StatusOr<object::Value> parameters = object::ParseJson(operation.parameters);
      const object::Value* prune = parameters.ok() ? object::Find(*parameters, {"prune"}) : nullptr;
      const bool prunes = prune != nullptr && prune->is_bool() && prune->get_bool();
      const absl::string_view by =
          parameters.ok() ? object::FindString(*parameters, {"requestedBy"}) : "";
      asked_.by = by.empty() ? "a person" : std::string(by);
      const absl::string_view digest =
          parameters.ok() ? object::FindString(*parameters, {"approveDeletions"}) : "";
      const absl::Status selected = digest.empty()
                                        ? Select(parameters.ok() ? *parameters : object::Value())
                                        : absl::OkStatus();
      if (!selected.ok()) {
        asked_.refused[operation.id] = std::string(selected.message());
      } else if (!digest.empty()) {
        Approve(operation, digest);
      } else if (prunes) {
        asked_.request = Request::kSyncAndPrune;
      } else if (asked_.request == Request::kNone) {
        asked_.request = Request::kSync;
      }
    }
    asked_.operations.push_back(std::move(operation));
  }
  if (terminate) Terminate();
  return absl::OkStatus();
}

// A sync of everything takes those of some objects along.
absl::Status EntryPass::Select(const object::Value& parameters) {
  const object::Value* resources = object::Find(parameters, {"resources"});
  std::vector<std::string> patterns;
  if (resources != nullptr && resources->is_array()) {
    for (const object::Value& text : resources->get_array()) {
      if (text.is_string())
        patterns.emplace_back(text.get_string().data(), text.get_string().size());
    }
  }
  if (resources == nullptr) {
    asked_.selection.reset();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(SyncSelection selection, SyncSelection::Parse(patterns));
  if (asked_.request == Request::kNone) asked_.selection = std::move(selection);
  return absl::OkStatus();
}

// A sync that was asked for later than the order to end stays to be done.
void EntryPass::Terminate() {
  SyncRecord& record = context_.syncs[ref_];
  const bool ran = record.running != nullptr;
  if (ran) {
    record.running.reset();
    record.end = SyncRecord::End::kFailed;
    record.failure = "the sync was terminated";
    memory_.sync.reset();
    record.next.reset();
    Remember(SyncHistoryItem::Result::kFailed, record.failure, record.started, record.by);
  }
  for (const OperationRecord& operation : asked_.operations) {
    if (operation.kind == OperationKind::kTerminate && !ran) {
      asked_.refused[operation.id] = "no sync is running";
    }
    if (operation.kind != OperationKind::kSync || operation.state != OperationState::kRunning) {
      continue;
    }
    asked_.refused[operation.id] = "the sync was terminated";
    asked_.request = Request::kNone;
  }
}

// An approval is of the exact list that was shown; anything else approves nothing.
void EntryPass::Approve(const OperationRecord& operation, absl::string_view digest) {
  const auto held = context_.held.find(ref_);
  if (held == context_.held.end() || DeletionListDigest(held->second).Hex() != digest) {
    asked_.refused[operation.id] =
        "the deletions that wait are not the list that was approved; look at the condition "
        "DeletionsHeld and approve again";
    return;
  }
  asked_.approvals.insert(operation.id);
  context_.approved[ref_].insert(held->second.begin(), held->second.end());
}

// Why what was asked for failed; empty if it did not, or not yet.
std::string EntryPass::WhyFailed(const OperationRecord& operation) const {
  if (!findings_.sync_failure.empty() && operation.kind == OperationKind::kSync)
    return findings_.sync_failure;
  if (!findings_.failure.ok()) return std::string(findings_.failure.message());
  if (!may_sync_ && operation.kind == OperationKind::kSync) {
    return absl::StrCat("refused by the policy of this cluster: ",
                        findings_.refused.empty() ? findings_.limit : findings_.refused.front());
  }
  if (!outcome_.has_value() || outcome_->ok()) return "";
  return std::string(outcome_->storage.ok() ? outcome_->errors[0].message()
                                            : outcome_->storage.message());
}

void EntryPass::AddOperationOutcomes(Transaction& transaction) {
  for (OperationRecord& operation : asked_.operations) {
    if (IsFinal(operation.state)) continue;  // Answered in between.
    const OperationState before = operation.state;
    const auto answer = asked_.answers.find(operation.id);
    const auto refused = asked_.refused.find(operation.id);
    const auto end = [&operation](OperationState state, absl::string_view message) {
      operation.state = state;
      operation.message = std::string(message);
    };
    const bool goes_on = !findings_.progress.empty() || !plan_.steps.empty() ||
                         !plan_.waiting_for.empty() || waits_for_others_;
    if (asked_.expired.contains(operation.id)) {
      end(OperationState::kExpired, "its time was over before this cluster could begin");
    } else if (answer != asked_.answers.end()) {
      end(OperationState::kSucceeded, answer->second);
    } else if (refused != asked_.refused.end()) {
      end(OperationState::kFailed, refused->second);
    } else if (findings_.running) {
      operation.state = OperationState::kRunning;
    } else if (const std::string failure = WhyFailed(operation); !failure.empty()) {
      end(OperationState::kFailed, failure);
    } else {
      operation.state = goes_on ? OperationState::kRunning : OperationState::kSucceeded;
    }
    if (operation.state != before) transaction.push_back(PutOperation{operation});
  }
}

}  // namespace leidang::agent
