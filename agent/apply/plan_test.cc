#include "agent/apply/plan.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Sha256;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Why = ApplyTask::Why;

constexpr char kApp[] = "leidang/cart";

ObjectKey Key(absl::string_view name, absl::string_view kind = "ConfigMap") {
  return {"", std::string(kind), "shop", std::string(name)};
}

DesiredObject Desired(const ObjectKey& key, absl::string_view content = "1", int64_t wave = 0) {
  DesiredObject desired;
  desired.key = key;
  desired.digest = Sha256::Of(content);
  desired.wave = wave;
  return desired;
}

OwnedObject Owned(const ObjectKey& key, absl::string_view content = "1",
                  absl::string_view hash = "h1") {
  OwnedObject owned;
  owned.key = key;
  owned.desired = Sha256::Of(content);
  owned.observed = std::string(hash);
  return owned;
}

SeenObject Seen(const ObjectKey& key, absl::string_view owner = kApp,
                absl::string_view hash = "h1") {
  SeenObject seen;
  seen.key = key;
  seen.owner = std::string(owner);
  seen.hash = std::string(hash);
  seen.version = absl::StrCat("v-", hash);
  return seen;
}

PlanInput Automated() {
  PlanInput input;
  input.app = kApp;
  input.ns = "shop";
  input.policy.automation = Automation::kAutomated;
  input.policy.pruning = Pruning::kPrune;
  input.policy.healing = Healing::kCorrect;
  return input;
}

std::vector<std::string> Shown(const Plan& plan) {
  std::vector<std::string> shown;
  for (const PlanStep& step : plan.steps) {
    for (const ApplyTask& task : step.applies) {
      static constexpr const char* kWhy[] = {"new", "changed", "drift", "taken", "repeat"};
      shown.push_back(absl::StrCat(step.wave, " ", kWhy[static_cast<int>(task.why)], " ",
                                   task.key.kind, "/", task.key.name));
    }
    for (const PruneTask& task : step.prunes) {
      shown.push_back(absl::StrCat(step.wave, " prune ", task.key.kind, "/", task.key.name));
    }
  }
  return shown;
}

TEST(Plan, WhatAsksForConfirmationIsNamedBeforeAnybodyPrunesAndConfirmedOneByOne) {
  PlanInput input = Automated();
  input.policy.automation = Automation::kManual;
  input.policy.option = Pruning::kConfirm;
  input.desired = {Desired(Key("c"))};
  input.inventory = {Owned(Key("a")), Owned(Key("b")), Owned(Key("c"))};
  input.live = {Seen(Key("a")), Seen(Key("b")), Seen(Key("c"))};
  Plan plan = MakePlan(input);
  EXPECT_THAT(plan.to_confirm, ElementsAre(Key("a"), Key("b")));
  EXPECT_THAT(plan.held, IsEmpty());
  input.request = Request::kSyncAndPrune;
  input.confirmed = {Key("a")};
  plan = MakePlan(input);
  EXPECT_THAT(plan.to_confirm, ElementsAre(Key("a"), Key("b")));
  EXPECT_THAT(plan.held, ElementsAre(Key("b")));
  EXPECT_THAT(Shown(plan), ElementsAre("0 prune ConfigMap/a"));
}

TEST(Plan, CreatesChangesCorrectsAndPrunes) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("changed"), "2"), Desired(Key("drifted")), Desired(Key("new")),
                   Desired(Key("removed")),      Desired(Key("same")),    Desired(Key("torn"))};
  input.inventory = {Owned(Key("changed")), Owned(Key("drifted")), Owned(Key("old")),
                     Owned(Key("removed")), Owned(Key("same")),    OwnedObject{.key = Key("torn")}};
  input.live = {Seen(Key("changed")), Seen(Key("drifted"), kApp, "edited"), Seen(Key("old")),
                Seen(Key("same")), Seen(Key("torn"))};
  const Plan plan = MakePlan(input);
  EXPECT_THAT(Shown(plan), ElementsAre("0 changed ConfigMap/changed", "0 drift ConfigMap/drifted",
                                       "0 new ConfigMap/new", "0 drift ConfigMap/removed",
                                       "0 repeat ConfigMap/torn", "0 prune ConfigMap/old"));
  EXPECT_EQ(plan.sync, intent::SyncState::kOutOfSync);
  EXPECT_THAT(plan.drifted, ElementsAre(Key("drifted"), Key("removed")));
  EXPECT_EQ(plan.steps[0].applies[2].if_version, "") << "what is new must not be there";
}

TEST(Plan, NothingToDoIsSynced) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("a"))};
  input.inventory = {Owned(Key("a"))};
  input.live = {Seen(Key("a"))};
  const Plan plan = MakePlan(input);
  EXPECT_TRUE(plan.empty());
  EXPECT_EQ(plan.sync, intent::SyncState::kSynced);
}

