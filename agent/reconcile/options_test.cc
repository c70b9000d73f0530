// Sync options, partial syncs and the hooks of an Application's end.

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/apply/brake.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCart[] = "leidang/cart";
constexpr char kAutomated[] = R"("automated":{"prune":true,"selfHeal":true})";

std::string Policy(absl::string_view options) {
  return absl::StrCat("{", kAutomated, R"(,"syncOptions":[)", options, "]}");
}

class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest() {
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.client_options.status = MemoryClientOptions::Status::kKept;
    agent_.Restart();
  }

  static TestApp App() {
    TestApp app;
    app.name = kCart;
    for (const char* name : {"a", "b", "c", "d"}) {
      app.files[absl::StrCat("app/", name, ".yaml")] = ConfigMapText(name, "red");
    }
    return app;
  }
  void Approve(const std::string& name, uint8_t id) {
    agent_.Ask(
        kCart, OperationKind::kSync,
        absl::StrCat(R"({"approveDeletions":")",
                     DeletionListDigest({ObjectKey{"", "ConfigMap", "shop", name}}).Hex(), "\"}"),
        id);
    agent_.Settle();
  }
  // Of what asks for it until now.
  std::string Confirmation() const {
    return absl::StrCat(
        R"({"argocd.argoproj.io/deletion-approved":")",
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", agent_.loop.clock().Now(), absl::UTCTimeZone()),
        "\"}");
  }
  uint64_t Uid(const std::string& name) const {
    const auto found = agent_.cluster.objects().find({"", "ConfigMap", "shop", name});
    return found == agent_.cluster.objects().end() ? 0 : found->second.uid;
  }

  TestAgent agent_;
};

TEST_F(OptionsTest, APartialSyncAppliesTheNamedObjectsOnlyAndRunsNoHooks) {
  TestApp app = App();
  app.sync_policy = "{}";
  app.files["app/hook.yaml"] = ConfigMapText("hook", "x", "argocd.argoproj.io/hook: PreSync");
  agent_.Put(app);
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:shop/b","*:*:d*"]})", 1);
  agent_.Settle();
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kSucceeded) << agent_.Operation(1).message;
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/b", "ConfigMap/d"));
  EXPECT_FALSE(agent_.Applied(kCart));
  agent_.Ask(kCart, OperationKind::kHistory, "{}", 2);
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":["nothing"]})", 3);
  agent_.Settle();
  EXPECT_EQ(agent_.Operation(2).message, R"({"items":[]})") << "it is no part of the history";
  EXPECT_EQ(agent_.Operation(3).state, OperationState::kFailed);
  EXPECT_THAT(agent_.Operation(3).message, HasSubstr("\"nothing\" names no objects"));
  agent_.Ask(kCart, OperationKind::kSync, "{}", 4);
  agent_.Settle();
  EXPECT_EQ(agent_.Operation(4).state, OperationState::kSucceeded);
  EXPECT_EQ(agent_.Objects().size(), 5u);
}

TEST_F(OptionsTest, SyncsThatAreAskedForTogetherDoEachWhatItAskedFor) {
  TestApp app = App();
  app.sync_policy = "{}";
  agent_.Put(app);
  agent_.Ask(kCart, OperationKind::kSync, "{}", 1);
  agent_.Settle();
  app.files.erase("app/a.yaml");
  app.files["app/b.yaml"] = ConfigMapText("b", "blue");
  app.files["app/c.yaml"] = ConfigMapText("c", "blue");
  agent_.Put(app);
  agent_.Settle();
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:b"],"prune":true})", 2);
  agent_.Ask(kCart, OperationKind::kSync, "{}", 3);
  agent_.Settle(absl::Seconds(5));
  EXPECT_EQ(agent_.Operation(2).state, OperationState::kSucceeded) << agent_.Operation(2).message;
  EXPECT_EQ(agent_.Operation(3).state, OperationState::kSucceeded) << agent_.Operation(3).message;
  EXPECT_EQ(agent_.Data("b", "colour"), "blue");
  EXPECT_EQ(agent_.Data("c", "colour"), "blue");
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/a")) << "nobody asked to prune it";

  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle();
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:a"]})", 4);
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:b"],"prune":true})", 5);
  agent_.Settle(absl::Seconds(5));
  EXPECT_EQ(agent_.Operation(4).state, OperationState::kSucceeded);
  EXPECT_EQ(agent_.Operation(5).state, OperationState::kSucceeded);
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/c", "ConfigMap/d"));
}

