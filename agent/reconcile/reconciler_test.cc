#include "agent/reconcile/reconciler.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/scripts/custom_health.h"
#include "agent/scripts/inline_scripts.h"
#include "common/manifest/manifest.h"
#include "common/manifest/tracking.h"
#include "common/yaml/yaml.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using intent::HealthState;
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

object::Value Manifest(absl::string_view text) {
  absl::StatusOr<object::Value> value = yaml::ParseYaml(text, "test");
  EXPECT_TRUE(value.ok());
  manifest::SetNamespace(*value, "shop");
  return *value;
}

TEST(Reconciler, AnAssignmentBecomesObjects) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  EXPECT_THAT(agent.Inventory(kCart), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  const intent::EntryStatus status = agent.Status(kCart);
  EXPECT_EQ(status.sync, SyncState::kSynced);
  EXPECT_EQ(status.health, HealthState::kHealthy);
  EXPECT_EQ(status.operation, OperationPhase::kSucceeded);
  EXPECT_EQ(status.received, 1u);
  EXPECT_EQ(status.applied, 1u);
  EXPECT_EQ(status.applied_element, agent.state().Find(TestAgent::Ref(kCart))->head.element);
  EXPECT_EQ(status.objects, 2u);
  EXPECT_EQ(status.applied_commit.size(), 40u);
  EXPECT_THAT(status.conditions, IsEmpty());
  EXPECT_TRUE(agent.Applied(kCart));
}

TEST(Reconciler, ACommitChangesCreatesAndPrunes) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b", "c"}));
  agent.Settle();
  TestApp app = CartOf({"a", "b", "d"});
  app.files["app/a.yaml"] = ConfigMapText("a", "blue");
  agent.Put(app);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b", "ConfigMap/d"));
  EXPECT_EQ(agent.Data("a", "colour"), "blue");
  EXPECT_EQ(agent.Status(kCart).message, "created 1, changed 1, pruned 1 objects");
  EXPECT_EQ(agent.Status(kCart).applied, 2u);
  EXPECT_EQ(agent.cluster.writes(), 5u) << "what did not change was not written";
}

TEST(Reconciler, NothingToDoWritesNothing) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  const uint64_t writes = agent.cluster.writes();
  agent.Restart();
  agent.Settle(absl::Hours(3));
  EXPECT_EQ(agent.cluster.writes(), writes);
  EXPECT_EQ(agent.Status(kCart).sync, SyncState::kSynced);
}

TEST(Reconciler, DriftIsCorrectedAtOnce) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  agent.Edit("a", "colour", "pink");
  agent.cluster.RemoveOutside({"", "ConfigMap", "shop", "b"});
  agent.Settle(absl::Seconds(1));
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  EXPECT_EQ(agent.Data("b", "colour"), "red");
  EXPECT_GE(agent.Status(kCart).drift_corrections, 2u);
  EXPECT_TRUE(agent.Applied(kCart));
}

TEST(Reconciler, ACorrectionHasTimesOfItsOwnAndLooksThatFindNothingChangeThemNot) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  const intent::EntryStatus synced = agent.Status(kCart);
  ASSERT_TRUE(synced.operation_started.has_value());
  ASSERT_TRUE(synced.operation_finished.has_value());
  EXPECT_LE(*synced.operation_started, *synced.operation_finished);
  EXPECT_EQ(synced.operation_commit, synced.applied_commit);
  agent.Settle(absl::Hours(3));
  EXPECT_EQ(agent.Status(kCart), synced);
  agent.Edit("a", "colour", "pink");
  const absl::Time edited = agent.loop.clock().Now();
  agent.Settle(absl::Seconds(1));
  EXPECT_GE(*agent.Status(kCart).operation_started, edited);
  EXPECT_GE(*agent.Status(kCart).operation_finished, *agent.Status(kCart).operation_started);
}

TEST(Reconciler, DriftDuringARestartIsCorrectedWithoutAHub) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  agent.content.reachable = false;
  agent.Stop();
  agent.Edit("a", "colour", "pink");
  agent.loop.Clear();
  agent.Start();
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "red");
}

