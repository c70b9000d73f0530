// The command line as a script uses it: exit codes, what is on which stream, names in every form.

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "tests/support/git/git_repository.h"
#include "tests/support/program/running_fleet.h"
#include "tests/support/status_matchers.h"

namespace leidang::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSet[] = R"(apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: shop
  namespace: NAMESPACE
spec:
  generators:
    - git:
        repoURL: REPO
        revision: HEAD
        directories: [{path: 'apps/*'}]
  template:
    metadata:
      name: 'PREFIX{{path.basename}}'
      labels: {team: shop}
    spec:
      project: default
      source: {repoURL: REPO, targetRevision: HEAD, path: '{{path}}'}
      destination: {name: one, namespace: '{{path.basename}}'}
)";

std::string ConfigMap(const std::string& name) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ", name, "}\n");
}

class CliTest : public ::testing::Test {
 protected:
  CliTest() : git_(folder_.path()) {
    git_.Commit(
        "main",
        {{"apps/cart/c.yaml", {ConfigMap("cart")}}, {"apps/pay/p.yaml", {ConfigMap("pay")}}},
        "apps");
    fleet_.AddCluster("one", "env=dev");
  }

  std::string SetFile(const std::string& ns, const std::string& prefix = "") {
    return fleet_.Write(absl::StrCat(ns, prefix, ".yaml"),
                        absl::StrReplaceAll(kSet, {{"REPO", absl::StrCat("file://", git_.path())},
                                                   {"NAMESPACE", ns},
                                                   {"PREFIX", prefix}}));
  }

  TempDir folder_;
  GitRepository git_;
  RunningFleet fleet_;
};

TEST_F(CliTest, NamesAreFoundInEveryFormThatIsPrinted) {
  EXPECT_EQ(fleet_.Leidang({"apply", "-f", SetFile("argocd")}).code, 0);
  fleet_.LeidangUntil({"get", "applications", "-o", "name"}, "application/argocd/pay");
  for (const char* name : {"cart", "argocd/cart"}) {
    EXPECT_THAT(fleet_.Leidang({"get", "app", name, "-o", "yaml"}).out, HasSubstr("name: cart"));
  }
  EXPECT_THAT(fleet_.Leidang({"describe", "application/argocd/cart"}).out,
              HasSubstr("Namespace:          argocd"));
  EXPECT_EQ(fleet_.Leidang({"refresh", "shop"}).code, 0);

  const auto unknown = fleet_.Leidang({"get", "app", "nothing"});
  EXPECT_EQ(unknown.code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("there is no Application nothing"));
  const auto elsewhere = fleet_.Leidang({"delete", "applicationset", "shop"});
  EXPECT_EQ(elsewhere.code, 3) << "what is deleted is not searched for";
  EXPECT_THAT(elsewhere.err, HasSubstr("but argocd/shop"));

  EXPECT_EQ(fleet_.Leidang({"apply", "-f", SetFile("team")}).code, 0);
  fleet_.LeidangUntil({"get", "applications", "-o", "name"}, "application/team/cart");
  const auto several = fleet_.Leidang({"get", "app", "cart"});
  EXPECT_EQ(several.code, 1);
  EXPECT_THAT(several.err, HasSubstr("argocd/cart, team/cart"));
}

