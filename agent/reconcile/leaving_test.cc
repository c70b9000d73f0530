// What goes, in which order, and what stays: prunes and the deletion of an Application.

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using intent::SyncState;
using object::ObjectKey;
using object::Value;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kCart[] = "leidang/cart";
constexpr char kWave[] = "argocd.argoproj.io/sync-wave: \"1\"";
constexpr char kHeld[] = "example.com/hold";

std::string HeldText(absl::string_view name, absl::string_view annotations,
                     absl::string_view finalizer = kHeld) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                      "\n  finalizers: [", finalizer, "]\n  annotations: {", annotations,
                      "}\ndata: {colour: red}\n");
}

class LeavingTest : public ::testing::TestWithParam<ReconcileOptions::Syncs> {
 protected:
  LeavingTest() {
    agent_.options.syncs = GetParam();
    agent_.client_options.status = MemoryClientOptions::Status::kKept;
    agent_.Restart();
  }

  static ObjectKey Key(const std::string& name) { return {"", "ConfigMap", "shop", name}; }
  static TestApp AppOf(const std::map<std::string, std::string>& files) {
    TestApp app;
    app.name = kCart;
    for (const auto& [name, text] : files) app.files[absl::StrCat("app/", name, ".yaml")] = text;
    return app;
  }
  // As kubectl annotate does.
  void Annotate(const std::string& name, absl::string_view annotation, absl::string_view value) {
    Value manifest = agent_.cluster.objects().at(Key(name)).manifest;
    manifest.at("metadata").at("annotations").get_object()[std::string(annotation)] =
        std::string(value);
    agent_.cluster.PutOutside(manifest);
  }
  uint64_t Uid(const std::string& name) const {
    const auto found = agent_.cluster.objects().find(Key(name));
    return found == agent_.cluster.objects().end() ? 0 : found->second.uid;
  }
  size_t EventsOf(absl::string_view reason) const {
    size_t events = 0;
    for (const Value& event : agent_.cluster.events())
      if (object::FindString(event, {"reason"}) == reason) ++events;
    return events;
  }

  TestAgent agent_;
};

INSTANTIATE_TEST_SUITE_P(Ways, LeavingTest,
                         ::testing::Values(ReconcileOptions::Syncs::kWaves,
                                           ReconcileOptions::Syncs::kPhases));

TEST_P(LeavingTest, ADeletionWaitsForEachWaveBeforeItGoesOnWithTheOneBelow) {
  agent_.Put(AppOf({{"w0", ConfigMapText("w0", "red")},
                    {"w1", HeldText("w1", kWave)},
                    {"w2", ConfigMapText("w2", "red", "argocd.argoproj.io/sync-wave: \"2\"")}}));
  agent_.Settle();
  ASSERT_EQ(agent_.Objects().size(), 3u);
  agent_.Delete(kCart);
  agent_.Settle(absl::Minutes(30));
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/w0", "ConfigMap/w1"));
  agent_.Restart();
  agent_.Settle(absl::Minutes(30));
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/w0", "ConfigMap/w1"));
  EXPECT_FALSE(agent_.Status(kCart).gone);
  agent_.cluster.RemoveOutside(Key("w1"));
  agent_.Settle(absl::Seconds(3));
  EXPECT_THAT(agent_.Objects(), IsEmpty());
  EXPECT_TRUE(agent_.Status(kCart).gone);
}

