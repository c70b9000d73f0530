#include "agent/policy/cluster_policy.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/yaml/yaml.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using ::testing::HasSubstr;
using Changes = ClusterPolicy::Changes;

absl::StatusOr<ClusterPolicy> Read(absl::string_view text) {
  absl::StatusOr<object::Value> settings = yaml::ParseYaml(text, "policy.yaml");
  if (!settings.ok()) return settings.status();
  return ClusterPolicy::Parse(*settings, "policy.yaml");
}

ClusterPolicy Policy(absl::string_view text) {
  absl::StatusOr<ClusterPolicy> policy = Read(text);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *policy : ClusterPolicy();
}

absl::Time At(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  return time;
}

std::string Refusal(const ClusterPolicy& policy, const object::ObjectKey& key) {
  return policy.Refuses(key).value_or("");
}

TEST(ClusterPolicy, LimitsNothingWhereNothingIsWritten) {
  const ClusterPolicy policy = Policy("{}");
  EXPECT_EQ(Refusal(policy, {"", "Secret", "kube-system", "a"}), "");
  EXPECT_EQ(Refusal(policy, {"rbac.authorization.k8s.io", "ClusterRole", "", "a"}), "");
  EXPECT_EQ(policy.At(absl::UnixEpoch()).changes, Changes::kAll);
  EXPECT_EQ(policy.At(absl::UnixEpoch()).until, absl::InfiniteFuture());
}

TEST(ClusterPolicy, NamespacesAreAllowedByPatternAndDenialsWin) {
  const ClusterPolicy policy = Policy("namespaces: {allow: [shop, 'team-*'], deny: [team-secret]}");
  EXPECT_EQ(Refusal(policy, {"", "Secret", "shop", "a"}), "");
  EXPECT_EQ(Refusal(policy, {"", "Secret", "team-web", "a"}), "");
  EXPECT_EQ(Refusal(policy, {"", "Secret", "team-secret", "a"}), "namespaces.deny has team-secret");
  EXPECT_EQ(Refusal(policy, {"", "Secret", "kube-system", "a"}),
            "namespaces.allow does not have kube-system");
}

TEST(ClusterPolicy, AnAgentLimitedToNamespacesMayMakeThoseAndNothingElseOfTheCluster) {
  const ClusterPolicy policy = Policy("namespaces: {allow: [shop]}");
  EXPECT_EQ(Refusal(policy, {"", "Namespace", "", "shop"}), "");
  EXPECT_EQ(Refusal(policy, {"", "Namespace", "", "other"}),
            "namespaces.allow does not have other");
  EXPECT_THAT(Refusal(policy, {"rbac.authorization.k8s.io", "ClusterRole", "", "a"}),
              HasSubstr("no clusterScoped.allow that has rbac.authorization.k8s.io/ClusterRole"));
  const ClusterPolicy wider =
      Policy("{namespaces: {allow: [shop]}, clusterScoped: {allow: ['rbac*/ClusterRole']}}");
  EXPECT_EQ(Refusal(wider, {"rbac.authorization.k8s.io", "ClusterRole", "", "a"}), "");
  EXPECT_EQ(Refusal(wider, {"", "Namespace", "", "shop"}), "");
  EXPECT_EQ(Refusal(wider, {"", "Node", "", "a"}), "clusterScoped.allow does not have Node");
}

TEST(ClusterPolicy, KindsAreWrittenWithTheirGroup) {
  const ClusterPolicy policy = Policy("kinds: {deny: ['rbac.authorization.k8s.io/*', Secret]}");
  EXPECT_EQ(Refusal(policy, {"", "Secret", "shop", "a"}), "kinds.deny has Secret");
  EXPECT_EQ(Refusal(policy, {"bitnami.com", "Secret", "shop", "a"}), "");
  EXPECT_EQ(Refusal(policy, {"rbac.authorization.k8s.io", "Role", "shop", "a"}),
            "kinds.deny has rbac.authorization.k8s.io/*");
  const ClusterPolicy only = Policy("kinds: {allow: [ConfigMap]}");
  EXPECT_EQ(Refusal(only, {"apps", "Deployment", "shop", "a"}),
            "kinds.allow does not have apps/Deployment");
  const ClusterPolicy none = Policy("kinds: {allow: []}");
  EXPECT_EQ(Refusal(none, {"", "ConfigMap", "shop", "a"}), "kinds.allow does not have ConfigMap");
}