TEST(Plan, ManualApplicationsWaitForARequest) {
  PlanInput input = Automated();
  input.policy.automation = Automation::kManual;
  input.desired = {Desired(Key("a"))};
  input.inventory = {Owned(Key("old"))};
  input.live = {Seen(Key("old"))};
  EXPECT_THAT(MakePlan(input).steps, IsEmpty());
  EXPECT_EQ(MakePlan(input).sync, intent::SyncState::kOutOfSync);
  input.request = Request::kSync;
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 new ConfigMap/a"));
  input.request = Request::kSyncAndPrune;
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 new ConfigMap/a", "0 prune ConfigMap/old"));
}

TEST(Plan, WithoutSelfHealDriftIsReportedUntilTheNextChange) {
  PlanInput input = Automated();
  input.policy.healing = Healing::kReport;
  input.desired = {Desired(Key("a"))};
  input.inventory = {Owned(Key("a"))};
  input.live = {Seen(Key("a"), kApp, "edited")};
  Plan plan = MakePlan(input);
  EXPECT_THAT(plan.steps, IsEmpty());
  EXPECT_EQ(plan.sync, intent::SyncState::kOutOfSync);
  EXPECT_THAT(plan.drifted, ElementsAre(Key("a")));
  input.desired.push_back(Desired(Key("b")));
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 drift ConfigMap/a", "0 new ConfigMap/b"));
}

TEST(Plan, ARestedObjectIsReportedAndNotCorrected) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("a")), Desired(Key("b"))};
  input.inventory = {Owned(Key("a")), Owned(Key("b"))};
  input.live = {Seen(Key("a"), kApp, "x"), Seen(Key("b"), kApp, "x")};
  input.rested = {Key("a")};
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 drift ConfigMap/b"));
  EXPECT_THAT(MakePlan(input).drifted, ElementsAre(Key("a"), Key("b")));
}

TEST(Plan, ObjectsOfOthersAreConflicts) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("foreign")), Desired(Key("nobodys")), Desired(Key("was-ours"))};
  input.inventory = {Owned(Key("was-ours"))};
  input.live = {Seen(Key("foreign"), "leidang/other"), Seen(Key("nobodys"), ""),
                Seen(Key("was-ours"), "leidang/other")};
  const Plan plan = MakePlan(input);
  EXPECT_THAT(plan.steps, IsEmpty());
  ASSERT_EQ(plan.conflicts.size(), 3u);
  EXPECT_EQ(plan.conflicts[0].owner, "leidang/other");
  EXPECT_EQ(plan.conflicts[1].owner, "");
  ASSERT_EQ(plan.dropped.size(), 1u);
  EXPECT_EQ(plan.dropped[0].key, Key("was-ours"));
  EXPECT_EQ(plan.sync, intent::SyncState::kOutOfSync);
}

TEST(Plan, TakesWhatIsReleasedAdoptedOrMarkedAsItsOwn) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("adopted")), Desired(Key("mine")), Desired(Key("released"))};
  input.desired[0].adoption = Adoption::kYes;
  input.live = {Seen(Key("adopted"), ""), Seen(Key("mine")),
                Seen(Key("released"), "leidang/other")};
  input.released = {Key("released")};
  const Plan plan = MakePlan(input);
  EXPECT_THAT(Shown(plan), ElementsAre("0 taken ConfigMap/adopted", "0 taken ConfigMap/mine",
                                       "0 taken ConfigMap/released"));
  EXPECT_EQ(plan.steps[0].applies[0].if_version, "v-h1") << "only as it was seen";
}

TEST(Plan, AdoptionTakesNothingFromAnotherApplication) {
  PlanInput input = Automated();
  input.policy.adoption = Adoption::kYes;
  input.desired = {Desired(Key("a"))};
  input.live = {Seen(Key("a"), "leidang/other")};
  EXPECT_THAT(MakePlan(input).steps, IsEmpty());
}

TEST(Plan, AnApplyThatWasNotCompletedTakesNothingFromOthers) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("a")), Desired(Key("b")), Desired(Key("c"))};
  for (const char* name : {"a", "b", "c"}) input.inventory.push_back({.key = Key(name)});
  input.live = {Seen(Key("a"), ""), Seen(Key("b"), "leidang/old")};
  input.released = {Key("b")};  // Handed over by an Application that is gone.
  const Plan plan = MakePlan(input);
  EXPECT_THAT(Shown(plan), ElementsAre("0 taken ConfigMap/b", "0 repeat ConfigMap/c"));
  ASSERT_EQ(plan.dropped.size(), 1u);
  EXPECT_EQ(plan.dropped[0].key, Key("a"));
}

