// What a pass has to know of other entries, and of what people asked for.

#include <algorithm>
#include <tuple>
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
  std::vector<SyncWish> wishes;
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
    if (operation.kind == OperationKind::kTerminate) asked_.terminate = true;
    if (operation.kind == OperationKind::kRefresh) context_.desired.Refresh(ref_);
    if (operation.kind == OperationKind::kSync) {
      absl::StatusOr<SyncWish> wish = ReadWish(operation);
      if (!wish.ok()) {
        asked_.refused[operation.id] = std::string(wish.status().message());
      } else if (wish->approves.empty()) {
        wishes.push_back(*std::move(wish));
        continue;
      } else {
        Approve(operation, wish->approves);
      }
    }
    asked_.operations.push_back(std::move(operation));
  }
  TakeSync(std::move(wishes));
  return absl::OkStatus();
}

absl::StatusOr<EntryPass::SyncWish> EntryPass::ReadWish(const OperationRecord& operation) {
  SyncWish wish;
  wish.operation = operation;
  object::Value parameters = object::Object();
  if (!operation.parameters.empty()) {
    absl::StatusOr<object::Value> read = object::ParseJson(operation.parameters);
    if (!read.ok() || !read->is_object()) {
      return absl::InvalidArgumentError(
          "what is to be synced cannot be read: the parameters of the operation are no JSON "
          "object; ask for the sync again");
    }
    parameters = *std::move(read);
  }
  const object::Value* prune = object::Find(parameters, {"prune"});
  if (prune != nullptr && prune->is_bool() && prune->get_bool()) {
    wish.request = Request::kSyncAndPrune;
  }
  const absl::string_view by = object::FindString(parameters, {"requestedBy"});
  wish.by = by.empty() ? "a person" : std::string(by);
  wish.approves = std::string(object::FindString(parameters, {"approveDeletions"}));
  const object::Value* resources = object::Find(parameters, {"resources"});
  if (resources == nullptr || !wish.approves.empty()) return wish;
  std::vector<std::string> patterns;
  if (resources->is_array()) {
    for (const object::Value& text : resources->get_array()) {
      if (text.is_string())
        patterns.emplace_back(text.get_string().data(), text.get_string().size());
    }
  }
  ASSIGN_OR_RETURN(wish.selection, SyncSelection::Parse(patterns));
  return wish;
}

// One for each pass: what one asks for has not been asked for by another one, and its outcome is
// its own. The others stay as they are until that one has ended.
void EntryPass::TakeSync(std::vector<SyncWish> wishes) {
  std::sort(wishes.begin(), wishes.end(), [](const SyncWish& a, const SyncWish& b) {
    const auto rank = [](const SyncWish& wish) {
      return std::tuple(wish.operation.state != OperationState::kRunning, wish.operation.expires,
                        wish.operation.id);
    };
    return rank(a) < rank(b);
  });
  const auto record = context_.syncs.find(ref_);
  const bool running = HasSyncRunning();
  const bool deleting = findings_.entry.head.phase == EntryPhase::kDeleting;
  for (SyncWish& wish : wishes) {
    // All of them are refused.
    if (deleting) {
      asked_.operations.push_back(std::move(wish.operation));
      continue;
    }
    // A sync of everything that runs already is as good as one more.
    const bool fits = !running || (record->second.extent == SyncRecord::Extent::kPart
                                       ? record->second.operation == wish.operation.id
                                       : !wish.selection.has_value());
    if (asked_.sync.has_value() || !fits) {
      asked_.others_wait = true;
      continue;
    }
    asked_.sync = wish.operation.id;
    asked_.request = wish.request;
    asked_.by = std::move(wish.by);
    asked_.selection = std::move(wish.selection);
    asked_.operations.push_back(std::move(wish.operation));
  }
}

// At the end of a pass.
bool EntryPass::NextSyncMayBegin() const {
  if (!asked_.others_wait || HasSyncRunning()) return false;
  return std::none_of(asked_.operations.begin(), asked_.operations.end(),
                      [this](const OperationRecord& operation) {
                        return operation.id == asked_.sync && !IsFinal(operation.state);
                      });
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
  // Why the whole failed before is no failure of a part.
  const bool part = asked_.selection.has_value() && shared_failure_.empty();
  const std::string& sync_failure = part ? part_failure_ : findings_.sync_failure;
  if (!sync_failure.empty() && operation.kind == OperationKind::kSync) return sync_failure;
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
