// Syncs in phases, over a cluster in memory.

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using intent::OperationPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kCart[] = "leidang/cart";

class PhasesTest : public ::testing::Test {
 protected:
  PhasesTest() {
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.Restart();
  }

  static TestApp App() {
    TestApp app;
    app.name = kCart;
    app.files["app/a.yaml"] = ConfigMapText("a", "red");
    app.files["app/b.yaml"] = ConfigMapText("b", "red", "argocd.argoproj.io/sync-wave: \"1\"");
    app.files["app/pre.yaml"] = ConfigMapText("pre", "x", "argocd.argoproj.io/hook: PreSync");
    app.files["app/post.yaml"] = ConfigMapText("post", "x", "argocd.argoproj.io/hook: PostSync");
    return app;
  }

  // From now on applying this object fails.
  void Refuse(const std::string& name) {
    agent_.cluster.SetFault(
        [name](MemoryCluster::Operation operation, const object::ObjectKey& key) {
          return operation == MemoryCluster::Operation::kApply && key.name == name
                     ? absl::InvalidArgumentError("the server does not like it")
                     : absl::OkStatus();
        });
  }

  TestAgent agent_;
};

TEST_F(PhasesTest, HooksRunAndStandInNoInventory) {
  agent_.Put(App());
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(),
              ElementsAre("ConfigMap/a", "ConfigMap/b", "ConfigMap/post", "ConfigMap/pre"));
  EXPECT_THAT(agent_.Inventory(kCart), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  EXPECT_TRUE(agent_.Applied(kCart));
  EXPECT_EQ(agent_.Status(kCart).operation, OperationPhase::kSucceeded);
  EXPECT_TRUE(agent_.Status(kCart).conditions.empty());
}

TEST_F(PhasesTest, TheStatusSaysWhenTheSyncBeganAndEndedAndOfWhichCommitItWas) {
  agent_.client_options.status = MemoryClientOptions::Status::kKept;
  agent_.Restart();
  TestApp app = App();
  app.files["app/claim.yaml"] = absl::StrCat(
      "apiVersion: v1\nkind: PersistentVolumeClaim\n"
      "metadata: {name: claim, namespace: shop}\nstatus: {phase: Pending}\n");
  const absl::Time begin = agent_.loop.clock().Now();
  agent_.Put(app);
  agent_.Settle(absl::Seconds(10));
  intent::EntryStatus status = agent_.Status(kCart);
  ASSERT_EQ(status.operation, OperationPhase::kRunning) << status.message;
  ASSERT_TRUE(status.operation_started.has_value());
  const absl::Time started = *status.operation_started;
  EXPECT_GE(started, begin);
  EXPECT_LT(started, begin + absl::Seconds(1));
  EXPECT_EQ(status.operation_finished, std::nullopt);
  EXPECT_EQ(status.operation_commit.size(), 40u);
  EXPECT_EQ(status.applied_commit, "");

  agent_.Restart();
  agent_.Settle(absl::Seconds(10));
  EXPECT_EQ(agent_.Status(kCart).operation_started, started) << "the same sync goes on";
  const absl::Time bound = agent_.loop.clock().Now();
  app.files.erase("app/claim.yaml");
  agent_.Put(app);
  agent_.Settle();
  status = agent_.Status(kCart);
  EXPECT_EQ(status.operation, OperationPhase::kSucceeded) << status.message;
  EXPECT_GE(*status.operation_started, bound) << "of newer content";
  EXPECT_GE(*status.operation_finished, *status.operation_started);
  EXPECT_LT(*status.operation_finished, bound + absl::Seconds(10));
  EXPECT_EQ(status.operation_commit, status.applied_commit);

  agent_.Restart();
  agent_.Settle(absl::Hours(3));
  EXPECT_EQ(agent_.Status(kCart), status) << "nothing has happened since";
}

TEST_F(PhasesTest, ASyncThatFailedKeepsItsTimesUntilTheNextAttempt) {
  Refuse("b");
  TestApp app = App();
  app.sync_policy = R"({"automated":{"prune":true,"selfHeal":true},"retry":{"limit":0}})";
  agent_.Put(app);
  agent_.Settle(absl::Minutes(5));
  const intent::EntryStatus failed = agent_.Status(kCart);
  ASSERT_EQ(failed.operation, OperationPhase::kFailed);
  ASSERT_TRUE(failed.operation_finished.has_value());
  EXPECT_LT(*failed.operation_finished - *failed.operation_started, absl::Seconds(10));
  agent_.Settle(absl::Hours(1));
  EXPECT_EQ(agent_.Status(kCart).operation_started, failed.operation_started);
  EXPECT_EQ(agent_.Status(kCart).operation_finished, failed.operation_finished);
  agent_.cluster.SetFault(nullptr);
  const absl::Time asked = agent_.loop.clock().Now();
  agent_.Ask(kCart, OperationKind::kSync, "{}");
  agent_.Settle();
  EXPECT_GE(*agent_.Status(kCart).operation_started, asked);
  EXPECT_EQ(agent_.Status(kCart).operation, OperationPhase::kSucceeded);
}