TEST_P(LeavingTest, PrunesWaitForEachWaveToo) {
  TestApp app = AppOf({{"a", ConfigMapText("a", "red")},
                       {"w0", ConfigMapText("w0", "red")},
                       {"w1", HeldText("w1", kWave)}});
  app.annotations = R"({"leidang.dev/max-deletions":"100%"})";
  agent_.Put(app);
  agent_.Settle();
  ASSERT_EQ(agent_.Objects().size(), 3u);
  app.files.erase("app/w0.yaml");
  app.files.erase("app/w1.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Minutes(30));
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/w0", "ConfigMap/w1"));
  agent_.cluster.RemoveOutside(Key("w1"));
  agent_.Settle(absl::Seconds(10));
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a"));
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_P(LeavingTest, ADeletionThatIsHeldUpBeginsNoSyncAgainAndAgain) {
  TestApp app = AppOf({{"a", ConfigMapText("a", "red")}, {"w", HeldText("w", "")}});
  agent_.Put(app);
  agent_.Settle();
  app.files.erase("app/w.yaml");
  agent_.Put(app);
  agent_.Settle();
  for (int i = 0; i < 5; ++i) {
    agent_.Edit("a", "colour", "pink");
    agent_.Settle();
  }
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  agent_.Ask(kCart, OperationKind::kHistory, "{}");
  agent_.Settle();
  EXPECT_THAT(agent_.Operation().message, Not(HasSubstr("\"id\":3")));
}

TEST_P(LeavingTest, WhatTheLiveObjectAloneSaysAboutItsDeletionCounts) {
  TestApp app = AppOf({{"a", ConfigMapText("a", "red", "x: y")},
                       {"b", ConfigMapText("b", "red", "x: y")},
                       {"c", ConfigMapText("c", "red", "x: y")},
                       {"d", ConfigMapText("d", "red", "x: y")},
                       {"e", ConfigMapText("e", "red", "x: y")}});
  agent_.Put(app);
  agent_.Settle();
  Annotate("a", "argocd.argoproj.io/sync-options", "Delete=false");
  Annotate("b", "helm.sh/resource-policy", "keep");
  Annotate("c", "argocd.argoproj.io/sync-options", "Prune=false");
  Annotate("d", "argocd.argoproj.io/sync-options", "Prune=confirm");
  agent_.Settle();
  app.files.erase("app/c.yaml");
  app.files.erase("app/d.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Minutes(30));
  EXPECT_EQ(agent_.Objects().size(), 5u);
  EXPECT_EQ(agent_.Status(kCart).sync, SyncState::kOutOfSync);
  EXPECT_THAT(agent_.Condition(kCart, "DeletionsHeld"), HasSubstr("ConfigMap shop/d"));
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  EXPECT_TRUE(agent_.Status(kCart).gone);
}

TEST_P(LeavingTest, WhatWasKeptAsItWasAppliedIsKeptThoughSomebodyTookTheWordAway) {
  TestApp app =
      AppOf({{"a", ConfigMapText("a", "red", "argocd.argoproj.io/sync-options: Delete=false")}});
  app.sync_policy = R"({"automated":{"prune":true}})";
  agent_.Put(app);
  agent_.Settle();
  Annotate("a", "argocd.argoproj.io/sync-options", "");
  agent_.Settle();
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a"));
}

TEST_P(LeavingTest, AnObjectThatIsKeptBeginsNoSyncWithEveryCorrection) {
  TestApp app = AppOf({{"a", ConfigMapText("a", "red")},
                       {"c", ConfigMapText("c", "red", "x: y")},
                       {"pre", ConfigMapText("pre", "red", "argocd.argoproj.io/hook: PreSync")}});
  agent_.Put(app);
  agent_.Settle();
  Annotate("c", "argocd.argoproj.io/sync-options", "Prune=false");
  app.files.erase("app/c.yaml");
  agent_.Put(app);
  agent_.Settle();
  const uint64_t uid = Uid("pre");
  agent_.Edit("a", "colour", "pink");
  agent_.Settle();
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  EXPECT_EQ(Uid("pre"), uid) << "a correction runs no hooks";
}

TEST_P(LeavingTest, WhatIsToBeSkippedFromNowOnStaysAndIsNoDrift) {
  TestApp app = AppOf({{"a", ConfigMapText("a", "red")}, {"x", ConfigMapText("x", "red", "x: y")}});
  agent_.Put(app);
  agent_.Settle();
  const uint64_t uid = Uid("x");
  app.files["app/x.yaml"] = ConfigMapText("x", "blue", "argocd.argoproj.io/hook: Skip");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_EQ(agent_.Status(kCart).sync, SyncState::kSynced);
  EXPECT_TRUE(agent_.Applied(kCart));
  agent_.Edit("x", "colour", "pink");
  agent_.Edit("a", "colour", "pink");
  agent_.Settle();
  EXPECT_EQ(agent_.Data("x", "colour"), "pink");
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  EXPECT_EQ(Uid("x"), uid);
  EXPECT_THAT(agent_.Inventory(kCart), ElementsAre("ConfigMap/a", "ConfigMap/x"));
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), IsEmpty()) << "it is still this Application's";
}

TEST_P(LeavingTest, AnObjectThatLeavesAndIsNotCountedIsPrunedOnRequestOnly) {
  TestApp app = AppOf({{"a", ConfigMapText("a", "red")},
                       {"x", ConfigMapText("x", "red",
                                           "argocd.argoproj.io/compare-options: "
                                           "IgnoreExtraneous")}});
  agent_.Put(app);
  agent_.Settle();
  app.files.erase("app/x.yaml");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), Contains("ConfigMap/x"));
  EXPECT_EQ(agent_.Status(kCart).sync, SyncState::kSynced);
  agent_.Ask(kCart, OperationKind::kSync, R"({"prune":true})");
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a"));
}

