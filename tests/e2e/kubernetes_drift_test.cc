// What others do to objects in real clusters, and what becomes of it.

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

class KubernetesDriftTest : public KubernetesTestCase {};

constexpr char kDeployment[] = R"(apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {team: shop}
  annotations: {example.com/owner: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1", args: [a, b], resources: {}}]}
)";
constexpr char kSecrets[] = R"(apiVersion: v1
kind: Secret
metadata: {name: data}
data: {key: b25l}
---
apiVersion: v1
kind: Secret
metadata: {name: plain}
stringData: {key: one}
)";
constexpr char kDeploymentPath[] = "/apis/apps/v1/namespaces/drift/deployments/web";

// What is seen by a watch; a look every few seconds would be later.
constexpr absl::Duration kAtOnce = absl::Seconds(2);

std::string SecretPath(const std::string& name) {
  return absl::StrCat("/api/v1/namespaces/drift/secrets/", name);
}

// What is left of an object when what a server adds to it is taken away.
std::string Content(const object::Value& live) {
  if (!live.is_object()) return "";
  object::Value copy = live;
  object::Object& object = copy.get_object();
  object::StableErase(object, "status");
  object::Object& metadata = object["metadata"].get_object();
  for (const char* field :
       {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"}) {
    object::StableErase(metadata, field);
  }
  if (object::Value* annotations = metadata.if_contains("annotations"); annotations != nullptr) {
    object::StableErase(annotations->get_object(), "deployment.kubernetes.io/revision");
  }
  return object::CanonicalJson(copy);
}

TEST_F(KubernetesDriftTest, EveryEditIsUndoneAtOnce) {
  fleet()->Commit("drift", {{"web.yaml", kDeployment},
                            {"secrets.yaml", kSecrets},
                            {"c.yaml", ConfigMap("c", "red", ", labels: {team: shop}")}});
  fleet()->AddApplication("drift", "two");
  // Nothing makes the Deployment available here: it is in sync, and progressing.
  const std::string config = ConfigPath("drift", "c");
  ASSERT_TRUE(KubernetesFleet::Until([&] { return !two().Get(kDeploymentPath).is_null(); }));
  ASSERT_TRUE(KubernetesFleet::Until([&] {
    return object::FindString(fleet()->Show("drift"), {"status", "sync", "status"}) == "Synced";
  }));

  struct Edit {
    std::string what;
    std::string path;
    std::function<void()> make;
  };
  const auto patch = [&](const std::string& path, const std::string& text) {
    return [path, text] { two().Patch(path, text); };
  };
  const std::vector<Edit> edits = {
      {"scalar", config, patch(config, R"({"data":{"colour":"pink"}})")},
      {"removed field", config, patch(config, R"({"data":{"colour":null}})")},
      {"label", config, patch(config, R"({"metadata":{"labels":{"team":"other"}}})")},
      {"removed label", config, patch(config, R"({"metadata":{"labels":{"team":null}}})")},
      {"annotation", kDeploymentPath,
       patch(kDeploymentPath, R"({"metadata":{"annotations":{"example.com/owner":"me"}}})")},
      {"list item", kDeploymentPath,
       patch(
           kDeploymentPath,
           R"({"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.com/web:1","args":["a","c"]}]}}}})")},
      {"image", kDeploymentPath,
       patch(
           kDeploymentPath,
           R"({"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.com/web:2","args":["a","b"]}]}}}})")},
      {"replicas by scale", kDeploymentPath,
       patch(absl::StrCat(kDeploymentPath, "/scale"), R"({"spec":{"replicas":5}})")},
      {"tracking label", config,
       patch(config, R"({"metadata":{"labels":{"leidang.dev/app":null}}})")},
      {"tracking annotation", config,
       patch(config, R"({"metadata":{"annotations":{"leidang.dev/tracking-id":null}}})")},
      {"managedFields cleared and data changed", config,
       patch(config, R"({"metadata":{"managedFields":[{}]},"data":{"colour":"pink"}})")},
      {"secret data", SecretPath("data"), patch(SecretPath("data"), R"({"data":{"key":"dHdv"}})")},
      {"secret stringData", SecretPath("plain"),
       patch(SecretPath("plain"), R"({"stringData":{"key":"two"}})")},
      {"removed object", config, [&] { two().Delete(config); }},
  };
  for (const Edit& edit : edits) {
    SCOPED_TRACE(edit.what);
    const std::string before = Content(two().Get(edit.path));
    edit.make();
    EXPECT_TRUE(
        KubernetesFleet::Until([&] { return Content(two().Get(edit.path)) == before; }, kAtOnce))
        << Content(two().Get(edit.path)) << "\nwas\n"
        << before;
  }
}

TEST_F(KubernetesDriftTest, WhatOthersAddIsNoDrift) {
  fleet()->Commit("added", {{"web.yaml", kDeployment}});
  fleet()->AddApplication("added", "one");
  fleet()->Wait("added");
  const std::string path = "/apis/apps/v1/namespaces/added/deployments/web";
  // We own `resources: {}`; somebody fills it. Somebody adds a label and an annotation.
  one().Apply(path, R"({apiVersion: apps/v1, kind: Deployment, metadata: {name: web,
      labels: {other: tool}, annotations: {other: tool}},
      spec: {template: {spec: {containers: [{name: web,
        resources: {limits: {memory: 64Mi}}}]}}}})",
              "autoscaler");
  // Once the controllers have done with it, nothing is written by anybody.
  object::Value before;
  EXPECT_TRUE(KubernetesFleet::Until([&] {
    before = one().Get(path);
    const object::Value* ending = object::Find(before, {"status", "terminatingReplicas"});
    return (ending == nullptr || object::Equal(*ending, 0)) &&
           object::FindString(before, {"metadata", "labels", "other"}) == "tool" &&
           object::Find(before, {"status", "observedGeneration"}) != nullptr &&
           object::Equal(*object::Find(before, {"status", "observedGeneration"}),
                         *object::Find(before, {"metadata", "generation"})) &&
           object::Find(before, {"status", "updatedReplicas"}) != nullptr &&
           object::Find(before, {"status", "availableReplicas"}) != nullptr &&
           object::Find(before, {"status", "unavailableReplicas"}) == nullptr &&
           object::Equal(*object::Find(before, {"status", "replicas"}),
                         *object::Find(before, {"status", "updatedReplicas"}));
  }));
  fleet()->Commit("added", {{"web.yaml", kDeployment}, {"c.yaml", ConfigMap("c", "red")}});
  fleet()->Wait("added");
  const object::Value web = one().Get(path);
  EXPECT_EQ(object::FindString(web, {"metadata", "resourceVersion"}),
            object::FindString(before, {"metadata", "resourceVersion"}))
      << "it was not written again";
  EXPECT_EQ(object::FindString(web, {"metadata", "labels", "other"}), "tool");
  EXPECT_THAT(object::ToJson(web), ::testing::HasSubstr("64Mi"));
  EXPECT_EQ(object::FindString(fleet()->Show("added"), {"status", "sync", "status"}), "Synced");
}

