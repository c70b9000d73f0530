#include "agent/reconcile/event_report.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "agent/reconcile/find_by_key.h"
#include "common/conditions/condition_list.h"

namespace leidang::agent {
namespace {

using intent::EntryStatus;
using intent::HealthState;
using intent::OperationPhase;
using Type = Happening::Type;

class Teller {
 public:
  Teller(const EntryStatus& status, absl::string_view ns) : app_(status.key.name) {
    const std::vector<std::string> parts = absl::StrSplit(app_, absl::MaxSplits('/', 1));
    application_ = {"argoproj.io", "Application", std::string(ns), parts.back()};
  }

  void Tell(Type type, std::string reason, absl::string_view message) {
    list_.push_back({application_, "", type, std::move(reason), absl::StrCat(app_, ": ", message)});
  }
  std::vector<Happening> Take() { return std::move(list_); }

 private:
  const std::string app_;
  object::ObjectKey application_;
  std::vector<Happening> list_;
};

void TellSync(const EntryFindings& findings, const std::optional<EntryStatus>& before,
              const EntryStatus& after, Teller& teller) {
  const OperationPhase was = before.has_value() ? before->operation : OperationPhase::kNone;
  const bool worked =
      findings.outcome != nullptr &&
      findings.outcome->created + findings.outcome->changed + findings.outcome->pruned > 0;
  if (after.operation == OperationPhase::kFailed && was != OperationPhase::kFailed) {
    teller.Tell(Type::kWarning, "SyncFailed", after.message);
  } else if (after.operation == OperationPhase::kRunning && was != OperationPhase::kRunning) {
    teller.Tell(Type::kNormal, "SyncStarted", "a sync has begun");
  } else if (after.operation == OperationPhase::kSucceeded &&
             (worked || was == OperationPhase::kRunning)) {
    teller.Tell(Type::kNormal, "SyncSucceeded",
                after.applied_commit.empty()
                    ? after.message
                    : absl::StrCat(after.message, " (", after.applied_commit, ")"));
  }
  if (after.gone) teller.Tell(Type::kNormal, "Deleted", "all that it had here is gone");
}

void TellHealth(const std::optional<EntryStatus>& before, const EntryStatus& after,
                Teller& teller) {
  const HealthState was = before.has_value() ? before->health : HealthState::kUnknown;
  if (after.health == was || after.gone) return;
  if (after.health == HealthState::kDegraded) {
    teller.Tell(Type::kWarning, "HealthDegraded", "its health is Degraded now");
  } else if (after.health == HealthState::kHealthy) {
    teller.Tell(Type::kNormal, "Healthy", "it is Healthy now");
  }
}

}  // namespace

Happening CorrectionOf(const intent::EntryKey& app, const object::ObjectKey& key,
                       const std::vector<SeenObject>& live) {
  const SeenObject* seen = FindByKey(live, key);
  return {key, seen == nullptr ? "" : seen->uid, Type::kNormal, "DriftCorrected",
          absl::StrCat("Application ", app.name,
                       ": somebody else had changed or removed it; it is as Git has it again")};
}

std::vector<Happening> HappeningsOf(const EntryFindings& findings,
                                    const std::optional<EntryStatus>& before,
                                    const EntryStatus& after, absl::string_view ns) {
  Teller teller(after, ns);
  TellSync(findings, before, after, teller);
  TellHealth(before, after, teller);
  for (const intent::StatusCondition& condition : after.conditions) {
    const intent::StatusCondition* known =
        before.has_value() ? conditions::FindCondition(before->conditions, condition.type)
                           : nullptr;
    if (known != nullptr && known->reason == condition.reason) continue;
    teller.Tell(Type::kWarning, condition.type,
                absl::StrCat(condition.reason, ": ", condition.message));
  }
  return teller.Take();
}

}  // namespace leidang::agent
