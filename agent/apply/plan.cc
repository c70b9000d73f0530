#include "agent/apply/plan.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "agent/apply/brake.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

template <typename Object>
std::map<ObjectKey, const Object*> ByKey(const std::vector<Object>& objects) {
  std::map<ObjectKey, const Object*> map;
  for (const Object& object : objects) map.emplace_hint(map.end(), object.key, &object);
  return map;
}

template <typename Object>
const Object* Find(const std::map<ObjectKey, const Object*>& map, const ObjectKey& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

auto KindOrder(const ObjectKey& key) {
  return std::tuple(KindRank(key.kind), absl::string_view(key.kind), absl::string_view(key.name),
                    absl::string_view(key.ns), absl::string_view(key.group));
}

struct PlannedPrune {
  PruneTask task;
  int64_t wave = 0;
  Pruning pruning = Pruning::kPrune;
};

class Planner {
 public:
  explicit Planner(const PlanInput& input)
      : in_(input), owned_(ByKey(input.inventory)), seen_(ByKey(input.live)) {}

  Plan Sync();
  Plan Deletion();

 private:
  void LookAtDesired(size_t index);
  void LookAtOwn(size_t index, const OwnedObject& owned, const SeenObject* seen);
  void LookAtNew(size_t index, const SeenObject* seen);
  void LookAtIntended(size_t index, const SeenObject* seen);
  void LookAtExtras(std::vector<PlannedPrune>& wanted);
  // What is in the inventory and not (any more) desired: dropped, or to be pruned.
  std::optional<PlannedPrune> LookAtExtra(const OwnedObject& owned);
  void FindUnowned();
  void AddApply(size_t index, ApplyTask::Why why, std::optional<std::string> if_version);

  bool ForOthers(const SeenObject& seen) const {
    return !seen.owner.empty() && seen.owner != in_.app && !in_.released.contains(seen.key);
  }
  void DecidePrunes(std::vector<PlannedPrune> wanted);
  bool Unconfirmed(const ObjectKey& key) const {
    return plan_.to_confirm.contains(key) && !in_.confirmed.contains(key);
  }
  void HoldUnconfirmed();
  bool SyncsNow() const;
  void DecideNamespace();
  void SetWaves();
  void AddApplySteps();
  void AddPruneSteps();
  // Objects of waves before `wave` that hold it up.
  std::vector<ObjectKey> Unhealthy(int64_t wave) const;
  intent::SyncState SyncState() const;

  const PlanInput& in_;
  const std::map<ObjectKey, const OwnedObject*> owned_;
  const std::map<ObjectKey, const SeenObject*> seen_;
  std::vector<int64_t> waves_;  // Effective, by index of desired.
  std::vector<ApplyTask> applies_;
  std::vector<PlannedPrune> prunes_;
  Plan plan_;
};

void Planner::AddApply(size_t index, ApplyTask::Why why, std::optional<std::string> if_version) {
  if (in_.left.contains(in_.desired[index].key)) return;
  ApplyTask task{in_.desired[index].key, index, why, {}, std::move(if_version), {}};
  const SeenObject* seen = Find(seen_, task.key);
  if (seen != nullptr) task.seen_uid = seen->uid;
  // Of another that lets go of it, as long as that is so.
  const bool others = seen != nullptr && !seen->owner.empty() && seen->owner != in_.app;
  if (others && !task.if_version.has_value()) task.if_version = seen->version;
  if (seen != nullptr && seen->owner.empty()) task.from = ApplyTask::From::kNobody;
  applies_.push_back(std::move(task));
}

void Planner::LookAtDesired(size_t index) {
  const ObjectKey& key = in_.desired[index].key;
  const OwnedObject* owned = Find(owned_, key);
  const SeenObject* seen = Find(seen_, key);
  if (seen == nullptr) plan_.missing.push_back(key);
  if (owned == nullptr) {
    LookAtNew(index, seen);
  } else {
    LookAtOwn(index, *owned, seen);
  }
}

void Planner::LookAtNew(size_t index, const SeenObject* seen) {
  const DesiredObject& desired = in_.desired[index];
  if (seen == nullptr) return AddApply(index, ApplyTask::Why::kNew, "");
  const bool adopted = in_.policy.adoption == Adoption::kYes || desired.adoption == Adoption::kYes;
  if (seen->owner == in_.app || in_.released.contains(seen->key) ||
      (seen->owner.empty() && adopted && seen->make == SeenObject::Make::kOriginal)) {
    return AddApply(index, ApplyTask::Why::kTaken, seen->version);
  }
  plan_.conflicts.push_back({desired.key, seen->owner});
}

void Planner::LookAtOwn(size_t index, const OwnedObject& owned, const SeenObject* seen) {
  const DesiredObject& desired = in_.desired[index];
  if (seen != nullptr && ForOthers(*seen)) {
    plan_.dropped.push_back({desired.key, absl::StrCat("it belongs to ", seen->owner, " now")});
    plan_.conflicts.push_back({desired.key, seen->owner});
    return;
  }
  if (owned.desired.IsNone()) return LookAtIntended(index, seen);
  if (owned.desired != desired.digest) {
    return AddApply(index, ApplyTask::Why::kChanged, std::nullopt);
  }
  const bool same = seen != nullptr && seen->uid == owned.uid && seen->owner == in_.app &&
                    (seen->hash == owned.observed || in_.excused.contains(desired.key));
  if (same) return;
  plan_.drifted.push_back(desired.key);
  if (!in_.rested.contains(desired.key)) AddApply(index, ApplyTask::Why::kDrift, std::nullopt);
}

// An apply was meant and perhaps never happened: what is there now may be somebody else's.
void Planner::LookAtIntended(size_t index, const SeenObject* seen) {
  const ObjectKey& key = in_.desired[index].key;
  if (seen == nullptr) return AddApply(index, ApplyTask::Why::kRepeat, "");
  if (seen->owner == in_.app) return AddApply(index, ApplyTask::Why::kRepeat, std::nullopt);
  const size_t conflicts = plan_.conflicts.size();
  LookAtNew(index, seen);
  if (plan_.conflicts.size() > conflicts) plan_.dropped.push_back({key, "it was never created"});
}

std::optional<PlannedPrune> Planner::LookAtExtra(const OwnedObject& owned) {
  const SeenObject* seen = Find(seen_, owned.key);
  const auto drop = [&](std::string why) {
    plan_.dropped.push_back({owned.key, std::move(why)});
    return std::nullopt;
  };
  if (seen == nullptr) return drop("it is gone");
  if (in_.claimed.contains(owned.key)) return drop("another Application has it now");
  if (ForOthers(*seen)) return drop(absl::StrCat("it belongs to ", seen->owner, " now"));
  const bool very_same = !seen->uid.empty() && seen->uid == owned.uid;
  if (seen->owner != in_.app && !very_same) {
    return drop("it does not carry this Application's marks any more, and is left as it is");
  }
  const auto begun =
      seen->life == SeenObject::Life::kDeleting ? PruneTask::Begun::kYes : PruneTask::Begun::kNo;
  return PlannedPrune{{owned.key, seen->uid, seen->version, begun},
                      owned.wave,
                      Stricter(owned.pruning, seen->wishes.pruning)};
}

void Planner::LookAtExtras(std::vector<PlannedPrune>& wanted) {
  const std::map<ObjectKey, const DesiredObject*> desired = ByKey(in_.desired);
  for (const OwnedObject& owned : in_.inventory) {
    if (desired.contains(owned.key)) continue;
    std::optional<PlannedPrune> prune = LookAtExtra(owned);
    if (!prune.has_value()) continue;
    const SeenObject& seen = *Find(seen_, owned.key);
    // Hooks are not pruned; what has become one goes with its Application.
    if (in_.set_aside.contains(owned.key) || seen.sort == SeenObject::Sort::kHook) continue;
    const bool excused = seen.when_extra == SeenObject::WhenExtra::kExcused;
    (excused ? plan_.excused : plan_.extra).push_back(owned.key);
    if (excused && in_.request != Request::kSyncAndPrune) continue;
    if (prune->pruning != Pruning::kKeep && in_.policy.option != Pruning::kKeep) {
      wanted.push_back(*std::move(prune));
    }
  }
}

void Planner::FindUnowned() {
  const std::map<ObjectKey, const DesiredObject*> desired = ByKey(in_.desired);
  for (const SeenObject& seen : in_.live) {
    if (seen.owner == in_.app && !owned_.contains(seen.key) && !desired.contains(seen.key)) {
      plan_.unowned.push_back(seen.key);
    }
  }
}

void Planner::DecidePrunes(std::vector<PlannedPrune> wanted) {
  const bool asked =
      in_.request == Request::kSyncAndPrune ||
      (in_.policy.automation == Automation::kAutomated && in_.policy.pruning == Pruning::kPrune);
  // Also what nobody prunes yet asks: a person confirms before the sync that prunes it.
  for (const PlannedPrune& prune : wanted) {
    const bool confirm =
        prune.pruning == Pruning::kConfirm || in_.policy.option == Pruning::kConfirm;
    if (confirm && !in_.approved.contains(prune.task.key)) plan_.to_confirm.insert(prune.task.key);
  }
  if (!asked || wanted.empty()) return;
  if (in_.desired.empty() && in_.policy.emptiness == Emptiness::kRefused &&
      in_.request != Request::kSyncAndPrune) {
    plan_.refused_empty = true;
    return;
  }
  std::vector<ObjectKey> unapproved;
  for (const PlannedPrune& prune : wanted) {
    if (!Unconfirmed(prune.task.key) && !in_.approved.contains(prune.task.key))
      unapproved.push_back(prune.task.key);
  }
  // What is left to others or gone is not there any more: it makes no prune a smaller share.
  plan_.hold_reason = HoldReason({.wanted = unapproved.size(),
                                  .recent = in_.pruned_recently,
                                  .inventory = in_.inventory.size() - plan_.dropped.size(),
                                  .limit = in_.policy.max_deletions});
  if (!plan_.hold_reason.empty()) plan_.held = std::move(unapproved);
  HoldUnconfirmed();
  const std::set<ObjectKey> held(plan_.held.begin(), plan_.held.end());
  for (PlannedPrune& prune : wanted) {
    if (!held.contains(prune.task.key)) prunes_.push_back(std::move(prune));
  }
}

void Planner::HoldUnconfirmed() {
  std::vector<ObjectKey> keys;
  for (const ObjectKey& key : plan_.to_confirm) {
    if (Unconfirmed(key)) keys.push_back(key);
  }
  if (keys.empty()) return;
  plan_.held.insert(plan_.held.end(), keys.begin(), keys.end());
  std::sort(plan_.held.begin(), plan_.held.end());
  absl::StrAppend(&plan_.hold_reason, plan_.hold_reason.empty() ? "" : "; ", keys.size(),
                  keys.size() == 1 ? " object asks" : " objects ask",
                  " for confirmation before deletion (Prune=confirm, Delete=confirm)");
}

bool Planner::SyncsNow() const {
  if (plan_.refused_empty) return false;
  if (in_.request != Request::kNone) return true;
  if (in_.policy.automation != Automation::kAutomated) return false;
  return plan_.content_pending || !prunes_.empty() || in_.policy.healing == Healing::kCorrect;
}

void Planner::DecideNamespace() {
  const ObjectKey key{"", "Namespace", "", in_.ns};
  const bool wanted =
      in_.policy.create_namespace == NamespaceCreation::kYes && !in_.ns.empty() &&
      !in_.desired.empty() &&
      (!seen_.contains(key) || in_.namespace_metadata == PlanInput::Metadata::kDiffers) &&
      (in_.request != Request::kNone || in_.policy.automation == Automation::kAutomated);
  if (!wanted) return;
  for (const DesiredObject& desired : in_.desired) {
    if (desired.key == key) return;
  }
  plan_.create_namespace = true;
}

// Namespaces and definitions come before the first object that needs them, whatever their own wave.
void Planner::SetWaves() {
  std::map<std::string, int64_t> first_in_namespace;
  std::map<std::string, int64_t> first_of_group;
  const auto lower = [](std::map<std::string, int64_t>& map, const std::string& key, int64_t wave) {
    const auto [at, added] = map.emplace(key, wave);
    if (!added) at->second = std::min(at->second, wave);
  };
  for (const DesiredObject& desired : in_.desired) {
    lower(first_in_namespace, desired.key.ns, desired.wave);
    lower(first_of_group, desired.key.group, desired.wave);
  }
  for (const DesiredObject& desired : in_.desired) {
    int64_t wave = desired.wave;
    if (desired.key.group.empty() && desired.key.kind == "Namespace") {
      const auto first = first_in_namespace.find(desired.key.name);
      if (first != first_in_namespace.end()) wave = std::min(wave, first->second);
    } else if (desired.key.kind == "CustomResourceDefinition") {
      // Named "<plural>.<group>".
      const size_t dot = desired.key.name.find('.');
      const auto first = dot == std::string::npos
                             ? first_of_group.end()
                             : first_of_group.find(desired.key.name.substr(dot + 1));
      if (first != first_of_group.end()) wave = std::min(wave, first->second);
    }
    waves_.push_back(wave);
  }
}

std::vector<ObjectKey> Planner::Unhealthy(int64_t wave) const {
  std::vector<ObjectKey> unhealthy;
  for (size_t i = 0; i < in_.desired.size(); ++i) {
    if (waves_[i] >= wave) continue;
    const SeenObject* seen = Find(seen_, in_.desired[i].key);
    if (seen == nullptr || seen->health != intent::HealthState::kHealthy) {
      unhealthy.push_back(in_.desired[i].key);
    }
  }
  return unhealthy;
}

void Planner::AddApplySteps() {
  std::sort(applies_.begin(), applies_.end(), [this](const ApplyTask& a, const ApplyTask& b) {
    return std::pair(waves_[a.desired], KindOrder(a.key)) <
           std::pair(waves_[b.desired], KindOrder(b.key));
  });
  // Corrections restore what was healthy once; only new content goes wave by wave.
  const bool gated = in_.gate == PlanInput::Gate::kHealth && plan_.content_pending;
  for (ApplyTask& task : applies_) {
    const int64_t wave = waves_[task.desired];
    if (plan_.steps.empty() || plan_.steps.back().wave != wave) {
      if (gated) {
        if (!plan_.steps.empty()) return;
        plan_.waiting_for = Unhealthy(wave);
        if (!plan_.waiting_for.empty()) return;
      }
      plan_.steps.push_back({wave, {}, {}});
    }
    plan_.steps.back().applies.push_back(std::move(task));
  }
}

void Planner::AddPruneSteps() {
  std::sort(prunes_.begin(), prunes_.end(), [](const PlannedPrune& a, const PlannedPrune& b) {
    return std::pair(a.wave, KindOrder(a.task.key)) > std::pair(b.wave, KindOrder(b.task.key));
  });
  const size_t applies = plan_.steps.size();
  for (PlannedPrune& prune : prunes_) {
    if (plan_.steps.size() == applies || plan_.steps.back().wave != prune.wave) {
      plan_.steps.push_back({prune.wave, {}, {}});
    }
    plan_.steps.back().prunes.push_back(std::move(prune.task));
  }
}

intent::SyncState Planner::SyncState() const {
  const bool differs = !applies_.empty() || !in_.left.empty() || !plan_.drifted.empty() ||
                       !plan_.missing.empty() || !plan_.extra.empty() || !plan_.conflicts.empty();
  return differs ? intent::SyncState::kOutOfSync : intent::SyncState::kSynced;
}

Plan Planner::Sync() {
  SetWaves();
  for (size_t i = 0; i < in_.desired.size(); ++i) LookAtDesired(i);
  std::vector<PlannedPrune> wanted;
  LookAtExtras(wanted);
  FindUnowned();
  for (const ApplyTask& task : applies_) {
    if (task.why != ApplyTask::Why::kDrift) plan_.outdated.push_back(task.key);
  }
  std::sort(plan_.outdated.begin(), plan_.outdated.end());
  plan_.content_pending = !plan_.outdated.empty();
  DecidePrunes(std::move(wanted));
  DecideNamespace();
  plan_.sync = SyncState();
  if (!SyncsNow()) return std::move(plan_);
  AddApplySteps();
  // Pruning is last: it waits until every wave has been applied.
  size_t planned = 0;
  for (const PlanStep& step : plan_.steps) planned += step.applies.size();
  if (planned == applies_.size()) AddPruneSteps();
  return std::move(plan_);
}

Plan Planner::Deletion() {
  for (const OwnedObject& owned : in_.inventory) {
    std::optional<PlannedPrune> prune = LookAtExtra(owned);
    if (!prune.has_value()) continue;
    const Pruning with_app = Stricter(
        Stricter(owned.with_app, Find(seen_, owned.key)->wishes.with_app), in_.policy.with_app);
    if (with_app == Pruning::kKeep) {
      plan_.dropped.push_back({owned.key, "it is to stay when its Application is deleted"});
      continue;
    }
    plan_.extra.push_back(owned.key);
    const bool confirm = with_app == Pruning::kConfirm;
    if (confirm && !in_.approved.contains(owned.key)) plan_.to_confirm.insert(owned.key);
    prunes_.push_back(*std::move(prune));
  }
  plan_.sync = SyncState();
  HoldUnconfirmed();
  // Nothing goes before all of it may.
  if (plan_.held.empty()) AddPruneSteps();
  return std::move(plan_);
}

}  // namespace

