#include "hub/control/assigner.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/conditions/condition_list.h"
#include "common/conditions/types.h"
#include "common/object/value.h"
#include "generators/reconcile.h"

namespace leidang::hub {
namespace {

intent::EntryKey EntryOf(const std::string& key) { return {intent::EntryKind::kApplication, key}; }

intent::DeletionPolicy PolicyOfText(const std::string& manifest) {
  const absl::StatusOr<object::Value> parsed = object::ParseJson(manifest);
  // What we stored ourselves can be read; if it ever cannot, keeping the objects is the safe
  // answer.
  return parsed.ok() ? PolicyOf(*parsed) : intent::DeletionPolicy::kOrphan;
}

class Planner {
 public:
  explicit Planner(const AssignInput& input) : input_(input) {
    for (const DerivedApplication& application : input.current)
      current_[application.key] = &application;
  }

  AssignPlan Run() {
    std::set<absl::string_view> wanted;
    for (const DesiredApplication& desired : input_.expansion.applications) {
      wanted.insert(desired.key);
      const auto found = current_.find(desired.key);
      if (found == current_.end()) {
        if (!Adopt(desired)) Create(desired);
      } else {
        Compare(desired, *found->second);
      }
    }
    const bool may_remove = input_.expansion.may_delete && input_.rules.remove;
    for (const auto& [key, application] : current_) {
      if (wanted.contains(key)) continue;
      if (may_remove && input_.braked.contains(std::string(key))) {
        Hold(*application);
      } else if (may_remove) {
        Remove(*application);
      } else {
        KeepUnmentioned(*application);
      }
    }
    return std::move(plan_);
  }

 private:
  // Another set is about to lose it, and waits: it lives on under this one.
  bool Adopt(const DesiredApplication& desired) {
    if (desired.problem || !input_.rules.create || !input_.rules.update) return false;
    const std::optional<DerivedApplication> other = input_.adoptable(desired.key);
    if (!other || other->cluster.IsNone()) return false;
    // To go elsewhere would end it where it is, and that waits too: it stays the other's.
    if (other->cluster != desired.cluster && input_.braked.contains(desired.key)) return false;
    plan_.taken.push_back(desired.key);
    const size_t first = plan_.steps.size();
    Compare(desired, *other);
    for (size_t i = first; i < plan_.steps.size(); ++i) plan_.steps[i].adopted_from = other->set;
    return true;
  }

  void Create(const DesiredApplication& desired) {
    if (!input_.rules.create) return;
    if (const std::optional<std::string> other = input_.held_by(desired.key)) {
      plan_.refused.push_back(desired.key);
      plan_.problems.push_back(
          {conditions::kErrorOccurred, conditions::Reason::kNameConflict,
           absl::StrCat("the Application ", desired.key, " belongs to the ", *other,
                        ", which keeps it: use another name here, or remove it there")});
      return;
    }
    ++plan_.created;
    plan_.taken.push_back(desired.key);
    DerivedApplication none;
    none.key = desired.key;
    Assign(desired, none, Decided::kBefore);
  }

  void Compare(const DesiredApplication& desired, const DerivedApplication& before) {
    if (!before.cluster.IsNone()) {
      const Standing standing = input_.standing(before);
      if (standing.kind != Standing::Kind::kLive) return Renew(desired, before, standing);
    }
    if (desired.problem) {
      if (!before.cluster.IsNone()) plan_.held_back.push_back(before.key);
      Keep(before, ProblemsOf(desired));
    } else if (!input_.rules.update) {
      const bool would_come_again =
          input_.rules.create && IsAsDesired(desired, before) && !desired.keeps_fields;
      if (!before.cluster.IsNone() && !would_come_again) plan_.held_back.push_back(before.key);
      Keep(before, ProblemsOf(desired));
    } else if (before.cluster.IsNone()) {
      ++plan_.updated;
      Assign(desired, before, Decided::kBefore);
    } else if (before.cluster != desired.cluster && input_.braked.contains(before.key)) {
      Hold(before);
    } else if (before.cluster != desired.cluster) {
      ++plan_.moved;
      PlannedStep step;
      End(before, Deletion::Why::kMoved, &step);
      Assign(desired, before, Decided::kNow, std::move(step));
    } else {
      Update(desired, before);
    }
  }

