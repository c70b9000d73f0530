// Webhooks of a cluster, and servers that are too busy or away.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"
#include "tests/support/program/program.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;

class KubernetesAdmissionTest : public KubernetesTestCase {
 protected:
  // The program that the API server of `two` calls; started once asked for.
  std::string WebhookUrl(const std::string& path) {
    const std::string port = two().folder() / "webhook.port";
    if (webhook_ == nullptr) {
      std::filesystem::remove(port);  // Of another test's.
      webhook_ = std::make_unique<Program>(
          std::vector<std::string>{"/usr/bin/env", "python3",
                                   std::filesystem::absolute("tests/e2e/servers/webhook").string(),
                                   two().folder() / "server.crt", two().folder() / "server.key",
                                   port},
          two().folder() / "webhook.log");
      webhook_->Start();
      EXPECT_TRUE(KubernetesFleet::Until([&] { return std::filesystem::exists(port); }));
    }
    return absl::StrCat("https://127.0.0.1:", ReadFile(port), path);
  }
  // Registers a webhook (`kind`: "Validating" or "Mutating") for ConfigMaps of one namespace.
  void Register(const std::string& kind, const std::string& path, const std::string& ns) {
    const std::string resource =
        kind == "Validating" ? "validatingwebhookconfigurations" : "mutatingwebhookconfigurations";
    const std::string name = absl::StrCat("hook-", ns);
    two().Apply(
        absl::StrCat("/apis/admissionregistration.k8s.io/v1/", resource, "/", name),
        absl::StrCat("{apiVersion: admissionregistration.k8s.io/v1, kind: ", kind,
                     "WebhookConfiguration, metadata: {name: ", name,
                     "}, webhooks: [{name: hook.example.com, sideEffects: None, "
                     "admissionReviewVersions: [v1], namespaceSelector: {matchLabels: "
                     "{kubernetes.io/metadata.name: ",
                     ns,
                     "}}, rules: [{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE, "
                     "UPDATE], resources: [configmaps]}], clientConfig: {url: \"",
                     WebhookUrl(path), "\", caBundle: ",
                     absl::Base64Escape(ReadFile(two().folder() / "ca.crt")), "}}]}"));
    path_ = absl::StrCat("/apis/admissionregistration.k8s.io/v1/", resource, "/", name);
  }
  // Until what is registered is in force: asked with a dry run that `holds` judges.
  static void InForce(const std::string& ns, const std::string& colour,
                      const std::function<bool(const agent::ApiResponse&)>& holds) {
    EXPECT_TRUE(KubernetesFleet::Until([&] {
      return holds(two().Request(
          "PATCH", absl::StrCat(ConfigPath(ns, "try"), "?fieldManager=t&dryRun=All"),
          absl::StrCat("{apiVersion: v1, kind: ConfigMap, metadata: {name: try, annotations: {a: "
                       "b}}, data: {colour: ",
                       colour, "}}"),
          "application/apply-patch+yaml"));
    })) << "the webhook is in force";
  }
  void Unregister() { two().Delete(path_); }

 private:
  std::unique_ptr<Program> webhook_;
  std::string path_;
};

TEST_F(KubernetesAdmissionTest, AWebhookThatRefusesIsShownWithItsWordsAndTriedAgain) {
  two().CreateNamespace("refusing");
  Register("Validating", "/refuse", "refusing");
  InForce("refusing", "forbidden", [](const auto& answer) { return answer.status == 403; });
  fleet()->Commit("refusing",
                  {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "forbidden")}});
  fleet()->AddApplication("refusing", "two");
  fleet()->fleet().LeidangUntil({"get", "application", "refusing", "-o", "json"},
                                "this colour is forbidden here");
  fleet()->Commit("refusing",
                  {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "blue")}});
  fleet()->Wait("refusing");
  EXPECT_EQ(Colour(two(), "refusing", "b"), "blue");
  Unregister();
}

TEST_F(KubernetesAdmissionTest, WhatAWebhookAddsIsNoDrift) {
  two().CreateNamespace("adding");
  Register("Mutating", "/add", "adding");
  InForce("adding", "red", [](const agent::ApiResponse& answer) {
    return answer.status < 300 && answer.body.find("by the webhook") != std::string::npos;
  });
  fleet()->Commit("adding", {{"a.yaml", ConfigMap("a", "red")}});
  fleet()->AddApplication("adding", "two");
  fleet()->Wait("adding");
  const object::Value before = two().Get(ConfigPath("adding", "a"));
  EXPECT_EQ(object::FindString(before, {"data", "added"}), "by the webhook");
  // Another commit makes the agent look at everything again.
  fleet()->Commit("adding", {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "red")}});
  fleet()->Wait("adding");
  EXPECT_EQ(two().Get(ConfigPath("adding", "a")), before) << "not written again";
  two().Patch(ConfigPath("adding", "a"), R"({"data":{"colour":"pink"}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return Colour(two(), "adding", "a") == "red"; }));
  Unregister();
}

