#include "agent/reconcile/status_report.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "agent/apply/brake.h"
#include "agent/reconcile/resource_report.h"
#include "agent/render/render_error.h"
#include "common/base/utf8.h"
#include "common/conditions/condition_list.h"
#include "common/conditions/held_list.h"
#include "common/conditions/reason.h"
#include "common/conditions/types.h"

namespace leidang::agent {
namespace {

using conditions::Reason;
using intent::EntryStatus;
using intent::HealthState;
using intent::OperationPhase;
using intent::StatusCondition;
using object::ObjectKey;

constexpr size_t kShownMax = 5;
constexpr size_t kMessageMax = 2048;

class ConditionWriter {
 public:
  ConditionWriter(const std::optional<EntryStatus>& before, absl::Time now)
      : before_(before), now_(now) {}

  void Add(absl::string_view type, Reason reason, std::string message) {
    message.resize(Utf8Prefix(message, kMessageMax).size());
    StatusCondition condition{std::string(type), std::string(conditions::ToString(reason)),
                              std::move(message), now_};
    const StatusCondition* old =
        before_.has_value() ? conditions::FindCondition(before_->conditions, type) : nullptr;
    if (old != nullptr && conditions::SameStatus(*old, condition)) condition.since = old->since;
    conditions::SetCondition(list_, std::move(condition));
  }
  std::vector<StatusCondition> Take() { return std::move(list_); }