  // What the record tells of has ended already: only the record has not heard.
  void Renew(const DesiredApplication& desired, const DerivedApplication& before,
             const Standing& standing) {
    PlannedStep step;
    Tombstone(before, standing, &step);
    ++plan_.updated;
    if (desired.problem || input_.rules.create)
      return Assign(desired, before, Decided::kBefore, std::move(step));
    Write(before, PlannedStep::Record::kUnassigned, before.conditions, std::move(step));
  }

  // Whether the end that the new uid counts is one of this plan.
  enum class Decided { kBefore, kNow };

  // Gives the Application its place in a log; one with a problem gets a record that shows it, and
  // no assignment.
  void Assign(const DesiredApplication& desired, const DerivedApplication& before, Decided decided,
              PlannedStep step = {}) {
    step.uid =
        intent::ComputeUid(input_.hub, EntryOf(desired.key),
                           input_.deletions(desired.key) + (decided == Decided::kNow ? 1 : 0));
    if (!desired.problem) PutAssignment(desired, &step);
    WriteRecord(desired, before, std::move(step));
  }

  // Unless the record says all that already.
  void WriteRecord(const DesiredApplication& desired, const DerivedApplication& before,
                   PlannedStep step) {
    step.desired = IndexOf(desired);
    step.conditions = Renewed(before.conditions, ProblemsOf(desired), input_.now);
    const bool same = before.uid == step.uid && before.conditions == step.conditions &&
                      before.cluster == (desired.problem ? intent::ClusterId() : desired.cluster) &&
                      before.content == (desired.problem ? object::Sha256() : desired.content) &&
                      before.project == desired.project && before.manifest == desired.manifest &&
                      before.set == input_.owner;
    if (!same) step.record = PlannedStep::Record::kOfDesired;
    if (!same || step.assigned || step.end) plan_.steps.push_back(std::move(step));
  }

  void Write(const DerivedApplication& before, PlannedStep::Record record,
             std::vector<Condition> conditions, PlannedStep step = {}) {
    step.before = IndexOf(before);
    step.record = record;
    step.conditions = std::move(conditions);
    plan_.steps.push_back(std::move(step));
  }

  bool IsAsDesired(const DesiredApplication& desired, const DerivedApplication& before) const {
    return before.cluster == desired.cluster && before.content == desired.content &&
           before.project == desired.project && before.manifest == desired.manifest &&
           before.set == input_.owner;
  }

  void Update(const DesiredApplication& desired, const DerivedApplication& before) {
    if (IsAsDesired(desired, before)) {
      if (desired.keeps_fields) plan_.held_back.push_back(before.key);
      return Keep(before, ProblemsOf(desired));
    }
    ++plan_.updated;
    PlannedStep step;
    step.uid = before.uid;
    if (before.content != desired.content || before.project != desired.project) {
      PutAssignment(desired, &step);
    } else if (desired.keeps_fields) {
      plan_.held_back.push_back(before.key);
    }
    WriteRecord(desired, before, std::move(step));
  }

  static std::vector<Problem> ProblemsOf(const DesiredApplication& desired) {
    std::vector<Problem> problems = desired.notices;
    if (desired.problem) problems.insert(problems.begin(), *desired.problem);
    return problems;
  }

  void Keep(const DerivedApplication& before, const std::vector<Problem>& problems) {
    ++plan_.kept;
    std::vector<Condition> conditions = Renewed(before.conditions, problems, input_.now);
    if (conditions == before.conditions) return;
    Write(before, PlannedStep::Record::kOfBefore, std::move(conditions));
  }

  // It stands nowhere: all that goes is the note of what was wrong with it, and its name is free. A
  // fresh look would not make that note either.
  void DropUnassigned(const DerivedApplication& before) {
    if (input_.expansion.incomplete) {
      ++plan_.kept;
      return;
    }
    Drop(before, {});
  }

  void Drop(const DerivedApplication& before, PlannedStep step) {
    plan_.released.push_back(before.key);
    Write(before, PlannedStep::Record::kDropped, {}, std::move(step));
  }

  // It is not in the expansion, which proves nothing.
  void KeepUnmentioned(const DerivedApplication& before) {
    if (before.cluster.IsNone()) return DropUnassigned(before);
    const Standing standing = input_.standing(before);
    if (standing.kind == Standing::Kind::kLive) {
      plan_.held_back.push_back(before.key);
      // Whatever was wrong with it, nobody says so now.
      if (!input_.expansion.incomplete) return Keep(before, {});
      ++plan_.kept;
    } else {
      ++plan_.kept;
      PlannedStep step;
      Tombstone(before, standing, &step);
      Write(before, PlannedStep::Record::kUnassigned, before.conditions, std::move(step));
    }
  }

