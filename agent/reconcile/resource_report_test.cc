// The objects of an Application, as `leidang app get` lists them.

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/base/utf8.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using intent::HealthState;
using intent::ObjectStatus;
using intent::OperationPhase;
using intent::SyncState;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kCart[] = "leidang/cart";

class ResourceReportTest : public ::testing::Test {
 protected:
  ResourceReportTest() {
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.client_options.status = MemoryClientOptions::Status::kKept;
    agent_.Restart();
  }

  static TestApp App() {
    TestApp app;
    app.name = kCart;
    app.files["app/a.yaml"] = ConfigMapText("a", "red");
    return app;
  }
  // By name, hooks as "phase name".
  std::map<std::string, ObjectStatus> Resources() {
    std::map<std::string, ObjectStatus> resources;
    for (const ObjectStatus& object : agent_.Status(kCart).resources) {
      resources[object.hook.empty() ? object.key.name
                                    : absl::StrCat(object.hook, " ", object.key.name)] = object;
    }
    return resources;
  }

  TestAgent agent_;
};

TEST_F(ResourceReportTest, EachObjectIsListedWithItsState) {
  agent_.Put(App());
  agent_.Settle();
  const auto resources = Resources();
  ASSERT_THAT(resources, SizeIs(1));
  const ObjectStatus& a = resources.at("a");
  EXPECT_EQ(a.key, (object::ObjectKey{"", "ConfigMap", "shop", "a"}));
  EXPECT_EQ(a.sync, SyncState::kSynced);
  EXPECT_EQ(a.health, std::nullopt) << "there is no check for ConfigMaps";
}

TEST_F(ResourceReportTest, WhatItsHealthCheckSaysIsShown) {
  TestApp app = App();
  app.files["app/pod.yaml"] =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n"
      "spec: {restartPolicy: Always}\n";
  agent_.Put(app);
  agent_.Settle();
  agent_.cluster.SetStatus(
      {"", "Pod", "shop", "p"},
      object::ParseJson(R"({"phase":"Failed","message":"it fell over"})").value());
  agent_.Settle(absl::Minutes(30));
  const ObjectStatus pod = Resources().at("p");
  EXPECT_EQ(pod.health, HealthState::kDegraded);
  EXPECT_THAT(pod.message, HasSubstr("it fell over"));
}

TEST_F(ResourceReportTest, AnObjectThatCannotBeAppliedSaysWhy) {
  agent_.cluster.SetFault([](MemoryCluster::Operation operation, const object::ObjectKey& key) {
    return operation == MemoryCluster::Operation::kApply && key.name == "b"
               ? absl::InvalidArgumentError("the server does not like it")
               : absl::OkStatus();
  });
  TestApp app = App();
  app.files["app/b.yaml"] = ConfigMapText("b", "red");
  agent_.Put(app);
  agent_.Settle();
  const auto resources = Resources();
  EXPECT_EQ(resources.at("a").sync, SyncState::kSynced);
  EXPECT_EQ(resources.at("b").sync, SyncState::kOutOfSync);
  EXPECT_EQ(resources.at("b").health, HealthState::kMissing);
}

TEST_F(ResourceReportTest, LongMessagesEndBetweenCharacters) {
  // Whatever the limits are, one of these would be cut within a character.
  for (const std::string before : {"", "x"}) {
    agent_.cluster.SetFault([before](MemoryCluster::Operation operation, const object::ObjectKey&) {
      std::string words = before;
      for (int i = 0; i < 2000; ++i) words += "\u00f8";
      return operation == MemoryCluster::Operation::kApply ? absl::InvalidArgumentError(words)
                                                           : absl::OkStatus();
    });
    agent_.Put(App());
    agent_.Settle(absl::Minutes(10));
    const intent::EntryStatus status = agent_.Status(kCart);
    ASSERT_THAT(status.conditions, SizeIs(1));
    EXPECT_TRUE(IsUtf8(status.conditions[0].message));
    ASSERT_THAT(status.resources, SizeIs(1));
    EXPECT_TRUE(IsUtf8(status.resources[0].message));
    EXPECT_LE(status.resources[0].message.size(), intent::kObjectMessageMax);
  }
}

TEST_F(ResourceReportTest, WhatIsNoLongerWantedIsListedUntilItIsGone) {
  TestApp app = App();
  app.sync_policy = R"({"automated":{"prune":false}})";
  app.files["app/b.yaml"] = ConfigMapText("b", "red");
  agent_.Put(app);
  agent_.Settle();
  app.files.erase("app/b.yaml");
  agent_.Put(app);
  agent_.Settle();
  const ObjectStatus b = Resources().at("b");
  EXPECT_EQ(b.sync, SyncState::kOutOfSync);
  EXPECT_EQ(b.message, "is no longer wanted");
}

TEST_F(ResourceReportTest, HooksAreListedWithWhatBecameOfThemAlsoAfterARestart) {
  TestApp app = App();
  app.files["app/pre.yaml"] = ConfigMapText("pre", "x", "argocd.argoproj.io/hook: PreSync");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_EQ(Resources().at("PreSync pre").operation, OperationPhase::kSucceeded);
  agent_.Restart();
  agent_.Settle();
  EXPECT_EQ(Resources().at("PreSync pre").operation, OperationPhase::kSucceeded);
}

TEST_F(ResourceReportTest, OfManyObjectsThoseThatNeedAttentionAreThere) {
  TestApp app = App();
  for (int i = 100; i < 260; ++i) {
    const std::string name = absl::StrCat("c", i);
    app.files[absl::StrCat("app/", name, ".yaml")] = ConfigMapText(name, "red");
  }
  agent_.cluster.SetFault([](MemoryCluster::Operation operation, const object::ObjectKey& key) {
    return operation == MemoryCluster::Operation::kApply && key.name == "c259"
               ? absl::InvalidArgumentError("the server does not like it")
               : absl::OkStatus();
  });
  agent_.Put(app);
  agent_.Settle();
  const auto resources = Resources();
  EXPECT_THAT(resources, SizeIs(intent::kObjectStatusesMax));
  EXPECT_TRUE(resources.contains("c259"));
}

}  // namespace
}  // namespace leidang::agent