TEST_F(OptionsTest, SyncsThatAreAskedForTogetherHaveEachItsOwnOutcome) {
  TestApp app = App();
  app.sync_policy = "{}";
  agent_.Put(app);
  agent_.cluster.SetFault([](MemoryCluster::Operation operation, const ObjectKey& key) {
    return operation == MemoryCluster::Operation::kApply && key.name == "a"
               ? absl::InvalidArgumentError("the server does not like it")
               : absl::OkStatus();
  });
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:a"]})", 1);
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:b"]})", 2);
  agent_.Ask(kCart, OperationKind::kSync, "{broken", 3);
  agent_.Settle(absl::Seconds(10));
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kFailed);
  EXPECT_THAT(agent_.Operation(1).message, HasSubstr("the server does not like it"));
  EXPECT_EQ(agent_.Operation(2).state, OperationState::kSucceeded) << agent_.Operation(2).message;
  EXPECT_EQ(agent_.Operation(3).state, OperationState::kFailed);
  EXPECT_THAT(agent_.Operation(3).message, HasSubstr("no JSON object"));
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/b"));
}

TEST_F(OptionsTest, APartialSyncWaitsForTheSyncThatRunsAndChangesNothingOfIt) {
  TestApp app = App();
  app.files["app/pre.yaml"] =
      "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: pre\n  annotations: "
      "{argocd.argoproj.io/hook: PreSync}\nspec: {}\n";
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:a"]})", 1);
  agent_.Settle(absl::Seconds(5));
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kAccepted);
  EXPECT_THAT(agent_.Objects(), ElementsAre("Job/pre"));
  const absl::StatusOr<Value> complete =
      object::ParseJson(R"({"conditions":[{"type":"Complete","status":"True"}]})");
  agent_.cluster.SetStatus({"batch", "Job", "shop", "pre"}, *complete);
  agent_.Settle(absl::Seconds(5));
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kSucceeded) << agent_.Operation(1).message;
  EXPECT_EQ(agent_.Objects().size(), 5u);
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(OptionsTest, AfterAPartialSyncHooksThatHaveRunDoNotRunAgain) {
  TestApp other = App();
  other.name = "leidang/other";
  other.files = {{"app/a.yaml", ConfigMapText("a", "theirs")}};
  agent_.Put(other);
  agent_.Settle();
  TestApp app = App();
  app.files["app/pre.yaml"] = ConfigMapText("pre", "x", "argocd.argoproj.io/hook: PreSync");
  agent_.Put(app);
  agent_.Settle();
  const uint64_t uid = Uid("pre");
  ASSERT_NE(uid, 0u);
  ASSERT_NE(Uid("b"), 0u);
  ASSERT_FALSE(agent_.Applied(kCart)) << "one object belongs to another Application";
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:b"]})", 1);
  agent_.Settle(absl::Minutes(30));
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kSucceeded);
  EXPECT_EQ(Uid("pre"), uid);
  agent_.Restart();
  agent_.Settle(absl::Minutes(30));
  EXPECT_FALSE(agent_.Applied(kCart));
  EXPECT_EQ(Uid("pre"), uid) << "nor does it after a restart";
}