 private:
  const std::optional<EntryStatus>& before_;
  const absl::Time now_;
  std::vector<StatusCondition> list_;
};

void AddFailure(const absl::Status& failure, ConditionWriter& writer) {
  if (failure.ok()) return;
  const Reason reason = RenderReasonOf(failure).value_or(Reason::kClusterUnreachable);
  absl::string_view type = conditions::kComparisonError;
  if (reason == Reason::kInvalidSpec) type = conditions::kInvalidSpecError;
  if (reason == Reason::kUnsupportedSource) type = conditions::kUnsupportedSource;
  if (reason == Reason::kStorageFailed) type = conditions::kUnknownError;
  writer.Add(type, reason, std::string(failure.message()));
}

void AddConflicts(const Plan& plan, ConditionWriter& writer) {
  if (plan.conflicts.empty()) return;
  std::vector<std::string> shown;
  for (const Plan::Conflict& conflict : plan.conflicts) {
    if (shown.size() == kShownMax) break;
    shown.push_back(conflict.owner.empty()
                        ? absl::StrCat(conflict.key.ToString(),
                                       " is there already and nobody's (annotate it here with "
                                       "leidang.dev/adopt: \"true\" to take it over)")
                        : absl::StrCat(conflict.key.ToString(), " belongs to ", conflict.owner));
  }
  if (plan.conflicts.size() > kShownMax) {
    shown.push_back(absl::StrCat(plan.conflicts.size() - kShownMax, " more"));
  }
  writer.Add(conditions::kSharedResourceWarning, Reason::kSharedResource,
             absl::StrJoin(shown, "; "));
}

void AddDesired(const EntryFindings& findings, ConditionWriter& writer) {
  const DesiredSet& desired = *findings.desired;
  if (!desired.repeated.empty()) {
    writer.Add(
        conditions::kRepeatedResourceWarning, Reason::kRepeatedResource,
        absl::StrCat("written more than once, the last one counts: ", ListShown(desired.repeated)));
  }
  if (findings.hooks == EntryFindings::Hooks::kRun || desired.hooks.empty()) return;
  std::vector<ObjectKey> hooks;
  for (const DesiredHook& hook : desired.hooks) hooks.push_back(hook.key);
  writer.Add(conditions::kExcludedResourceWarning, Reason::kHookFailed,
             absl::StrCat("hooks do not run on this target and are left out: ", ListShown(hooks)));
}

void AddNotices(const EntryFindings& findings, ConditionWriter& writer) {
  if (findings.policy == nullptr || findings.policy->notices.empty()) return;
  const bool left_out = findings.desired != nullptr && !findings.desired->hooks.empty() &&
                        findings.hooks == EntryFindings::Hooks::kLeftOut;
  if (left_out) return;  // One condition of a type.
  writer.Add(conditions::kExcludedResourceWarning, Reason::kUnsupportedOption,
             absl::StrJoin(findings.policy->notices, "; "));
}

// What ignored fields are of some objects cannot be told.
void AddUnsure(const EntryFindings& findings, ConditionWriter& writer) {
  if (findings.unsure.empty() || !findings.failure.ok()) return;
  const std::vector<std::string>& unsure = findings.unsure;
  std::vector<std::string> shown(unsure.begin(),
                                 unsure.begin() + std::min(unsure.size(), kShownMax));
  if (unsure.size() > shown.size()) {
    shown.push_back(absl::StrCat(unsure.size() - shown.size(), " more"));
  }
  writer.Add(conditions::kComparisonError, Reason::kRenderFailed,
             absl::StrCat("spec.ignoreDifferences cannot be followed, and these objects are left "
                          "as they are: ",
                          absl::StrJoin(shown, "; ")));
}

void AddRefusals(const EntryFindings& findings, ConditionWriter& writer) {
  std::vector<std::string> parts;
  if (findings.limited_by.has_value()) {
    parts.push_back(absl::StrCat(findings.limit, "; what is to be changed waits"));
  }
  if (!findings.refused.empty()) {
    const std::vector<std::string>& refused = findings.refused;
    const size_t shown = std::min(refused.size(), kShownMax);
    std::string list = absl::StrJoin(refused.begin(), refused.begin() + shown, "; ");
    if (refused.size() > shown) absl::StrAppend(&list, " and ", refused.size() - shown, " more");
    parts.push_back(absl::StrCat("the policy of this cluster refuses ", list));
  }
  if (parts.empty()) return;
  writer.Add(conditions::kRefused, findings.limited_by.value_or(Reason::kRefusedByPolicy),
             absl::StrJoin(parts, "; "));
}

void AddPlan(const Plan& plan, ConditionWriter& writer) {
  AddConflicts(plan, writer);
  if (!plan.held.empty()) {
    conditions::HeldList list{
        plan.hold_reason, DeletionListDigest(plan.held).Hex(), plan.held.size(), {}};
    for (size_t i = 0; i < std::min(plan.held.size(), kShownMax); ++i)
      list.names.push_back(plan.held[i].ToString());
    writer.Add(conditions::kDeletionsHeld, Reason::kDeletionsHeld, conditions::HeldListText(list));
  }
  if (plan.refused_empty) {
    writer.Add(conditions::kSyncError, Reason::kDeletionsHeld,
               absl::StrCat("the source renders to nothing, and that would prune everything; set "
                            "spec.syncPolicy.automated.allowEmpty if it is meant: ",
                            ListShown(plan.extra)));
  }
  if (!plan.unowned.empty()) {
    writer.Add(conditions::kOrphanedResourceWarning, Reason::kUnclaimed,
               absl::StrCat("marked as this Application's, but in no inventory and not wanted; "
                            "left as they are: ",
                            ListShown(plan.unowned)));
  }
}

void AddSync(const EntryFindings& findings, ConditionWriter& writer) {
  const SyncOutcome* outcome = findings.outcome;
  if (outcome != nullptr && !outcome->storage.ok()) {
    writer.Add(conditions::kUnknownError, Reason::kStorageFailed,
               std::string(outcome->storage.message()));
  } else if (outcome != nullptr && outcome->failed > 0) {
    std::string message(outcome->errors[0].message());
    if (outcome->failed > 1) absl::StrAppend(&message, " (and ", outcome->failed - 1, " more)");
    const bool deleting = findings.entry.head.phase == EntryPhase::kDeleting;
    writer.Add(deleting ? conditions::kDeletionError : conditions::kSyncError,
               deleting ? Reason::kPruneFailed : Reason::kApplyFailed, std::move(message));
  } else if (!findings.sync_failure.empty()) {
    const bool deleting = findings.entry.head.phase == EntryPhase::kDeleting;
    writer.Add(deleting ? conditions::kDeletionError : conditions::kSyncError,
               deleting ? Reason::kHookFailed : Reason::kApplyFailed, findings.sync_failure);
  } else if (!findings.rested.empty()) {
    std::vector<ObjectKey> keys;
    std::set<std::string> rivals;
    for (const auto& [key, until] : findings.rested) keys.push_back(key);
    for (const SeenObject& seen : findings.live) {
      if (findings.rested.contains(seen.key) && !seen.rival.empty()) rivals.insert(seen.rival);
    }
    writer.Add(conditions::kSyncError, Reason::kFieldConflict,
               absl::StrCat(rivals.empty() ? "somebody else" : absl::StrJoin(rivals, ", "),
                            " keeps changing ", ListShown(keys),
                            "; corrections pause for up to a minute"));
  }
}

HealthState HealthOf(const EntryFindings& findings) {
  static constexpr HealthState kWorstFirst[] = {HealthState::kUnknown, HealthState::kDegraded,
                                                HealthState::kMissing, HealthState::kProgressing,
                                                HealthState::kSuspended};
  if (findings.desired == nullptr || findings.plan == nullptr) return HealthState::kUnknown;
  if (!findings.desired->objects.empty() &&
      findings.plan->missing.size() == findings.desired->objects.size()) {
    return HealthState::kMissing;
  }
  for (const HealthState state : kWorstFirst) {
    for (const SeenObject& seen : findings.live) {
      const bool own =
          std::binary_search(findings.desired->objects.begin(), findings.desired->objects.end(),
                             seen, [](const auto& a, const auto& b) { return a.key < b.key; });
      if (own && seen.health == state) return state;
    }
  }
  return HealthState::kHealthy;
}

std::string OutcomeShown(const SyncOutcome& outcome) {
  std::vector<std::string> parts;
  const auto add = [&parts](size_t count, absl::string_view what) {
    if (count > 0) parts.push_back(absl::StrCat(what, " ", count));
  };
  add(outcome.created, "created");
  add(outcome.changed, "changed");
  add(outcome.corrected, "corrected");
  add(outcome.pruned, "pruned");
  add(outcome.pending, "waiting for the end of");
  add(outcome.failed, "failed on");
  return parts.empty() ? "" : absl::StrJoin(parts, ", ") + " objects";
}

std::string CommitsOf(const Entry& entry) {
  std::vector<std::string> commits;
  for (const intent::Source& source : entry.assignment->sources) commits.push_back(source.commit);
  return absl::StrJoin(commits, ",");
}

// A hub that does not know the Application can claim it by this.
std::string BodyShown(const Entry& entry) {
  if (entry.head.phase != EntryPhase::kUnclaimed || !entry.assignment.has_value() ||
      entry.head.ref.key.kind != intent::EntryKind::kApplication ||
      entry.assignment->body.size() > intent::kStatusBodyMax) {
    return "";
  }
  return entry.assignment->body;
}

OperationPhase PhaseOf(const EntryFindings& findings, const EntryStatus& before) {
  if (findings.running) return OperationPhase::kRunning;
  if (!findings.sync_failure.empty()) return OperationPhase::kFailed;
  if (findings.outcome != nullptr && !findings.outcome->ok()) return OperationPhase::kFailed;
  if (findings.plan != nullptr && findings.plan->refused_empty) return OperationPhase::kFailed;
  if (findings.outcome != nullptr) return OperationPhase::kSucceeded;
  return before.operation == OperationPhase::kRunning && IsApplied(findings)
             ? OperationPhase::kSucceeded
             : before.operation;
}

bool DidSomething(const SyncOutcome& outcome) {
  return outcome.created + outcome.changed + outcome.corrected + outcome.pruned > 0;
}

// They change with what they are of only: a failure that repeats itself keeps its own.
void SetOperationTimes(const EntryFindings& findings, const EntryStatus& before, absl::Time now,
                       EntryStatus& status) {
  if (status.operation == OperationPhase::kNone) return;
  const bool ran = before.operation == OperationPhase::kRunning;
  const bool known = before.operation_started.has_value();
  const absl::Time started =
      findings.sync_started.value_or(ran && known ? *before.operation_started : findings.looked_at);
  const std::string commit =
      findings.entry.assignment.has_value() ? CommitsOf(findings.entry) : before.operation_commit;
  if (status.operation == OperationPhase::kRunning) {
    if (!findings.running) return;  // Nothing is known that is newer.
    status.operation_started = started;
    status.operation_finished.reset();
    status.operation_commit = commit;
    return;
  }
  const bool something = findings.outcome != nullptr && DidSomething(*findings.outcome);
  if (!ran && !something && status.operation == before.operation &&
      (findings.outcome == nullptr || status.message == before.message)) {
    return;
  }
  status.operation_started = started;
  status.operation_finished = now;
  status.operation_commit = commit;
}

// What is said of what is waited for.
bool IsOfWaiting(absl::string_view message) {
  return absl::StartsWith(message, "waiting for ") || absl::StartsWith(message, "waits");
}

std::string MessageOf(const EntryFindings& findings, const EntryStatus& before,
                      OperationPhase phase) {
  if (!findings.progress.empty()) return findings.progress;
  if (!findings.sync_failure.empty()) return findings.sync_failure;
  if (findings.running && !findings.operation.empty()) return findings.operation;
  std::string shown = findings.outcome == nullptr ? "" : OutcomeShown(*findings.outcome);
  if (!shown.empty()) return shown;
  // What was said of another phase, or waited for, is over.
  if (phase == before.operation && !IsOfWaiting(before.message)) return before.message;
  if (phase != OperationPhase::kSucceeded) return "";
  return findings.operation.empty() ? "nothing was to be changed" : findings.operation;
}

}  // namespace

std::string ListShown(const std::vector<ObjectKey>& keys) {
  std::vector<std::string> shown;
  for (const ObjectKey& key : keys) {
    if (shown.size() == kShownMax) break;
    shown.push_back(key.ToString());
  }
  std::string list = absl::StrJoin(shown, ", ");
  if (keys.size() > kShownMax) absl::StrAppend(&list, " and ", keys.size() - kShownMax, " more");
  return list;
}

void Merge(SyncOutcome& total, SyncOutcome more) {
  total.created += more.created;
  total.changed += more.changed;
  total.corrected += more.corrected;
  total.unchanged += more.unchanged;
  total.pruned += more.pruned;
  total.pending = more.pending;
  total.failed += more.failed;
  if (total.storage.ok()) total.storage = std::move(more.storage);
  std::move(more.corrections.begin(), more.corrections.end(),
            std::back_inserter(total.corrections));
  std::move(more.errors.begin(), more.errors.end(), std::back_inserter(total.errors));
}

bool IsApplied(const EntryFindings& findings) {
  const Plan* plan = findings.plan;
  return findings.failure.ok() && findings.progress.empty() && plan != nullptr &&
         !findings.running && !findings.withheld && findings.sync_failure.empty() &&
         findings.unsure.empty() && !plan->content_pending && plan->steps.empty() &&
         plan->drifted.empty() && plan->missing.empty() && plan->conflicts.empty() &&
         plan->held.empty() && !plan->refused_empty &&
         (findings.outcome == nullptr || findings.outcome->ok());
}

EntryStatus MakeStatus(const EntryFindings& findings, const std::optional<EntryStatus>& before,
                       absl::Time now) {
  const EntryHead& head = findings.entry.head;
  EntryStatus status = before.value_or(EntryStatus());
  status.key = head.ref.key;
  status.uid = head.ref.uid;
  status.received = head.revision;
  status.observed_at = now;
  status.deleting = head.phase == EntryPhase::kDeleting;
  status.unclaimed = head.phase == EntryPhase::kUnclaimed;
  status.body = BodyShown(findings.entry);
  status.gone = findings.gone;
  status.objects = findings.inventory;
  status.operation = PhaseOf(findings, status);
  if (findings.plan != nullptr) status.sync = findings.plan->sync;
  if (!findings.failure.ok()) status.sync = intent::SyncState::kUnknown;
  if (findings.plan != nullptr) {
    status.health = HealthOf(findings);
  } else if (!findings.failure.ok() && !RenderReasonOf(findings.failure).has_value()) {
    status.health = HealthState::kUnknown;  // Nobody could look.
  }
  if (findings.outcome != nullptr) status.drift_corrections += findings.outcome->corrected;
  status.message = MessageOf(findings, before.value_or(EntryStatus()), status.operation);
  SetOperationTimes(findings, before.value_or(EntryStatus()), now, status);
  if (IsApplied(findings) && findings.entry.assignment.has_value() && !status.deleting) {
    status.applied = head.revision;
    status.applied_element = head.element;
    status.applied_commit = CommitsOf(findings.entry);
  }

  if (findings.plan != nullptr && findings.desired != nullptr) {
    status.resources = ResourcesOf(findings, status.resources);
  }
  if (findings.gone) status.resources.clear();

  ConditionWriter writer(before, now);
  AddFailure(findings.failure, writer);
  if (head.phase == EntryPhase::kUnclaimed) {
    writer.Add(conditions::kUnclaimed, Reason::kUnclaimed,
               "the hub does not know this Application; it is kept as it is until the hub claims "
               "or deletes it");
  }
  if (findings.desired != nullptr) AddDesired(findings, writer);
  AddUnsure(findings, writer);
  AddNotices(findings, writer);
  AddRefusals(findings, writer);
  if (findings.skipped) {
    writer.Add(conditions::kReconcileSkipped, Reason::kSkipped, findings.progress);
  }
  if (!findings.held_up.empty()) {
    writer.Add(conditions::kDeletionError, Reason::kPruneFailed,
               absl::StrJoin(findings.held_up, "; "));
  }
  if (findings.plan != nullptr) AddPlan(*findings.plan, writer);
  AddSync(findings, writer);
  status.conditions = writer.Take();
  return status;
}

bool SameStatus(EntryStatus a, const EntryStatus& b) {
  a.observed_at = b.observed_at;
  return a == b;
}

}  // namespace leidang::agent