TEST_F(KubernetesDriftTest, ANamespaceThatIsDeletedUnderTheAgentComesBackWithEverything) {
  fleet()->Commit("vanish", {{"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("vanish", "one");
  fleet()->Wait("vanish");
  const object::Value before = one().Get("/api/v1/namespaces/vanish");
  one().Delete("/api/v1/namespaces/vanish");
  EXPECT_TRUE(KubernetesFleet::Until(
      [&] {
        const object::Value now = one().Get("/api/v1/namespaces/vanish");
        return now.is_object() &&
               object::FindString(now, {"metadata", "uid"}) !=
                   object::FindString(before, {"metadata", "uid"}) &&
               Colour(one(), "vanish", "c") == "red";
      },
      absl::Seconds(60)));
}

TEST_F(KubernetesDriftTest, AServerThatIsAwayIsWaitedForAndCorrectedWhenItIsBack) {
  fleet()->Commit("away", {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "red")}});
  fleet()->AddApplication("away", "two");
  fleet()->Wait("away");
  two().Patch(ConfigPath("away", "a"), R"({"data":{"colour":"pink"}})");
  two().Kill("kube-apiserver");
  fleet()->Commit("away", {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "blue")}});
  two().Start("kube-apiserver");
  EXPECT_TRUE(KubernetesFleet::Until(
      [&] { return Colour(two(), "away", "a") == "red" && Colour(two(), "away", "b") == "blue"; },
      absl::Seconds(60)));
  fleet()->Wait("away");
  two().Patch(ConfigPath("away", "a"), R"({"data":{"colour":"pink"}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return Colour(two(), "away", "a") == "red"; }))
      << "the watch has come back too";
}

}  // namespace
}  // namespace leidang::testing
