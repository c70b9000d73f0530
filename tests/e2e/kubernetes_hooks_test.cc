// Phases, hooks and waves of a sync, on real clusters.

#include <cstdint>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;

class KubernetesHooksTest : public KubernetesTestCase {
 protected:
  static std::string Job(const std::string& name, const std::string& annotations) {
    return absl::StrCat("apiVersion: batch/v1\nkind: Job\nmetadata: {name: ", name,
                        ", annotations: {", annotations,
                        "}}\nspec: {template: {spec: {restartPolicy: Never, containers: "
                        "[{name: j, image: \"example.com/j:1\"}]}}}\n");
  }
  static std::string Wave(int wave) {
    return absl::StrCat(", annotations: {argocd.argoproj.io/sync-wave: \"", wave, "\"}");
  }
  static std::string JobPath(const std::string& ns, const std::string& name) {
    return absl::StrCat("/apis/batch/v1/namespaces/", ns, "/jobs/", name);
  }
  // When it changed last, in the order of all changes of its cluster. Of what nobody changes again.
  static uint64_t Version(const object::Value& object) {
    uint64_t version = 0;
    EXPECT_TRUE(
        absl::SimpleAtoi(object::FindString(object, {"metadata", "resourceVersion"}), &version))
        << object::ToJson(object);
    return version;
  }
  // Times of objects are to the second.
  static absl::Time TimeOf(absl::string_view text) {
    absl::Time time;
    std::string error;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
    return time;
  }
  static absl::Time Created(const object::Value& object) {
    return TimeOf(object::FindString(object, {"metadata", "creationTimestamp"}));
  }
  static absl::Time ConditionSince(const object::Value& object, absl::string_view type) {
    const object::Value* conditions = object::Find(object, {"status", "conditions"});
    if (conditions == nullptr) return absl::InfiniteFuture();
    for (const object::Value& condition : conditions->get_array()) {
      if (object::FindString(condition, {"type"}) == type)
        return TimeOf(object::FindString(condition, {"lastTransitionTime"}));
    }
    return absl::InfiniteFuture();
  }
};

constexpr char kDeployment[] = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {argocd.argoproj.io/sync-wave: "1"}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
)";

TEST_F(KubernetesHooksTest, PhasesAndWavesComeOneAfterTheOther) {
  fleet()->Commit("waves", {{"pre.yaml", Job("pre", "argocd.argoproj.io/hook: PreSync")},
                            {"first.yaml", ConfigMap("first", "red", Wave(-1))},
                            {"web.yaml", kDeployment},
                            {"last.yaml", ConfigMap("last", "red", Wave(2))},
                            {"post.yaml", Job("post", "argocd.argoproj.io/hook: PostSync")}});
  fleet()->AddApplication("waves", "one");
  fleet()->Wait("waves");
  const object::Value pre = one().Get(JobPath("waves", "pre"));
  const object::Value first = one().Get(ConfigPath("waves", "first"));
  const object::Value web = one().Get("/apis/apps/v1/namespaces/waves/deployments/web");
  const object::Value last = one().Get(ConfigPath("waves", "last"));
  ASSERT_TRUE(
      KubernetesFleet::Until([&] { return one().Get(JobPath("waves", "post")).is_object(); }));
  EXPECT_LE(ConditionSince(pre, "Complete"), Created(first));
  EXPECT_LE(Created(first), Created(web));
  EXPECT_EQ(object::Find(web, {"status", "availableReplicas"})->get_int64(), 2);
  EXPECT_LE(ConditionSince(web, "Available"), Created(last))
      << "the next wave waited for the last Pod";
  EXPECT_LT(Version(first), Version(last));
  EXPECT_LE(Created(last), Created(one().Get(JobPath("waves", "post"))));
}