TEST(Plan, StrippedMarksAreDriftOfAnObjectInTheInventory) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("a"))};
  input.inventory = {Owned(Key("a"))};
  input.live = {Seen(Key("a"), "")};
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 drift ConfigMap/a"));
  // A tracking id that was made up: nobody here is called that.
  input.live = {Seen(Key("a"), "leidang/invented")};
  input.released = {Key("a")};
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 drift ConfigMap/a"));
}

TEST(Plan, PrunesOnlyItsInventory) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("a"))};
  input.inventory = {Owned(Key("a"))};
  input.live = {Seen(Key("a")), Seen(Key("labelled-by-hand"))};
  const Plan plan = MakePlan(input);
  EXPECT_THAT(plan.steps, IsEmpty());
  EXPECT_THAT(plan.unowned, ElementsAre(Key("labelled-by-hand")));
}

TEST(Plan, LeavesWhatIsNotItsOwnAnyMore) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("a"))};
  input.inventory = {Owned(Key("a")), Owned(Key("claimed")), Owned(Key("gone")),
                     Owned(Key("replaced")), Owned(Key("taken"))};
  input.live = {Seen(Key("a")), Seen(Key("claimed")), Seen(Key("replaced"), ""),
                Seen(Key("taken"), "leidang/other")};
  input.claimed = {Key("claimed")};
  const Plan plan = MakePlan(input);
  EXPECT_THAT(plan.steps, IsEmpty());
  EXPECT_EQ(plan.dropped.size(), 4u);
}

TEST(Plan, PrunesAnObjectWithoutMarksIfItIsTheVerySameOne) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("keep"))};
  input.inventory = {Owned(Key("gone")), Owned(Key("keep"))};
  input.inventory[0].uid = "u1";
  input.live = {Seen(Key("gone"), ""), Seen(Key("keep"))};
  input.live[0].uid = "u1";
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 prune ConfigMap/gone"));
  input.live[0].uid = "u2";
  EXPECT_THAT(MakePlan(input).steps, IsEmpty());
}

TEST(Plan, PruneOptionsKeepObjects) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("a"))};
  input.inventory = {Owned(Key("a")), Owned(Key("kept"))};
  input.inventory[1].pruning = Pruning::kKeep;
  input.live = {Seen(Key("a")), Seen(Key("kept"))};
  EXPECT_THAT(MakePlan(input).steps, IsEmpty());
  EXPECT_EQ(MakePlan(input).sync, intent::SyncState::kOutOfSync);
  input.inventory[1].pruning = Pruning::kPrune;
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 prune ConfigMap/kept"));
  input.policy.option = Pruning::kKeep;
  EXPECT_THAT(MakePlan(input).steps, IsEmpty());
  input.policy.option = Pruning::kPrune;
  input.policy.pruning = Pruning::kKeep;
  EXPECT_THAT(MakePlan(input).steps, IsEmpty());
}

TEST(Plan, AnEmptyRenderPrunesNothingUnlessAllowed) {
  PlanInput input = Automated();
  input.inventory = {Owned(Key("a"))};
  input.live = {Seen(Key("a"))};
  EXPECT_TRUE(MakePlan(input).refused_empty);
  EXPECT_THAT(MakePlan(input).steps, IsEmpty());
  input.policy.emptiness = Emptiness::kAllowed;
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 prune ConfigMap/a"));
  input.policy.emptiness = Emptiness::kRefused;
  input.request = Request::kSyncAndPrune;
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("0 prune ConfigMap/a"));
}

TEST(Plan, TheBrakeHoldsDeletionsAndNothingElse) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("new"))};
  for (const char* name : {"a", "b", "c"}) {
    input.inventory.push_back(Owned(Key(name)));
    input.live.push_back(Seen(Key(name)));
  }
  Plan plan = MakePlan(input);
  EXPECT_THAT(Shown(plan), ElementsAre("0 new ConfigMap/new"));
  EXPECT_THAT(plan.held, ElementsAre(Key("a"), Key("b"), Key("c")));
  EXPECT_THAT(plan.hold_reason, ::testing::HasSubstr("all 3 objects"));

  input.approved = {Key("a"), Key("b"), Key("c")};
  plan = MakePlan(input);
  EXPECT_THAT(plan.held, IsEmpty());
  EXPECT_EQ(plan.steps.back().prunes.size(), 3u);

  input.approved.clear();
  input.policy.max_deletions = {intent::DeletionLimit::Kind::kUnlimited, 0};
  EXPECT_THAT(MakePlan(input).held, IsEmpty());
}

