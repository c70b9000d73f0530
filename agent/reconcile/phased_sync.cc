#include "agent/reconcile/phased_sync.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/health/health.h"
#include "common/base/check.h"
#include "common/manifest/manifest.h"
#include "common/manifest/tracking.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

constexpr absl::string_view kIgnoreHealth = "argocd.argoproj.io/ignore-healthcheck";

Value Parsed(const std::string& manifest) {
  absl::StatusOr<Value> value = object::ParseJson(manifest);
  CHECK(value.ok());  // We printed it ourselves.
  return *std::move(value);
}

SyncPhase FirstPhase(const std::set<SyncPhase>& phases) {
  return phases.empty() ? SyncPhase::kSync : *phases.begin();
}

}  // namespace

SyncLive SyncLiveOf(const LiveObject& live, const HealthSource& source) {
  SyncLive seen;
  if (live.manifest == nullptr) {
    seen.object.key = live.key;
    seen.object.phases = {SyncPhase::kSync};
    return seen;
  }
  seen.object = DescribeForSync(*live.manifest, live.key);
  if (object::Find(*live.manifest, {"metadata", "deletionTimestamp"}) != nullptr) {
    seen.life = SyncLive::Life::kDeleting;
  }
  if (manifest::Annotation(*live.manifest, kIgnoreHealth) == "true") return seen;
  const std::optional<Health> health = source.Of(*live.manifest);
  if (health.has_value()) {
    seen.health = health->state;
    seen.health_message = health->message;
  }
  return seen;
}

PhasedSync::PhasedSync(const Application& application, DesiredSource::Set desired, Options options)
    : desired_(std::move(desired)),
      app_(application.app),
      namespace_{"", "Namespace", "", application.ns},
      // What is to be confirmed is not in the plan before it is.
      operation_({.prune = SyncOptions::Prune::kPrune, .confirmed = SyncOptions::Confirmed::kYes},
                 options.results) {
  for (const DesiredObject& object : desired_->objects) {
    if (options.ending.has_value()) break;
    if (options.selection.has_value() && !options.selection->Selects(object.key)) continue;
    objects_.push_back(DescribeForSync(Parsed(object.manifest), object.key));
  }
  for (const DesiredHook& hook : desired_->hooks) {
    if (!options.selection.has_value()) AddHook(hook, application, options);
  }
  if (application.policy.prune_order == SyncPolicy::PruneOrder::kLast) {
    targets_.prune_when = SyncTargets::PruneWhen::kLast;
  }
  targets_.ns = application.ns;
}

void PhasedSync::AddHook(const DesiredHook& hook, const Application& application,
                         const Options& options) {
  Value manifest = Parsed(hook.manifest);
  const std::vector<HookType> types = HookTypes(manifest);
  const bool of_the_end = options.ending.has_value() &&
                          std::find(types.begin(), types.end(), *options.ending) != types.end();
  if (options.ending.has_value() && !of_the_end) return;
  ObjectKey key = hook.key;
  if (!hook.generate_name.empty()) {
    key.name = HookName(hook.generate_name, application.source.commit,
                        FirstPhase(SyncPhasesOf(manifest)), absl::ToUnixSeconds(options.started));
    manifest.get_object()["metadata"].get_object()["name"] = key.name;
    object::StableErase(manifest.get_object()["metadata"].get_object(), "generateName");
  }
  SyncObject object = DescribeForSync(manifest, key);
  if (of_the_end) object.phases = {SyncPhase::kPreSync};
  hook_objects_.push_back(std::move(object));
  manifest::Track(manifest, app_, key);
  hooks_[key] = object::CanonicalJson(manifest);
}

std::map<SyncTaskId, SyncResult> PhasedSync::HookResults() const {
  std::map<SyncTaskId, SyncResult> results;
  for (const auto& [id, result] : operation_.results()) {
    if (hooks_.contains(id.key)) results.emplace(id, result);
  }
  return results;
}

bool PhasedSync::IsOf(const DesiredSet& desired) const {
  if (desired_.get() == &desired) return true;
  const auto same_object = [](const DesiredObject& a, const DesiredObject& b) {
    return a.key == b.key && a.digest == b.digest;
  };
  const auto same_hook = [](const DesiredHook& a, const DesiredHook& b) {
    return a.key == b.key && a.manifest == b.manifest;
  };
  return std::equal(desired.objects.begin(), desired.objects.end(), desired_->objects.begin(),
                    desired_->objects.end(), same_object) &&
         std::equal(desired.hooks.begin(), desired.hooks.end(), desired_->hooks.begin(),
                    desired_->hooks.end(), same_hook);
}

void PhasedSync::BeginLook(const Plan& plan, const std::vector<LiveObject>& live,
                           const HealthSource& health) {
  std::set<ObjectKey> conflicts;
  for (const Plan::Conflict& conflict : plan.conflicts) conflicts.insert(conflict.key);
  std::set<ObjectKey> prunes;
  for (const PlanStep& step : plan.steps) {
    for (const PruneTask& prune : step.prunes) prunes.insert(prune.key);
  }
  live_.clear();
  standing_.clear();
  targets_.skipped.clear();
  for (const LiveObject& object : live) {
    if (conflicts.contains(object.key)) continue;
    if (hooks_.contains(object.key)) standing_.emplace(object.key, object);
    live_.emplace(object.key, SyncLiveOf(object, health));
    if (!prunes.contains(object.key)) targets_.skipped.insert(object.key);
  }
  targets_.wanted.clear();
  for (const SyncObject& object : objects_) {
    if (!conflicts.contains(object.key)) targets_.wanted.push_back(object);
  }
  targets_.wanted.insert(targets_.wanted.end(), hook_objects_.begin(), hook_objects_.end());
  if (plan.create_namespace) {
    live_.erase(namespace_);  // If it is there it is given its metadata.
    targets_.namespace_to_create.emplace();
    targets_.namespace_to_create->key = namespace_;
    targets_.namespace_to_create->phases = {SyncPhase::kPreSync};
  }
  operation_.BeginLook(targets_, live_);
}

bool PhasedSync::HasStages() const {
  const std::vector<SyncTask>& tasks = operation_.tasks();
  return std::any_of(tasks.begin(), tasks.end(), [&](const SyncTask& task) {
    return !IsNamespace(task) &&
           (task.wave != tasks.back().wave || task.id.phase != tasks.back().id.phase);
  });
}

absl::StatusOr<const LiveObject*> PhasedSync::StandingAt(const ObjectKey& hook) const {
  const auto found = standing_.find(hook);
  if (found == standing_.end()) return nullptr;
  if (found->second.owner == app_) return &found->second;
  return absl::FailedPreconditionError(
      absl::StrCat(hook.ToString(),
                   " is there already and is no hook of this Application: remove it, or give the "
                   "hook another name"));
}

bool PhasedSync::IsNamespace(const SyncTask& task) const {
  return targets_.namespace_to_create.has_value() && task.object == &*targets_.namespace_to_create;
}

}  // namespace leidang::agent