// The server's own fairness refuses most of what the agent asks for, as it has one seat for it.
TEST_F(KubernetesAdmissionTest, AServerThatIsTooBusyIsAskedLessAndInTheEndAllIsApplied) {
  const std::string level =
      "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/leidang-narrow";
  const std::string schema = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/leidang-narrow";
  const auto allow = [&](int seats) {
    two().Apply(level,
                absl::StrCat("{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: "
                             "PriorityLevelConfiguration, metadata: {name: leidang-narrow}, spec: "
                             "{type: Limited, limited: {nominalConcurrencyShares: ",
                             seats,
                             ", lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: "
                             "{type: Reject}}}}"));
  };
  std::map<std::string, std::string> files;
  for (int i = 0; i < 60; ++i) {
    files[absl::StrCat(i, ".yaml")] = ConfigMap(absl::StrCat("c", i), "red");
  }
  fleet()->Commit("busy", files);
  allow(0);
  two().Apply(schema, R"({apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: FlowSchema,
      metadata: {name: leidang-narrow}, spec: {matchingPrecedence: 2,
        priorityLevelConfiguration: {name: leidang-narrow}, rules: [{
          subjects: [{kind: ServiceAccount,
            serviceAccount: {name: leidang-agent, namespace: leidang-agent}}],
          resourceRules: [{verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"],
            clusterScope: true}]}]}})");
  const auto refused = [&] {
    return two().Metric("apiserver_flowcontrol_rejected_requests_total",
                        {"flow_schema=\"leidang-narrow\""});
  };
  fleet()->AddApplication("busy", "two");
  ASSERT_TRUE(KubernetesFleet::Until([&] { return refused() > 0; }));
  const double begin = refused();
  KubernetesFleet::Rest(absl::Seconds(10));
  EXPECT_LT(refused() - begin, 60) << "no more than a few a second";
  allow(1);
  fleet()->Wait("busy");
  EXPECT_EQ(Colour(two(), "busy", "c59"), "red");
  two().Delete(schema);
  two().Delete(level);
}

TEST_F(KubernetesAdmissionTest, AServerThatSaysNothingForAMinuteIsReportedAndNothingIsRewritten) {
  fleet()->Commit("silent", {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "red")}});
  fleet()->AddApplication("silent", "one");
  fleet()->Wait("silent");
  const object::Value before = one().Get(ConfigPath("silent", "a"));
  one().Pause("kube-apiserver");
  fleet()->Commit("silent",
                  {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "blue")}});
  fleet()->fleet().LeidangUntil({"get", "application", "silent", "-o", "json"}, "no answer from",
                                absl::Seconds(90));
  one().Continue("kube-apiserver");
  fleet()->Wait("silent");
  EXPECT_EQ(Colour(one(), "silent", "b"), "blue");
  EXPECT_EQ(one().Get(ConfigPath("silent", "a")), before) << "not written again";
  one().Patch(ConfigPath("silent", "a"), R"({"data":{"colour":"pink"}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return Colour(one(), "silent", "a") == "red"; }))
      << "the watch has come back too";
}

TEST_F(KubernetesAdmissionTest, AServerThatIsDownForAMinuteIsReportedAndNothingIsRewritten) {
  fleet()->Commit("down", {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "red")}});
  fleet()->AddApplication("down", "two");
  fleet()->Wait("down");
  const object::Value before = two().Get(ConfigPath("down", "a"));
  two().Kill("kube-apiserver");
  fleet()->Commit("down", {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "blue")}});
  fleet()->fleet().LeidangUntil({"get", "application", "down", "-o", "json"}, "ClusterUnreachable");
  KubernetesFleet::Rest(absl::Seconds(60));
  two().Start("kube-apiserver");
  const double writes = two().Writes("configmaps");
  fleet()->Wait("down");
  EXPECT_EQ(Colour(two(), "down", "b"), "blue");
  EXPECT_EQ(two().Get(ConfigPath("down", "a")), before) << "not written again";
  EXPECT_LE(two().Writes("configmaps"), writes + 1) << "the one that was committed, and no other";
}

TEST_F(KubernetesAdmissionTest, WhoKeepsChangingAnObjectIsNamed) {
  fleet()->Commit("rival", {{"a.yaml", ConfigMap("a", "red")}});
  fleet()->AddApplication("rival", "two");
  fleet()->Wait("rival");
  std::string shown;
  EXPECT_TRUE(KubernetesFleet::Until([&] {
    if (Colour(two(), "rival", "a") == "red") {
      two().Patch(ConfigPath("rival", "a"), R"({"data":{"colour":"pink"}})", "colour-operator");
    }
    shown = object::ToJson(fleet()->Show("rival"));
    return shown.find("keeps changing") != std::string::npos;
  }));
  EXPECT_THAT(shown, HasSubstr("colour-operator"));
}

}  // namespace
}  // namespace leidang::testing