TEST_F(PhasesTest, AHookThatIsRefusedStopsWhatComesAfterIt) {
  Refuse("pre");
  agent_.Put(App());
  agent_.Settle(absl::Seconds(3));
  EXPECT_TRUE(agent_.Objects().empty());
  EXPECT_EQ(agent_.Status(kCart).operation, OperationPhase::kFailed);
  EXPECT_THAT(agent_.Condition(kCart, "SyncError"), HasSubstr("the server does not like it"));
  EXPECT_FALSE(agent_.Applied(kCart));
}

TEST_F(PhasesTest, AFailedSyncIsTriedAgainAsOftenAsThePolicySays) {
  Refuse("b");
  TestApp app = App();
  app.sync_policy =
      R"({"automated":{"prune":true,"selfHeal":true},
          "retry":{"limit":1,"backoff":{"duration":"10s"}}})";
  agent_.Put(app);
  agent_.Settle(absl::Minutes(5));
  EXPECT_EQ(agent_.Status(kCart).operation, OperationPhase::kFailed);
  agent_.cluster.SetFault(nullptr);
  agent_.Settle(absl::Minutes(5));
  EXPECT_FALSE(agent_.Applied(kCart)) << "no attempt is left";
  agent_.Ask(kCart, OperationKind::kSync, "{}");
  agent_.Settle();
  EXPECT_EQ(agent_.Operation().state, OperationState::kSucceeded);
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(PhasesTest, APartialSyncGivesAFailedOneNoFurtherAttempt) {
  Refuse("b");
  TestApp app = App();
  app.sync_policy =
      R"({"automated":{"prune":true,"selfHeal":true},
          "retry":{"limit":1,"backoff":{"duration":"10s"}}})";
  agent_.Put(app);
  agent_.Settle(absl::Minutes(5));
  agent_.cluster.SetFault(nullptr);
  agent_.Ask(kCart, OperationKind::kSync, R"({"resources":[":ConfigMap:a"]})");
  agent_.Settle(absl::Minutes(30));
  EXPECT_EQ(agent_.Operation().state, OperationState::kSucceeded) << agent_.Operation().message;
  EXPECT_FALSE(agent_.Objects().contains("ConfigMap/b")) << "no attempt is left";
  EXPECT_EQ(agent_.Status(kCart).operation, OperationPhase::kFailed);
  EXPECT_THAT(agent_.Condition(kCart, "SyncError"), HasSubstr("the server does not like it"));
}

TEST_F(PhasesTest, CorrectionsRunNoHooks) {
  agent_.Put(App());
  agent_.Settle();
  Refuse("pre");
  agent_.Edit("a", "colour", "pink");
  agent_.Settle();
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(PhasesTest, WhatIsGoneFromTheSourceIsPrunedAndItsHooksAreNot) {
  agent_.Put(App());
  agent_.Settle();
  TestApp app = App();
  app.files.erase("app/b.yaml");
  app.files.erase("app/post.yaml");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/post", "ConfigMap/pre"));
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(PhasesTest, ARestartInTheMiddleBeginsTheSyncAnew) {
  Refuse("b");
  TestApp app = App();
  agent_.Put(app);
  agent_.Settle(absl::Seconds(3));
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  agent_.cluster.SetFault(nullptr);
  agent_.Restart();
  agent_.Settle();
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(PhasesTest, ThereIsNothingToTerminateWhereNoSyncRuns) {
  agent_.Put(App());
  agent_.Settle();
  agent_.Ask(kCart, OperationKind::kTerminate, "{}");
  agent_.Settle();
  EXPECT_EQ(agent_.Operation().state, OperationState::kFailed);
  EXPECT_EQ(agent_.Operation().message, "no sync is running");
}

TEST_F(PhasesTest, ManualApplicationsRunTheirHooksOnRequestOnly) {
  TestApp app = App();
  app.sync_policy = "{}";
  agent_.Put(app);
  agent_.Settle();
  EXPECT_TRUE(agent_.Objects().empty());
  agent_.Ask(kCart, OperationKind::kSync, "{}");
  agent_.Settle();
  EXPECT_EQ(agent_.Operation().state, OperationState::kSucceeded);
  EXPECT_EQ(agent_.Objects().size(), 4u);
}

}  // namespace
}  // namespace leidang::agent