TEST_P(LeavingTest, OnlyADeletionThatTakesLongIsSaidToBeHeldUp) {
  agent_.options.events_namespace = "leidang-agent";
  agent_.Restart();
  TestApp app = AppOf({{"a", ConfigMapText("a", "red")},
                       {"b", HeldText("b", "", "foregroundDeletion")},
                       {"c", HeldText("c", "")}});
  app.annotations = R"({"leidang.dev/max-deletions":"100%"})";
  agent_.Put(app);
  agent_.Settle();
  app.files.erase("app/b.yaml");
  app.files.erase("app/c.yaml");
  agent_.Put(app);
  agent_.Settle(absl::Seconds(8));
  EXPECT_EQ(agent_.Condition(kCart, "DeletionError"), "");
  EXPECT_EQ(EventsOf("DeletionError"), 0u);
  agent_.Settle(absl::Seconds(12));
  EXPECT_THAT(agent_.Condition(kCart, "DeletionError"),
              AllOf(HasSubstr("ConfigMap shop/c"), Not(HasSubstr("shop/b"))));
  EXPECT_EQ(EventsOf("DeletionError"), 1u);
  agent_.cluster.RemoveOutside(Key("c"));
  agent_.Settle();
  EXPECT_EQ(agent_.Condition(kCart, "DeletionError"), "");
  agent_.Settle(absl::Minutes(11));
  EXPECT_THAT(agent_.Condition(kCart, "DeletionError"), HasSubstr("foregroundDeletion"));
}

class HookLeavingTest : public LeavingTest {};

INSTANTIATE_TEST_SUITE_P(Phases, HookLeavingTest,
                         ::testing::Values(ReconcileOptions::Syncs::kPhases));

TEST_P(HookLeavingTest, AnObjectThatBecomesAHookIsNoLongerCompared) {
  for (const char* policy : {"BeforeHookCreation", "HookFailed"}) {
    SCOPED_TRACE(policy);
    TestApp app =
        AppOf({{"a", ConfigMapText("a", "red")}, {"x", ConfigMapText("x", "red", "x: y")}});
    agent_.Put(app);
    agent_.Settle();
    app.files["app/x.yaml"] = ConfigMapText("x", "blue",
                                            absl::StrCat("argocd.argoproj.io/hook: PostSync, "
                                                         "argocd.argoproj.io/hook-delete-policy: ",
                                                         policy));
    agent_.Put(app);
    agent_.Settle();
    EXPECT_EQ(agent_.Data("x", "colour"), "blue");
    EXPECT_EQ(agent_.Status(kCart).sync, SyncState::kSynced);
    const uint64_t uid = Uid("x");
    agent_.Edit("a", "colour", "pink");
    agent_.Settle();
    EXPECT_EQ(agent_.Data("a", "colour"), "red");
    EXPECT_EQ(Uid("x"), uid) << "the correction ran no hook";
    app.files.erase("app/x.yaml");
    agent_.Put(app);
    agent_.Settle();
    EXPECT_EQ(Uid("x"), uid) << "hooks are not pruned";
    EXPECT_EQ(agent_.Status(kCart).sync, SyncState::kSynced);
    agent_.Delete(kCart);
    agent_.Settle();
    EXPECT_THAT(agent_.Objects(), IsEmpty());
    app.uid = 2;
  }
}

class TerminationTest : public HookLeavingTest {
 protected:
  static std::string HookText(absl::string_view finalizers) {
    return absl::StrCat("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: pre\n  finalizers: [",
                        finalizers,
                        "]\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec: {}\n");
  }
  void Begin(absl::string_view finalizers = "") {
    agent_.Put(AppOf({{"a", ConfigMapText("a", "red")}, {"pre", HookText(finalizers)}}));
    agent_.Settle(absl::Seconds(5));
    ASSERT_THAT(agent_.Objects(), ElementsAre("Job/pre"));
    ASSERT_EQ(agent_.Status(kCart).operation, intent::OperationPhase::kRunning);
  }
  void Terminate() {
    agent_.Ask(kCart, OperationKind::kTerminate, "{}");
    agent_.Settle(absl::Seconds(5));
  }
};

INSTANTIATE_TEST_SUITE_P(Phases, TerminationTest,
                         ::testing::Values(ReconcileOptions::Syncs::kPhases));

TEST_P(TerminationTest, ASyncThatIsTerminatedTakesItsRunningHookAlong) {
  Begin();
  Terminate();
  EXPECT_THAT(agent_.Objects(), IsEmpty());
  EXPECT_EQ(agent_.Operation().state, OperationState::kSucceeded);
  EXPECT_THAT(agent_.Operation().message,
              HasSubstr("its running hook batch/Job shop/pre was deleted"));
  EXPECT_EQ(agent_.Status(kCart).operation, intent::OperationPhase::kFailed);
  EXPECT_THAT(agent_.Status(kCart).message, HasSubstr("the sync was terminated; its running hook"));
  agent_.Settle(absl::Minutes(30));
  EXPECT_THAT(agent_.Objects(), IsEmpty()) << "it does not begin by itself again";
}