TEST_F(KubernetesHooksTest, HooksRunWithEverySyncAndNotWithCorrections) {
  const std::string pre = Job("pre", "argocd.argoproj.io/hook: PreSync");
  fleet()->Commit("again", {{"pre.yaml", pre}, {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("again", "one");
  fleet()->Wait("again");
  const auto uid = [&] {
    return std::string(object::FindString(one().Get(JobPath("again", "pre")), {"metadata", "uid"}));
  };
  const std::string before = uid();
  one().Patch(ConfigPath("again", "c"), R"({"data":{"colour":"pink"}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return Colour(one(), "again", "c") == "red"; }));
  EXPECT_EQ(uid(), before);
  fleet()->Commit("again", {{"pre.yaml", pre}, {"c.yaml", ConfigMap("c", "blue")}});
  fleet()->Wait("again");
  EXPECT_EQ(Colour(one(), "again", "c"), "blue");
  EXPECT_NE(uid(), before);
}

TEST_F(KubernetesHooksTest, AHookThatSucceededIsRemovedWhenItSaysSo) {
  fleet()->Commit("tidy",
                  {{"pre.yaml", Job("pre",
                                    "argocd.argoproj.io/hook: PreSync, "
                                    "argocd.argoproj.io/hook-delete-policy: HookSucceeded")},
                   {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("tidy", "one");
  fleet()->Wait("tidy");
  EXPECT_EQ(Colour(one(), "tidy", "c"), "red");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return one().Get(JobPath("tidy", "pre")).is_null(); }));
}

TEST_F(KubernetesHooksTest, ATerminatedSyncTakesItsRunningHookAlong) {
  // Without controllers no Job ever completes.
  fleet()->Commit("ended", {{"pre.yaml", Job("pre", "argocd.argoproj.io/hook: PreSync")},
                            {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("ended", "two");
  ASSERT_TRUE(
      KubernetesFleet::Until([&] { return two().Get(JobPath("ended", "pre")).is_object(); }));
  fleet()->fleet().LeidangUntil({"app", "get", "ended"}, "waiting for completion of hook");
  const auto ended = fleet()->fleet().Leidang({"app", "terminate", "ended"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_TRUE(KubernetesFleet::Until([&] { return two().Get(JobPath("ended", "pre")).is_null(); }));
  fleet()->fleet().LeidangUntil({"get", "application", "ended", "-o", "json"},
                                "its running hook batch/Job ended/pre was deleted");
  EXPECT_TRUE(two().Get(ConfigPath("ended", "c")).is_null());
}

TEST_F(KubernetesHooksTest, AHookThatFailsStopsTheSyncAndRunsWhatIsForThat) {
  fleet()->Commit("fails",
                  {{"pre.yaml",
                    "apiVersion: v1\nkind: Service\nmetadata: {name: pre, annotations: "
                    "{argocd.argoproj.io/hook: PreSync}}\nspec: {ports: [{port: 70000}]}\n"},
                   {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("fails", "two");
  const auto shown = fleet()->fleet().LeidangUntil({"get", "application", "fails", "-o", "json"},
                                                   "must be between 1 and 65535");
  EXPECT_THAT(shown.out, HasSubstr("\"Failed\""));
  EXPECT_TRUE(two().Get(ConfigPath("fails", "c")).is_null()) << "found out by the dry run";

  fleet()->Commit("syncfail", {{"web.yaml", kDeployment},
                               {"c.yaml", ConfigMap("c", "red", Wave(2))},
                               {"quota.yaml",
                                "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none, "
                                "annotations: {argocd.argoproj.io/sync-wave: \"-1\"}}\nspec: "
                                "{hard: {count/configmaps: \"1\"}}\n"},
                               {"fail.yaml", Job("cleanup", "argocd.argoproj.io/hook: SyncFail")}});
  fleet()->AddApplication("syncfail", "one");
  EXPECT_TRUE(KubernetesFleet::Until(
      [&] { return one().Get(JobPath("syncfail", "cleanup")).is_object(); }));
  EXPECT_TRUE(one().Get(ConfigPath("syncfail", "c")).is_null());
}

TEST_F(KubernetesHooksTest, AnObjectOfSomebodyElseIsNotTakenForAHook) {
  two().CreateNamespace("nothook");
  two().Apply(ConfigPath("nothook", "pre"),
              "{apiVersion: v1, kind: ConfigMap, metadata: {name: pre}, data: {colour: theirs}}");
  fleet()->Commit(
      "nothook",
      {{"pre.yaml", ConfigMap("pre", "ours", ", annotations: {argocd.argoproj.io/hook: PreSync}")},
       {"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("nothook", "two");
  fleet()->fleet().LeidangUntil({"get", "application", "nothook", "-o", "json"},
                                "is no hook of this Application");
  EXPECT_EQ(Colour(two(), "nothook", "pre"), "theirs");
}

}  // namespace
}  // namespace leidang::testing
