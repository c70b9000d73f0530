// What goes wrong in real clusters, and how it is shown and got over.

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;

class KubernetesTroubleTest : public KubernetesTestCase {};

TEST_F(KubernetesTroubleTest, ATokenThatWasRotatedIsReadAgain) {
  fleet()->Commit("token", {{"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("token", "two");
  fleet()->Wait("token");
  fleet()->SetToken("two", "token-2");
  two().Delete("/api/v1/namespaces/leidang-agent/secrets/token-1");
  // Servers remember for ten seconds that a token was good.
  const std::string token_of_old = "/api/v1/namespaces/leidang-agent/secrets/token-1";
  EXPECT_TRUE(two().Get(token_of_old).is_null());
  for (const std::string colour : {"blue", "green", "pink"}) {
    fleet()->Commit("token", {{"c.yaml", ConfigMap("c", colour)}});
    fleet()->Wait("token");
    EXPECT_EQ(Colour(two(), "token", "c"), colour);
    KubernetesFleet::Rest(absl::Seconds(5));
  }
}

TEST_F(KubernetesTroubleTest, AnAdmissionPolicyThatRefusesIsShownAndTriedAgain) {
  const std::string policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic";
  two().Apply(policies + "ies/no-pink", R"({apiVersion: admissionregistration.k8s.io/v1,
      kind: ValidatingAdmissionPolicy, metadata: {name: no-pink}, spec: {
        matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1],
          operations: [CREATE, UPDATE], resources: [configmaps]}]},
        validations: [{expression: "!('colour' in object.data) || object.data.colour != 'banned'",
                       message: no such colour here}]}})");
  two().Apply(policies + "ybindings/no-pink", R"({apiVersion: admissionregistration.k8s.io/v1,
      kind: ValidatingAdmissionPolicyBinding, metadata: {name: no-pink},
      spec: {policyName: no-pink, validationActions: [Deny]}})");
  ASSERT_TRUE(KubernetesFleet::Until([&] {
    return two()
               .Request("PATCH",
                        "/api/v1/namespaces/default/configmaps/try?fieldManager=t&dryRun=All",
                        "{apiVersion: v1, kind: ConfigMap, metadata: {name: try}, "
                        "data: {colour: banned}}",
                        "application/apply-patch+yaml")
               .status == 422;
  })) << "the policy is in force";
  fleet()->Commit("policy", {{"c.yaml", ConfigMap("c", "banned")}});
  fleet()->AddApplication("policy", "two");
  fleet()->fleet().LeidangUntil({"get", "application", "policy", "-o", "json"},
                                "no such colour here");
  two().Delete(policies + "ybindings/no-pink");
  fleet()->Wait("policy");
  EXPECT_EQ(Colour(two(), "policy", "c"), "banned");
}

TEST_F(KubernetesTroubleTest, AFinalizerThatHangsIsNamed) {
  fleet()->Commit("stuck", {{"a.yaml", ConfigMap("a", "red", ", finalizers: [example.com/hold]")},
                            {"b.yaml", ConfigMap("b", "red")}});
  fleet()->AddApplication("stuck", "two");
  fleet()->Wait("stuck");
  fleet()->Commit("stuck", {{"b.yaml", ConfigMap("b", "blue")}});
  fleet()->fleet().LeidangUntil({"get", "application", "stuck", "-o", "json"},
                                "held by its finalizers [\\\"example.com/hold\\\"]",
                                absl::Seconds(40));
  EXPECT_EQ(Colour(two(), "stuck", "b"), "blue");
  two().Patch(ConfigPath("stuck", "a"), R"({"metadata":{"finalizers":null}})");
  fleet()->Wait("stuck");
  EXPECT_TRUE(two().Get(ConfigPath("stuck", "a")).is_null());
  EXPECT_TRUE(KubernetesFleet::Until([&] {
    return object::ToJson(fleet()->Show("stuck")).find("finalizers") == std::string::npos;
  }));
}

