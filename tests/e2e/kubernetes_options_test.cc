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

}  // namespace
}  // namespace leidang::testing
