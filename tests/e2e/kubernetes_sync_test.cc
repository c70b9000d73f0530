// The agent on real Kubernetes clusters, as users have it: hub, agents and command line.

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class KubernetesSyncTest : public KubernetesTestCase {};

constexpr char kDeployment[] = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
)";

TEST_F(KubernetesSyncTest, ADeploymentIsHealthyOnceItIsAvailable) {
  fleet()->Commit("deploy", {{"web.yaml", kDeployment}, {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("deploy", "one");
  fleet()->Wait("deploy");
  const object::Value web = fleet()->one().Get("/apis/apps/v1/namespaces/deploy/deployments/web");
  EXPECT_EQ(object::Find(web, {"status", "availableReplicas"})->get_int64(), 2);
  EXPECT_EQ(Colour(one(), "deploy", "c"), "red");
  EXPECT_EQ(fleet()->fleet().Leidang({"app", "wait", "deploy", "--timeout", "20"}).code, 0);
}

TEST_F(KubernetesSyncTest, ADefinitionAndItsInstanceComeInOneApplication) {
  fleet()->Commit("widgets", {{"crd.yaml", R"(apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
)"},
                              {"widget.yaml", R"(apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec: {size: 3}
)"}});
  fleet()->AddApplication("widgets", "two");
  fleet()->Wait("widgets");
  const std::string path = "/apis/example.com/v1/namespaces/widgets/widgets/w";
  EXPECT_EQ(object::Find(two().Get(path), {"spec", "size"})->get_int64(), 3);
  two().Patch(path, R"({"spec":{"size":4}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] {
    return object::Find(two().Get(path), {"spec", "size"})->get_int64() == 3;
  })) << "drift of a custom object";
}

TEST_F(KubernetesSyncTest, AKustomizeOverlayIsRenderedInTheCluster) {
  fleet()->Commit("overlay", {{"kustomization.yaml", "namePrefix: live-\nresources: [c.yaml]\n"},
                              {"c.yaml", ConfigMap("c", "green")}});
  fleet()->AddApplication("overlay", "two");
  fleet()->Wait("overlay");
  EXPECT_EQ(Colour(two(), "overlay", "live-c"), "green");
}

TEST_F(KubernetesSyncTest, WhatLeavesGitIsPrunedAndNothingElse) {
  fleet()->Commit("prune", {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "red")}});
  fleet()->AddApplication("prune", "two");
  fleet()->Wait("prune");
  two().Apply(ConfigPath("prune", "theirs"),
              "{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs}}");
  fleet()->Commit("prune", {{"a.yaml", ConfigMap("a", "blue")}});
  fleet()->Wait("prune");
  EXPECT_EQ(Colour(two(), "prune", "a"), "blue");
  EXPECT_TRUE(two().Get(ConfigPath("prune", "b")).is_null());
  EXPECT_FALSE(two().Get(ConfigPath("prune", "theirs")).is_null());
}

TEST_F(KubernetesSyncTest, PruningMuchWaitsForApproval) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 12; ++i) {
    const std::string name = absl::StrCat("c", i);
    files[name + ".yaml"] = ConfigMap(name, "red");
  }
  fleet()->Commit("brake", files);
  fleet()->AddApplication("brake", "two");
  fleet()->Wait("brake");
  fleet()->Commit("brake", {{"c0.yaml", ConfigMap("c0", "blue")}});
  const auto held =
      fleet()->fleet().LeidangUntil({"get", "application", "brake", "-o", "json"}, "DeletionsHeld");
  EXPECT_EQ(Colour(two(), "brake", "c0"), "blue") << "changes do not wait";
  EXPECT_EQ(Colour(two(), "brake", "c11"), "red");

  const size_t at = held.out.find("approval of list ") + 17;
  const auto approved = fleet()->fleet().Leidang(
      {"app", "sync", "brake", "--approve-deletions", held.out.substr(at, 64)});
  EXPECT_EQ(approved.code, 0) << approved.err;
  fleet()->Wait("brake");
  EXPECT_TRUE(two().Get(ConfigPath("brake", "c11")).is_null());
}

