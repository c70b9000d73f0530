#include "hub/control/owner_reconciler.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/status_macros.h"
#include "common/conditions/condition_list.h"
#include "common/conditions/types.h"
#include "generators/reconcile.h"
#include "hub/control/existing_fields.h"
#include "hub/control/owner_look.h"

namespace leidang::hub {
namespace {

constexpr size_t kLooksMax = 2;  // Under way at a time: as many as there are workers for them.
constexpr absl::Duration kPaceOfArgoCd = absl::Minutes(3);  // Of a generator that names none.
constexpr char kIgnoreStrategy[] = "leidang.dev/ignore-strategy";

bool WaitsForRollouts(const object::Value& manifest) {
  return object::FindString(manifest, {"spec", "strategy", "type"}) == "RollingSync" &&
         object::FindString(manifest, {"metadata", "annotations", kIgnoreStrategy}) != "true";
}

absl::StatusOr<std::vector<DerivedApplication>> CurrentOf(const Store& store,
                                                          const OwnerKey& owner) {
  std::vector<DerivedApplication> current;
  if (owner.kind == WrittenKind::kApplication) {
    absl::StatusOr<DerivedApplication> one = store.Application(owner.key);
    if (absl::IsNotFound(one.status())) return current;
    RETURN_IF_ERROR(one.status());
    if (one->set.empty()) current.push_back(*std::move(one));
    return current;
  }
  PageRequest page;
  page.limit = kPageLimitMax;
  do {
    ASSIGN_OR_RETURN(Page<DerivedApplication> applications,
                     store.ApplicationsOfSet(owner.key, page));
    std::move(applications.items.begin(), applications.items.end(), std::back_inserter(current));
    page.token = applications.next;
  } while (!page.token.empty());
  std::sort(current.begin(), current.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  return current;
}

}  // namespace

OwnerReconciler::OwnerReconciler(const Parts& parts, OnSettled on_settled)
    : parts_(parts),
      on_settled_(std::move(on_settled)),
      claims_([this](const OwnerKey& a, const OwnerKey& b) { return Precedes(a, b); }),
      queue_(parts.loop, parts.random, {.running_max = kLooksMax, .backoff = {}},
             [this](const OwnerKey& owner) { Start(owner); }) {}

OwnerReconciler::~OwnerReconciler() { *alive_ = false; }

absl::Time OwnerReconciler::CreatedAt(const OwnerKey& owner) const {
  const WrittenObject* written = parts_.records.Object(owner.kind, owner.key);
  return written == nullptr ? absl::InfiniteFuture() : written->created_at;
}

bool OwnerReconciler::Precedes(const OwnerKey& a, const OwnerKey& b) const {
  const absl::Time at_a = CreatedAt(a);
  const absl::Time at_b = CreatedAt(b);
  return std::tie(at_a, a.key, a.kind) < std::tie(at_b, b.key, b.kind);
}

void OwnerReconciler::Trigger(const OwnerKey& owner) {
  if (reports_.find(owner) == reports_.end()) unsettled_.insert(owner);
  first_looks_.Expect(owner, CreatedAt(owner));
  queue_.Add(owner);
}

void OwnerReconciler::TriggerAll() {
  std::vector<OwnerKey> owners;
  for (const WrittenKind kind : {WrittenKind::kApplicationSet, WrittenKind::kApplication}) {
    for (const auto& [key, object] : parts_.records.Objects(kind)) owners.push_back({kind, key});
  }
  std::sort(owners.begin(), owners.end(),
            [this](const OwnerKey& a, const OwnerKey& b) { return Precedes(a, b); });
  for (const OwnerKey& owner : owners) Trigger(owner);
}

void OwnerReconciler::TriggerThose(const std::set<OwnerKey>& owners) {
  for (const OwnerKey& owner : owners) Trigger(owner);
}

void OwnerReconciler::OnProjectChanged(const std::string& project) {
  parts_.shared.UpdateProject(project);
  TriggerAll();
}

const OwnerReport* OwnerReconciler::Report(const OwnerKey& owner) const {
  const auto found = reports_.find(owner);
  return found == reports_.end() ? nullptr : &found->second;
}

bool OwnerReconciler::AnyLookBefore(uint64_t number) const {
  return std::any_of(in_work_.begin(), in_work_.end(),
                     [number](const auto& look) { return look.second <= number; });
}

void OwnerReconciler::Start(const OwnerKey& owner) {
  if (first_looks_.MustWait(owner, [this](const OwnerKey& o) { return in_work_.contains(o); })) {
    parked_.insert(owner);
    return queue_.Finish(owner, WorkResult::Done());
  }
  in_work_[owner] = ++looks_begun_;
  auto look = std::make_shared<Look>();
  look->owner = owner;
  const WrittenObject* written = parts_.records.Object(owner.kind, owner.key);
  if (written == nullptr) return StartGone(look);
  look->written = *written;
  absl::StatusOr<object::Value> manifest = object::ParseJson(written->manifest);
  if (!manifest.ok())
    return Finish(look, absl::DataLossError(
                            absl::StrCat(owner.ToString(), ": ", manifest.status().message())));
  look->manifest = *std::move(manifest);
  if (look->deleting()) {
    look->expansion.may_delete = true;
    look->request.git = parts_.repositories.view();
    look->current = CurrentOf(parts_.store, owner);
    return OnExpanded(look);
  }
  if (look->is_set() && !ParseSet(look)) return;
  Expand(look);
}

// Its record is erased only after its last Application: there is nothing to do, and nothing to
// conclude.
void OwnerReconciler::StartGone(const LookPtr& look) {
  ForgetOwner(look->owner);
  Finish(look, absl::OkStatus());
  first_looks_.Forget(look->owner);
}

void OwnerReconciler::ForgetOwner(const OwnerKey& owner) {
  parts_.repositories.SetWanted(owner.ToString(), {});
  if (pins_swept_) SweepPins();
  if (const auto reserved = reserved_.extract(owner)) {
    for (const std::string& name : reserved.mapped()) Free(name, owner);
  }
  TriggerThose(claims_.SetWaiting(owner, {}));
  reports_.erase(owner);
  unsettled_.erase(owner);
  parsed_.erase(owner);
}

bool OwnerReconciler::ParseSet(const LookPtr& look) {
  auto& parsed = parsed_[look->owner];
  if (parsed.second == nullptr || parsed.first != look->written.manifest) {
    absl::StatusOr<generators::ApplicationSet> set =
        generators::ApplicationSet::Parse(look->manifest);
    if (!set.ok()) {
      parsed_.erase(look->owner);
      SetReport(*look, {{conditions::kErrorOccurred, conditions::Reason::kInvalidSpec,
                         std::string(set.status().message())}});
      Finish(look, absl::OkStatus());
      return false;
    }
    parsed = {look->written.manifest,
              std::make_shared<generators::ApplicationSet>(*std::move(set))};
  }
  look->request.set = parsed.second;
  return true;
}

void OwnerReconciler::Expand(const LookPtr& look) {
  ExpansionRequest& request = look->request;
  request.key = look->owner.key;
  request.manifest = look->manifest;
  request.fleet = parts_.records.snapshot();
  request.git = parts_.repositories.view();
  request.expected_inputs = parts_.repositories.WantedBy(look->owner.ToString());
  request.pinned_at = look->written.changed_at;
  const bool keeps_fields = request.set != nullptr && ExistingFields::AnyIn(*request.set);
  std::set<intent::Uid> ended;
  if (keeps_fields) {
    for (const auto& [id, pending] : parts_.records.pending_deletions()) ended.insert(pending.uid);
  }
  parts_.workers.Run([this, alive = alive_, look, keeps_fields, ended = std::move(ended),
                      &loop = parts_.loop, &listings = parts_.listings, &resolver = parts_.resolver,
                      &store = parts_.store] {
    std::vector<DerivedApplication> existing;
    if (keeps_fields) {
      existing = CurrentOf(store, look->owner).value_or(std::vector<DerivedApplication>());
      std::erase_if(existing, [&ended](const auto& a) { return ended.contains(a.uid); });
    }
    look->request.current = &existing;
    look->expansion = hub::Expand(look->request, listings, resolver);
    look->request.current = nullptr;
    look->current = CurrentOf(store, look->owner);
    loop.Post([this, alive, look] {
      if (*alive) OnExpanded(look);
    });
  });
}

// How often the set wants its repositories to be looked at; nullopt if it does not say.
std::optional<absl::Duration> OwnerReconciler::PaceOf(const Look& look) {
  if (look.request.set == nullptr) return std::nullopt;
  const std::optional<absl::Duration> pace = look.request.set->requeue_after();
  return pace == kPaceOfArgoCd ? std::nullopt : pace;
}

AssignRules OwnerReconciler::RulesOf(const Look& look) const {
  AssignRules rules;
  if (look.deleting() || look.request.set == nullptr) return rules;
  const generators::ApplicationsSync policy = generators::EffectivePolicy(*look.request.set, {});
  rules.update = generators::MayUpdate(policy);
  rules.remove = generators::MayDelete(policy);
  // Until there are rollouts, a set that asks for one neither creates, changes nor deletes: each
  // would reach all clusters at once.
  if (WaitsForRollouts(look.manifest)) rules = {.create = false, .update = false, .remove = false};
  return rules;
}

void OwnerReconciler::AddRolloutProblem(const Look& look, std::vector<Problem>* problems) const {
  if (look.deleting() || !WaitsForRollouts(look.manifest)) return;
  problems->push_back(
      {conditions::kRolloutNotSupported, conditions::Reason::kRolloutNotSupported,
       absl::StrCat("spec.strategy asks for RollingSync, which is not supported yet: nothing of "
                    "this set changes until then; the annotation ",
                    kIgnoreStrategy, ": \"true\" has it applied to all clusters at once")});
}

AssignInput OwnerReconciler::PlanInput(const Look& look) {
  AssignInput input{.expansion = look.expansion, .current = *look.current};
  input.owner = look.is_set() ? look.owner.key : "";
  input.rules = RulesOf(look);
  if (look.deleting() && *look.written.deleting != Ending::kAsDeclared)
    input.ending = static_cast<intent::DeletionPolicy>(*look.written.deleting);
  input.hub = parts_.records.hub();
  input.now = parts_.loop.clock().Now();
  input.deletions = [this](const std::string& key) {
    return parts_.records.Deletions({}, {intent::EntryKind::kApplication, key});
  };
  input.standing = [this](const DerivedApplication& application) -> Standing {
    if (!parts_.records.clusters().contains(application.cluster))
      return {Standing::Kind::kClusterGone};
    const auto pending = parts_.records.pending_deletions().find(
        {application.cluster, {intent::EntryKind::kApplication, application.key}, application.uid});
    if (pending == parts_.records.pending_deletions().end()) return {};
    return {Standing::Kind::kEnded, pending->second.policy};
  };
  input.held_by = [this, owner = look.owner](const std::string& key) -> std::optional<std::string> {
    const std::optional<OwnerKey> other = claims_.Against(key, owner);
    return other ? std::optional<std::string>(other->ToString()) : std::nullopt;
  };
  if (!look.is_set()) return input;
  input.adoptable = [this, owner = look.owner](const std::string& key) {
    return Adoptable(owner, key);
  };
  return input;
}

// What a look that failed in part did not come to ask for is still wanted.
void OwnerReconciler::SetWanted(const LookPtr& look) {
  const std::string consumer = look->owner.ToString();
  const std::set<GitInput> before = parts_.repositories.WantedBy(consumer);
  std::set<GitInput> wanted = look->expansion.inputs;
  if (!look->says_all()) wanted.insert(before.begin(), before.end());
  parts_.repositories.SetWanted(consumer, wanted, PaceOf(*look));
  if (wanted != before && pins_swept_) SweepPins();
}

bool OwnerReconciler::HasNews(const Look& look) const {
  const GitView& then = *look.request.git;
  const GitView& now = *parts_.repositories.view();
  return std::any_of(look.expansion.inputs.begin(), look.expansion.inputs.end(),
                     [&](const GitInput& input) {
                       const auto before = then.inputs.find(input);
                       const auto after = now.inputs.find(input);
                       if (after == now.inputs.end()) return false;
                       return before == then.inputs.end() || before->second != after->second;
                     });
}

void OwnerReconciler::OnExpanded(const LookPtr& look) {
  if (first_looks_.MustWait(look->owner, [](const OwnerKey&) { return false; })) {
    held_.push_back(look);
    return;
  }
  const WrittenObject* written = parts_.records.Object(look->owner.kind, look->owner.key);
  if (written == nullptr || written->manifest != look->written.manifest ||
      written->deleting != look->written.deleting) {
    queue_.Add(look->owner);  // It was edited meanwhile: look again.
    return EndLook(look, WorkResult::Done());
  }
  if (!look->current.ok()) return Finish(look, look->current.status());
  DropWhatOthersHold(*look);
  SetWanted(look);
  // What it asks for first may have been answered since, when it was not among those to be told.
  if (HasNews(*look)) queue_.Add(look->owner);
  AssignPlan plan = Plan(look);
  std::vector<Problem> problems = look->expansion.problems;
  problems.insert(problems.end(), plan.problems.begin(), plan.problems.end());
  AddRolloutProblem(*look, &problems);
  AddBrakeProblems(*look, &problems);
  SetReport(*look, problems);
  ClaimNames(look, plan);
  Decide(look, std::move(plan));
}

// Names are claimed now, so that another owner's look cannot claim them while this one is being
// written.
void OwnerReconciler::ClaimNames(const LookPtr& look, const AssignPlan& plan) {
  std::set<std::string>& reserved = reserved_[look->owner];
  if (look->says_all()) {
    // Reserved, and wanted no more.
    std::set<std::string> unused;
    std::swap(unused, reserved);
    for (const DesiredApplication& desired : look->expansion.applications)
      unused.erase(desired.key);
    for (const DerivedApplication& application : *look->current) unused.erase(application.key);
    for (const std::string& name : unused) Free(name, look->owner);
  }
  for (const std::string& name : plan.taken) {
    claims_.Hold(name, look->owner);
    reserved.insert(name);
  }
  if (reserved.empty()) reserved_.erase(look->owner);
  if (look->expansion.incomplete) return;
  TriggerThose(claims_.SetWaiting(look->owner,
                                  std::set<std::string>(plan.refused.begin(), plan.refused.end())));
}

void OwnerReconciler::Free(const std::string& name, const OwnerKey& owner) {
  TriggerThose(claims_.Release(name, owner));
}

void OwnerReconciler::SetReport(Look& look, const std::vector<Problem>& problems) {
  OwnerReport& report = reports_[look.owner];
  std::vector<Condition> conditions =
      Renewed(report.conditions, problems, parts_.loop.clock().Now());
  look.conditions_changed = conditions != report.conditions || !report.conditions_written;
  report.conditions_written = !look.conditions_changed;
  report.conditions = std::move(conditions);
  report.warnings = look.expansion.warnings;
  report.failed_parameter_sets = look.expansion.failed_parameter_sets;
  report.settled = false;
  report.complete = look.says_all();
  std::set<std::string> commits;
  for (const GitInput& input : look.expansion.inputs) {
    const auto found = look.request.git->inputs.find(input);
    if (found != look.request.git->inputs.end() && found->second.ok())
      commits.insert(found->second->commit.Hex());
  }
  report.commit = absl::StrJoin(commits, ",");
}

// Only in memory: it is the disk that fails. The next look makes the conditions anew.
void OwnerReconciler::ShowFailure(const absl::Status& status, OwnerReport* report) const {
  conditions::SetCondition(
      report->conditions,
      {conditions::kErrorOccurred, ConditionStatus::kTrue,
       std::string(conditions::ToString(conditions::Reason::kStorageFailed)),
       absl::StrCat("what follows from the last expansion is not written, or not all of it; it is "
                    "tried again: ",
                    status.ToString()),
       parts_.loop.clock().Now()});
}

void OwnerReconciler::EndLook(const LookPtr& look, const WorkResult& result) {
  in_work_.erase(look->owner);
  queue_.Finish(look->owner, result);
  WakeHeirs(look->owner);
}

void OwnerReconciler::Finish(const LookPtr& look, const absl::Status& status) {
  if (!status.ok()) {
    parts_.log.Warning("hub/control", "cannot assign; will try again",
                       {{"set", look->owner.ToString()}, {"error", status.message()}});
  }
  const auto report = reports_.find(look->owner);
  if (report != reports_.end()) {
    if (!status.ok()) ShowFailure(status, &report->second);
    report->second.settled = status.ok() && !look->expansion.incomplete;
    if (report->second.settled) {
      unsettled_.erase(look->owner);
    } else {
      unsettled_.insert(look->owner);
    }
  }
  EndLook(look, status.ok() ? WorkResult::Done() : WorkResult::Retry());
  MarkSeen(look->owner);
  if (look->brakes_changed) TriggerHeirs(look->owner);
  if (!pins_swept_ && AllSettled()) {
    pins_swept_ = true;
    parts_.repositories.DropUnwanted();
    SweepPins();
  }
  on_settled_(look->owner);
}

// Those that waited for this first look go on.
void OwnerReconciler::MarkSeen(const OwnerKey& owner) {
  if (!first_looks_.Seen(owner)) return;
  for (const OwnerKey& parked : std::exchange(parked_, {})) queue_.Add(parked);
  for (const LookPtr& held : std::exchange(held_, {})) {
    parts_.loop.Post([this, alive = alive_, held] {
      if (*alive) OnExpanded(held);
    });
  }
}

}  // namespace leidang::hub
