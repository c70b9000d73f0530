// What the owner of a cluster does not allow is not done, and is told.

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/yaml/yaml.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kCart[] = "leidang/cart";
constexpr char kRefused[] = "Refused";
constexpr char kTomorrow[] =
    R"({"freeze": [{"name": "now", "from": "1970-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}]})";

ClusterPolicy Policy(const std::string& text) {
  const absl::StatusOr<object::Value> settings = yaml::ParseYaml(text, "policy.yaml");
  EXPECT_TRUE(settings.ok()) << settings.status();
  absl::StatusOr<ClusterPolicy> policy = ClusterPolicy::Parse(*settings, "policy.yaml");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *std::move(policy) : ClusterPolicy();
}

enum class Target { kFolder, kApiServer };

class PolicyTest : public ::testing::TestWithParam<Target> {
 protected:
  PolicyTest() {
    if (GetParam() == Target::kApiServer) {
      agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
      agent_.Restart();
    }
    agent_.Put(App("red"));
    agent_.Settle();
    EXPECT_EQ(agent_.Data("a", "colour"), "red");
  }

  static TestApp App(const std::string& colour) {
    TestApp app;
    app.name = kCart;
    app.files["app/a.yaml"] = ConfigMapText("a", colour);
    app.files["app/b.yaml"] = ConfigMapText("b", colour);
    return app;
  }
  // The same app without b.
  static TestApp Smaller() {
    TestApp app = App("red");
    app.files.erase("app/b.yaml");
    return app;
  }
  void Obey(const std::string& policy) { agent_.SetPolicy(Policy(policy)); }

  TestAgent agent_;
};

TEST_P(PolicyTest, APausedClusterIsNotEvenCorrected) {
  Obey("pause: storage is moved");
  agent_.Put(App("blue"));
  agent_.Edit("b", "colour", "by hand");
  agent_.Settle();
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  EXPECT_EQ(agent_.Data("b", "colour"), "by hand");
  EXPECT_FALSE(agent_.Applied(kCart));
  EXPECT_EQ(agent_.Condition(kCart, kRefused),
            "RefusedByPolicy: the policy pauses this cluster: storage is moved; what is to be "
            "changed waits");

  Obey("pause: false");
  agent_.Settle();
  EXPECT_EQ(agent_.Data("a", "colour"), "blue");
  EXPECT_EQ(agent_.Data("b", "colour"), "blue");
  EXPECT_EQ(agent_.Condition(kCart, kRefused), "");
}

TEST_P(PolicyTest, InAFreezeDriftIsUndoneAndNothingNewComes) {
  Obey(kTomorrow);
  agent_.Edit("a", "colour", "by hand");
  agent_.Settle();
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  EXPECT_EQ(agent_.Condition(kCart, kRefused), "");
  agent_.Put(Smaller());
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  EXPECT_THAT(agent_.Condition(kCart, kRefused),
              HasSubstr("OutsideWindow: the freeze window now is open until 2100-01-01"));
}

TEST_P(PolicyTest, AFreezeEndsByItself) {
  const absl::Time end = agent_.loop.clock().Now() + absl::Hours(2);
  Obey("{freeze: [{name: short, from: '1970-01-01T00:00:00Z', until: '" +
       absl::FormatTime(absl::RFC3339_sec, end, absl::UTCTimeZone()) + "'}]}");
  agent_.Put(App("blue"));
  agent_.Settle(absl::Minutes(119));
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  agent_.Settle(absl::Minutes(2));
  EXPECT_EQ(agent_.Data("a", "colour"), "blue");
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_P(PolicyTest, ASyncThatIsAskedForInAFreezeIsRefusedWithTheRule) {
  Obey(kTomorrow);
  agent_.Put(App("blue"));
  agent_.Settle();
  agent_.Ask(kCart, OperationKind::kSync, "{}");
  agent_.Settle();
  EXPECT_EQ(agent_.Operation().state, OperationState::kFailed);
  EXPECT_THAT(agent_.Operation().message,
              HasSubstr("refused by the policy of this cluster: the freeze window now is open"));
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
}

TEST_P(PolicyTest, AnObjectThatIsRefusedStopsTheSyncOfItsApplicationAndNoOther) {
  Obey("kinds: {deny: [Secret]}");
  TestApp app = App("blue");
  app.files["app/secret.yaml"] =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\n";
  agent_.Put(app);
  TestApp other;
  other.name = "leidang/other";
  other.uid = 2;
  other.files["app/c.yaml"] = ConfigMapText("c", "green");
  agent_.Put(other);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b", "ConfigMap/c"));
  EXPECT_EQ(agent_.Data("a", "colour"), "red");
  EXPECT_EQ(agent_.Condition(kCart, kRefused),
            "RefusedByPolicy: the policy of this cluster refuses Secret shop/s (kinds.deny has "
            "Secret)");
  EXPECT_TRUE(agent_.Applied("leidang/other", 2));
}

TEST_P(PolicyTest, WhatIsRefusedIsNotPrunedEither) {
  Obey("namespaces: {deny: [shop]}");
  agent_.Put(Smaller());
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  EXPECT_THAT(agent_.Condition(kCart, kRefused), HasSubstr("namespaces.deny has shop"));
  EXPECT_FALSE(agent_.Applied(kCart));
}

TEST_P(PolicyTest, ADeletionWaitsForTheEndOfALimitAndSaysSo) {
  Obey(kTomorrow);
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  EXPECT_THAT(agent_.Condition(kCart, kRefused), HasSubstr("the freeze window now is open"));

  Obey("namespaces: {deny: [shop]}");
  agent_.Settle();
  EXPECT_THAT(agent_.Objects(), ElementsAre("ConfigMap/a", "ConfigMap/b"));
  EXPECT_THAT(agent_.Condition(kCart, kRefused),
              HasSubstr("ConfigMap shop/a (namespaces.deny has shop)"));

  Obey("{}");
  agent_.Settle(absl::Minutes(25));
  EXPECT_THAT(agent_.Objects(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Targets, PolicyTest,
                         ::testing::Values(Target::kFolder, Target::kApiServer),
                         [](const auto& info) {
                           return info.param == Target::kFolder ? "folder" : "api_server";
                         });

}  // namespace
}  // namespace leidang::agent