TEST(ClusterPolicy, APauseForbidsAllAndGivesItsReason) {
  EXPECT_EQ(Policy("pause: false").At(absl::UnixEpoch()).changes, Changes::kAll);
  EXPECT_EQ(Policy("pause: true").At(absl::UnixEpoch()).rule, "the policy pauses this cluster");
  const ClusterPolicy::Limit limit = Policy("pause: storage is moved").At(absl::UnixEpoch());
  EXPECT_EQ(limit.changes, Changes::kNone);
  EXPECT_EQ(limit.rule, "the policy pauses this cluster: storage is moved");
}

TEST(ClusterPolicy, AWindowOfDatesIsOpenFromItsFirstMomentUntilBeforeItsLast) {
  const ClusterPolicy policy = Policy(R"(
freeze:
- {name: end of the year, from: "2026-12-20T00:00:00Z", until: "2027-01-03T00:00:00Z", corrections: false}
)");
  EXPECT_EQ(policy.At(At("2026-12-19T23:59:59Z")).changes, Changes::kAll);
  EXPECT_EQ(policy.At(At("2026-12-19T23:59:59Z")).until, At("2026-12-20T00:00:00Z"));
  const ClusterPolicy::Limit limit = policy.At(At("2026-12-20T00:00:00Z"));
  EXPECT_EQ(limit.changes, Changes::kNone);
  EXPECT_EQ(limit.until, At("2027-01-03T00:00:00Z"));
  EXPECT_EQ(limit.rule,
            "the freeze window end of the year is open until 2027-01-03T00:00:00+00:00");
  EXPECT_EQ(policy.At(At("2027-01-03T00:00:00Z")).changes, Changes::kAll);
  EXPECT_EQ(policy.At(At("2027-01-03T00:00:00Z")).until, absl::InfiniteFuture());
}

TEST(ClusterPolicy, ANightBelongsToTheDayOnWhichItBegins) {
  const ClusterPolicy policy = Policy(R"(
freeze: [{name: nights, days: [fri], from: "22:00", until: "06:00", timeZone: Europe/Oslo}]
)");
  // 20 November 2026 is a Friday; Oslo is an hour ahead.
  EXPECT_EQ(policy.At(At("2026-11-20T20:59:59Z")).changes, Changes::kAll);
  EXPECT_EQ(policy.At(At("2026-11-20T20:59:59Z")).until, At("2026-11-20T21:00:00Z"));
  EXPECT_EQ(policy.At(At("2026-11-20T21:00:00Z")).changes, Changes::kCorrections);
  EXPECT_EQ(policy.At(At("2026-11-21T04:59:59Z")).until, At("2026-11-21T05:00:00Z"));
  EXPECT_EQ(policy.At(At("2026-11-21T05:00:00Z")).changes, Changes::kAll);
  EXPECT_EQ(policy.At(At("2026-11-21T05:00:00Z")).until, At("2026-11-27T21:00:00Z"));
}

TEST(ClusterPolicy, AWindowGoesByTheClockOnTheWallWhenThatIsPutBack) {
  const ClusterPolicy policy =
      Policy(R"({freeze: [{name: nights, from: "22:00", until: "06:00", timeZone: Europe/Oslo}]})");
  // The night to 25 October 2026 has nine hours there.
  EXPECT_EQ(policy.At(At("2026-10-24T20:00:00Z")).until, At("2026-10-25T05:00:00Z"));
}

TEST(ClusterPolicy, OfSeveralWindowsTheStrictestCounts) {
  const ClusterPolicy policy = Policy(R"(
freeze:
- {name: always, from: "00:00", until: "00:00"}
- {name: noon, from: "12:00", until: "13:00", corrections: false}
)");
  EXPECT_EQ(policy.At(At("2026-11-20T11:00:00Z")).changes, Changes::kCorrections);
  EXPECT_EQ(policy.At(At("2026-11-20T11:00:00Z")).until, At("2026-11-20T12:00:00Z"));
  EXPECT_EQ(policy.At(At("2026-11-20T12:30:00Z")).changes, Changes::kNone);
  EXPECT_EQ(policy.At(At("2026-11-20T12:30:00Z")).until, At("2026-11-20T13:00:00Z"));
}