TEST_F(KubernetesTroubleTest, ADeletionGoesByWavesAndLeavesWhatTheLiveObjectKeeps) {
  const std::string wave = ", annotations: {argocd.argoproj.io/sync-wave: \"1\"}";
  fleet()->Commit("ends",
                  {{"w0.yaml", ConfigMap("w0", "red")},
                   {"w1.yaml", ConfigMap("w1", "red", wave + ", finalizers: [example.com/hold]")},
                   {"keep.yaml", ConfigMap("keep", "red")}});
  fleet()->AddApplication("ends", "two");
  fleet()->Wait("ends");
  two().Patch(ConfigPath("ends", "keep"),
              R"({"metadata":{"annotations":{"argocd.argoproj.io/sync-options":"Delete=false"}}})",
              "kubectl-annotate");
  const auto deleted =
      fleet()->fleet().Leidang({"delete", "application", "ends", "--cascade", "foreground"});
  EXPECT_EQ(deleted.code, 0) << deleted.err;
  ASSERT_TRUE(KubernetesFleet::Until([&] {
    return object::Find(two().Get(ConfigPath("ends", "w1")), {"metadata", "deletionTimestamp"}) !=
           nullptr;
  }));
  KubernetesFleet::Rest(absl::Seconds(6));
  EXPECT_EQ(Colour(two(), "ends", "w0"), "red") << "the wave above it is not gone";
  two().Patch(ConfigPath("ends", "w1"), R"({"metadata":{"finalizers":null}})");
  EXPECT_TRUE(
      KubernetesFleet::Until([&] { return two().Get(ConfigPath("ends", "w0")).is_null(); }));
  EXPECT_TRUE(two().Get(ConfigPath("ends", "w1")).is_null());
  EXPECT_EQ(Colour(two(), "ends", "keep"), "red");
}

TEST_F(KubernetesTroubleTest, AWatchWhoseHistoryIsGoneFindsWhatItMissed) {
  std::map<std::string, std::string> files;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    files[absl::StrCat(name, ".yaml")] = ConfigMap(name, "red");
  }
  fleet()->Commit("history", files);
  fleet()->AddApplication("history", "one");
  fleet()->Wait("history");
  const object::Value untouched = one().Get(ConfigPath("history", "e"));
  // What it misses: edits and a deletion in the cluster, changes in Git.
  fleet()->fleet().agent("one").Stop();
  one().Patch(ConfigPath("history", "a"), R"({"data":{"colour":"pink"}})");
  one().Delete(ConfigPath("history", "b"));
  one().Kill("kube-apiserver");
  one().Compact();
  one().Start("kube-apiserver");
  one().Patch(ConfigPath("history", "f"), R"({"metadata":{"annotations":{"others":"x"}}})");
  files["c.yaml"] = ConfigMap("c", "blue");
  files.erase("d.yaml");
  fleet()->Commit("history", files);
  // Servers that begin write ConfigMaps of their own.
  double before = -1;
  ASSERT_TRUE(KubernetesFleet::Until([&] {
    const double last = std::exchange(before, one().Writes("configmaps"));
    KubernetesFleet::Rest(absl::Seconds(1));
    return last == before;
  }));
  fleet()->fleet().agent("one").Continue();
  fleet()->Wait("history");
  ASSERT_TRUE(KubernetesFleet::Until([&] { return Colour(one(), "history", "a") == "red"; }));
  EXPECT_EQ(Colour(one(), "history", "b"), "red");
  EXPECT_EQ(Colour(one(), "history", "c"), "blue");
  EXPECT_TRUE(one().Get(ConfigPath("history", "d")).is_null());
  EXPECT_EQ(one().Get(ConfigPath("history", "e")), untouched);
  EXPECT_EQ(one().Writes("configmaps") - before, 4) << "a, b, c and d";
}

TEST_F(KubernetesTroubleTest, AnAgentThatLosesItsDiskFindsItsInventoryInTheCluster) {
  fleet()->Commit("lost", {{"a.yaml", ConfigMap("a", "red")}, {"b.yaml", ConfigMap("b", "red")}});
  fleet()->AddApplication("lost", "two");
  fleet()->Wait("lost");
  const object::Value before = two().Get(ConfigPath("lost", "a"));
  RunningFleet& programs = fleet()->fleet();
  programs.agent("two").Kill();
  for (const char* file : {"/state.db", "/state.db-wal", "/state.db-shm"}) {
    std::filesystem::remove(programs.AgentDirectory("two") + file);
  }
  fleet()->Commit("lost", {{"a.yaml", ConfigMap("a", "red")}});
  programs.agent("two").Start();
  fleet()->Wait("lost");
  EXPECT_TRUE(two().Get(ConfigPath("lost", "b")).is_null()) << "pruned, as it stood there";
  EXPECT_EQ(two().Get(ConfigPath("lost", "a")), before) << "and nothing else was written";
}

