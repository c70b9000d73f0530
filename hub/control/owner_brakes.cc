// The braking part of OwnerReconciler: which deletions of a look must wait for a person, and who
// may take over what waits.

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/conditions/types.h"
#include "common/intent/deletion_limit.h"
#include "hub/control/owner_look.h"
#include "hub/control/owner_reconciler.h"

namespace leidang::hub {
namespace {

constexpr size_t kNamesShown = 5;
constexpr size_t kDigitsShown = 16;

BrakedDeletion DeletionOf(const Deletion& deletion) { return {deletion.key, deletion.uid.Hex()}; }

}  // namespace

AssignPlan OwnerReconciler::Plan(const LookPtr& look) {
  AssignInput input = PlanInput(*look);
  AssignPlan plan = PlanAssignments(input);
  input.braked = Brake(*look, plan);
  look->brakes_changed = !look->brake_changes.empty();
  return input.braked.empty() ? plan : PlanAssignments(input);
}

std::set<std::string> OwnerReconciler::Brake(Look& look, const AssignPlan& plan) {
  const std::string owner = look.owner.ToString();
  if (look.deleting()) {
    // Asked for by name, and confirmed; the config repository has asked the clusters before.
    parts_.brakes.Forget(owner, &look.brake_changes);
    return {};
  }
  Brakes::Question question;
  question.owner = owner;
  // What a look that failed in part does not name may still be unwanted.
  question.complete = look.says_all() ? Brakes::Wishes::kAll : Brakes::Wishes::kSome;
  std::map<intent::ClusterId, std::vector<BrakedDeletion>> leaving;
  for (const Deletion& deletion : plan.deletions) {
    const BrakedDeletion wish = DeletionOf(deletion);
    if (parts_.brakes.IsApproved(owner, wish)) question.approved.insert(wish.name);
    leaving[deletion.cluster].push_back(wish);
    if (deletion.why == Deletion::Why::kNotWanted) question.wishes.push_back(wish);
  }
  std::set<std::string> held;
  if (look.is_set()) {
    question.brake = {BrakeScope::kSet, look.owner.key};
    question.limit = LimitOf(object::FindString(look.manifest, {"metadata", "annotations",
                                                                intent::kMaxDeletionsAnnotation}),
                             BrakeLimit::Kind::kSet, &look.expansion.warnings);
    question.total =
        static_cast<uint64_t>(std::count_if(look.current->begin(), look.current->end(),
                                            [](const auto& a) { return !a.cluster.IsNone(); }));
    held = parts_.brakes.Judge(question, parts_.loop.clock().Now(), &look.brake_changes);
    for (auto& [cluster, wishes] : leaving)
      std::erase_if(wishes, [&held](const auto& w) { return held.contains(w.name); });
  }
  held.merge(BrakeClusters(look, leaving, std::move(question)));
  return held;
}

std::set<std::string> OwnerReconciler::BrakeClusters(
    Look& look, const std::map<intent::ClusterId, std::vector<BrakedDeletion>>& leaving,
    Brakes::Question question) {
  std::set<intent::ClusterId> concerned;
  for (const auto& [cluster, wishes] : leaving) concerned.insert(cluster);
  for (const BrakeId& brake : parts_.brakes.Concerning(question.owner)) {
    if (brake.scope != BrakeScope::kCluster) continue;
    if (const auto id = intent::ClusterId::FromHex(brake.key)) concerned.insert(*id);
  }
  std::set<std::string> held;
  for (const intent::ClusterId& cluster : concerned) {
    question.brake = {BrakeScope::kCluster, cluster.Hex()};
    const auto wishes = leaving.find(cluster);
    question.wishes = wishes == leaving.end() ? std::vector<BrakedDeletion>() : wishes->second;
    question.limit = LimitOfCluster(cluster, &look.expansion.warnings);
    question.total = question.wishes.empty() ? 0 : ApplicationsOn(cluster);
    held.merge(parts_.brakes.Judge(question, parts_.loop.clock().Now(), &look.brake_changes));
  }
  return held;
}

uint64_t OwnerReconciler::ApplicationsOn(const intent::ClusterId& cluster) const {
  const absl::StatusOr<LiveEntries> live = parts_.store.Entries(cluster, {});
  if (!live.ok()) return 0;
  return static_cast<uint64_t>(std::count_if(
      live->entries.begin(), live->entries.end(),
      [](const LiveEntry& entry) { return entry.key.kind == intent::EntryKind::kApplication; }));
}

BrakeLimit OwnerReconciler::LimitOfCluster(const intent::ClusterId& cluster,
                                           std::vector<std::string>* warnings) const {
  const auto registration = parts_.records.clusters().find(cluster);
  if (registration == parts_.records.clusters().end()) return {BrakeLimit::Kind::kCluster, 0};
  const auto& annotations = registration->second.annotations;
  const auto annotation = annotations.find(intent::kMaxDeletionsAnnotation);
  return LimitOf(annotation == annotations.end() ? "" : annotation->second,
                 BrakeLimit::Kind::kCluster, warnings);
}

BrakeLimit OwnerReconciler::LimitOf(absl::string_view annotation, BrakeLimit::Kind otherwise,
                                    std::vector<std::string>* warnings) {
  if (annotation.empty()) return {otherwise, 0};
  const absl::StatusOr<BrakeLimit> limit = ParseBrakeLimit(annotation);
  if (limit.ok()) return *limit;
  if (warnings != nullptr) warnings->push_back(std::string(limit.status().message()));
  return {otherwise, 0};
}

void OwnerReconciler::AddBrakeProblems(const Look& look, std::vector<Problem>* problems) const {
  if (look.deleting()) return;
  if (IsToGo(look.owner)) {
    problems->push_back({conditions::kDeletionsHeld, conditions::Reason::kDeletionsHeld,
                         "the config repository holds it no more, and its deletion waits for a "
                         "decision: see `leidang brake list`"});
  }
  for (const Brakes::Held& held : parts_.brakes.List()) {
    if (!held.owners.contains(look.owner.ToString())) continue;
    std::vector<std::string> names;
    for (const BrakedDeletion& deletion : held.deletions) {
      if (names.size() < kNamesShown) names.push_back(deletion.name);
    }
    const size_t more = held.deletions.size() - names.size();
    const std::string digest = held.digest.Hex().substr(0, kDigitsShown);
    problems->push_back(
        {conditions::kDeletionsHeld, conditions::Reason::kDeletionsHeld,
         absl::StrCat("the brake of the ", BrakeText(held.brake, parts_.records), " holds ",
                      held.deletions.size(), " deletions (", held.why,
                      "): ", absl::StrJoin(names, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "",
                      held.decided.empty() ? "" : absl::StrCat("; refused by ", held.decided),
                      "; `leidang brake approve ", digest, "` carries out exactly these")});
  }
}

// But for the configuration's brake.
bool OwnerReconciler::IsToGo(const OwnerKey& owner) const {
  return std::any_of(
      std::begin(Brakes::kAllOfConfiguration), std::end(Brakes::kAllOfConfiguration),
      [&](const char* asking) { return parts_.brakes.Holds(asking, owner.ToString()); });
}

bool OwnerReconciler::WouldLose(const OwnerKey& owner, const std::string& name) const {
  return parts_.brakes.Holds(owner.ToString(), name) || IsToGo(owner);
}

// Two sets that are both to go would take it over from each other for ever.
std::optional<DerivedApplication> OwnerReconciler::Adoptable(const OwnerKey& owner,
                                                             const std::string& key) {
  const std::optional<OwnerKey> other = claims_.Against(key, owner);
  if (!other || !WouldLose(*other, key) || IsToGo(owner)) return std::nullopt;
  if (in_work_.contains(*other)) {
    heirs_[*other].insert(owner);
    return std::nullopt;
  }
  const absl::StatusOr<DerivedApplication> record = parts_.store.Application(key);
  if (!record.ok() || record->set != other->key) return std::nullopt;
  return *record;
}

// Looks that wanted what this owner has while it was at work. Of two that wait for each other one
// looks at a time, or they would find each other at work again.
void OwnerReconciler::WakeHeirs(const OwnerKey& owner) {
  std::set<OwnerKey> woken;
  std::erase_if(heirs_[owner], [&](const OwnerKey& heir) {
    return !in_work_.contains(heir) && woken.insert(heir).second;
  });
  for (auto& [other, heirs] : heirs_) {
    if (!in_work_.contains(other) && !woken.contains(other) && heirs.erase(owner) > 0)
      woken.insert(owner);
  }
  std::erase_if(heirs_, [](const auto& entry) { return entry.second.empty(); });
  TriggerThose(woken);
}

// What was read before the expansion may have been taken over by another set since.
void OwnerReconciler::DropWhatOthersHold(Look& look) const {
  std::erase_if(*look.current, [&](const DerivedApplication& application) {
    return !claims_.Holds(look.owner, application.key);
  });
}

// Sets that want what this one would lose, if it were not for a brake. Only when that has changed:
// several of them may wait for one name.
void OwnerReconciler::TriggerHeirs(const OwnerKey& owner) {
  for (const Brakes::Held& held : parts_.brakes.List()) {
    if (!held.owners.contains(owner.ToString())) continue;
    for (const BrakedDeletion& deletion : held.deletions)
      TriggerThose(claims_.WaitingFor(deletion.name));
  }
}

}  // namespace leidang::hub