TEST_F(OptionsTest, APartialSyncThatARestartInterruptsChangesNothingOfTheWhole) {
  TestApp app = App();
  app.sync_policy = R"({"automated":{"prune":true,"selfHeal":true},"retry":{"limit":0}})";
  app.files["app/pre.yaml"] = ConfigMapText("pre", "x", "argocd.argoproj.io/hook: PreSync");
  app.files["app/web.yaml"] =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations: "
      "{argocd.argoproj.io/sync-wave: \"-1\"}\nspec: {replicas: 1}\n";
  agent_.cluster.SetFault([](MemoryCluster::Operation operation, const ObjectKey& key) {
    return operation == MemoryCluster::Operation::kApply && key.name == "web"
               ? absl::InvalidArgumentError("the server does not like it")
               : absl::OkStatus();
  });
  agent_.Put(app);
  agent_.Settle(absl::Minutes(5));
  const uint64_t uid = Uid("pre");
  ASSERT_NE(uid, 0u);
  agent_.cluster.SetFault(nullptr);
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":["*:*:web","*:*:a"]})", 1);
  agent_.Settle(absl::Seconds(5));
  ASSERT_EQ(agent_.Operation(1).state, OperationState::kRunning) << "web is not healthy yet";
  agent_.Restart();
  agent_.Settle(absl::Seconds(5));
  ASSERT_EQ(agent_.Operation(1).state, OperationState::kRunning);
  const absl::StatusOr<Value> status = object::ParseJson(
      R"({"replicas":1,"updatedReplicas":1,"availableReplicas":1,"readyReplicas":1})");
  agent_.cluster.SetStatus({"apps", "Deployment", "shop", "web"}, *status);
  agent_.Settle(absl::Minutes(30));
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kSucceeded) << agent_.Operation(1).message;
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/pre", "Deployment/web"));
  EXPECT_EQ(Uid("pre"), uid) << "no attempt of the whole is left";
  EXPECT_THAT(agent_.Condition(kCart, "SyncError"), HasSubstr("the server does not like it"));
}

TEST_F(OptionsTest, ATerminatedPartialSyncChangesNothingOfTheWhole) {
  TestApp app = App();
  app.sync_policy = "{}";
  agent_.Put(app);
  agent_.Ask(kCart, OperationKind::kSync, "{}", 1);
  agent_.Settle();
  ASSERT_TRUE(agent_.Applied(kCart));
  app.files["app/web.yaml"] =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations: "
      "{argocd.argoproj.io/sync-wave: \"-1\"}\nspec: {replicas: 1}\n";
  app.files["app/a.yaml"] = ConfigMapText("a", "blue");
  agent_.Put(app);
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":["*:*:web","*:*:a"]})", 2);
  agent_.Settle(absl::Seconds(5));
  ASSERT_EQ(agent_.Operation(2).state, OperationState::kRunning);
  agent_.Ask(kCart, OperationKind::kTerminate, "{}", 3);
  agent_.Settle();
  EXPECT_EQ(agent_.Operation(2).state, OperationState::kFailed);
  EXPECT_EQ(agent_.Operation(2).message, "the sync was terminated");
  EXPECT_EQ(agent_.Operation(3).state, OperationState::kSucceeded);
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  EXPECT_EQ(agent_.Condition(kCart, "SyncError"), "") << "of the whole nothing has failed";
}

TEST_F(OptionsTest, WhatAsksForConfirmationIsPrunedOnceItIsApproved) {
  TestApp app = App();
  app.files["app/a.yaml"] =
      ConfigMapText("a", "red", "argocd.argoproj.io/sync-options: Prune=confirm");
  agent_.Put(app);
  agent_.Settle();
  app.files.erase("app/a.yaml");
  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/c", "ConfigMap/d"));
  EXPECT_THAT(agent_.Condition(kCart, "DeletionsHeld"), HasSubstr("Prune=confirm"));
  Approve("c", 1);
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kFailed) << "that is another list";
  Approve("a", 2);
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/c", "ConfigMap/d"));
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(OptionsTest, AConfirmationOnTheApplicationIsOfWhatAskedBefore) {
  TestApp app = App();
  app.sync_policy = Policy(R"("Prune=confirm")");
  app.annotations = Confirmation();
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  app.files.erase("app/a.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/a")) << "confirmed before it was asked";
  app.annotations = Confirmation();
  agent_.Restart();
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  EXPECT_FALSE(agent_.Objects().contains("ConfigMap/a"));
  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/b")) << "nobody has confirmed that";
  EXPECT_THAT(agent_.Condition(kCart, "DeletionsHeld"), HasSubstr("ConfigMap shop/b"));
}

