// An agent whose rights are those of deploy/agent/namespaced: Roles in single namespaces.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

class KubernetesNamespacedTest : public KubernetesTestCase {
 protected:
  static void SetUpTestSuite() {
    fleet() = std::make_unique<KubernetesFleet>(std::vector<std::string>());
    fleet()->AddCluster("narrow", "deploy/agent/namespaced", {"--namespaces", "shop,cart"});
    for (const char* ns : {"shop", "cart", "foreign"}) narrow().CreateNamespace(ns);
    for (const char* ns : {"shop", "cart"}) {
      narrow().Install("deploy/agent/namespaced/role", ns);
    }
  }
  static KubernetesCluster& narrow() { return fleet()->cluster("narrow"); }

  static void AddApplication(const std::string& name, const std::string& ns) {
    const std::string application = R"(apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME, namespace: leidang}
spec:
  project: default
  source: {repoURL: "REPO", targetRevision: HEAD, path: apps/NAME}
  destination: {name: narrow, namespace: INTO}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
)";
    const std::string file = fleet()->fleet().Write(
        name + ".yaml",
        absl::StrReplaceAll(application,
                            {{"NAME", name}, {"REPO", fleet()->repository()}, {"INTO", ns}}));
    const RunningFleet::Answer answer = fleet()->fleet().Leidang({"apply", "-f", file});
    EXPECT_EQ(answer.code, 0) << answer.err;
  }
};

TEST_F(KubernetesNamespacedTest, WhatIsInItsNamespacesIsSyncedCorrectedAndPruned) {
  fleet()->Commit("front", {{"a.yaml", ConfigMap("a", "red")},
                            {"b.yaml", ConfigMap("b", "red", ", namespace: cart")}});
  AddApplication("front", "shop");
  fleet()->Wait("front");
  EXPECT_EQ(Colour(narrow(), "shop", "a"), "red");
  EXPECT_EQ(Colour(narrow(), "cart", "b"), "red");
  narrow().Patch(ConfigPath("cart", "b"), R"({"data":{"colour":"pink"}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return Colour(narrow(), "cart", "b") == "red"; }));
  fleet()->Commit("front", {{"a.yaml", ConfigMap("a", "blue")}});
  fleet()->Wait("front");
  EXPECT_EQ(Colour(narrow(), "shop", "a"), "blue");
  EXPECT_TRUE(narrow().Get(ConfigPath("cart", "b")).is_null());
}

TEST_F(KubernetesNamespacedTest, WhatIsElsewhereIsRefusedWithWords) {
  fleet()->Commit("abroad", {{"a.yaml", ConfigMap("a", "red")}});
  AddApplication("abroad", "foreign");
  fleet()->fleet().LeidangUntil({"get", "application", "abroad", "-o", "json"},
                                "looks after some namespaces only");
  EXPECT_TRUE(narrow().Get(ConfigPath("foreign", "a")).is_null());
}

TEST_F(KubernetesNamespacedTest, AnAgentThatLosesItsDiskFindsItsObjectsAgain) {
  fleet()->Commit("found", {{"a.yaml", ConfigMap("found", "red")}});
  AddApplication("found", "shop");
  fleet()->Wait("found");
  const object::Value before = narrow().Get(ConfigPath("shop", "found"));
  fleet()->LoseDisk("narrow");
  fleet()->Wait("found");
  EXPECT_EQ(narrow().Get(ConfigPath("shop", "found")), before) << "not written again";
}

}  // namespace
}  // namespace leidang::testing