TEST_F(KubernetesSyncTest, AnObjectOfSomebodyElseIsAConflictAndStaysAsItIs) {
  two().CreateNamespace("shared");
  two().Apply(ConfigPath("shared", "a"),
              "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {colour: theirs}}");
  fleet()->Commit("shared",
                  {{"a.yaml", ConfigMap("a", "ours")}, {"b.yaml", ConfigMap("b", "ours")}});
  fleet()->AddApplication("shared", "two");
  fleet()->fleet().LeidangUntil({"get", "application", "shared", "-o", "json"},
                                "ConfigMap shared/a is there already and nobody's");
  EXPECT_EQ(Colour(two(), "shared", "a"), "theirs");
  fleet()->Commit(
      "shared", {{"a.yaml", ConfigMap("a", "ours", ", annotations: {leidang.dev/adopt: \"true\"}")},
                 {"b.yaml", ConfigMap("b", "ours")}});
  fleet()->Wait("shared");
  EXPECT_EQ(Colour(two(), "shared", "a"), "ours");
}

TEST_F(KubernetesSyncTest, AnApplicationThatIsDeletedTakesItsObjectsWithIt) {
  fleet()->Commit("going",
                  {{"a.yaml", ConfigMap("a", "red")},
                   {"b.yaml", ConfigMap("b", "red")},
                   {"hook.yaml",
                    ConfigMap("hook", "x", ", annotations: {argocd.argoproj.io/hook: PostSync}")}});
  fleet()->AddApplication("going", "two");
  fleet()->Wait("going");
  EXPECT_EQ(Colour(two(), "going", "hook"), "x");
  EXPECT_EQ(
      fleet()->fleet().Leidang({"delete", "application", "going", "--cascade", "foreground"}).code,
      0);
  EXPECT_TRUE(KubernetesFleet::Until([&] {
    return two().Get(ConfigPath("going", "a")).is_null() &&
           two().Get(ConfigPath("going", "b")).is_null() &&
           two().Get(ConfigPath("going", "hook")).is_null();
  }));
}

TEST_F(KubernetesSyncTest, EachObjectIsShownWithItsStateAndEachHookWithItsEnd) {
  fleet()->Commit(
      "listed",
      {{"a.yaml", ConfigMap("a", "red")},
       {"claim.yaml",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p}\n"
        "spec: {accessModes: [ReadWriteOnce], storageClassName: none,\n"
        "  resources: {requests: {storage: 1Gi}}}\n"},
       {"hook.yaml", ConfigMap("hook", "x", ", annotations: {argocd.argoproj.io/hook: PreSync}")}});
  fleet()->AddApplication("listed", "two");
  fleet()->fleet().LeidangUntil({"get", "application", "listed", "-o", "json"}, "\"hookType\"");
  fleet()->fleet().LeidangUntil({"app", "get", "listed"}, "Progressing");
  const std::string shown = fleet()->fleet().Leidang({"app", "get", "listed"}).out;
  EXPECT_THAT(shown, ContainsRegex("ConfigMap +listed +a +Synced"));
  EXPECT_THAT(shown, ContainsRegex("PersistentVolumeClaim +listed +p +Synced +Progressing"));
  EXPECT_THAT(shown, ContainsRegex("ConfigMap +listed +hook +Succeeded +PreSync"));
  const auto waited = fleet()->fleet().Leidang({"app", "wait", "listed", "--timeout", "1"});
  EXPECT_EQ(waited.code, 5);
  EXPECT_THAT(waited.err, ContainsRegex("PersistentVolumeClaim .*p is Progressing"));
}

TEST_F(KubernetesSyncTest, WhatTheServerRefusesIsShownWithItsWords) {
  fleet()->Commit("refused", {{"s.yaml", R"(apiVersion: v1
kind: Service
metadata: {name: s}
spec: {ports: [{port: 70000}]}
)"},
                              {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("refused", "two");
  const auto answer = fleet()->fleet().LeidangUntil({"get", "application", "refused", "-o", "json"},
                                                    "must be between 1 and 65535");
  EXPECT_THAT(answer.out, HasSubstr("SyncError"));
}

}  // namespace
}  // namespace leidang::testing