TEST_F(OptionsTest, AConfirmationOfTheSecondInWhichItIsAskedForIsItsAnswer) {
  TestApp app = App();
  app.sync_policy = Policy(R"("Prune=confirm")");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  const absl::Time now = agent_.loop.clock().Now();
  agent_.Settle(absl::FromUnixSeconds(absl::ToUnixSeconds(now) + 1) + absl::Milliseconds(300) -
                now);
  app.files.erase("app/a.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Milliseconds(300));
  ASSERT_THAT(agent_.Condition(kCart, "DeletionsHeld"), HasSubstr("ConfigMap shop/a"));
  app.annotations = Confirmation();
  agent_.Put(app);
  agent_.Settle(absl::Milliseconds(100));
  EXPECT_FALSE(agent_.Objects().contains("ConfigMap/a"));
  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Milliseconds(100));
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/b")) << "confirmed before it was asked";
}

TEST_F(OptionsTest, AConfirmationLetsNothingGoThatAskedLaterWhileTheConfirmedIsStillThere) {
  TestApp app = App();
  app.sync_policy = Policy(R"("Prune=confirm","FailOnSharedResource=true")");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  // Holds every prune up.
  TestApp other = App();
  other.name = "leidang/other";
  other.files = {{"app/z.yaml", ConfigMapText("z", "theirs")}};
  agent_.Put(other);
  agent_.Settle(absl::Seconds(5));
  app.files["app/z.yaml"] = ConfigMapText("z", "ours");
  app.files.erase("app/a.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  app.annotations = Confirmation();
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  ASSERT_TRUE(agent_.Objects().contains("ConfigMap/a")) << "confirmed, and held up";
  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  agent_.Restart();
  app.files.erase("app/z.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  EXPECT_FALSE(agent_.Objects().contains("ConfigMap/a"));
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/b")) << "nobody has confirmed that";
  EXPECT_THAT(agent_.Condition(kCart, "DeletionsHeld"), HasSubstr("ConfigMap shop/b"));
  app.annotations = Confirmation();
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  EXPECT_FALSE(agent_.Objects().contains("ConfigMap/b"));
}

TEST_F(OptionsTest, AConfirmedPruneConfirmsNothingOfALaterDeletion) {
  TestApp app = App();
  app.sync_policy = Policy(R"("Prune=confirm","FailOnSharedResource=true")");
  app.files["app/d.yaml"] =
      ConfigMapText("d", "red", "argocd.argoproj.io/sync-options: Delete=confirm");
  agent_.Put(app);
  TestApp other = App();
  other.name = "leidang/other";
  other.files = {{"app/z.yaml", ConfigMapText("z", "theirs")}};
  agent_.Put(other);
  agent_.Settle(absl::Seconds(5));
  app.files["app/z.yaml"] = ConfigMapText("z", "ours");
  app.files.erase("app/a.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  app.annotations = Confirmation();
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  ASSERT_TRUE(agent_.Objects().contains("ConfigMap/a"));
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/d"));
  EXPECT_THAT(agent_.Condition(kCart, "DeletionsHeld"), HasSubstr("Delete=confirm"));
}

TEST_F(OptionsTest, WithoutAutomationAConfirmationIsGivenBeforeTheSyncThatPrunes) {
  TestApp app = App();
  app.sync_policy = R"({"syncOptions":["Prune=confirm"]})";
  agent_.Put(app);
  agent_.Ask(kCart, OperationKind::kSync, "{}", 1);
  agent_.Settle(absl::Seconds(5));
  app.files.erase("app/a.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  agent_.Ask(kCart, OperationKind::kSync, R"({"prune":true})", 2);
  agent_.Settle(absl::Seconds(5));
  ASSERT_TRUE(agent_.Objects().contains("ConfigMap/a"));
  app.annotations = Confirmation();
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/a")) << "nobody has asked for a sync";
  EXPECT_EQ(agent_.Condition(kCart, "DeletionsHeld"), "");
  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  agent_.Ask(kCart, OperationKind::kSync, R"({"prune":true})", 3);
  agent_.Settle(absl::Seconds(5));
  EXPECT_FALSE(agent_.Objects().contains("ConfigMap/a"));
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/b")) << "that asked after the confirmation";
}

TEST_F(OptionsTest, AnApplicationThatAsksForConfirmationHoldsAllItsPrunes) {
  TestApp app = App();
  app.sync_policy = Policy(R"("Prune=confirm")");
  agent_.Put(app);
  agent_.Settle();
  app.files.erase("app/a.yaml");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_TRUE(agent_.Objects().contains("ConfigMap/a"));
  Approve("a", 1);
  EXPECT_FALSE(agent_.Objects().contains("ConfigMap/a"));
}

TEST_F(OptionsTest, ADeletionWaitsAsAWholeForWhatAsksForConfirmation) {
  TestApp app = App();
  app.files["app/a.yaml"] =
      ConfigMapText("a", "red", "argocd.argoproj.io/sync-options: Delete=confirm");
  agent_.Put(app);
  agent_.Settle();
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_EQ(agent_.Objects().size(), 4u);
  EXPECT_THAT(agent_.Condition(kCart, "DeletionsHeld"), HasSubstr("Delete=confirm"));
  agent_.Restart();
  agent_.Settle();
  EXPECT_EQ(agent_.Objects().size(), 4u);
  Approve("a", 1);
  EXPECT_TRUE(agent_.Objects().empty());
  EXPECT_TRUE(agent_.Status(kCart).gone);
}

TEST_F(OptionsTest, FailOnSharedResourceStopsTheSyncBeforeAnythingIsDone) {
  TestApp other = App();
  other.name = "leidang/other";
  other.files = {{"app/a.yaml", ConfigMapText("a", "theirs")}};
  agent_.Put(other);
  agent_.Settle();
  TestApp app = App();
  app.sync_policy = Policy(R"("FailOnSharedResource=true")");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a"));
  EXPECT_THAT(agent_.Condition(kCart, "SyncError"), HasSubstr("belongs to leidang/other"));
  agent_.Ask(kCart, OperationKind::kSync, "{}", 1);
  agent_.Settle();
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kFailed);
  app.sync_policy = Policy("");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_EQ(agent_.Objects().size(), 4u) << "without it the rest is synced";
  EXPECT_EQ(agent_.Data("a", "colour"), "theirs");
}

TEST_F(OptionsTest, WhatFailedForASharedResourceIsSyncedOnceThatIsLetGo) {
  TestApp other = App();
  other.name = "leidang/other";
  other.files = {{"app/a.yaml", ConfigMapText("a", "theirs")}};
  agent_.Put(other);
  agent_.Settle();
  TestApp app = App();
  app.sync_policy = Policy(R"("FailOnSharedResource=true")");
  agent_.Put(app);
  agent_.Settle();
  ASSERT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a"));
  other.files = {{"app/z.yaml", ConfigMapText("z", "theirs")}};
  agent_.Put(other);
  agent_.Settle(absl::Seconds(3));
  EXPECT_TRUE(agent_.Applied(kCart)) << agent_.Status(kCart).message;
  EXPECT_NE(agent_.Data("a", "colour"), "theirs");
}

TEST_F(OptionsTest, ANamespaceThatIsThereIsGivenItsMetadata) {
  const absl::StatusOr<Value> ns = object::ParseJson(
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"own":"x"}}})");
  agent_.cluster.PutOutside(*ns);
  TestApp app = App();
  app.sync_policy =
      absl::StrCat("{", kAutomated, R"(,"managedNamespaceMetadata":{"labels":{"team":"shop"}},)",
                   R"("syncOptions":["CreateNamespace=true"]})");
  agent_.Put(app);
  agent_.Settle();
  const auto found = agent_.cluster.objects().find({"", "Namespace", "", "shop"});
  ASSERT_NE(found, agent_.cluster.objects().end());
  EXPECT_EQ(object::FindString(found->second.manifest, {"metadata", "labels", "team"}), "shop");
  EXPECT_EQ(object::FindString(found->second.manifest, {"metadata", "labels", "own"}), "x");
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(OptionsTest, ASyncGoesOnAtOnceInTheNamespaceThatItMade) {
  TestApp app = App();
  app.sync_policy = Policy(R"("CreateNamespace=true")");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(1));
  EXPECT_EQ(agent_.Objects().size(), 5u);
}

