// What the owner of the cluster does not allow, taken out of a plan.

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/reconcile/entry_pass.h"

namespace leidang::agent {
namespace {

using conditions::Reason;
using object::ObjectKey;
using Changes = ClusterPolicy::Changes;

size_t TasksOf(const Plan& plan) {
  size_t tasks = plan.create_namespace ? 1 : 0;
  for (const PlanStep& step : plan.steps) tasks += step.applies.size() + step.prunes.size();
  return tasks;
}

}  // namespace

bool EntryPass::HasSyncRunning() const {
  const auto sync = context_.syncs.find(ref_);
  return sync != context_.syncs.end() && sync->second.running != nullptr;
}

void EntryPass::ObeyLimit(const ClusterPolicy::Limit& limit) {
  may_sync_ = false;
  findings_.limit = limit.rule;
  findings_.limited_by = limit.why == ClusterPolicy::Limit::Why::kWindow ? Reason::kOutsideWindow
                                                                         : Reason::kRefusedByPolicy;
  limit_ends_ = std::min(limit_ends_, limit.until);
}

// Objects that are refused stop the sync of their Application as a whole, as half of one may be
// worse than none; what it has is corrected all the same.
void EntryPass::RefuseObjects() {
  findings_.refused.clear();
  std::set<ObjectKey> refused;
  const auto ask = [&](const ObjectKey& key) {
    const std::optional<std::string> rule = context_.policy.Refuses(key);
    if (!rule.has_value() || !refused.insert(key).second) return;
    findings_.refused.push_back(absl::StrCat(key.ToString(), " (", *rule, ")"));
  };
  if (desired_ != nullptr) {
    for (const DesiredObject& object : desired_->objects) ask(object.key);
    for (const DesiredHook& hook : desired_->hooks) ask(hook.key);
  }
  if (plan_.create_namespace) ask({"", "Namespace", "", application_.ns});
  if (!refused.empty()) {
    may_sync_ = false;
    KeepCorrectionsOnly();
  }
  for (PlanStep& step : plan_.steps) {
    for (const PruneTask& task : step.prunes) ask(task.key);
    std::erase_if(step.applies, [&](const ApplyTask& task) { return refused.contains(task.key); });
    std::erase_if(step.prunes, [&](const PruneTask& task) { return refused.contains(task.key); });
  }
  std::erase_if(plan_.steps,
                [](const PlanStep& step) { return step.applies.empty() && step.prunes.empty(); });
}

// A sync that has begun is not stopped by a window that opens, only by a pause.
void EntryPass::ObeyPolicy() {
  may_sync_ = true;
  findings_.limited_by.reset();
  const size_t planned = TasksOf(plan_);
  RefuseObjects();
  const size_t permitted = TasksOf(plan_);
  const ClusterPolicy::Limit limit = context_.policy.At(context_.loop.clock().Now());
  limit_ends_ = limit.until;
  if (limit.changes == Changes::kNone) {
    plan_.steps.clear();
    plan_.dropped.clear();
    plan_.create_namespace = false;
  } else if (limit.changes == Changes::kCorrections && !HasSyncRunning()) {
    KeepCorrectionsOnly();
  } else {
    findings_.withheld = permitted < planned;
    return;
  }
  may_sync_ = false;
  const size_t left = TasksOf(plan_);
  findings_.withheld = left < planned;
  if (left < permitted || asked_.request != Request::kNone) ObeyLimit(limit);
}

}  // namespace leidang::agent
