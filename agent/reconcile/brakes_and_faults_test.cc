// Bad input, faults, limits: what must not happen, and what is said about it.

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/apply/brake.h"
#include "agent/reconcile/entry_memory.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using intent::OperationPhase;
using intent::SyncState;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kCart[] = "leidang/cart";

TestApp CartOf(std::initializer_list<const char*> names) {
  TestApp app;
  app.name = kCart;
  for (const char* name : names) {
    app.files[absl::StrCat("app/", name, ".yaml")] = ConfigMapText(name, "red");
  }
  return app;
}

TestApp CartOfMany(int count) {
  TestApp app;
  app.name = kCart;
  for (int i = 0; i < count; ++i) {
    app.files[absl::StrCat("app/o", i, ".yaml")] = ConfigMapText(absl::StrCat("o", i), "red");
  }
  return app;
}

TEST(Brakes, AnEmptySourcePrunesNothingUnlessAllowed) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  TestApp empty = CartOf({});
  empty.files["app/README.md"] = "moved";
  agent.Put(empty);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a"));
  EXPECT_THAT(agent.Condition(kCart, "SyncError"), HasSubstr("allowEmpty"));
  EXPECT_FALSE(agent.Applied(kCart));
  empty.sync_policy = R"({"automated":{"prune":true,"allowEmpty":true}})";
  agent.Put(empty);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), IsEmpty());
  EXPECT_EQ(agent.Condition(kCart, "SyncError"), "");
}

TEST(Brakes, ALargePruneIsHeldUntilItsListIsApproved) {
  TestAgent agent;
  agent.Put(CartOfMany(30));
  agent.Settle();
  TestApp fewer = CartOfMany(10);
  fewer.files["app/new.yaml"] = ConfigMapText("new", "red");
  agent.Put(fewer);
  agent.Settle();
  EXPECT_EQ(agent.Objects().size(), 31u) << "what is new does not wait";
  const std::string held = agent.Condition(kCart, "DeletionsHeld");
  EXPECT_THAT(held, AllOf(StartsWith("DeletionsHeld: "), HasSubstr("20 of 31 objects")));
  EXPECT_FALSE(agent.Applied(kCart));

  agent.Ask(kCart, OperationKind::kSync, R"({"approveDeletions":"0000"})", 1);
  agent.Settle();
  EXPECT_EQ(agent.Operation(1).state, OperationState::kFailed);
  EXPECT_EQ(agent.Objects().size(), 31u);

  const size_t at = held.find("list ") + 5;
  agent.Ask(kCart, OperationKind::kSync,
            absl::StrCat(R"({"approveDeletions":")", held.substr(at, 64), R"("})"), 2);
  agent.Settle();
  EXPECT_EQ(agent.Operation(2).state, OperationState::kSucceeded);
  EXPECT_EQ(agent.Objects().size(), 11u);
  EXPECT_EQ(agent.Condition(kCart, "DeletionsHeld"), "");
  EXPECT_TRUE(agent.Applied(kCart));
}

TEST(Brakes, SmallStepsWithinAnHourAreOneLargeOne) {
  TestAgent agent;
  agent.Put(CartOfMany(14));
  agent.Settle();
  for (const int left : {9, 4}) {
    agent.Put(CartOfMany(left));
    agent.Settle();
    EXPECT_EQ(agent.Objects().size(), static_cast<size_t>(left));
  }
  agent.Put(CartOfMany(2));
  agent.Settle();
  EXPECT_EQ(agent.Objects().size(), 4u);
  EXPECT_THAT(agent.Condition(kCart, "DeletionsHeld"), HasSubstr("12 of 14 objects"));
  agent.Settle(absl::Hours(2));
  EXPECT_EQ(agent.Objects().size(), 2u) << "the hour is over";
}

TEST(Brakes, ARestartDoesNotOpenTheBrake) {
  TestAgent agent;
  agent.Put(CartOfMany(14));
  agent.Settle();
  for (const int left : {9, 4}) {
    agent.Put(CartOfMany(left));
    agent.Settle();
  }
  agent.Restart();
  agent.Put(CartOfMany(2));
  agent.Settle();
  EXPECT_EQ(agent.Objects().size(), 4u);
  EXPECT_THAT(agent.Condition(kCart, "DeletionsHeld"), HasSubstr("12 of 14 objects"));
  agent.Settle(absl::Hours(2));
  EXPECT_EQ(agent.Objects().size(), 2u) << "the hour is over";
  agent.Settle(absl::Hours(2));
  EXPECT_EQ(DecodeMemory(agent.state().Find(TestAgent::Ref(kCart))->note).prunes, 0u);
}