TEST_F(KubernetesTroubleTest, ASyncThatWaitsCanBeTerminated) {
  fleet()->Commit("forever", {{"pre.yaml", R"(apiVersion: batch/v1
kind: Job
metadata: {name: pre, annotations: {argocd.argoproj.io/hook: PreSync}}
spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: j, image: j}]}}}
)"},
                              {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("forever", "one");
  fleet()->fleet().LeidangUntil({"get", "application", "forever", "-o", "json"},
                                "waiting for completion of hook batch/Job/pre");
  const auto ended = fleet()->fleet().Leidang({"app", "terminate", "forever", "--timeout", "20"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("terminate of leidang/forever on one: Succeeded"));
  fleet()->fleet().LeidangUntil({"get", "application", "forever", "-o", "json"},
                                "the sync was terminated");
  EXPECT_TRUE(one().Get(ConfigPath("forever", "c")).is_null());
}

// A kind with two versions, which only a webhook that nobody answers converts while it is broken.
class KubernetesBrokenKindTest : public KubernetesTroubleTest {
 protected:
  static constexpr char kPath[] =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.example.com";

  KubernetesBrokenKindTest() {
    Define("{strategy: None}");
    EXPECT_TRUE(KubernetesFleet::Until(
        [&] { return two().Request("GET", "/apis/example.com/v2/gadgets").status == 200; }));
  }
  void TearDown() override { Define("{strategy: None}"); }

  static void Define(const std::string& conversion) {
    const std::string schema =
        "schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}";
    two().Apply(kPath, absl::StrCat(R"({apiVersion: apiextensions.k8s.io/v1,
        kind: CustomResourceDefinition, metadata: {name: gadgets.example.com}, spec: {
          group: example.com, scope: Namespaced,
          names: {kind: Gadget, plural: gadgets, singular: gadget},
          versions: [{name: v1, served: true, storage: true, )",
                                    schema, "}, {name: v2, served: true, storage: false, ", schema,
                                    "}], conversion: ", conversion, "}}"));
  }
  static void Break() {
    Define(R"({strategy: Webhook, webhook: {conversionReviewVersions: [v1],
               clientConfig: {url: "https://127.0.0.1:9/convert"}}})");
    EXPECT_TRUE(KubernetesFleet::Until(
        [&] { return two().Request("GET", "/apis/example.com/v2/gadgets").status >= 400; }));
  }
  static constexpr char kGadget[] =
      "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: g}\n";
};

TEST_F(KubernetesBrokenKindTest, AnAgentBeginsWithoutAKindThatCannotBeListed) {
  fleet()->Commit("begins", {{"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("begins", "two");
  fleet()->Wait("begins");
  two().Apply("/apis/example.com/v1/namespaces/default/gadgets/foreign",
              "{apiVersion: example.com/v1, kind: Gadget, metadata: {name: foreign}}");
  Break();
  RunningFleet& programs = fleet()->fleet();
  programs.agent("two").Kill();
  programs.agent("two").Start();
  fleet()->Commit("begins", {{"c.yaml", ConfigMap("c", "blue")}});
  fleet()->Wait("begins");
  EXPECT_EQ(Colour(two(), "begins", "c"), "blue");
  EXPECT_THAT(programs.AgentLog("two"), HasSubstr("gadgets.example.com"));
}

TEST_F(KubernetesBrokenKindTest, AKindThatBreaksDisturbsOnlyWhoHasObjectsOfIt) {
  fleet()->Commit("sturdy", {{"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("sturdy", "two");
  fleet()->Wait("sturdy");
  fleet()->Commit("gadget", {{"g.yaml", kGadget}});
  fleet()->AddApplication("gadget", "two");
  fleet()->Wait("gadget");
  Break();
  fleet()->fleet().LeidangUntil({"get", "application", "gadget", "-o", "json"},
                                "cannot watch gadgets.example.com");
  two().Patch(ConfigPath("sturdy", "c"), R"({"data":{"colour":"pink"}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return Colour(two(), "sturdy", "c") == "red"; },
                                     absl::Seconds(5)));
  fleet()->Commit("sturdy", {{"c.yaml", ConfigMap("c", "blue")}});
  fleet()->Wait("sturdy");
  const auto is = [&](const std::string& state) {
    return object::FindString(fleet()->Show("gadget"), {"status", "sync", "status"}) == state;
  };
  EXPECT_TRUE(is("Unknown"));
  Define("{strategy: None}");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return is("Synced"); }, absl::Seconds(60)));
}

}  // namespace
}  // namespace leidang::testing