TEST(Reconciler, StrippedMarksAreDrift) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  agent.cluster.PutOutside(Manifest(ConfigMapText("a", "red")));
  agent.Settle(absl::Seconds(1));
  const object::ObjectKey key{"", "ConfigMap", "shop", "a"};
  EXPECT_EQ(manifest::OwnerOf(agent.cluster.objects().at(key).manifest, key), kCart);
}

TEST(Reconciler, WithoutSelfHealDriftIsReported) {
  TestAgent agent;
  TestApp app = CartOf({"a"});
  app.sync_policy = R"({"automated":{"prune":true}})";
  agent.Put(app);
  agent.Settle();
  EXPECT_TRUE(agent.Applied(kCart));
  agent.Edit("a", "colour", "pink");
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "pink");
  EXPECT_EQ(agent.Status(kCart).sync, SyncState::kOutOfSync);
  EXPECT_FALSE(agent.Applied(kCart));
}

TEST(Reconciler, AManualApplicationWaitsForItsSync) {
  TestAgent agent;
  TestApp app = CartOf({"a"});
  app.sync_policy = "{}";
  agent.Put(app);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), IsEmpty());
  EXPECT_EQ(agent.Status(kCart).sync, SyncState::kOutOfSync);
  EXPECT_EQ(agent.Status(kCart).health, HealthState::kMissing);
  agent.Ask(kCart, OperationKind::kSync, "{}");
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a"));
  EXPECT_EQ(agent.Operation().state, OperationState::kSucceeded);
  EXPECT_EQ(agent.Status(kCart).sync, SyncState::kSynced);
}

TEST(Reconciler, CreatesTheNamespaceIfTold) {
  TestAgent agent;
  TestApp app = CartOf({"a"});
  app.sync_policy = R"({"automated":{},"syncOptions":["CreateNamespace=true"]})";
  agent.Put(app);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "Namespace/shop"));
  agent.Delete(kCart);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("Namespace/shop")) << "others may use it";
}

TEST(Reconciler, ATombstoneDeletesExactlyTheInventory) {
  TestAgent agent;
  agent.cluster.PutOutside(Manifest(ConfigMapText("foreign", "red")));
  object::Value labelled = Manifest(ConfigMapText("labelled", "red"));
  manifest::Track(labelled, kCart, {"", "ConfigMap", "shop", "labelled"});
  agent.cluster.PutOutside(labelled);
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  EXPECT_THAT(agent.Condition(kCart, "OrphanedResourceWarning"), HasSubstr("shop/labelled"));
  agent.Delete(kCart);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/foreign", "ConfigMap/labelled"));
  EXPECT_TRUE(agent.Status(kCart).gone);
  EXPECT_TRUE(absl::IsNotFound(agent.state().Find(TestAgent::Ref(kCart)).status()));
}

TEST(Reconciler, AnOrphaningTombstoneKeepsTheObjects) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  agent.Delete(kCart, 1, intent::DeletionPolicy::kOrphan);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a"));
  EXPECT_TRUE(agent.Status(kCart).gone);
}

TEST(Reconciler, ADeletionGoesOnAfterFailuresAndRestarts) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  agent.cluster.SetFault([](MemoryCluster::Operation operation, const object::ObjectKey& key) {
    return operation == MemoryCluster::Operation::kDelete && key.name == "b"
               ? absl::UnavailableError("held up")
               : absl::OkStatus();
  });
  agent.Delete(kCart);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/b"));
  EXPECT_TRUE(agent.Status(kCart).deleting);
  EXPECT_FALSE(agent.Status(kCart).gone);
  EXPECT_THAT(agent.Condition(kCart, "DeletionError"), HasSubstr("held up"));
  agent.Restart();
  agent.cluster.SetFault(nullptr);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), IsEmpty());
  EXPECT_TRUE(agent.Status(kCart).gone);
}