TEST_F(OptionsTest, HooksThatHaveRunDoNotRunAgainAfterARestart) {
  TestApp app = App();
  app.files["app/pre.yaml"] = ConfigMapText("pre", "x", "argocd.argoproj.io/hook: PreSync");
  app.files["app/web.yaml"] =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations: "
      "{argocd.argoproj.io/sync-wave: \"-1\"}\nspec: {replicas: 1}\n";
  agent_.Put(app);
  agent_.Settle(absl::Seconds(5));
  const uint64_t uid = Uid("pre");
  ASSERT_NE(uid, 0u);
  ASSERT_EQ(Uid("a"), 0u) << "the wave of web is not healthy yet";
  agent_.Restart();
  agent_.Settle(absl::Seconds(5));
  EXPECT_EQ(Uid("a"), 0u);
  const absl::StatusOr<Value> status = object::ParseJson(
      R"({"replicas":1,"updatedReplicas":1,"availableReplicas":1,"readyReplicas":1})");
  agent_.cluster.SetStatus({"apps", "Deployment", "shop", "web"}, *status);
  agent_.Settle();
  EXPECT_TRUE(agent_.Applied(kCart));
  EXPECT_EQ(Uid("pre"), uid);
}

TEST_F(OptionsTest, HooksOfTheEndRunBeforeTheFirstDeletionAndAfterTheLast) {
  TestApp app = App();
  app.files["app/before.yaml"] =
      "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: before\n  annotations: "
      "{argocd.argoproj.io/hook: PreDelete}\nspec: {}\n";
  app.files["app/after.yaml"] =
      "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: after\n  annotations: "
      "{helm.sh/hook: post-delete}\nspec: {}\n";
  agent_.Put(app);
  agent_.Settle();
  EXPECT_TRUE(agent_.Applied(kCart));
  EXPECT_THAT(agent_.Objects(), Not(Contains("Job/before")));
  EXPECT_TRUE(agent_.Status(kCart).conditions.empty());

  const absl::StatusOr<Value> complete =
      object::ParseJson(R"({"conditions":[{"type":"Complete","status":"True"}]})");
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), Contains("Job/before"));
  EXPECT_EQ(agent_.Objects().size(), 5u) << "nothing goes before it has completed";
  agent_.cluster.SetStatus({"batch", "Job", "shop", "before"}, *complete);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("Job/after", "Job/before"));
  agent_.Restart();
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("Job/after", "Job/before"));
  agent_.cluster.SetStatus({"batch", "Job", "shop", "after"}, *complete);
  agent_.Settle();
  EXPECT_TRUE(agent_.Objects().empty());
  EXPECT_TRUE(agent_.Status(kCart).gone);
}