TEST(Brakes, AHeldDeletionLapsesWhenTheObjectsAreWantedAgain) {
  TestAgent agent;
  agent.Put(CartOfMany(30));
  agent.Settle();
  agent.Put(CartOfMany(10));
  agent.Settle();
  EXPECT_NE(agent.Condition(kCart, "DeletionsHeld"), "");
  agent.Put(CartOfMany(30));
  agent.Settle();
  EXPECT_EQ(agent.Condition(kCart, "DeletionsHeld"), "");
  EXPECT_EQ(agent.cluster.deletions(), 0u);
  EXPECT_TRUE(agent.Applied(kCart));
}

TEST(BadInput, KeepsTheLastGoodStateAndGoesOnCorrectingIt) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  TestApp broken = CartOf({"a"});
  broken.files["app/a.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n";
  agent.Put(broken);
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  const intent::EntryStatus status = agent.Status(kCart);
  EXPECT_EQ(status.sync, SyncState::kUnknown);
  EXPECT_EQ(status.received, 2u);
  EXPECT_EQ(status.applied, 1u);
  ASSERT_EQ(status.conditions.size(), 1u);
  EXPECT_EQ(status.conditions[0].type, "ComparisonError");
  EXPECT_EQ(status.conditions[0].reason, "InvalidYaml");
  EXPECT_THAT(status.conditions[0].message, HasSubstr("app/a.yaml:"));

  agent.Edit("a", "colour", "pink");
  agent.Settle(absl::Minutes(30));
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  EXPECT_EQ(agent.Status(kCart).conditions[0].since, status.conditions[0].since);

  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  EXPECT_THAT(agent.Status(kCart).conditions, IsEmpty());
  EXPECT_TRUE(agent.Applied(kCart));
}

TEST(BadInput, GivesOneClearConditionAndDisturbsNothingElse) {
  const struct {
    const char* name;
    TestApp app;
    const char* type;
    const char* says;
  } cases[] = {
      {"no directory",
       {.name = kCart, .files = {{"other/a.yaml", "x: 1"}}},
       "ComparisonError",
       "PathNotFound: the source has no directory app"},
      {"no namespace",
       {.name = kCart, .files = {{"app/a.yaml", ConfigMapText("a", "b")}}, .ns = ""},
       "ComparisonError",
       "InvalidYaml: ConfigMap a has no namespace"},
      {"bad policy",
       {.name = kCart,
        .files = {{"app/a.yaml", ConfigMapText("a", "b")}},
        .sync_policy = R"({"automated":{"prune":"yes"}})"},
       "InvalidSpecError",
       "InvalidSpec: spec.syncPolicy.automated.prune"},
      {"bad directory options",
       {.name = kCart,
        .files = {{"app/a.yaml", ConfigMapText("a", "b")}},
        .directory = R"({"recurse":7})"},
       "InvalidSpecError",
       "InvalidSpec: spec.source.directory.recurse"},
      {"jsonnet",
       {.name = kCart, .files = {{"app/a.jsonnet", "{}"}}},
       "UnsupportedSource",
       "UnsupportedSource: app/a.jsonnet"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    TestAgent agent;
    TestApp other = CartOf({"x"});
    other.name = "leidang/other";
    agent.Put({c.app, other});
    agent.Settle();
    EXPECT_EQ(agent.Status(kCart).conditions.size(), 1u);
    EXPECT_THAT(agent.Condition(kCart, c.type), StartsWith(c.says));
    EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/x"));
    EXPECT_TRUE(agent.Applied("leidang/other"));
  }
}

TEST(BadInput, RepeatedObjectsAndHooksAreWarnings) {
  TestAgent agent;
  TestApp app = CartOf({"a"});
  app.files["app/b.yaml"] = ConfigMapText("a", "blue");
  app.files["app/hook.yaml"] = ConfigMapText("hook", "x", "argocd.argoproj.io/hook: PreSync");
  agent.Put(app);
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "blue");
  EXPECT_THAT(agent.Condition(kCart, "RepeatedResourceWarning"), HasSubstr("ConfigMap shop/a"));
  EXPECT_THAT(agent.Condition(kCart, "ExcludedResourceWarning"), HasSubstr("ConfigMap shop/hook"));
  EXPECT_TRUE(agent.Applied(kCart));
}

TEST(Faults, AnObjectThatFailsIsNamedAndTriedAgain) {
  TestAgent agent;
  agent.cluster.SetFault([](MemoryCluster::Operation operation, const object::ObjectKey& key) {
    return operation == MemoryCluster::Operation::kApply && key.name == "b"
               ? absl::UnavailableError("the server is busy")
               : absl::OkStatus();
  });
  agent.Put(CartOf({"a", "b", "c"}));
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/c"));
  EXPECT_THAT(agent.Condition(kCart, "SyncError"),
              AllOf(StartsWith("ApplyFailed: "), HasSubstr("ConfigMap shop/b"),
                    HasSubstr("the server is busy")));
  EXPECT_EQ(agent.Status(kCart).operation, OperationPhase::kFailed);
  agent.cluster.SetFault(nullptr);
  agent.Settle(absl::Minutes(5));
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b", "ConfigMap/c"));
  EXPECT_EQ(agent.Condition(kCart, "SyncError"), "");
}