TEST(Reconciler, ARenamedApplicationHandsItsObjectsOver) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  TestApp renamed = CartOf({"a", "c"});
  renamed.name = "leidang/basket";
  agent.Receive({agent.DeleteChange(kCart), agent.PutChange(renamed)});
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/c"));
  EXPECT_EQ(agent.cluster.deletions(), 1u) << "only b was deleted; a changed hands";
  EXPECT_THAT(agent.Inventory("leidang/basket"), ElementsAre("ConfigMap/a", "ConfigMap/c"));
  EXPECT_EQ(agent.Status("leidang/basket").sync, SyncState::kSynced);
  EXPECT_TRUE(agent.Status(kCart).gone);
  const object::ObjectKey key{"", "ConfigMap", "shop", "a"};
  EXPECT_EQ(manifest::OwnerOf(agent.cluster.objects().at(key).manifest, key), "leidang/basket");
}

TEST(Reconciler, ARecreatedNamesakeTakesTheObjectsOver) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  TestApp again = CartOf({"a", "c"});
  again.uid = 2;
  agent.Receive({agent.DeleteChange(kCart), agent.PutChange(again)});
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/c"));
  EXPECT_EQ(agent.cluster.deletions(), 1u);
  EXPECT_THAT(agent.Inventory(kCart, 2), ElementsAre("ConfigMap/a", "ConfigMap/c"));
  EXPECT_TRUE(agent.Status(kCart).gone);
  EXPECT_TRUE(agent.Applied(kCart, 2));
}

TEST(Reconciler, AnObjectThatMovesBetweenApplicationsIsNotDeleted) {
  TestAgent agent;
  TestApp other = CartOf({"x"});
  other.name = "leidang/other";
  agent.Put({CartOf({"a", "b", "c"}), other});
  agent.Settle();
  TestApp with_b = CartOf({"b", "x"});
  with_b.name = "leidang/other";
  agent.Put({CartOf({"a", "c"}), with_b});
  agent.Settle();
  EXPECT_EQ(agent.cluster.deletions(), 0u);
  EXPECT_THAT(agent.Inventory("leidang/other"), ElementsAre("ConfigMap/b", "ConfigMap/x"));
  EXPECT_THAT(agent.Inventory(kCart), ElementsAre("ConfigMap/a", "ConfigMap/c"));
  EXPECT_EQ(agent.Status("leidang/other").sync, SyncState::kSynced);
  EXPECT_EQ(agent.Status(kCart).sync, SyncState::kSynced);
}

TEST(Reconciler, ASharedObjectStaysWithItsFirstOwner) {
  TestAgent agent;
  agent.Put(CartOf({"a"}));
  agent.Settle();
  TestApp other = CartOf({});
  other.name = "leidang/other";
  other.files["app/a.yaml"] = ConfigMapText("a", "blue");
  other.files["app/z.yaml"] = ConfigMapText("z", "blue");
  agent.Put(other);
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  EXPECT_EQ(agent.Data("z", "colour"), "blue");
  EXPECT_THAT(agent.Condition("leidang/other", "SharedResourceWarning"),
              AllOf(StartsWith("SharedResource: "), HasSubstr("shop/a belongs to leidang/cart")));
  EXPECT_EQ(agent.Status("leidang/other").sync, SyncState::kOutOfSync);
  agent.Delete("leidang/other");
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "red");
}

TEST(Reconciler, ASharedObjectIsTakenOverAtOnceWhenItsFirstOwnerLetsGo) {
  for (const bool deleted : {false, true}) {
    SCOPED_TRACE(deleted ? "deleted" : "changed");
    TestAgent agent;
    agent.Put(CartOf({"a", "b"}));
    agent.Settle();
    TestApp other = CartOf({});
    other.name = "leidang/other";
    other.files["app/a.yaml"] = ConfigMapText("a", "blue");
    agent.Put(other);
    agent.Settle();
    ASSERT_EQ(agent.Data("a", "colour"), "red");
    if (deleted) {
      agent.Delete(kCart);
    } else {
      agent.Put(CartOf({"b"}));
    }
    agent.Settle(absl::Seconds(3));
    EXPECT_EQ(agent.Data("a", "colour"), "blue");
    EXPECT_TRUE(agent.Applied("leidang/other"));
    EXPECT_EQ(agent.Condition("leidang/other", "SharedResourceWarning"), "");
    EXPECT_THAT(agent.Inventory("leidang/other"), ElementsAre("ConfigMap/a"));
  }
}