TEST_P(TerminationTest, ATerminationRightAfterARestartEndsTheSyncThatWasInterrupted) {
  Begin();
  agent_.Stop();
  agent_.Start();
  Terminate();
  EXPECT_THAT(agent_.Objects(), IsEmpty());
  EXPECT_EQ(agent_.Operation().state, OperationState::kSucceeded) << agent_.Operation().message;
}

TEST_P(TerminationTest, AnotherObjectInThePlaceOfTheHookIsLeft) {
  Begin();
  const ObjectKey job{"batch", "Job", "shop", "pre"};
  Value theirs = agent_.cluster.objects().at(job).manifest;
  agent_.Stop();
  agent_.cluster.RemoveOutside(job);
  agent_.cluster.PutOutside(theirs);
  agent_.Start();
  Terminate();
  EXPECT_THAT(agent_.Objects(), ElementsAre("Job/pre"));
  EXPECT_THAT(agent_.Status(kCart).message, HasSubstr("what stands there now is another one"));
}

TEST_P(TerminationTest, AHookThatItsFinalizersHoldHoldsNoTermination) {
  Begin(kHeld);
  Terminate();
  EXPECT_THAT(agent_.Objects(), ElementsAre("Job/pre"));
  EXPECT_EQ(agent_.Operation().state, OperationState::kSucceeded);
  EXPECT_THAT(agent_.Operation().message, HasSubstr("held by its finalizers"));
}

TEST_P(TerminationTest, AHookThatCannotBeDeletedIsSaid) {
  Begin();
  agent_.cluster.SetFault([](MemoryCluster::Operation operation, const ObjectKey&) {
    return operation == MemoryCluster::Operation::kDelete
               ? absl::PermissionDeniedError("jobs may not be deleted")
               : absl::OkStatus();
  });
  Terminate();
  EXPECT_EQ(agent_.Operation().state, OperationState::kFailed);
  EXPECT_THAT(agent_.Operation().message,
              HasSubstr("could not be deleted: jobs may not be deleted"));
  EXPECT_EQ(agent_.Status(kCart).operation, intent::OperationPhase::kFailed) << "it has ended";
}

TEST_P(LeavingTest, AnApplicationThatAsksToBeLeftAloneIs) {
  TestApp app = AppOf({{"a", ConfigMapText("a", "red")}, {"b", ConfigMapText("b", "red")}});
  agent_.Put(app);
  agent_.Settle();
  app.annotations = R"({"argocd.argoproj.io/skip-reconcile":"true"})";
  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle();
  agent_.Edit("a", "colour", "pink");
  agent_.Ask(kCart, OperationKind::kSync, "{}", 1);
  agent_.Settle(absl::Minutes(30));
  EXPECT_EQ(agent_.Data("a", "colour"), "pink");
  EXPECT_THAT(agent_.Objects(), Contains("ConfigMap/b"));
  EXPECT_THAT(agent_.Condition(kCart, "ReconcileSkipped"), HasSubstr("skip-reconcile"));
  EXPECT_EQ(agent_.Operation(1).state, OperationState::kFailed);
  EXPECT_THAT(agent_.Operation(1).message, HasSubstr("skip-reconcile"));
  EXPECT_FALSE(agent_.Applied(kCart));
  // Nor does it hold up another Application's prunes.
  TestApp other = AppOf({{"c", ConfigMapText("c", "red")}, {"d", ConfigMapText("d", "red")}});
  other.name = "leidang/other";
  agent_.Put(other);
  agent_.Settle();
  other.files.erase("app/d.yaml");
  agent_.Put(other);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), Not(Contains("ConfigMap/d")));
  app.annotations = "{}";
  agent_.Put(app);
  agent_.Settle();
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/c"));
  EXPECT_TRUE(agent_.Status(kCart).conditions.empty());
  EXPECT_THAT(agent_.Status(kCart).message, Not(HasSubstr("skip-reconcile")));
}

TEST_P(LeavingTest, WhatWasWaitedForIsNotSaidOfASyncThatIsOver) {
  TestApp app = AppOf({{"a", ConfigMapText("a", "red")}});
  agent_.Put(app);
  agent_.Settle();
  ASSERT_EQ(agent_.Status(kCart).message, "created 1 objects");
  agent_.content.reachable = false;
  app.files["app/README.md"] = "new";
  app.files["app/a.yaml"] = ConfigMapText("a", "red") + "\n";
  agent_.Put(app);
  agent_.Settle();
  ASSERT_THAT(agent_.Status(kCart).message, HasSubstr("waiting for"));
  agent_.content.reachable = true;
  agent_.content.Serve();
  agent_.Settle();
  EXPECT_EQ(agent_.Status(kCart).operation, intent::OperationPhase::kSucceeded);
  EXPECT_EQ(agent_.Status(kCart).message, "nothing was to be changed");
}

}  // namespace
}  // namespace leidang::agent