TEST_F(OptionsTest, AHookOfTheEndThatFailsHoldsTheDeletionAndSaysSo) {
  TestApp app = App();
  app.files["app/before.yaml"] =
      "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: before\n  annotations: "
      "{argocd.argoproj.io/hook: PreDelete}\nspec: {}\n";
  agent_.Put(app);
  agent_.Settle();
  agent_.Delete(kCart);
  agent_.Settle(absl::Seconds(1));
  const absl::StatusOr<Value> failed = object::ParseJson(
      R"({"conditions":[{"type":"Failed","status":"True","message":"no luck"}]})");
  agent_.cluster.SetStatus({"batch", "Job", "shop", "before"}, *failed);
  agent_.Settle(absl::Seconds(4));
  EXPECT_EQ(agent_.Objects().size(), 5u);
  EXPECT_THAT(agent_.Condition(kCart, "DeletionError"), HasSubstr("a hook of the deletion failed"));
}

TEST_F(OptionsTest, HooksOfTheEndWaitForContentThatTheHubDoesNotGiveNow) {
  TestApp app = App();
  app.files["app/before.yaml"] =
      "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: before\n  annotations: "
      "{argocd.argoproj.io/hook: PreDelete}\nspec: {}\n";
  agent_.content.forgetful = true;
  agent_.Put(app);
  agent_.Settle();
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_FALSE(agent_.Status(kCart).gone);
  EXPECT_THAT(agent_.Condition(kCart, "DeletionError"), HasSubstr("which is tried again"));
  EXPECT_THAT(agent_.Condition(kCart, "DeletionError"), HasSubstr("no such content"));
  agent_.content.forgetful = false;
  agent_.Settle(absl::Minutes(10));
  EXPECT_THAT(agent_.Objects(), Contains("Job/before"));
  EXPECT_FALSE(agent_.Status(kCart).gone);
}