TEST(Reconciler, WhatAnEntryHasThatWantsNothingAnyMoreIsTakenOverAtOnceWhenItIsDeleted) {
  for (const bool restarted : {false, true}) {
    SCOPED_TRACE(restarted ? "never rendered since the restart" : "unclaimed");
    TestAgent agent;
    agent.Put(CartOf({"a", "b"}));
    agent.Settle();
    TestApp other = CartOf({});
    other.name = "leidang/other";
    other.files["app/a.yaml"] = ConfigMapText("a", "blue");
    agent.Put(other);
    agent.Settle();
    if (restarted) {
      agent.content.reachable = false;
      agent.Put(CartOf({"a", "b", "c"}));
      agent.Settle();
      agent.Restart();
    } else {
      agent.Receive({}, {TestAgent::Ref(kCart)});
    }
    agent.Settle();
    ASSERT_EQ(agent.Data("a", "colour"), "red");
    agent.Delete(kCart);
    agent.Settle(absl::Seconds(3));
    EXPECT_EQ(agent.Data("a", "colour"), "blue");
    EXPECT_TRUE(agent.Applied("leidang/other"));
    EXPECT_THAT(agent.Inventory("leidang/other"), ElementsAre("ConfigMap/a"));
    EXPECT_TRUE(agent.Status(kCart).gone);
  }
}

TEST(Reconciler, AForeignObjectIsLeftUnlessAdopted) {
  TestAgent agent;
  agent.cluster.PutOutside(Manifest(ConfigMapText("a", "theirs")));
  agent.Put(CartOf({"a"}));
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "theirs");
  EXPECT_THAT(agent.Condition(kCart, "SharedResourceWarning"), HasSubstr("leidang.dev/adopt"));
  TestApp adopting = CartOf({"a"});
  adopting.annotations = R"({"leidang.dev/adopt":"true"})";
  agent.Put(adopting);
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  EXPECT_EQ(agent.Condition(kCart, "SharedResourceWarning"), "");
}

TEST(Reconciler, AnUnclaimedEntryIsKeptAndCorrectedAndPrunedOfNothing) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  agent.Receive({}, {TestAgent::Ref(kCart)});
  agent.Edit("a", "colour", "pink");
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "red");
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  EXPECT_THAT(agent.Condition(kCart, "Unclaimed"), StartsWith("Unclaimed: "));
  EXPECT_TRUE(agent.Status(kCart).unclaimed);
  EXPECT_EQ(agent.Status(kCart).body, agent.state().Find(TestAgent::Ref(kCart))->assignment->body);
}

TEST(Reconciler, ProjectsAreAppliedByBeingThere) {
  TestAgent agent;
  intent::Change change = agent.PutChange(CartOf({"a"}));
  auto& project = std::get<intent::Assignment>(change.what);
  project.key = {intent::EntryKind::kProject, "default"};
  project.sources.clear();
  const EntryRef ref{project.key, project.uid};
  agent.Receive({change});
  agent.Settle();
  EXPECT_EQ(agent.state().Find(ref)->head.applied, agent.state().Find(ref)->head.element);
  change = agent.DeleteChange(kCart);
  std::get<intent::Tombstone>(change.what).key = ref.key;
  agent.Receive({change});
  agent.Settle();
  EXPECT_TRUE(absl::IsNotFound(agent.state().Find(ref).status()));
}

TEST(Reconciler, ContentThatNoEntryNeedsIsDroppedAfterAWhile) {
  TestAgent agent;
  agent.Put(CartOf({"a", "b"}));
  agent.Settle();
  const object::Sha256 b = object::Sha256::Of(ConfigMapText("b", "red"));
  agent.Put(CartOf({"a"}));
  agent.Settle();
  EXPECT_TRUE(*agent.state().HasContent(b));
  agent.Settle(absl::Hours(2));
  EXPECT_FALSE(*agent.state().HasContent(b));
  EXPECT_EQ(agent.disk.tables().content.size(), 2u) << "a's manifest and tree stay";
}