TEST(ClusterPolicy, TheExampleOfTheDocumentationIsAPolicy) {
  const std::string text = testing::ReadFile(LEIDANG_DOCS "/POLICY.md");
  const size_t begin = text.find("```yaml\n");
  ASSERT_NE(begin, std::string::npos);
  const size_t from = begin + sizeof("```yaml\n") - 1;
  const ClusterPolicy policy = Policy(text.substr(from, text.find("```", from) - from));
  EXPECT_EQ(Refusal(policy, {"", "ConfigMap", "shop", "a"}), "");
  EXPECT_NE(Refusal(policy, {"", "ConfigMap", "other", "a"}), "");
  EXPECT_EQ(policy.At(At("2026-12-24T12:00:00Z")).changes, Changes::kNone);
}

TEST(ClusterPolicy, WhatIsWrongIsNamedWithItsPlace) {
  const auto error = [](absl::string_view text) {
    return std::string(Read(text).status().message());
  };
  EXPECT_EQ(error(""), "policy.yaml: is empty; write {} if nothing is to be limited");
  EXPECT_EQ(error("[]"), "policy.yaml: this is no map");
  EXPECT_EQ(error("puase: true"),
            "policy.yaml.puase: is not known; there are pause, namespaces, kinds, clusterScoped, "
            "freeze");
  EXPECT_EQ(error("pause: 3"), "policy.yaml: pause: write true, false or a reason");
  EXPECT_EQ(error("namespaces: [a]"), "policy.yaml: namespaces: this is no map");
  EXPECT_EQ(error("namespaces: {allows: [a]}"),
            "policy.yaml: namespaces.allows: is not known; there are allow, deny");
  EXPECT_THAT(error("namespaces: {allow: }"), HasSubstr("namespaces.allow: is empty; write []"));
  EXPECT_EQ(error("kinds: {deny: Secret}"), "policy.yaml: kinds.deny: is no list");
  EXPECT_EQ(error("kinds: {deny: [1]}"), "policy.yaml: kinds.deny: has something that is no text");
  EXPECT_THAT(error("kinds: {deny: ['a[']}"), HasSubstr("kinds.deny: \"a[\" is no pattern"));
  EXPECT_EQ(error("freeze: {}"), "policy.yaml: freeze: is no list of windows");
  EXPECT_EQ(error("freeze: [{from: a}]"), "policy.yaml: freeze[0].name: is missing");
  EXPECT_THAT(error("freeze: [{name: a, from: 22, until: '23:00'}]"),
              HasSubstr("freeze[0].from: is no text; write it in quotes"));
  EXPECT_THAT(error("freeze: [{name: a, from: '22:00', until: '24:00'}]"),
              HasSubstr("freeze[0]: from and until are both times of a day"));
  EXPECT_THAT(error("freeze: [{name: a, from: '22:00', until: '2027-01-03T00:00:00Z'}]"),
              HasSubstr("or both dates"));
  EXPECT_THAT(error("freeze: [{name: a, from: '22:00', until: '23:00', days: []}]"),
              HasSubstr("freeze[0].days: is empty"));
  EXPECT_THAT(error("freeze: [{name: a, from: '22:00', until: '23:00', days: [monday]}]"),
              HasSubstr("monday is no day; there are mon, tue"));
  EXPECT_THAT(error("freeze: [{name: a, from: '22:00', until: '23:00', timeZone: Norway/Bergen}]"),
              HasSubstr("Norway/Bergen is no time zone"));
  EXPECT_THAT(error("freeze: [{name: a, from: '22:00', until: '23:00', corrections: maybe}]"),
              HasSubstr("corrections: is neither true nor false"));
  EXPECT_THAT(error("freeze: [{name: a, from: '2027-01-03T00:00:00Z', "
                    "until: '2027-01-02T00:00:00Z'}]"),
              HasSubstr("until is not later than from"));
  EXPECT_THAT(error("freeze: [{name: a, days: [mon], from: '2027-01-01T00:00:00Z', "
                    "until: '2027-01-02T00:00:00Z'}]"),
              HasSubstr("days go with times of a day only"));
}

}  // namespace
}  // namespace leidang::agent