  // Its end waits for a person.
  void Hold(const DerivedApplication& before) {
    plan_.held_back.push_back(before.key);
    Keep(before, {{conditions::kDeletionsHeld, conditions::Reason::kDeletionsHeld,
                   "its deletion here waits for a decision: see `leidang brake list`"}});
  }

  void Remove(const DerivedApplication& before) {
    ++plan_.removed;
    PlannedStep step;
    if (!before.cluster.IsNone()) {
      const Standing standing = input_.standing(before);
      if (standing.kind == Standing::Kind::kLive) {
        End(before, Deletion::Why::kNotWanted, &step);
      } else {
        Tombstone(before, standing, &step);
      }
    }
    Drop(before, std::move(step));
  }

  void End(const DerivedApplication& before, Deletion::Why why, PlannedStep* step) {
    const intent::DeletionPolicy policy = PolicyFor(before);
    plan_.deletions.push_back({before.key, before.cluster, before.uid, policy, why});
    step->end = {before.cluster, before.uid, policy};
  }

  intent::DeletionPolicy PolicyFor(const DerivedApplication& before) const {
    const intent::DeletionPolicy own = PolicyOfText(before.manifest);
    if (!input_.ending) return own;
    if (!input_.owner.empty() && own == intent::DeletionPolicy::kOrphan) return own;
    return *input_.ending;
  }

  // Once more, in case the batch that should have brought it never came.
  static void Tombstone(const DerivedApplication& before, const Standing& standing,
                        PlannedStep* step) {
    if (standing.kind == Standing::Kind::kEnded)
      step->end = {before.cluster, before.uid, standing.policy};
  }

  void PutAssignment(const DesiredApplication& desired, PlannedStep* step) {
    step->assigned = true;
    if (desired.keeps_fields) {
      plan_.kept_fields[desired.key] = {desired.cluster, desired.project, desired.manifest,
                                        desired.body, desired.sources};
    }
  }

  size_t IndexOf(const DesiredApplication& desired) const {
    return static_cast<size_t>(&desired - input_.expansion.applications.data());
  }
  // REQUIRES: one of `input_.current`; of what is adopted nothing is written but what is desired.
  size_t IndexOf(const DerivedApplication& before) const {
    const auto found = current_.find(before.key);
    CHECK(found != current_.end());
    return static_cast<size_t>(found->second - input_.current.data());
  }

  const AssignInput& input_;
  std::map<std::string, const DerivedApplication*> current_;
  AssignPlan plan_;
};

}  // namespace

AssignPlan PlanAssignments(const AssignInput& input) { return Planner(input).Run(); }

intent::DeletionPolicy PolicyOf(const object::Value& manifest) {
  const object::Value* finalizers = object::Find(manifest, {"metadata", "finalizers"});
  intent::DeletionPolicy policy = intent::DeletionPolicy::kOrphan;
  if (finalizers == nullptr || !finalizers->is_array()) return policy;
  for (const object::Value& finalizer : finalizers->as_array()) {
    if (!finalizer.is_string()) continue;
    const absl::string_view text(finalizer.as_string().data(), finalizer.as_string().size());
    if (text == generators::kResourcesFinalizer ||
        text == absl::StrCat(generators::kResourcesFinalizer, "/foreground")) {
      return intent::DeletionPolicy::kForeground;
    }
    if (text == absl::StrCat(generators::kResourcesFinalizer, "/background")) {
      policy = intent::DeletionPolicy::kBackground;
    }
  }
  return policy;
}

std::vector<Condition> Renewed(const std::vector<Condition>& before,
                               const std::vector<Problem>& problems, absl::Time now) {
  std::vector<Condition> conditions;
  for (const Problem& problem : problems) {
    Condition condition{problem.type, ConditionStatus::kTrue,
                        std::string(conditions::ToString(problem.reason)), problem.message, now};
    // One condition a type: the first gives the reason, and all that is wrong is in its message.
    if (const Condition* same = conditions::FindCondition(conditions, problem.type)) {
      condition.reason = same->reason;
      condition.message = absl::StrCat(same->message, "; ", problem.message);
    }
    conditions::SetCondition(conditions, std::move(condition));
  }
  for (Condition& condition : conditions) {
    const Condition* old = conditions::FindCondition(before, condition.type);
    if (old != nullptr && conditions::SameStatus(*old, condition)) condition.since = old->since;
  }
  return conditions;
}

}  // namespace leidang::hub
