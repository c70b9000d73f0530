// What the owner of a cluster sees and decides there.

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

class KubernetesOwnerTest : public KubernetesTestCase {
 protected:
  // "reason Kind/name" of every Event of a namespace.
  static std::set<std::string> Events(KubernetesCluster& cluster, const std::string& ns) {
    std::set<std::string> events;
    const object::Value list = cluster.Get(absl::StrCat("/api/v1/namespaces/", ns, "/events"));
    const object::Value* items = object::Find(list, {"items"});
    if (items == nullptr || !items->is_array()) return events;
    for (const object::Value& event : items->get_array()) {
      events.insert(absl::StrCat(object::FindString(event, {"reason"}), " ",
                                 object::FindString(event, {"involvedObject", "kind"}), "/",
                                 object::FindString(event, {"involvedObject", "name"})));
    }
    return events;
  }
};

TEST_F(KubernetesOwnerTest, WhatHappensIsToldAsEvents) {
  fleet()->Commit("events", {{"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("events", "two");
  fleet()->Wait("events");
  EXPECT_TRUE(KubernetesFleet::Until([] {
    const std::set<std::string> events = Events(two(), "leidang-agent");
    return events.contains("SyncStarted Application/events") &&
           events.contains("SyncSucceeded Application/events");
  }));
  two().Patch(ConfigPath("events", "c"), R"({"data":{"colour":"pink"}})");
  EXPECT_TRUE(KubernetesFleet::Until(
      [] { return Events(two(), "events").contains("DriftCorrected ConfigMap/c"); }));
}

TEST_F(KubernetesOwnerTest, ThePolicyFileOfTheClusterIsObeyedAndItsChangesToo) {
  fleet()->SetPolicy("two", "pause: the owner says so\n");
  fleet()->Commit("policed", {{"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("policed", "two");
  fleet()->fleet().LeidangUntil({"get", "application", "policed", "-o", "json"},
                                "the policy pauses this cluster: the owner says so");
  EXPECT_TRUE(two().Get("/api/v1/namespaces/policed").is_null());
  fleet()->SetPolicy("two", "namespaces: {deny: [policed]}\n");
  fleet()->fleet().LeidangUntil({"get", "application", "policed", "-o", "json"},
                                "namespaces.deny has policed");
  EXPECT_TRUE(two().Get("/api/v1/namespaces/policed").is_null());
  fleet()->SetPolicy("two", "{}\n");
  fleet()->Wait("policed");
  EXPECT_EQ(Colour(two(), "policed", "c"), "red");
}

TEST_F(KubernetesOwnerTest, AHealthCheckOfTheHubIsRunInEveryCluster) {
  const auto settings = [](const std::string& status) {
    const std::string file = fleet()->fleet().Write("argocd-cm.yaml", absl::StrCat(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  resource.customizations.health.ConfigMap: |
    if obj.metadata.name ~= "checked" then return nil end
    return {status = ")",
                                                                                   status, R"("}
)"));
    EXPECT_EQ(fleet()->fleet().Leidang({"apply", "-f", file}).code, 0);
  };
  const auto health_is = [](const std::string& health) {
    return KubernetesFleet::Until([&] {
      return object::FindString(fleet()->Show("checked"), {"status", "health", "status"}) == health;
    });
  };
  settings("Degraded");
  fleet()->Commit("checked", {{"c.yaml", ConfigMap("checked", "red")}});
  fleet()->AddApplication("checked", "two");
  EXPECT_TRUE(health_is("Degraded"));
  settings("Healthy");
  EXPECT_TRUE(health_is("Healthy"));
  EXPECT_EQ(fleet()->fleet().Leidang({"delete", "settings", "argocd-cm"}).code, 0);
}

}  // namespace
}  // namespace leidang::testing