TEST(Plan, OrdersByWaveKindAndNameAndPrunesInReverseAtTheEnd) {
  PlanInput input = Automated();
  input.gate = PlanInput::Gate::kNone;
  const ObjectKey ns{"", "Namespace", "", "shop"};
  input.desired = {Desired(Key("z")),
                   Desired(Key("a")),
                   Desired(Key("early"), "1", -1),
                   Desired(ns, "1", 5),
                   Desired(Key("s", "Service")),
                   Desired(Key("late"), "1", 2)};
  std::sort(input.desired.begin(), input.desired.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  input.inventory = {Owned(Key("p1")), Owned(Key("p2")), Owned(Key("p3", "Service"))};
  input.inventory[0].wave = 3;
  for (const OwnedObject& owned : input.inventory) input.live.push_back(Seen(owned.key));
  input.policy.max_deletions.kind = intent::DeletionLimit::Kind::kUnlimited;
  EXPECT_THAT(Shown(MakePlan(input)),
              ElementsAre("-1 new Namespace/shop", "-1 new ConfigMap/early", "0 new ConfigMap/a",
                          "0 new ConfigMap/z", "0 new Service/s", "2 new ConfigMap/late",
                          "3 prune ConfigMap/p1", "0 prune Service/p3", "0 prune ConfigMap/p2"));
}

TEST(Plan, ADefinitionComesBeforeItsFirstInstance) {
  PlanInput input = Automated();
  input.gate = PlanInput::Gate::kNone;
  input.desired = {
      Desired({"apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.example.com"}, "1",
              3),
      Desired({"example.com", "Widget", "shop", "w"}, "1", 1)};
  EXPECT_THAT(Shown(MakePlan(input)),
              ElementsAre("1 new CustomResourceDefinition/widgets.example.com", "1 new Widget/w"));
}

TEST(Plan, AWaveStartsWhenThePreviousOneIsHealthy) {
  PlanInput input = Automated();
  input.desired = {Desired(Key("a"), "1", 1), Desired(Key("b"), "1", 2)};
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("1 new ConfigMap/a"));
  input.inventory = {Owned(Key("a"))};
  input.live = {Seen(Key("a"))};
  input.live[0].health = intent::HealthState::kProgressing;
  EXPECT_THAT(MakePlan(input).steps, IsEmpty());
  EXPECT_THAT(MakePlan(input).waiting_for, ElementsAre(Key("a")));
  input.live[0].health = intent::HealthState::kHealthy;
  EXPECT_THAT(Shown(MakePlan(input)), ElementsAre("2 new ConfigMap/b"));
}

TEST(Plan, CreatesTheNamespaceIfToldAndNeeded) {
  PlanInput input = Automated();
  input.policy.create_namespace = NamespaceCreation::kYes;
  input.desired = {Desired(Key("a"))};
  EXPECT_TRUE(MakePlan(input).create_namespace);
  input.live = {Seen({"", "Namespace", "", "shop"}, "")};
  EXPECT_FALSE(MakePlan(input).create_namespace);
  input.live.clear();
  input.policy.automation = Automation::kManual;
  EXPECT_FALSE(MakePlan(input).create_namespace);
  input.policy.automation = Automation::kAutomated;
  input.desired.push_back(Desired({"", "Namespace", "", "shop"}));
  EXPECT_FALSE(MakePlan(input).create_namespace) << "it is an object of the Application";
}

TEST(DeletionPlan, PrunesTheInventoryAndKeepsWhatIsToStay) {
  PlanInput input;
  input.app = kApp;
  input.inventory = {Owned(Key("a")), Owned(Key("b")), Owned(Key("claimed")), Owned(Key("kept"))};
  input.inventory[0].wave = -1;
  input.inventory[3].with_app = Pruning::kKeep;
  input.live = {Seen(Key("a")), Seen(Key("b")), Seen(Key("claimed")), Seen(Key("kept")),
                Seen(Key("other"))};
  input.claimed = {Key("claimed")};
  const Plan plan = MakeDeletionPlan(input);
  EXPECT_THAT(Shown(plan), ElementsAre("0 prune ConfigMap/b", "-1 prune ConfigMap/a"));
  EXPECT_EQ(plan.dropped.size(), 2u);
}

TEST(OwnedObjects, SurviveEncoding) {
  OwnedObject owned = Owned(Key("a"), "x", "hash with spaces");
  owned.uid = "u";
  owned.wave = -7;
  owned.pruning = Pruning::kKeep;
  const OwnedObject back = DecodeOwned(owned.key, "u", EncodeOwned(owned));
  EXPECT_EQ(back.desired, owned.desired);
  EXPECT_EQ(back.observed, owned.observed);
  EXPECT_EQ(back.wave, -7);
  EXPECT_EQ(back.pruning, Pruning::kKeep);
  EXPECT_EQ(back.with_app, Pruning::kPrune);
  for (const absl::string_view damaged : {"", "2 x", "1 - x prune prune h"}) {
    EXPECT_TRUE(DecodeOwned(Key("a"), "", damaged).desired.IsNone()) << damaged;
  }
}

}  // namespace
}  // namespace leidang::agent
