// The ways in which objects are written, confirmed, adopted and ended, on real clusters.

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kManual[] =
    "    syncOptions: [CreateNamespace=true]\n    automated: {enabled: false}\n";

class KubernetesWaysTest : public KubernetesTestCase {
 protected:
  static std::string Hook(const std::string& name, const std::string& annotations,
                          const std::string& spec = "") {
    return absl::StrCat("apiVersion: batch/v1\nkind: Job\nmetadata: {name: ", name,
                        ", annotations: {", annotations, "}}\nspec: {", spec,
                        "template: {spec: {restartPolicy: Never, containers: "
                        "[{name: j, image: \"example.com/j:1\"}]}}}\n");
  }
  static std::string JobPath(const std::string& ns, const std::string& name) {
    return absl::StrCat("/apis/batch/v1/namespaces/", ns, "/jobs/", name);
  }
  static bool Gone(KubernetesCluster& cluster, const std::string& path) {
    return cluster.Get(path).is_null();
  }
  static RunningFleet::Answer ShownUntil(const std::string& name, const std::string& text) {
    return fleet()->fleet().LeidangUntil({"get", "application", name, "-o", "json"}, text);
  }
};

TEST_F(KubernetesWaysTest, AReplacementLeavesNothingOfWhatOthersHaveSet) {
  fleet()->Commit("replace", {{"a.yaml", ConfigMap("a", "red")}});
  fleet()->AddApplication("replace", "two",
                          "    syncOptions: [CreateNamespace=true, Replace=true]\n");
  fleet()->Wait("replace");
  two().Patch(ConfigPath("replace", "a"), R"({"data":{"colour":"pink","more":"x"}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return Colour(two(), "replace", "a") == "red"; }));
  EXPECT_EQ(object::Find(two().Get(ConfigPath("replace", "a")), {"data", "more"}), nullptr);
  fleet()->Commit("replace", {{"a.yaml", ConfigMap("a", "blue")}});
  fleet()->Wait("replace");
  EXPECT_EQ(Colour(two(), "replace", "a"), "blue");
}

TEST_F(KubernetesWaysTest, WhatAsksForConfirmationIsPrunedOnceTheApplicationIsAnnotated) {
  const std::string asks = ", annotations: {argocd.argoproj.io/sync-options: Prune=confirm}";
  fleet()->Commit("confirm",
                  {{"a.yaml", ConfigMap("a", "red", asks)}, {"b.yaml", ConfigMap("b", "red")}});
  fleet()->AddApplication("confirm", "two");
  fleet()->Wait("confirm");
  fleet()->Commit("confirm", {{"b.yaml", ConfigMap("b", "blue")}});
  ShownUntil("confirm", "Prune=confirm");
  EXPECT_EQ(Colour(two(), "confirm", "b"), "blue") << "nothing else waits";
  EXPECT_EQ(Colour(two(), "confirm", "a"), "red");
  fleet()->Annotate("confirm", "argocd.argoproj.io/deletion-approved",
                    absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()));
  fleet()->Wait("confirm");
  EXPECT_TRUE(Gone(two(), ConfigPath("confirm", "a")));
}

TEST_F(KubernetesWaysTest, HooksOfTheEndRunBeforeTheFirstDeletionAndAfterTheLast) {
  fleet()->Commit(
      "ending",
      {{"a.yaml", ConfigMap("a", "red")},
       {"before.yaml", Hook("before", "argocd.argoproj.io/hook: PreDelete", "suspend: true, ")},
       {"after.yaml", Hook("after", "argocd.argoproj.io/hook: PostDelete", "suspend: true, ")}});
  fleet()->AddApplication("ending", "one");
  fleet()->Wait("ending");
  EXPECT_TRUE(Gone(one(), JobPath("ending", "before"))) << "it is no hook of a sync";
  const std::string run = R"({"spec":{"suspend":false}})";
  EXPECT_EQ(
      fleet()->fleet().Leidang({"delete", "application", "ending", "--cascade", "foreground"}).code,
      0);
  ASSERT_TRUE(KubernetesFleet::Until([&] { return !Gone(one(), JobPath("ending", "before")); }));
  KubernetesFleet::Rest(absl::Seconds(1));
  EXPECT_EQ(Colour(one(), "ending", "a"), "red");
  one().Patch(JobPath("ending", "before"), run);
  ASSERT_TRUE(KubernetesFleet::Until([&] { return !Gone(one(), JobPath("ending", "after")); }));
  EXPECT_TRUE(Gone(one(), ConfigPath("ending", "a")));
  one().Patch(JobPath("ending", "after"), run);
  EXPECT_TRUE(KubernetesFleet::Until([&] {
    return Gone(one(), JobPath("ending", "after")) && Gone(one(), JobPath("ending", "before"));
  }));
}