TEST_F(OptionsTest, HooksOfTheEndThatCannotBeRenderedAreSkippedAndThatIsSaid) {
  TestApp app = App();
  agent_.Put(app);
  agent_.Settle();
  ASSERT_EQ(agent_.Objects().size(), 4u);
  app.files["app/b.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n";
  agent_.Put(app);
  agent_.Settle();
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_TRUE(agent_.Objects().empty());
  EXPECT_TRUE(agent_.Status(kCart).gone);
  EXPECT_THAT(agent_.Condition(kCart, "DeletionError"), HasSubstr("cannot be rendered"));
}

class ApiOptionsTest : public ::testing::Test {
 protected:
  ApiOptionsTest() {
    agent_.target = TestAgent::Target::kApiServer;
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.Restart();
  }
  // Of objects of the namespace shop.
  size_t Writes() const {
    size_t writes = 0;
    for (const std::string& request : agent_.api.requests()) {
      const bool write = !absl::StartsWith(request, "GET ");
      if (write && absl::StrContains(request, "/namespaces/shop/")) ++writes;
    }
    return writes;
  }

  TestAgent agent_;
};

TEST_F(ApiOptionsTest, ASyncWritesNothingButWhatIsOutOfSync) {
  for (const char* option : {"", R"("ApplyOutOfSyncOnly=true")"}) {
    TestApp app;
    app.name = kCart;
    app.sync_policy = absl::StrCat(R"({"syncOptions":[)", option, "]}");
    for (const char* name : {"a", "b", "c", "d"}) {
      app.files[absl::StrCat("app/", name, ".yaml")] =
          ConfigMapText(name, absl::StrCat("red", option == std::string() ? "" : "der"));
    }
    agent_.Put(app);
    const uint8_t id = option == std::string() ? 1 : 4;
    agent_.Ask(kCart, OperationKind::kSync, "{}", id);
    agent_.Settle();
    ASSERT_TRUE(agent_.Applied(kCart));
    size_t before = Writes();
    agent_.Ask(kCart, OperationKind::kSync, "{}", id + 1);
    agent_.Settle();
    EXPECT_EQ(agent_.Operation(id + 1).state, OperationState::kSucceeded);
    EXPECT_EQ(Writes(), before);
    app.files["app/b.yaml"] = ConfigMapText("b", "blue");
    agent_.Put(app);
    before = Writes();
    agent_.Ask(kCart, OperationKind::kSync, "{}", id + 2);
    agent_.Settle();
    EXPECT_EQ(Writes(), before + 1);
    EXPECT_TRUE(agent_.Status(kCart).conditions.empty());
  }
}

TEST_F(ApiOptionsTest, WhatIsOfAKindThatComesLaterHoldsNothingUpBeforeItsWave) {
  TestApp app;
  app.name = kCart;
  app.sync_policy = Policy(R"("SkipDryRunOnMissingResource=true")");
  app.files["app/a.yaml"] = ConfigMapText("a", "red");
  app.files["app/w.yaml"] =
      "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: w\n  annotations:\n"
      "    argocd.argoproj.io/sync-options: SkipDryRunOnMissingResource=true\n"
      "    argocd.argoproj.io/sync-wave: \"1\"\n";
  agent_.Put(app);
  agent_.Settle(absl::Seconds(4));
  EXPECT_NE(agent_.api.Find({"", "ConfigMap", "shop", "a"}), nullptr);
  EXPECT_FALSE(agent_.Applied(kCart));
  const absl::StatusOr<Value> definition = object::ParseJson(
      R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
          "metadata":{"name":"widgets.example.com"},
          "spec":{"group":"example.com","scope":"Namespaced",
                  "names":{"kind":"Widget","plural":"widgets"}}})");
  agent_.api.PutOutside(*definition);
  agent_.Settle(absl::Seconds(60));
  EXPECT_NE(agent_.api.Find({"example.com", "Widget", "shop", "w"}), nullptr);
  EXPECT_TRUE(agent_.Applied(kCart)) << agent_.Condition(kCart, "SyncError");
}