TEST_F(CliTest, ListsAreFilteredByWhereAndHowApplicationsAreAndCounted) {
  EXPECT_EQ(fleet_.Leidang({"apply", "-f", SetFile("leidang")}).code, 0);
  fleet_.LeidangUntil({"app", "list", "--sync", "outofsync", "-o", "name"}, "application/pay");
  EXPECT_EQ(fleet_
                .Leidang({"app", "list", "--name", "ar", "-p", "default", "-c", "one", "--set",
                          "leidang/shop", "-o", "name"})
                .out,
            "application/cart\n");
  EXPECT_EQ(fleet_.Leidang({"app", "list", "--sync", "Synced", "-o", "name"}).out, "");
  EXPECT_EQ(fleet_.Leidang({"app", "list", "-p", "other", "-o", "name"}).out, "");
  const auto counts = fleet_.Leidang({"app", "list", "-c", "one", "--counts"});
  EXPECT_THAT(counts.out, HasSubstr("Applications: 2\n"));
  EXPECT_THAT(counts.out, HasSubstr("Unknown=0 Synced=0 OutOfSync=2\n"));
  const auto unknown = fleet_.Leidang({"app", "list", "--health", "Sick"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("\"Sick\" is no health: use one of Unknown, Healthy"));
  EXPECT_THAT(fleet_.Leidang({"app", "list", "--counts", "--sync", "Synced"}).err,
              HasSubstr("counted in all, by cluster, by set and by project"));
}

TEST_F(CliTest, AManualApplicationIsSyncedOnRequest) {
  EXPECT_EQ(fleet_.Leidang({"apply", "-f", SetFile("leidang")}).code, 0);
  fleet_.LeidangUntil({"get", "applications"}, "OutOfSync");
  const auto waited = fleet_.Leidang({"app", "wait", "cart", "--timeout", "1"});
  EXPECT_EQ(waited.code, 5);
  EXPECT_THAT(waited.err, ContainsRegex("cart is OutOfSync.*ConfigMap .*cart is Missing"));

  fleet_.LeidangUntil({"get", "app", "cart"}, "one");
  const auto synced = fleet_.Leidang({"app", "sync", "cart", "pay", "--timeout", "30"});
  EXPECT_EQ(synced.code, 0) << synced.err;
  EXPECT_THAT(synced.out, HasSubstr("sync of leidang/cart on one: Succeeded"));
  EXPECT_EQ(fleet_.Leidang({"app", "wait", "cart", "pay", "--timeout", "20"}).code, 0);
  EXPECT_THAT(fleet_.Leidang({"app", "get", "cart"}).out,
              ContainsRegex("ConfigMap +[a-z]+ +cart +Synced"));
  EXPECT_THAT(ReadFile(fleet_.Directory("one") + "/cart.configmap.core.cart.yaml"),
              HasSubstr("name: cart"));
  EXPECT_THAT(fleet_.Leidang({"app", "operations", "cart"}).out,
              ContainsRegex("sync +Succeeded .*admin"));

  const auto none = fleet_.Leidang({"app", "sync", "nothing"});
  EXPECT_EQ(none.code, 3);
  EXPECT_THAT(none.err, HasSubstr("there is no Application nothing"));
}

TEST_F(CliTest, SeveralAreChosenByLabelsAndWaitedForAsArgoCdDoes) {
  EXPECT_EQ(fleet_.Leidang({"apply", "-f", SetFile("leidang")}).code, 0);
  fleet_.LeidangUntil({"get", "app", "cart"}, "OutOfSync");
  fleet_.LeidangUntil({"get", "app", "pay"}, "OutOfSync");
  EXPECT_EQ(fleet_.Leidang({"app", "wait", "cart", "--operation", "--timeout", "20"}).code, 0);
  EXPECT_EQ(fleet_.Leidang({"app", "wait", "cart", "--sync", "--timeout", "1"}).code, 5);

  const auto none = fleet_.Leidang({"app", "sync", "-l", "team=nobody"});
  EXPECT_EQ(none.code, 3);
  EXPECT_THAT(none.err, HasSubstr("no Application has the labels \"team=nobody\""));
  const auto which = fleet_.Leidang({"app", "sync"});
  EXPECT_EQ(which.code, 1);
  EXPECT_THAT(which.err, HasSubstr("Give names, or -l SELECTOR"));
  const auto synced = fleet_.Leidang({"app", "sync", "-l", "team=shop", "--timeout", "30"});
  EXPECT_EQ(synced.code, 0) << synced.err;
  EXPECT_THAT(synced.out, HasSubstr("leidang/cart on one: Succeeded"));
  EXPECT_THAT(synced.out, HasSubstr("leidang/pay on one: Succeeded"));
  const auto reached =
      fleet_.Leidang({"app", "wait", "-l", "team=shop", "--sync", "--health", "--timeout", "20"});
  EXPECT_EQ(reached.code, 0) << reached.err;
  EXPECT_THAT(reached.out, HasSubstr("application/pay is Synced and Healthy"));

  const auto shown = fleet_.Leidang({"app", "get", "cart", "--refresh", "-o", "json"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  ASSERT_OK_AND_ASSIGN(const object::Value cart, object::ParseJson(shown.out));
  EXPECT_EQ(object::FindString(cart, {"status", "sync", "status"}), "Synced");
  EXPECT_EQ(fleet_.Leidang({"app", "terminate-op", "cart", "--timeout", "20"}).code, 1)
      << "nothing is running";

  EXPECT_EQ(fleet_.Leidang({"app", "wait", "cart", "--delete", "--timeout", "1"}).code, 5);
  EXPECT_EQ(fleet_.Leidang({"delete", "appset", "leidang/shop", "--confirm", "2"}).code, 0);
  const auto gone =
      fleet_.Leidang({"app", "wait", "cart", "leidang/pay", "--delete", "--timeout", "20"});
  EXPECT_EQ(gone.code, 0) << gone.err;
  EXPECT_THAT(gone.out, HasSubstr("application/cart is deleted"));
}

TEST_F(CliTest, WhatAnOfflineClusterReportedIsNowhereShownAsTheStateOfNow) {
  ASSERT_EQ(fleet_.Leidang({"apply", "-f", SetFile("leidang")}).code, 0);
  fleet_.LeidangUntil({"app", "list", "--sync", "outofsync", "-o", "name"}, "application/pay");
  ASSERT_EQ(fleet_.Leidang({"app", "sync", "cart", "pay", "--timeout", "30"}).code, 0);
  ASSERT_EQ(fleet_.Leidang({"app", "wait", "cart", "pay", "--timeout", "20"}).code, 0);
  EXPECT_THAT(fleet_.Leidang({"app", "list", "--counts"}).out,
              AllOf(HasSubstr("Unknown=0 Synced=2 OutOfSync=0\n"), Not(HasSubstr("Offline"))));

  fleet_.agent("one").Kill();
  EXPECT_THAT(fleet_.LeidangUntil({"app", "list"}, "Synced?").out,
              ContainsRegex("cart +one +Synced\\? +Healthy\\? .*ClusterOffline: cluster one is "
                            "offline, last seen 20"));
  const auto waited = fleet_.Leidang({"app", "wait", "cart", "--timeout", "1"});
  EXPECT_EQ(waited.code, 5);
  EXPECT_THAT(waited.out, Not(HasSubstr("Synced and Healthy")));
  EXPECT_THAT(waited.err, ContainsRegex("cluster one is offline, last seen [0-9]+s ago; its last "
                                        "state \\(Synced and Healthy\\) says nothing about now"));

  const auto json = fleet_.Leidang({"get", "app", "cart", "-o", "json"});
  ASSERT_OK_AND_ASSIGN(const object::Value application, object::ParseJson(json.out));
  const auto text = [&](std::initializer_list<absl::string_view> path) {
    return std::string(object::FindString(application, path));
  };
  EXPECT_EQ(text({"status", "sync", "status"}), "Unknown") << json.out;
  EXPECT_EQ(text({"status", "health", "status"}), "Unknown");
  EXPECT_EQ(text({"status", "lastReported", "sync", "status"}), "Synced");
  EXPECT_EQ(text({"status", "lastReported", "health", "status"}), "Healthy");
  EXPECT_EQ(object::Find(application, {"status", "resources"}), nullptr);
  EXPECT_THAT(json.out, HasSubstr("\"type\": \"ClusterOffline\""));
  EXPECT_THAT(
      fleet_.Leidang({"describe", "app", "cart"}).out,
      AllOf(HasSubstr("one (offline: what follows was reported before it"), HasSubstr("Synced?")));

  EXPECT_EQ(fleet_.Leidang({"app", "list", "--sync", "Synced", "-o", "name"}).out, "");
  EXPECT_EQ(fleet_.Leidang({"app", "list", "--health", "Healthy", "-o", "name"}).out, "");
  EXPECT_EQ(fleet_.Leidang({"app", "list", "--sync", "Unknown", "-o", "name"}).out,
            "application/cart\napplication/pay\n");
  EXPECT_THAT(fleet_.Leidang({"app", "list", "-c", "one", "--counts"}).out,
              AllOf(HasSubstr("Unknown=2 Synced=0 OutOfSync=0\n"), HasSubstr("Healthy=0"),
                    ContainsRegex("Offline: +2 of the Unknown")));
  EXPECT_THAT(fleet_.Leidang({"get", "appsets"}).out, ContainsRegex("shop +2 +0 +0 +2 "));

  fleet_.agent("one").Start();
  EXPECT_EQ(fleet_.Leidang({"app", "wait", "cart", "pay", "--timeout", "30"}).code, 0);
  EXPECT_THAT(fleet_.Leidang({"app", "list", "--counts"}).out,
              HasSubstr("Unknown=0 Synced=2 OutOfSync=0\n"));
}

TEST_F(CliTest, SettingsOfTheFleetAreWrittenShownAndTakenBack) {
  const auto applied = fleet_.Leidang({"apply", "-f", fleet_.Write("argocd-cm.yaml", R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  url: https://argocd.example.com
  resource.customizations.health.example.com_Widget: "return {status = 'Healthy'}"
)")});
  EXPECT_EQ(applied.code, 0) << applied.err;
  EXPECT_THAT(applied.out + applied.err, HasSubstr("data.url has no effect here"));
  EXPECT_THAT(fleet_.Leidang({"get", "settings"}).out, HasSubstr("argocd-cm"));
  EXPECT_THAT(fleet_.Leidang({"get", "settings", "argocd-cm", "-o", "yaml"}).out,
              HasSubstr("example.com_Widget"));
  EXPECT_EQ(fleet_.Leidang({"delete", "settings", "argocd-cm"}).code, 0);
  EXPECT_EQ(fleet_.Leidang({"get", "settings", "argocd-cm"}).code, 3);
}

TEST_F(CliTest, BadInputSaysWhatWhereAndWhatToDo) {
  const std::string broken = fleet_.Write("broken.yaml", "a: [1\nb: 2\n");
  const auto yaml = fleet_.Leidang({"apply", "-f", broken});
  EXPECT_EQ(yaml.code, 1);
  EXPECT_THAT(yaml.err, HasSubstr(broken + ":2"));

  const auto kind = fleet_.Leidang({"get", "pods"});
  EXPECT_EQ(kind.code, 1);
  EXPECT_THAT(kind.err, HasSubstr("\"pods\" is no kind: use applicationsets"));
  EXPECT_EQ(fleet_.Leidang({"get", "apps", "-o", "xml"}).code, 1);
  EXPECT_EQ(fleet_.Leidang({"fly"}).code, 64);
  EXPECT_EQ(fleet_.Leidang({"apply", "-f", "/nowhere/at/all.yaml"}).code, 3);

  const auto token = fleet_.Leidang({"--token-file", fleet_.Write("bad", "wrong"), "get", "apps"});
  EXPECT_EQ(token.code, 4);
  EXPECT_THAT(token.err, HasSubstr("the token is missing, unknown or expired"));
  const auto nobody = fleet_.Leidang({"--hub", "127.0.0.1:1", "--timeout", "2", "get", "apps"});
  EXPECT_EQ(nobody.code, 6);
  EXPECT_THAT(nobody.err, HasSubstr("127.0.0.1:1 cannot be reached"));
}

TEST_F(CliTest, HeldDeletionsAreListedAndDecidedByTheDigestOfTheirList) {
  EXPECT_THAT(fleet_.Leidang({"brake", "list"}).err, HasSubstr("no brake holds anything"));
  ASSERT_EQ(fleet_.Leidang({"apply", "-f", SetFile("argocd")}).code, 0);
  fleet_.LeidangUntil({"get", "applications", "-o", "name"}, "application/argocd/pay");
  git_.Commit("main", {{"README.md", {"nothing is left"}}}, "a mistake");
  ASSERT_EQ(fleet_.Leidang({"refresh"}).code, 0);
  const std::string list = fleet_.LeidangUntil({"brake", "list"}, "argocd/cart").out;
  EXPECT_THAT(list, ContainsRegex("set argocd/shop +2 "));
  const std::vector<std::string> lines = absl::StrSplit(list, '\n');
  // "set argocd/shop  2  DIGEST …".
  const std::vector<std::string> words = absl::StrSplit(lines.at(1), ' ', absl::SkipEmpty());
  const std::string& digest = words.at(3);

  EXPECT_EQ(fleet_.Leidang({"brake", "approve", "0123456789abcdef"}).code, 3) << "no such list";
  EXPECT_THAT(fleet_.Leidang({"brake", "approve", "0123"}).err, HasSubstr("at least 12 digits"));
  EXPECT_THAT(fleet_.Leidang({"brake", "reject", digest}).out,
              HasSubstr("set argocd/shop: 2 deletions rejected, and kept"));
  EXPECT_THAT(fleet_.Leidang({"brake", "list"}).out, HasSubstr("admin"));
  EXPECT_THAT(fleet_.Leidang({"brake", "approve", digest}).out,
              HasSubstr("set argocd/shop: 2 deletions approved"));
  EXPECT_THAT(fleet_.Leidang({"brake", "list"}).err, HasSubstr("no brake holds anything"));
}

TEST_F(CliTest, WhatAnAgentHoldsIsListedToo_AndApprovedForItsClusterOnly) {
  GitRepository::Files files;
  for (int i = 0; i < 12; ++i)
    files[absl::StrCat("many/c", i, ".yaml")] = {ConfigMap(absl::StrCat("c", i))};
  git_.Commit("main", files, "many objects");
  const std::string application = absl::StrReplaceAll(
      "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: many}\nspec:\n"
      "  project: default\n  source: {repoURL: 'REPO', targetRevision: main, path: many}\n"
      "  destination: {name: one, namespace: many}\n  syncPolicy: {automated: {prune: true}}\n",
      {{"REPO", absl::StrCat("file://", git_.path())}});
  ASSERT_EQ(fleet_.Leidang({"apply", "-f", fleet_.Write("many.yaml", application)}).code, 0);
  ASSERT_EQ(fleet_.Leidang({"app", "wait", "many", "--timeout", "30"}).code, 0);
  git_.Commit("main", {{"many/c0.yaml", {ConfigMap("c0")}}}, "one is left");
  ASSERT_EQ(fleet_.Leidang({"refresh"}).code, 0);
  const std::string list = fleet_.LeidangUntil({"brake", "list"}, "many on one").out;
  EXPECT_THAT(list, AllOf(ContainsRegex("application leidang/many on one +11 "),
                          HasSubstr("ConfigMap many/c1"), HasSubstr(" more\n")));
  const std::vector<std::string> lines = absl::StrSplit(list, '\n');
  const std::vector<std::string> words = absl::StrSplit(lines.at(1), ' ', absl::SkipEmpty());
  const std::string& digest = words.at(5);

  const auto rejected = fleet_.Leidang({"brake", "reject", digest});
  EXPECT_EQ(rejected.code, 4);
  EXPECT_THAT(rejected.err, HasSubstr("there is nothing to reject"));
  EXPECT_EQ(fleet_.Files().size(), 12u);
  EXPECT_THAT(fleet_.Leidang({"brake", "approve", digest}).out,
              HasSubstr("application leidang/many on one: 11 deletions approved"));
  EXPECT_TRUE(WaitUntil(
      [&] { return absl::StrContains(fleet_.Leidang({"brake", "list"}).err, "no brake holds"); },
      absl::Seconds(20)));
  EXPECT_EQ(fleet_.Leidang({"app", "wait", "many", "--sync", "--timeout", "30"}).code, 0);
  EXPECT_EQ(fleet_.Files().size(), 1u);
}

TEST_F(CliTest, WhatIsUnclaimedIsNamedExactly) {
  const auto none = fleet_.Leidang({"unclaimed", "list"});
  EXPECT_EQ(none.code, 0);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, HasSubstr("nothing is unclaimed"));
  EXPECT_EQ(fleet_.Leidang({"unclaimed", "list", "--cluster", "nowhere"}).code, 3);
  const auto unknown =
      fleet_.Leidang({"unclaimed", "release", "cart", "--cluster", "one", "--cascade", "orphan"});
  EXPECT_EQ(unknown.code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("nothing unclaimed on cluster one is called cart"));
  EXPECT_EQ(fleet_.Leidang({"unclaimed", "adopt", "a/cart", "--cluster", "one"}).code, 3);
  EXPECT_EQ(fleet_.Leidang({"unclaimed", "adopt", "cart"}).code, 64);
}

TEST_F(CliTest, RepositoriesAreListedWithWhatIsWrong) {
  EXPECT_THAT(fleet_.Leidang({"repo", "list"}).err, HasSubstr("reads no repository"));
  EXPECT_EQ(fleet_.Leidang({"apply", "-f", SetFile("leidang")}).code, 0);
  const std::string lost = absl::StrCat("file://", folder_ / "lost.git");
  const std::string set = absl::StrReplaceAll(
      kSet,
      {{"REPO", lost}, {"NAMESPACE", "leidang"}, {"PREFIX", "x"}, {"name: shop", "name: lost"}});
  EXPECT_EQ(fleet_.Leidang({"apply", "-f", fleet_.Write("lost.yaml", set)}).code, 0);
  // The error is the last word of its line, "-" where there is none.
  const auto error_of = [this](const std::string& url) -> std::string {
    const std::string list = fleet_.Leidang({"repo", "list"}).out;
    for (const absl::string_view line : absl::StrSplit(list, '\n')) {
      if (!absl::StartsWith(line, url)) continue;
      const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
      return words.size() < 5 ? "?" : absl::StrJoin(words.begin() + 4, words.end(), " ");
    }
    return "?";
  };
  const std::string good = absl::StrCat("file://", git_.path());
  EXPECT_TRUE(WaitUntil([&] { return error_of(good) == "-"; }, absl::Seconds(20)));
  EXPECT_TRUE(WaitUntil([&] { return error_of(lost).size() > 10; }, absl::Seconds(20)))
      << fleet_.Leidang({"repo", "list"}).out;
  EXPECT_THAT(error_of(lost), HasSubstr("lost.git"));
  EXPECT_EQ(error_of(good), "-") << "one that is lost is not the other's trouble";
  EXPECT_EQ(fleet_.Leidang({"repo"}).code, 64);
}

}  // namespace
}  // namespace leidang::testing