TEST_F(KubernetesWaysTest, APartialSyncWritesWhatItNamesOnly) {
  fleet()->Commit("part", {{"a.yaml", ConfigMap("a", "red")},
                           {"b.yaml", ConfigMap("b", "red")},
                           {"hook.yaml", ConfigMap("hook", "x",
                                                   ", annotations: "
                                                   "{argocd.argoproj.io/hook: PreSync}")}});
  fleet()->AddApplication("part", "two", kManual);
  ShownUntil("part", "OutOfSync");
  const RunningFleet::Answer one_object =
      fleet()->fleet().Leidang({"app", "sync", "part", "--resource", ":ConfigMap:part/b"});
  EXPECT_EQ(one_object.code, 0) << one_object.err;
  EXPECT_EQ(Colour(two(), "part", "b"), "red");
  EXPECT_TRUE(Gone(two(), ConfigPath("part", "a")));
  EXPECT_TRUE(Gone(two(), ConfigPath("part", "hook")));
  const RunningFleet::Answer wrong =
      fleet()->fleet().Leidang({"app", "sync", "part", "--resource", "everything"});
  EXPECT_NE(wrong.code, 0);
  EXPECT_THAT(wrong.out + wrong.err, HasSubstr("\"everything\" names no objects"));
  EXPECT_EQ(fleet()->fleet().Leidang({"app", "sync", "part"}).code, 0);
  fleet()->Wait("part");
}

TEST_F(KubernetesWaysTest, AHookThatHasCompletedIsNotRunAgainAfterARestartOfTheAgent) {
  fleet()->Commit(
      "resumed",
      {{"first.yaml",
        Hook("first", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/sync-wave: \"-1\"")},
       {"second.yaml", Hook("second", "argocd.argoproj.io/hook: PreSync", "suspend: true, ")},
       {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("resumed", "one");
  ShownUntil("resumed", "waiting for completion of hook batch/Job/second");
  const object::Value first = one().Get(JobPath("resumed", "first"));
  const object::Value second = one().Get(JobPath("resumed", "second"));
  fleet()->fleet().agent("one").Kill();
  fleet()->fleet().agent("one").Start();
  one().Patch(JobPath("resumed", "second"), R"({"spec":{"suspend":false}})");
  fleet()->Wait("resumed");
  EXPECT_EQ(Colour(one(), "resumed", "c"), "red");
  const auto uid = [](const object::Value& job) {
    return std::string(object::FindString(job, {"metadata", "uid"}));
  };
  EXPECT_EQ(uid(one().Get(JobPath("resumed", "first"))), uid(first));
  EXPECT_EQ(uid(one().Get(JobPath("resumed", "second"))), uid(second));
}

TEST_F(KubernetesWaysTest, WhatOtherToolsAppliedIsAdoptedWithTheirFieldsAndWhatWasSetByHandStays) {
  two().CreateNamespace("adopt");
  const agent::ApiResponse made = two().Request(
      "POST", "/api/v1/namespaces/adopt/configmaps?fieldManager=kubectl-client-side-apply",
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{
          "kubectl.kubernetes.io/last-applied-configuration":"{}"}},
          "data":{"colour":"theirs","gone":"x"}})",
      "application/json");
  EXPECT_EQ(made.status, 201) << made.body;
  two().Apply(ConfigPath("adopt", "b"),
              R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b","annotations":{
                  "argocd.argoproj.io/tracking-id":"old:/ConfigMap:adopt/b"}},
                  "data":{"colour":"theirs","gone":"x"}})",
              "argocd-controller");
  two().Patch(ConfigPath("adopt", "b"), R"({"data":{"by-hand":"y"}})");
  const std::string adopt = ", annotations: {leidang.dev/adopt: \"true\"}";
  fleet()->Commit("adopt", {{"a.yaml", ConfigMap("a", "ours", adopt)},
                            {"b.yaml", ConfigMap("b", "ours", adopt)}});
  fleet()->AddApplication("adopt", "two");
  fleet()->Wait("adopt");
  for (const char* name : {"a", "b"}) {
    const object::Value taken = two().Get(ConfigPath("adopt", name));
    EXPECT_EQ(object::FindString(taken, {"data", "colour"}), "ours");
    EXPECT_EQ(object::Find(taken, {"data", "gone"}), nullptr) << name;
    const std::string managers =
        object::ToJson(*object::Find(taken, {"metadata", "managedFields"}));
    EXPECT_THAT(managers, HasSubstr(R"("manager":"leidang")"));
    EXPECT_THAT(managers, Not(HasSubstr("argocd-controller")));
    EXPECT_THAT(managers, Not(HasSubstr("client-side-apply")));
  }
  const object::Value b = two().Get(ConfigPath("adopt", "b"));
  EXPECT_EQ(object::FindString(b, {"data", "by-hand"}), "y");
  EXPECT_EQ(object::Find(b, {"metadata", "annotations", "argocd.argoproj.io/tracking-id"}),
            nullptr);
}