TEST(Faults, AClusterThatCannotBeReadIsNotEmpty) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  agent.cluster.SetFault([](MemoryCluster::Operation, const object::ObjectKey&) {
    return absl::UnavailableError("down");
  });
  agent.Edit("a", "colour", "pink");
  agent.Settle();
  EXPECT_THAT(agent.Condition(kCart, "ComparisonError"), StartsWith("ClusterUnreachable: "));
  EXPECT_THAT(agent.Inventory(kCart), ElementsAre("ConfigMap/a"));
  agent.cluster.SetFault(nullptr);
  agent.Settle(absl::Minutes(5));
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  EXPECT_THAT(agent.Status(kCart).conditions, IsEmpty());
}

TEST(Faults, ContentIsWaitedForAndThenApplied) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  agent.content.reachable = false;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle(absl::Minutes(30));
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a"));
  EXPECT_THAT(agent.Status(kCart).message, HasSubstr("waiting for 1 file"));
  EXPECT_EQ(agent.Status(kCart).applied, 1u);
  agent.Edit("a", "colour", "pink");
  agent.Settle(absl::Seconds(1));
  EXPECT_EQ(agent.Data("a", "colour"), "red") << "what is known goes on being corrected";
  agent.content.reachable = true;
  agent.content.Serve();
  agent.Settle(absl::Seconds(1));
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b"));
}

TEST(Faults, ContentThatTheHubDoesNotGiveIsACondition) {
  TestAgent agent;
  agent.content.forgetful = true;
  agent.Put(CartOf({"a"}));
  agent.Settle(absl::Seconds(5));
  EXPECT_THAT(agent.Condition(kCart, "ComparisonError"), StartsWith("ContentMissing: "));
  agent.content.forgetful = false;
  agent.Settle(absl::Minutes(10));
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a"));
  EXPECT_THAT(agent.Status(kCart).conditions, IsEmpty());
}

TEST(Faults, AFightOverAnObjectIsCappedAndReported) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  const uint64_t before = agent.cluster.writes();
  for (int i = 0; i < 200; ++i) {
    agent.Edit("a", "colour", absl::StrCat("pink", i));
    agent.Settle(absl::Milliseconds(200));
  }
  EXPECT_LE(agent.cluster.writes() - before, agent.options.corrections_per_minute_max);
  EXPECT_THAT(agent.Condition(kCart, "SyncError"),
              AllOf(StartsWith("FieldConflict: "), HasSubstr("ConfigMap shop/a")));
  agent.Settle(absl::Minutes(3));
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  EXPECT_EQ(agent.Condition(kCart, "SyncError"), "");
}

TEST(Faults, ACrashAtAnyMomentLosesAndLeavesNothing) {
  // The same run, cut after each possible number of steps.
  for (int steps = 1; steps < 120; ++steps) {
    SCOPED_TRACE(absl::StrCat("cut after ", steps, " steps"));
    TestAgent agent;
    agent.Put(CartOf({"a", "b", "c"}));
    agent.Settle();
    TestApp next = CartOf({"a", "d"});
    next.files["app/a.yaml"] = ConfigMapText("a", "blue");
    agent.Put(next);
    for (int i = 0; i < steps; ++i) agent.loop.Step();
    agent.Restart();
    agent.Settle();
    EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/d"));
    EXPECT_THAT(agent.Inventory(kCart), ElementsAre("ConfigMap/a", "ConfigMap/d"));
    EXPECT_EQ(agent.Data("a", "colour"), "blue");
    EXPECT_TRUE(agent.Applied(kCart));
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Operations, OnAnApplicationThatIsNotThereFail) {
  TestAgent agent;
  agent.Ask("leidang/nothing", OperationKind::kSync, "{}");
  agent.Settle();
  EXPECT_EQ(agent.Operation().state, OperationState::kFailed);
  EXPECT_THAT(agent.Operation().message, HasSubstr("no such Application"));
}

TEST(Operations, ThatCameTooLateAreNotBegun) {
  TestAgent agent;
  TestApp app = CartOf({"a"});
  app.sync_policy = "{}";
  agent.Put(app);
  agent.Settle();
  agent.Ask(kCart, OperationKind::kSync, "{}", 1, agent.loop.clock().Now() - absl::Seconds(1));
  agent.Settle();
  EXPECT_EQ(agent.Operation().state, OperationState::kExpired);
  EXPECT_THAT(agent.Objects(), ElementsAre());
}

TEST(Operations, ARefreshLooksAgain) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  agent.Ask(kCart, OperationKind::kRefresh, "{}");
  agent.Settle();
  EXPECT_EQ(agent.Operation().state, OperationState::kSucceeded);
}

}  // namespace
}  // namespace leidang::agent
