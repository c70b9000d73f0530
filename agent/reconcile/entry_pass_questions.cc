// What a pass answers to people, and remembers for them.

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "agent/reconcile/entry_pass.h"
#include "agent/reconcile/find_by_key.h"
#include "common/base/check.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

constexpr absl::string_view kRoom = "agent/reconcile";

}  // namespace

bool EntryPass::AsksForDiff(const OperationRecord& operation) const {
  return operation.kind == OperationKind::kDiff && !IsFinal(operation.state) &&
         !asked_.expired.contains(operation.id) && !asked_.answers.contains(operation.id);
}

// Before anything is changed.
bool EntryPass::AnswerQuestions() {
  const bool asked = std::any_of(asked_.operations.begin(), asked_.operations.end(),
                                 [this](const auto& o) { return AsksForDiff(o); });
  // What was good before is no answer to what is wanted now.
  if (!asked || !findings_.failure.ok() || !findings_.progress.empty()) return false;
  std::vector<LiveDiff::Item> items;
  for (const DesiredObject& desired : desired_->objects) {
    const SeenObject* seen = FindByKey(findings_.live, desired.key);
    const OwnedObject* owned = FindByKey(inventory_, desired.key);
    const bool as_applied = seen != nullptr && owned != nullptr &&
                            owned->desired == desired.digest && owned->observed == seen->hash &&
                            owned->uid == seen->uid && seen->owner == application_.app;
    if (as_applied) continue;
    absl::StatusOr<object::Value> manifest = object::ParseJson(desired.manifest);
    CHECK(manifest.ok());  // We printed it ourselves.
    items.push_back(
        {desired.key, *std::move(manifest),
         seen == nullptr ? LiveDiff::Item::Live::kMissing : LiveDiff::Item::Live::kThere});
  }
  for (const auto* keys : {&plan_.extra, &plan_.excused}) {
    for (const ObjectKey& key : *keys) {
      items.push_back({key, std::nullopt, LiveDiff::Item::Live::kThere});
    }
  }
  diff_ = std::make_unique<LiveDiff>(
      context_.cluster, context_.ignored, application_.policy.ignored, std::move(items),
      [this, alive = alive_](object::Value document) {
        // It is still on the stack.
        context_.loop.Post([this, alive, document = std::move(document)] {
          if (*alive) OnDiff(document);
        });
      });
  diff_->Start();
  return true;
}

void EntryPass::OnDiff(const object::Value& document) {
  const std::string text = object::ToJson(document);
  Transaction transaction;
  for (OperationRecord& operation : asked_.operations) {
    if (!AsksForDiff(operation)) continue;
    operation.state = OperationState::kSucceeded;
    operation.message = text;
    transaction.push_back(PutOperation{operation});
  }
  context_.state.Commit(std::move(transaction), [this, alive = alive_](const absl::Status& put) {
    if (!*alive) return;
    if (!put.ok()) {
      context_.log.Error(kRoom, "cannot store an answer",
                         {{"app", ref_.key.name}, {"error", put.message()}});
      return Conclude(WorkResult::Retry());
    }
    MakeThePlan();
  });
}

void EntryPass::Remember(SyncHistoryItem::Result result, absl::string_view message,
                         absl::Time started, absl::string_view by) {
  SyncHistoryItem item;
  item.commit = application_.source.commit;
  item.by = std::string(by);
  item.started = started;
  item.ended = context_.loop.clock().Now();
  item.result = result;
  item.message = std::string(message);
  AddHistory(memory_.history, std::move(item), application_.history_max);
}

void EntryPass::RememberEnd(const SyncRecord& record) {
  const bool failed = record.end == SyncRecord::End::kFailed;
  memory_.last = SyncEnd{
      record.element,
      record.attempts,
      record.by,
      failed ? SyncHistoryItem::Result::kFailed : SyncHistoryItem::Result::kSucceeded,
      record.next.has_value() ? SyncEnd::Again::kYes : SyncEnd::Again::kNo,
      record.failure,
  };
}

void EntryPass::RecallEnd(SyncRecord& record) {
  const object::Sha256& element = findings_.entry.head.element;
  if (memory_.last.has_value() && memory_.last->element != element) memory_.last.reset();
  const bool known = record.running != nullptr || record.end != SyncRecord::End::kNone;
  if (known || !memory_.last.has_value()) return;
  const SyncEnd& last = *memory_.last;
  const bool failed = last.result == SyncHistoryItem::Result::kFailed;
  record.element = element;
  record.end = failed ? SyncRecord::End::kFailed : SyncRecord::End::kSucceeded;
  record.attempts = last.attempts;
  record.by = last.by;
  record.failure = last.failure;
  if (last.again == SyncEnd::Again::kNo) return;
  const std::optional<absl::Duration> wait = application_.policy.retry.WaitBefore(last.attempts);
  if (wait.has_value()) record.next = context_.loop.clock().Monotonic() + *wait;
}

// Syncs in waves have no record of their own: a pass that changed content was one.
void EntryPass::RememberWaves() {
  const bool live = findings_.entry.head.phase == EntryPhase::kLive;
  if (InPhases() || !live || !outcome_.has_value()) return;
  const bool changed = outcome_->created + outcome_->changed + outcome_->pruned > 0;
  if (!outcome_->ok()) {
    Remember(SyncHistoryItem::Result::kFailed,
             outcome_->errors.empty() ? outcome_->storage.message() : outcome_->errors[0].message(),
             started_, asked_.by);
  } else if (changed && plan_.steps.empty() && plan_.waiting_for.empty()) {
    Remember(SyncHistoryItem::Result::kSucceeded, "", started_, asked_.by);
  }
}

}  // namespace leidang::agent
