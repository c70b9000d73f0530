#include "hub/control/assigner.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

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
        Create(desired);
      } else if (desired.problem) {
        Keep(*found->second, {*desired.problem});
      } else if (!input_.rules.update) {
        Keep(*found->second, {});
      } else if (found->second->cluster.IsNone()) {
        Assign(desired, *found->second, input_.deletions(desired.key));
      } else if (found->second->cluster != desired.cluster) {
        Move(desired, *found->second);
      } else {
        Update(desired, *found->second);
      }
    }
    for (const auto& [key, application] : current_) {
      if (!wanted.contains(key)) Remove(*application);
    }
    return std::move(plan_);
  }

 private:
  void Create(const DesiredApplication& desired) {
    if (!input_.rules.create) return;
    if (const std::optional<std::string> other = input_.held_by(desired.key)) {
      plan_.problems.push_back(
          {conditions::kErrorOccurred, conditions::Reason::kNameConflict,
           absl::StrCat("the Application ", desired.key, " belongs to ", *other,
                        ", which keeps it: change this set's template, or remove it there")});
      return;
    }
    ++plan_.created;
    plan_.taken.push_back(desired.key);
    DerivedApplication none;
    none.key = desired.key;
    Assign(desired, none, input_.deletions(desired.key));
  }

  // Gives the Application its place in a log; one with a problem gets a record that shows it, and
  // no assignment.
  void Assign(const DesiredApplication& desired, const DerivedApplication& before,
              uint64_t deletions) {
    DerivedApplication record = RecordOf(desired, before);
    record.uid = intent::ComputeUid(input_.hub, EntryOf(desired.key), deletions);
    if (desired.problem) {
      record.cluster = {};
    } else {
      PutAssignment(desired, record.uid);
    }
    plan_.batch.PutApplication(std::move(record));
  }

  void Update(const DesiredApplication& desired, const DerivedApplication& before) {
    DerivedApplication record = RecordOf(desired, before);
    record.uid = before.uid;
    // The store drops a put that changes nothing, so only a changed source is not seen in the
    // record.
    PutAssignment(desired, record.uid);
    if (record == before) {
      ++plan_.kept;
      return;
    }
    ++plan_.updated;
    plan_.batch.PutApplication(std::move(record));
  }

  void Move(const DesiredApplication& desired, const DerivedApplication& before) {
    ++plan_.moved;
    End(before);
    Assign(desired, before, input_.deletions(desired.key) + 1);
  }

  void Keep(const DerivedApplication& before, const std::vector<Problem>& problems) {
    ++plan_.kept;
    DerivedApplication record = before;
    record.conditions = Renewed(before.conditions, problems, input_.now);
    if (!(record == before)) plan_.batch.PutApplication(std::move(record));
  }

  void Remove(const DerivedApplication& before) {
    if (!input_.expansion.may_delete || !input_.rules.remove) {
      Keep(before, {});
      return;
    }
    ++plan_.removed;
    plan_.released.push_back(before.key);
    if (!before.cluster.IsNone()) End(before);
    plan_.batch.DeleteApplication(before.key);
  }

  void End(const DerivedApplication& before) {
    const Deletion deletion{before.key, before.cluster, before.uid, PolicyFor(before)};
    plan_.deletions.push_back(deletion);
    plan_.batch.Delete(before.cluster, {EntryOf(before.key), before.uid, deletion.policy});
  }

  intent::DeletionPolicy PolicyFor(const DerivedApplication& before) const {
    const intent::DeletionPolicy own = PolicyOfText(before.manifest);
    if (!input_.deleting) return own;
    if (input_.owner.empty()) return *input_.deleting;
    if (own == intent::DeletionPolicy::kOrphan) return own;
    return *input_.deleting == intent::DeletionPolicy::kForeground ? own : *input_.deleting;
  }

  void PutAssignment(const DesiredApplication& desired, const intent::Uid& uid) {
    plan_.batch.Put(desired.cluster, {EntryOf(desired.key), uid, desired.body, desired.sources});
  }

  DerivedApplication RecordOf(const DesiredApplication& desired,
                              const DerivedApplication& before) const {
    DerivedApplication record;
    record.key = desired.key;
    record.set = input_.owner;
    record.cluster = desired.cluster;
    record.project = desired.project;
    record.manifest = desired.manifest;
    std::vector<Problem> problems;
    if (desired.problem) problems.push_back(*desired.problem);
    record.conditions = Renewed(before.conditions, problems, input_.now);
    return record;
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
