// What an Application says about its syncs, on real clusters.

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

class KubernetesOptionsTest : public KubernetesTestCase {
 protected:
  static std::string Sync(const std::string& name) {
    return std::string(object::FindString(fleet()->Show(name), {"status", "sync", "status"}));
  }
};

constexpr char kDeployment[] = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  revisionHistoryLimit: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1", resources: {limits: {cpu: 0.01}}}]}
)";

int64_t Replicas(const object::Value& web) {
  const object::Value* found = object::Find(web, {"spec", "replicas"});
  return found == nullptr ? -1 : found->to_number<int64_t>();
}

TEST_F(KubernetesOptionsTest, IgnoredFieldsAreNoDriftAndStayAsTheyAreWithRespect) {
  struct Case {
    std::string name;
    std::string rule;
  };
  for (const Case& one_case : {Case{"ignore-pointer", "jsonPointers: [/spec/replicas]"},
                               Case{"ignore-jq", "jqPathExpressions: [.spec.replicas]"},
                               Case{"ignore-manager", "managedFieldsManagers: [scaler]"}}) {
    SCOPED_TRACE(one_case.name);
    const std::string path =
        absl::StrCat("/apis/apps/v1/namespaces/", one_case.name, "/deployments/web");
    fleet()->Commit(one_case.name, {{"web.yaml", kDeployment}});
    fleet()->AddApplication(
        one_case.name, "one",
        "    syncOptions: [CreateNamespace=true, RespectIgnoreDifferences=true]\n",
        absl::StrCat("  ignoreDifferences: [{group: apps, kind: Deployment, ", one_case.rule,
                     "}]\n"));
    fleet()->Wait(one_case.name);
    one().Patch(absl::StrCat(path, "/scale"), R"({"spec":{"replicas":3}})", "scaler");
    one().Patch(path, R"({"spec":{"revisionHistoryLimit":7}})");
    EXPECT_TRUE(KubernetesFleet::Until([&] {
      return object::Find(one().Get(path), {"spec", "revisionHistoryLimit"})->to_number<int>() == 4;
    })) << "what is not ignored is corrected";
    fleet()->Commit(one_case.name, {{"web.yaml", kDeployment}, {"c.yaml", ConfigMap("c", "red")}});
    fleet()->Wait(one_case.name);
    EXPECT_EQ(Replicas(one().Get(path)), 3);
    EXPECT_EQ(Sync(one_case.name), "Synced");
  }
}

TEST_F(KubernetesOptionsTest, WithoutRespectASyncSendsOurs) {
  const std::string path = "/apis/apps/v1/namespaces/ignore-ours/deployments/web";
  fleet()->Commit("ignore-ours", {{"web.yaml", kDeployment}});
  fleet()->AddApplication(
      "ignore-ours", "one", "",
      "  ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]\n");
  fleet()->Wait("ignore-ours");
  one().Patch(absl::StrCat(path, "/scale"), R"({"spec":{"replicas":3}})", "scaler");
  fleet()->Commit("ignore-ours", {{"web.yaml", kDeployment}, {"c.yaml", ConfigMap("c", "red")}});
  fleet()->Wait("ignore-ours");
  EXPECT_EQ(Replicas(one().Get(path)), 3) << "the Deployment itself was not changed";
  std::string changed = kDeployment;
  changed.replace(changed.find("web:1"), 5, "web:2");
  fleet()->Commit("ignore-ours", {{"web.yaml", changed}, {"c.yaml", ConfigMap("c", "red")}});
  fleet()->Wait("ignore-ours");
  EXPECT_EQ(Replicas(one().Get(path)), 1);
}

// Without controllers a claim is pending until somebody says otherwise, and so holds its wave up.
constexpr char kClaim[] = R"(apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim, annotations: {argocd.argoproj.io/sync-wave: "1"}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
)";

constexpr char kLate[] = ", annotations: {argocd.argoproj.io/sync-wave: \"2\"}";