TEST(Reconciler, AConfiguredCheckSaysTheHealthAndHoldsWaves) {
  TestAgent agent;
  InlineScripts scripts(agent.loop);
  CustomHealth health(
      agent.loop, scripts,
      *HealthScripts::Parse(
          object::Value(object::Object{
              {"resource.customizations.health.example.com_Widget",
               "return {status = obj.status and obj.status.phase or 'Progressing'}"}}),
          "test"),
      CustomHealth::Options());
  agent.health = &health;
  agent.client_options.status = MemoryClientOptions::Status::kKept;
  agent.Restart();
  TestApp app = CartOf({});
  app.files["app/widget.yaml"] =
      "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {}\n";
  app.files["app/late.yaml"] = ConfigMapText("late", "red", "argocd.argoproj.io/sync-wave: '1'");
  agent.Put(app);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("Widget/w"));
  EXPECT_EQ(agent.Status(kCart).health, HealthState::kProgressing);

  const object::ObjectKey widget{"example.com", "Widget", "shop", "w"};
  agent.cluster.SetStatus(widget, object::Object{{"phase", "Healthy"}});
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/late", "Widget/w"));
  EXPECT_EQ(agent.Status(kCart).health, HealthState::kHealthy);

  agent.cluster.SetStatus(widget, object::Object{{"phase", "Degraded"}});
  agent.Settle();
  EXPECT_EQ(agent.Status(kCart).health, HealthState::kDegraded);
  agent.cluster.SetStatus(widget, object::Object{{"phase", "Fine"}});
  agent.Settle();
  EXPECT_EQ(agent.Status(kCart).health, HealthState::kUnknown);
  agent.Stop();
}

TEST(Reconciler, ACustomKindThatWeKnowCountsByItself) {
  TestAgent agent;
  agent.client_options.status = MemoryClientOptions::Status::kKept;
  agent.Restart();
  TestApp app = CartOf({"a"});
  app.files["app/cert.yaml"] =
      "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: c}\nspec: {}\n";
  agent.Put(app);
  agent.Settle();
  EXPECT_EQ(agent.Status(kCart).health, HealthState::kProgressing);
  const auto ready = [&](const char* status) {
    agent.cluster.SetStatus(
        {"cert-manager.io", "Certificate", "shop", "c"},
        object::Object{
            {"conditions", object::Array{object::Object{{"type", "Ready"}, {"status", status}}}}});
    agent.Settle();
    return agent.Status(kCart).health;
  };
  EXPECT_EQ(ready("True"), HealthState::kHealthy);
  EXPECT_EQ(ready("False"), HealthState::kDegraded);
}

TEST(Reconciler, WavesWaitForHealth) {
  TestAgent agent;
  agent.client_options.status = MemoryClientOptions::Status::kKept;
  agent.Restart();
  TestApp app = CartOf({});
  app.files["app/web.yaml"] =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n";
  app.files["app/late.yaml"] = ConfigMapText("late", "red", "argocd.argoproj.io/sync-wave: '1'");
  agent.Put(app);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("Deployment/web"));
  EXPECT_EQ(agent.Status(kCart).sync, SyncState::kOutOfSync);
  EXPECT_EQ(agent.Status(kCart).health, HealthState::kProgressing);
  EXPECT_FALSE(agent.Applied(kCart));

  const object::Value ready = object::Object{
      {"replicas", 1}, {"updatedReplicas", 1}, {"availableReplicas", 1}, {"readyReplicas", 1}};
  agent.cluster.SetStatus({"apps", "Deployment", "shop", "web"}, ready);
  agent.Settle();
  EXPECT_THAT(agent.Objects(), ElementsAre("ConfigMap/late", "Deployment/web"));
  EXPECT_EQ(agent.Status(kCart).health, HealthState::kHealthy);
  EXPECT_TRUE(agent.Applied(kCart));
}

}  // namespace
}  // namespace leidang::agent