TEST_F(ApiOptionsTest, ReplaceOnAnObjectBeatsWhatItsApplicationSays) {
  TestApp app;
  app.name = kCart;
  app.sync_policy = Policy(R"("Replace=true")");
  app.files["app/a.yaml"] = ConfigMapText("a", "red");
  app.files["app/b.yaml"] =
      ConfigMapText("b", "red", "argocd.argoproj.io/sync-options: Replace=false");
  agent_.Put(app);
  agent_.Settle();
  ASSERT_TRUE(agent_.Applied(kCart));
  for (const char* name : {"a", "b"}) {
    Value edited = *agent_.api.Find({"", "ConfigMap", "shop", name});
    edited.at("data").as_object()["colour"] = "pink";
    edited.at("data").as_object()["more"] = "x";
    agent_.api.UpdateOutside(edited, "editor");
  }
  agent_.Settle();
  const auto data = [&](const char* name) {
    return object::CanonicalJson(
        *object::Find(*agent_.api.Find({"", "ConfigMap", "shop", name}), {"data"}));
  };
  EXPECT_EQ(data("a"), R"({"colour":"red"})");
  EXPECT_EQ(data("b"), R"({"colour":"red","more":"x"})");
}

// An object that Argo CD or Flux has left, with a field that the source does not name.
TEST(Adoption, TakesTheFieldsOfTheFormerToolAlong) {
  TestAgent agent;
  agent.target = TestAgent::Target::kApiServer;
  agent.options.syncs = ReconcileOptions::Syncs::kPhases;
  agent.Restart();
  const ObjectKey key{"", "ConfigMap", "shop", "a"};
  const absl::StatusOr<Value> left = object::ParseJson(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop",
          "labels":{"app.kubernetes.io/instance":"cart"}},"data":{"colour":"old","gone":"x"}})");
  agent.api.UpdateOutside(*left, "argocd-controller");
  Value edited = *agent.api.Find(key);
  edited.at("data").as_object()["by-hand"] = "y";
  agent.api.UpdateOutside(edited, "kubectl-edit");
  TestApp app;
  app.name = kCart;
  app.files["app/a.yaml"] = ConfigMapText("a", "red");
  agent.Put(app);
  agent.Settle();
  EXPECT_THAT(agent.Condition(kCart, "SharedResourceWarning"), HasSubstr("leidang.dev/adopt"));
  EXPECT_EQ(object::FindString(*agent.api.Find(key), {"data", "colour"}), "old");

  app.files["app/a.yaml"] = ConfigMapText("a", "red", "leidang.dev/adopt: \"true\"");
  agent.Put(app);
  agent.Settle();
  const Value* taken = agent.api.Find(key);
  EXPECT_EQ(object::FindString(*taken, {"data", "colour"}), "red");
  EXPECT_EQ(object::Find(*taken, {"data", "gone"}), nullptr);
  EXPECT_EQ(object::Find(*taken, {"metadata", "labels", "app.kubernetes.io/instance"}), nullptr);
  EXPECT_EQ(object::FindString(*taken, {"data", "by-hand"}), "y");
  EXPECT_TRUE(agent.Applied(kCart));
}

TEST(Adoption, ACopyThatCarriesTheMarkOfAnotherObjectIsLeft) {
  TestAgent agent;
  agent.target = TestAgent::Target::kApiServer;
  agent.options.syncs = ReconcileOptions::Syncs::kPhases;
  agent.Restart();
  const absl::StatusOr<Value> copy = object::ParseJson(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop",
          "annotations":{"argocd.argoproj.io/tracking-id":"cart:/ConfigMap:shop/original"}},
          "data":{"colour":"old"}})");
  agent.api.UpdateOutside(*copy, "operator");
  TestApp app;
  app.name = kCart;
  app.files["app/a.yaml"] = ConfigMapText("a", "red", "leidang.dev/adopt: \"true\"");
  agent.Put(app);
  agent.Settle();
  EXPECT_EQ(object::FindString(*agent.api.Find({"", "ConfigMap", "shop", "a"}), {"data", "colour"}),
            "old");
}

}  // namespace
}  // namespace leidang::agent