TEST_F(KubernetesOptionsTest, APruneThatIsToBeLastWaitsForTheLastWave) {
  struct Case {
    std::string name;
    std::string option;  // Of the Application.
    std::string asks;    // Of the object.
    bool last;
  };
  for (const Case& one_case :
       {Case{"prune-in-waves", "", "", false}, Case{"prune-last", ", PruneLast=true", "", true},
        Case{"prune-one-last", "",
             ", annotations: {argocd.argoproj.io/sync-options: PruneLast=true}", true}}) {
    const std::string& name = one_case.name;
    SCOPED_TRACE(name);
    const auto gone = [&](const std::string& object) {
      return two().Get(ConfigPath(name, object)).is_null();
    };
    fleet()->Commit(name, {{"old.yaml", ConfigMap("old", "red", one_case.asks)},
                           {"stays.yaml", ConfigMap("stays", "red")}});
    fleet()->AddApplication(
        name, "two",
        absl::StrCat("    syncOptions: [CreateNamespace=true", one_case.option, "]\n"));
    fleet()->Wait(name);
    fleet()->Commit(name, {{"stays.yaml", ConfigMap("stays", "blue")},
                           {"claim.yaml", kClaim},
                           {"late.yaml", ConfigMap("late", "red", kLate)}});
    fleet()->fleet().LeidangUntil({"get", "application", name, "-o", "json"},
                                  "waiting for healthy state of /PersistentVolumeClaim/claim");
    EXPECT_EQ(Colour(two(), name, "stays"), "blue");
    KubernetesFleet::Rest(absl::Seconds(1));
    EXPECT_NE(gone("old"), one_case.last);
    EXPECT_TRUE(gone("late"));
    const agent::ApiResponse bound = two().Request(
        "PATCH", absl::StrCat("/api/v1/namespaces/", name, "/persistentvolumeclaims/claim/status"),
        R"({"status":{"phase":"Bound"}})", "application/merge-patch+json");
    EXPECT_EQ(bound.status, 200) << bound.body;
    fleet()->Wait(name);
    EXPECT_TRUE(gone("old"));
  }
}

TEST_F(KubernetesOptionsTest, WhatMayShareNothingIsNotSyncedUntilTheOtherLetsGo) {
  const std::string shared = ", namespace: share-first";
  fleet()->Commit("share-first", {{"a.yaml", ConfigMap("a", "first", shared)},
                                  {"b.yaml", ConfigMap("b", "first", shared)}});
  fleet()->AddApplication("share-first", "two");
  fleet()->Wait("share-first");
  fleet()->Commit("share-second", {{"a.yaml", ConfigMap("a", "second", shared)},
                                   {"own.yaml", ConfigMap("own", "second", shared)}});
  fleet()->AddApplication("share-second", "two",
                          "    syncOptions: [CreateNamespace=true, FailOnSharedResource=true]\n");
  fleet()->fleet().LeidangUntil({"get", "application", "share-second", "-o", "json"},
                                "FailOnSharedResource=true, and");
  const object::Value failed = fleet()->Show("share-second");
  EXPECT_EQ(object::FindString(failed, {"status", "sync", "status"}), "OutOfSync");
  EXPECT_EQ(object::FindString(failed, {"status", "operationState", "phase"}), "Failed");
  EXPECT_TRUE(two().Get(ConfigPath("share-first", "own")).is_null()) << "all of it waits";
  EXPECT_EQ(Colour(two(), "share-first", "a"), "first");
  fleet()->Commit("share-first", {{"b.yaml", ConfigMap("b", "first", shared)}});
  fleet()->Wait("share-first");
  EXPECT_TRUE(KubernetesFleet::Until([] { return Sync("share-second") == "Synced"; }));
  EXPECT_EQ(Colour(two(), "share-first", "a"), "second");
  EXPECT_EQ(Colour(two(), "share-first", "own"), "second");
  EXPECT_EQ(Colour(two(), "share-first", "b"), "first");
}

TEST_F(KubernetesOptionsTest, ANamespaceIsGivenItsMetadataAlsoWhereItIsThereAlready) {
  const auto metadata = [](const std::string& team) {
    return absl::StrCat(
        "    syncOptions: [CreateNamespace=true]\n"
        "    managedNamespaceMetadata: {labels: {team: ",
        team, "}, annotations: {example.com/owner: us}}\n");
  };
  two().CreateNamespace("meta-there");
  two().Patch("/api/v1/namespaces/meta-there",
              R"({"metadata":{"labels":{"theirs":"x","team":"nobody"}}})");
  for (const std::string name : {"meta-new", "meta-there"}) {
    SCOPED_TRACE(name);
    const auto value = [&](const std::string& part, const std::string& of) {
      return std::string(object::FindString(two().Get(absl::StrCat("/api/v1/namespaces/", name)),
                                            {"metadata", part, of}));
    };
    fleet()->Commit(name, {{"c.yaml", ConfigMap("c", "red")}});
    fleet()->AddApplication(name, "two", metadata("blue"));
    fleet()->Wait(name);
    EXPECT_EQ(value("labels", "team"), "blue");
    EXPECT_EQ(value("annotations", "example.com/owner"), "us");
    fleet()->AddApplication(name, "two", metadata("green"));
    EXPECT_TRUE(KubernetesFleet::Until([&] { return value("labels", "team") == "green"; }));
    EXPECT_EQ(value("labels", "theirs"), name == "meta-there" ? "x" : "");
    fleet()->Wait(name);
  }
}

}  // namespace
}  // namespace leidang::testing
