#include "hub/control/owner_reconciler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/conditions/types.h"
#include "generators/reconcile.h"

namespace leidang::hub {
namespace {

constexpr size_t kLooksMax = 2;  // Under way at a time: as many as there are workers for them.
constexpr char kIgnoreStrategy[] = "leidang.dev/ignore-strategy";

bool WaitsForRollouts(const object::Value& manifest) {
  return object::FindString(manifest, {"spec", "strategy", "type"}) == "RollingSync" &&
         object::FindString(manifest, {"metadata", "annotations", kIgnoreStrategy}) != "true";
}

}  // namespace

std::string OwnerKey::ToString() const {
  return absl::StrCat(kind == WrittenKind::kApplicationSet ? "set " : "application ", key);
}

std::optional<OwnerKey> OwnerKey::FromString(const std::string& text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "set "))
    return OwnerKey{WrittenKind::kApplicationSet, std::string(rest)};
  if (absl::ConsumePrefix(&rest, "application "))
    return OwnerKey{WrittenKind::kApplication, std::string(rest)};
  return std::nullopt;
}

// One look at one owner, from trigger to end.
struct OwnerReconciler::Look {
  OwnerKey owner;
  WrittenObject written;  // As it was when the look began.
  object::Value manifest;
  ExpansionRequest request;
  Expansion expansion;
};

OwnerReconciler::OwnerReconciler(const Parts& parts, OnSettled on_settled)
    : parts_(parts),
      on_settled_(std::move(on_settled)),
      queue_(parts.loop, parts.random, {.running_max = kLooksMax, .backoff = {}},
             [this](const OwnerKey& owner) { Start(owner); }) {}

OwnerReconciler::~OwnerReconciler() { *alive_ = false; }

absl::Status OwnerReconciler::Load() {
  PageRequest page;
  page.limit = kPageLimitMax;
  do {
    ASSIGN_OR_RETURN(const Page<DerivedApplication> applications, parts_.store.Applications(page));
    for (const DerivedApplication& application : applications.items) {
      owner_of_[application.key] = application.set.empty()
                                       ? OwnerKey{WrittenKind::kApplication, application.key}
                                       : OwnerKey{WrittenKind::kApplicationSet, application.set};
    }
    page.token = applications.next;
  } while (!page.token.empty());
  return absl::OkStatus();
}

void OwnerReconciler::Trigger(const OwnerKey& owner) { queue_.Add(owner); }

void OwnerReconciler::TriggerAll() {
  for (const WrittenKind kind : {WrittenKind::kApplicationSet, WrittenKind::kApplication}) {
    for (const auto& [key, object] : parts_.records.Objects(kind)) Trigger({kind, key});
  }
}

const OwnerReport* OwnerReconciler::Report(const OwnerKey& owner) const {
  const auto found = reports_.find(owner);
  return found == reports_.end() ? nullptr : &found->second;
}

bool OwnerReconciler::AllSettled() const {
  for (const WrittenKind kind : {WrittenKind::kApplicationSet, WrittenKind::kApplication}) {
    for (const auto& [key, object] : parts_.records.Objects(kind)) {
      const OwnerReport* report = Report({kind, key});
      if (report == nullptr || !report->settled) return false;
    }
  }
  return true;
}

void OwnerReconciler::Start(const OwnerKey& owner) {
  auto look = std::make_shared<Look>();
  look->owner = owner;
  const WrittenObject* written = parts_.records.Object(owner.kind, owner.key);
  if (written == nullptr) {
    // Its record is erased only after its last Application: there is nothing to do, and nothing to
    // conclude.
    parts_.repositories.SetWanted(owner.ToString(), {});
    reports_.erase(owner);
    parsed_.erase(owner);
    return Finish(look, absl::OkStatus());
  }
  look->written = *written;
  absl::StatusOr<object::Value> manifest = object::ParseJson(written->manifest);
  if (!manifest.ok())
    return Finish(look, absl::DataLossError(
                            absl::StrCat(owner.ToString(), ": ", manifest.status().message())));
  look->manifest = *std::move(manifest);
  if (written->deleting) {
    look->expansion.may_delete = true;
    return OnExpanded(look);
  }
  ExpansionRequest& request = look->request;
  request.key = owner.key;
  if (owner.kind == WrittenKind::kApplicationSet) {
    auto& parsed = parsed_[owner];
    if (parsed.second == nullptr || parsed.first != written->manifest) {
      absl::StatusOr<generators::ApplicationSet> set =
          generators::ApplicationSet::Parse(look->manifest);
      if (!set.ok()) {
        parsed_.erase(owner);
        Report(*look, {},
               {{conditions::kErrorOccurred, conditions::Reason::kInvalidSpec,
                 std::string(set.status().message())}});
        return Finish(look, absl::OkStatus());
      }
      parsed = {written->manifest, std::make_shared<generators::ApplicationSet>(*std::move(set))};
    }
    request.set = parsed.second;
  } else {
    request.application = look->manifest;
  }
  request.fleet = parts_.records.snapshot();
  request.git = parts_.repositories.view();
  request.pinned_at = written->changed_at;
  parts_.workers.Run([this, alive = alive_, look, &loop = parts_.loop, &listings = parts_.listings,
                      &resolver = parts_.resolver] {
    look->expansion = Expand(look->request, listings, resolver);
    loop.Post([this, alive, look] {
      if (*alive) OnExpanded(look);
    });
  });
}