TEST_F(KubernetesWaysTest, WhatFluxAndHelmLeftBehindIsTakenOverOnceTheApplicationSaysSo) {
  two().CreateNamespace("left");
  two().Apply(ConfigPath("left", "flux"),
              R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"flux","labels":{
                  "kustomize.toolkit.fluxcd.io/name":"old",
                  "kustomize.toolkit.fluxcd.io/namespace":"flux-system"}},
                  "data":{"colour":"theirs","gone":"x"}})",
              "kustomize-controller");
  const agent::ApiResponse made =
      two().Request("POST", "/api/v1/namespaces/left/configmaps?fieldManager=helm",
                    R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"helm","labels":{
                        "app.kubernetes.io/managed-by":"Helm"},"annotations":{
                        "meta.helm.sh/release-name":"old","meta.helm.sh/release-namespace":"left"}},
                        "data":{"colour":"theirs","gone":"x"}})",
                    "application/json");
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string flux = object::ToJson(two().Get(ConfigPath("left", "flux")));
  const std::string helm = object::ToJson(two().Get(ConfigPath("left", "helm")));
  fleet()->Commit("left", {{"flux.yaml", ConfigMap("flux", "ours")},
                           {"helm.yaml", ConfigMap("helm", "ours")},
                           {"new.yaml", ConfigMap("new", "ours")}});
  fleet()->AddApplication("left", "two");
  const RunningFleet::Answer warned =
      ShownUntil("left", "ConfigMap left/helm is there already and nobody's");
  EXPECT_THAT(warned.out, HasSubstr("ConfigMap left/flux is there already and nobody's"));
  EXPECT_THAT(warned.out, HasSubstr("SharedResourceWarning"));
  EXPECT_TRUE(KubernetesFleet::Until([] { return Colour(two(), "left", "new") == "ours"; }))
      << "the rest is applied";
  EXPECT_EQ(object::ToJson(two().Get(ConfigPath("left", "flux"))), flux);
  EXPECT_EQ(object::ToJson(two().Get(ConfigPath("left", "helm"))), helm);

  fleet()->Annotate("left", "leidang.dev/adopt", "true");
  fleet()->Wait("left");
  for (const char* name : {"flux", "helm"}) {
    const object::Value taken = two().Get(ConfigPath("left", name));
    const std::string shown = object::ToJson(taken);
    EXPECT_EQ(object::FindString(taken, {"data", "colour"}), "ours");
    EXPECT_EQ(object::Find(taken, {"data", "gone"}), nullptr) << shown;
    for (const char* theirs : {"fluxcd.io", "meta.helm.sh", R"("manager":"helm")",
                               R"("manager":"kustomize-controller")", R"("Helm")"}) {
      EXPECT_THAT(shown, Not(HasSubstr(theirs)));
    }
  }
  fleet()->Commit("left", {{"new.yaml", ConfigMap("new", "ours")}});
  fleet()->Wait("left");
  EXPECT_TRUE(Gone(two(), ConfigPath("left", "flux"))) << "they are in the inventory";
  EXPECT_TRUE(Gone(two(), ConfigPath("left", "helm")));
}

}  // namespace
}  // namespace leidang::testing
