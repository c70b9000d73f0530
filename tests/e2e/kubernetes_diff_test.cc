// What people see of an Application on a real cluster: differences and history.

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/kubernetes_test_case.h"

namespace leidang::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class KubernetesDiffTest : public KubernetesTestCase {
 protected:
  static RunningFleet::Answer App(const std::string& what, const std::string& name) {
    return fleet()->fleet().Leidang({"app", what, name});
  }
  // With nothing automatic about it.
  static void AddManual(const std::string& name, const std::string& cluster) {
    fleet()->AddApplication(
        name, cluster, "    syncOptions: [CreateNamespace=true]\n    automated: {enabled: false}\n",
        "  revisionHistoryLimit: 3\n");
  }
};

std::string Secret(const std::string& value) {
  return absl::StrCat(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
      "stringData: {same: first-text, other: ",
      value, "}\n");
}

constexpr char kDeployment[] = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1", resources: {limits: {cpu: 0.01}}}]}
)";

TEST_F(KubernetesDiffTest, DifferencesAreShownAndTheExitCodeSaysWhetherThereAreAny) {
  fleet()->Commit("diff", {{"web.yaml", kDeployment},
                           {"s.yaml", Secret("second-text")},
                           {"gone.yaml", ConfigMap("gone", "red")}});
  AddManual("diff", "two");
  fleet()->fleet().LeidangUntil({"get", "application", "diff", "-o", "json"}, "OutOfSync");
  const auto first = App("diff", "diff");
  EXPECT_EQ(first.code, 1) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("===== apps/Deployment diff/web ======"),
                               HasSubstr("+  replicas: 1"), HasSubstr("===== /Secret diff/s"),
                               Not(HasSubstr("first-text")), Not(HasSubstr("Zmlyc3"))));
  EXPECT_EQ(App("sync", "diff").code, 0);
  const auto none = App("diff", "diff");
  EXPECT_EQ(none.code, 0) << none.out << none.err;
  EXPECT_EQ(none.out, "");

  two().Patch("/apis/apps/v1/namespaces/diff/deployments/web/scale", R"({"spec":{"replicas":4}})");
  fleet()->Commit("diff", {{"web.yaml", kDeployment},
                           {"s.yaml", Secret("third-text")},
                           {"new.yaml", ConfigMap("new", "red")}});
  RunningFleet::Answer second;
  EXPECT_TRUE(KubernetesFleet::Until([&] {
    second = App("diff", "diff");
    return second.out.find("diff/new") != std::string::npos;
  }));
  EXPECT_EQ(second.code, 1) << second.err;
  EXPECT_THAT(second.out,
              AllOf(HasSubstr("-  replicas: 4\n+  replicas: 1\n"), HasSubstr("+  name: new"),
                    HasSubstr("-  name: gone"), HasSubstr("-  other: "), HasSubstr("+  other: "),
                    HasSubstr("   same: "), Not(HasSubstr("dGhpcmQ")), Not(HasSubstr("status:")),
                    Not(HasSubstr("managedFields"))));
  EXPECT_EQ(App("diff", "no-such-application").code, 3);
}

TEST_F(KubernetesDiffTest, WhatTheServerWouldRefuseIsAnErrorThatNamesIt) {
  fleet()->Commit("refused", {{"s.yaml",
                               "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
                               "spec: {ports: [{port: 70000}]}\n"},
                              {"c.yaml", ConfigMap("c", "red")}});
  two().CreateNamespace("refused");
  AddManual("refused", "two");
  fleet()->fleet().LeidangUntil({"get", "application", "refused", "-o", "json"}, "OutOfSync");
  const auto answer = App("diff", "refused");
  EXPECT_GE(answer.code, 2);
  EXPECT_THAT(answer.out, HasSubstr("ConfigMap refused/c"));
  EXPECT_THAT(answer.err, AllOf(HasSubstr("Service refused/s"), HasSubstr("65535")));
}

TEST_F(KubernetesDiffTest, TheHistorySaysWhatWasSyncedWhenByWhomAndHowItEnded) {
  fleet()->Commit("history", {{"c.yaml", ConfigMap("c", "red")}});
  fleet()->AddApplication("history", "one");
  fleet()->Wait("history");
  const object::Value shown_app = fleet()->Show("history");
  const absl::string_view started =
      object::FindString(shown_app, {"status", "operationState", "startedAt"});
  const absl::string_view finished =
      object::FindString(shown_app, {"status", "operationState", "finishedAt"});
  EXPECT_EQ(object::FindString(shown_app, {"status", "operationState", "phase"}), "Succeeded");
  EXPECT_THAT(std::string(started), MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_THAT(std::string(finished), MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_LE(started, finished);
  EXPECT_EQ(object::FindString(shown_app, {"status", "operationState", "syncResult", "revision"}),
            object::FindString(shown_app, {"status", "sync", "revision"}));
  EXPECT_THAT(App("get", "history").out,
              AllOf(HasSubstr(absl::StrCat("Started:            ", started)),
                    HasSubstr(absl::StrCat("Finished:           ", finished))));
  const auto one_sync = App("history", "history");
  EXPECT_EQ(one_sync.code, 0) << one_sync.err;
  EXPECT_THAT(one_sync.out, AllOf(HasSubstr("automated"), HasSubstr("Succeeded")));
  fleet()->Commit("history", {{"c.yaml", ConfigMap("c", "blue")}});
  fleet()->Wait("history");
  EXPECT_EQ(App("sync", "history").code, 0);
  const auto shown = fleet()->fleet().Leidang({"app", "history", "history", "-o", "json"});
  const absl::StatusOr<object::Value> history = object::ParseJson(shown.out);
  ASSERT_TRUE(history.ok()) << shown.out << shown.err;
  const object::Value* items = object::Find(*history, {"items"});
  ASSERT_NE(items, nullptr);
  ASSERT_EQ(items->get_array().size(), 3u) << shown.out;
  const object::Array& syncs = items->get_array();
  EXPECT_EQ(object::FindString(syncs[0], {"by"}), "admin");
  EXPECT_EQ(object::FindString(syncs[1], {"by"}), "automated");
  EXPECT_EQ(object::FindString(syncs[0], {"commit"}), object::FindString(syncs[1], {"commit"}));
  EXPECT_NE(object::FindString(syncs[0], {"commit"}), object::FindString(syncs[2], {"commit"}));
  // Corrections are no syncs.
  one().Patch(ConfigPath("history", "c"), R"({"data":{"colour":"pink"}})");
  EXPECT_TRUE(KubernetesFleet::Until([&] { return Colour(one(), "history", "c") == "blue"; }));
  EXPECT_THAT(fleet()->fleet().Leidang({"app", "history", "history", "-o", "json"}).out,
              Not(HasSubstr("\"id\": 4")));
}

}  // namespace
}  // namespace leidang::testing