AssignRules OwnerReconciler::RulesOf(const Look& look) const {
  AssignRules rules;
  if (look.written.deleting || look.request.set == nullptr) return rules;
  const generators::ApplicationsSync policy = generators::EffectivePolicy(*look.request.set, {});
  rules.update = generators::MayUpdate(policy);
  rules.remove = generators::MayDelete(policy);
  // Until there are rollouts, a set that asks for one neither creates, changes nor deletes: each
  // would reach all clusters at once.
  if (WaitsForRollouts(look.manifest)) rules = {.create = false, .update = false, .remove = false};
  return rules;
}

absl::StatusOr<std::vector<DerivedApplication>> OwnerReconciler::CurrentOf(
    const OwnerKey& owner) const {
  std::vector<DerivedApplication> current;
  if (owner.kind == WrittenKind::kApplication) {
    absl::StatusOr<DerivedApplication> one = parts_.store.Application(owner.key);
    if (absl::IsNotFound(one.status())) return current;
    RETURN_IF_ERROR(one.status());
    if (one->set.empty()) current.push_back(*std::move(one));
    return current;
  }
  PageRequest page;
  page.limit = kPageLimitMax;
  do {
    ASSIGN_OR_RETURN(Page<DerivedApplication> applications,
                     parts_.store.ApplicationsOfSet(owner.key, page));
    std::move(applications.items.begin(), applications.items.end(), std::back_inserter(current));
    page.token = applications.next;
  } while (!page.token.empty());
  std::sort(current.begin(), current.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  return current;
}

void OwnerReconciler::OnExpanded(const std::shared_ptr<Look>& look) {
  const WrittenObject* written = parts_.records.Object(look->owner.kind, look->owner.key);
  if (written == nullptr || written->manifest != look->written.manifest ||
      written->deleting != look->written.deleting) {
    queue_.Add(look->owner);  // It was edited meanwhile: look again.
    return Finish(look, absl::OkStatus());
  }
  parts_.repositories.SetWanted(look->owner.ToString(), look->expansion.inputs);

  AssignInput input;
  input.owner = look->owner.kind == WrittenKind::kApplicationSet ? look->owner.key : "";
  absl::StatusOr<std::vector<DerivedApplication>> current = CurrentOf(look->owner);
  if (!current.ok()) return Finish(look, current.status());
  input.current = *std::move(current);
  input.expansion = look->expansion;
  input.rules = RulesOf(*look);
  input.deleting = look->written.deleting;
  input.hub = parts_.records.hub();
  input.now = parts_.loop.clock().Now();
  input.deletions = [this](const std::string& key) {
    return parts_.records.Deletions(
        intent::EntryKey{intent::EntryKind::kApplication, key}.ToString());
  };
  input.held_by = [this,
                   owner = look->owner](const std::string& key) -> std::optional<std::string> {
    const auto found = owner_of_.find(key);
    if (found == owner_of_.end() || found->second == owner) return std::nullopt;
    return found->second.ToString();
  };
  AssignPlan plan = PlanAssignments(input);
  std::vector<Problem> problems = look->expansion.problems;
  problems.insert(problems.end(), plan.problems.begin(), plan.problems.end());
  if (!look->written.deleting && WaitsForRollouts(look->manifest)) {
    problems.push_back(
        {conditions::kRolloutNotSupported, conditions::Reason::kRolloutNotSupported,
         absl::StrCat(
             "spec.strategy asks for RollingSync, which is not supported yet: nothing of this set "
             "changes until then; the annotation ",
             kIgnoreStrategy,
             ": \"true\" has it applied to all "
             "clusters at once")});
  }
  Report(*look, look->expansion, problems);
  // Names are claimed now, so that another owner's look cannot claim them while this one is being
  // written.
  for (const std::string& key : plan.taken) owner_of_[key] = look->owner;
  Decide(look, std::move(plan));
}

void OwnerReconciler::Decide(const std::shared_ptr<Look>& look, AssignPlan plan) {
  std::vector<change::Any> changes;
  const absl::Time now = parts_.loop.clock().Now();
  std::set<std::string> moved;
  for (const DesiredApplication& desired : look->expansion.applications) moved.insert(desired.key);
  for (const Deletion& deletion : plan.deletions) {
    changes.push_back(
        change::Decide{{deletion.cluster, deletion.key, deletion.uid, deletion.policy, now,
                        moved.contains(deletion.key)
                            ? "moved to another cluster"
                            : absl::StrCat("no longer wanted by ", look->owner.ToString())}});
  }
  for (const GitInput& input : look->expansion.inputs) {
    const auto view = look->request.git->inputs.find(input);
    if (view == look->request.git->inputs.end() || !view->second.ok()) continue;
    const auto pinned = parts_.records.pins().find(input);
    if (pinned == parts_.records.pins().end() || pinned->second.commit != view->second->commit) {
      changes.push_back(change::PutPin{input, *view->second});
    }
  }
  if (changes.empty()) return Commit(look, std::move(plan));
  auto shared = std::make_shared<AssignPlan>(std::move(plan));
  parts_.records.Write(std::move(changes),
                       [this, alive = alive_, look, shared](const absl::Status& status) {
                         if (!*alive) return;
                         if (!status.ok()) return Finish(look, status);
                         Commit(look, std::move(*shared));
                       });
}

void OwnerReconciler::Commit(const std::shared_ptr<Look>& look, AssignPlan plan) {
  std::map<intent::ClusterId, std::set<std::string>> projects;
  for (const DesiredApplication& desired : look->expansion.applications) {
    if (!desired.problem) projects[desired.cluster].insert(desired.project);
  }
  WriteBatch batch;
  if (!plan.batch.empty()) {
    batch.Append(std::move(look->expansion.content));
    for (const auto& [cluster, names] : projects) parts_.projects.Ensure(cluster, names, &batch);
    batch.Append(std::move(plan.batch));
  }
  if (batch.empty()) return EraseOwner(look);
  if (plan.created + plan.updated + plan.moved + plan.removed > 0) {
    parts_.log.Info("hub/control", "assigning",
                    {{"set", look->owner.key},
                     {"created", absl::StrCat(plan.created)},
                     {"updated", absl::StrCat(plan.updated)},
                     {"moved", absl::StrCat(plan.moved)},
                     {"removed", absl::StrCat(plan.removed)}});
  }
  parts_.store.Commit(
      std::move(batch), &parts_.loop,
      [this, alive = alive_, look, released = plan.released](const CommitResult& result) {
        if (!*alive) return;
        if (!result.status.ok()) return Finish(look, result.status);
        for (const std::string& key : released) owner_of_.erase(key);
        EraseOwner(look);
      });
}

// The last step of a deletion: with its Applications ended, the record goes.
void OwnerReconciler::EraseOwner(const std::shared_ptr<Look>& look) {
  if (!look->written.deleting) return Finish(look, absl::OkStatus());
  parts_.records.Write({change::EraseObject{look->owner.kind, look->owner.key}},
                       [this, alive = alive_, look](const absl::Status& status) {
                         if (!*alive) return;
                         if (status.ok()) {
                           parts_.repositories.SetWanted(look->owner.ToString(), {});
                           reports_.erase(look->owner);
                           parsed_.erase(look->owner);
                         }
                         Finish(look, status);
                       });
}

void OwnerReconciler::Finish(const std::shared_ptr<Look>& look, const absl::Status& status) {
  if (!status.ok()) {
    parts_.log.Warning("hub/control", "cannot assign; will try again",
                       {{"set", look->owner.ToString()}, {"error", status.message()}});
  }
  queue_.Finish(look->owner, status.ok() ? WorkResult::Done() : WorkResult::Retry());
  on_settled_(look->owner);
}

void OwnerReconciler::Report(const Look& look, const Expansion& expansion,
                             const std::vector<Problem>& problems) {
  OwnerReport& report = reports_[look.owner];
  report.conditions = Renewed(report.conditions, problems, parts_.loop.clock().Now());
  report.warnings = expansion.warnings;
  report.failed_parameter_sets = expansion.failed_parameter_sets;
  report.settled = !expansion.incomplete;
  std::set<std::string> commits;
  for (const GitInput& input : expansion.inputs) {
    const auto found = look.request.git->inputs.find(input);
    if (found != look.request.git->inputs.end() && found->second.ok())
      commits.insert(found->second->commit.Hex());
  }
  report.commit = absl::StrJoin(commits, ",");
}

}  // namespace leidang::hub