namespace {

absl::string_view PruningName(Pruning pruning) {
  switch (pruning) {
    case Pruning::kKeep:
      return "keep";
    case Pruning::kPrune:
      return "prune";
    case Pruning::kConfirm:
      return "confirm";
  }
  return "keep";
}

Pruning PruningNamed(absl::string_view name) {
  if (name == "keep") return Pruning::kKeep;
  return name == "confirm" ? Pruning::kConfirm : Pruning::kPrune;
}

}  // namespace

std::string EncodeOwned(const OwnedObject& owned) {
  return absl::StrCat("1 ", owned.desired.IsNone() ? "-" : owned.desired.Hex(), " ", owned.wave,
                      " ", PruningName(owned.pruning), " ", PruningName(owned.with_app), " ",
                      owned.observed);
}

OwnedObject DecodeOwned(const ObjectKey& key, absl::string_view uid, absl::string_view encoded) {
  OwnedObject owned;
  owned.key = key;
  owned.uid = std::string(uid);
  const std::vector<absl::string_view> fields = absl::StrSplit(encoded, absl::MaxSplits(' ', 5));
  if (fields.size() != 6 || fields[0] != "1" || !absl::SimpleAtoi(fields[2], &owned.wave)) {
    return owned;
  }
  owned.pruning = PruningNamed(fields[3]);
  owned.with_app = PruningNamed(fields[4]);
  owned.desired = object::Sha256::FromHex(fields[1]).value_or(object::Sha256());
  owned.observed = std::string(fields[5]);
  return owned;
}

Plan MakePlan(const PlanInput& input) { return Planner(input).Sync(); }

Plan MakeDeletionPlan(const PlanInput& input) { return Planner(input).Deletion(); }

}  // namespace leidang::agent
