#include "agent/health/kind_rules.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/health/kind_catalog.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

// Rules whose first is `rule` and Degraded, and whose last is Healthy.
absl::Status AddTo(KindCatalog& catalog, const std::string& when) {
  return catalog.Add(
      absl::StrCat("group: g.io\nkinds: [K]\ndocumentation: https://g.io/docs\n"
                   "rules:\n- state: Degraded\n  when: [",
                   when, "]\n  message: 'as {status.phase} says'\n", "- state: Healthy\n"),
      "f.yaml");
}

// Whether the test `when` holds for the object.
bool Holds(const std::string& when, const std::string& json) {
  KindCatalog catalog;
  EXPECT_OK(AddTo(catalog, when));
  const absl::StatusOr<object::Value> object = object::ParseJson(json);
  EXPECT_OK(object);
  return catalog.Find("g.io", "K")->Assess(*object).state == intent::HealthState::kDegraded;
}

TEST(KindRules, AFieldOfAnotherTypeIsNotWhatIsAskedFor) {
  EXPECT_FALSE(Holds("{field: status.a.b, is: 1}", R"({"status":{"a":[{"b":1}]}})"));
  EXPECT_FALSE(Holds("{some: status.a, when: [{field: x, is: 1}]}", R"({"status":{"a":7}})"));
  EXPECT_FALSE(Holds("{condition: Ready, status: 'True'}", R"({"status":{"conditions":"no"}})"));
  EXPECT_FALSE(Holds("{condition: Ready, status: 'True'}", R"({"status":{"conditions":[7]}})"));
  EXPECT_FALSE(Holds("{generation: behind}",
                     R"({"metadata":{"generation":"2"},"status":{"observedGeneration":[]}})"));
  EXPECT_FALSE(Holds("{field: status, is: 1}", "[]"));
}

TEST(KindRules, BehindNeedsAGenerationAndUnseenDoesNot) {
  const std::string fresh = R"({"metadata":{"generation":2}})";
  EXPECT_FALSE(Holds("{generation: behind}", fresh));
  EXPECT_TRUE(Holds("{generation: unseen}", fresh));
}

TEST(KindRules, AnAbsentNumberIsZeroAndItsBoundHasAFallback) {
  EXPECT_TRUE(Holds("{field: status.ready, below: spec.replicas, otherwise: 1}", "{}"));
  EXPECT_FALSE(Holds("{field: status.ready, below: spec.replicas}", "{}"));
  EXPECT_TRUE(Holds("{field: status.ready, below: 2}", R"({"status":{"ready":1}})"));
}

TEST(KindRules, EveryNeedsAtLeastOneItem) {
  const std::string every = "{every: status.l, when: [{field: a, is: 1}]}";
  EXPECT_FALSE(Holds(every, R"({"status":{"l":[]}})"));
  EXPECT_FALSE(Holds(every, R"({"status":{"l":[{"a":1},{"a":2}]}})"));
  EXPECT_TRUE(Holds(every, R"({"status":{"l":[{"a":1},{"a":1}]}})"));
}

TEST(KindRules, AMessageNamesFields) {
  KindCatalog catalog;
  EXPECT_OK(AddTo(catalog, "{field: status.phase, present: true}"));
  const object::Value object = *object::ParseJson(R"({"status":{"phase":"Lost"}})");
  EXPECT_EQ(catalog.Find("g.io", "K")->Assess(object).message, "as Lost says");
}

TEST(KindRules, AGroupThatIsNamedComesBeforeAWildcard) {
  KindCatalog catalog;
  EXPECT_OK(
      catalog.Add("group: '*.g.io'\nkinds: ['*']\ndocumentation: https://g.io\n"
                  "rules: [{state: Healthy}]\n---\ngroup: a.g.io\nkinds: [K]\n"
                  "documentation: https://g.io\nrules: [{state: Degraded}]",
                  "f.yaml"));
  EXPECT_EQ(catalog.Find("a.g.io", "K")->Names().front(), "a.g.io/K");
  EXPECT_EQ(catalog.Find("a.g.io", "L")->Names().front(), "*.g.io/*");
  EXPECT_EQ(catalog.Find("g.io", "K"), nullptr);
  EXPECT_EQ(catalog.Find("bg.io", "K"), nullptr);
}

TEST(KindRules, WhatCannotBeReadNamesFileRuleAndReason) {
  const auto refused = [](const std::string& when, const std::string& why) {
    KindCatalog catalog;
    EXPECT_THAT(AddTo(catalog, when),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::AllOf(HasSubstr("f.yaml: g.io/K, rule 1: "), HasSubstr(why))));
  };
  refused("{condition: Ready, status: True}", "put True, False and numbers into quotes");
  refused("{condition: Ready, statsu: x}", "\"statsu\" is not known here");
  refused("{condition: ''}", "named by its type");
  refused("{no-condition: Ready, status: x}", "neither status nor reason");
  refused("{condition: Ready, generation: old}", "may only be \"behind\"");
  refused("{field: a..b, is: 1}", "write a path");
  refused("{field: a, is: 1, is-not: 2}", "ask one thing");
  refused("{field: a}", "ask one thing");
  refused("{field: a, present: 1}", "present is true or false");
  refused("{field: a, is: 1, otherwise: 2}", "otherwise belongs to below");
  refused("{field: a, below: b, otherwise: x}", "otherwise is a number");
  refused("{generation: old}", "generation is behind");
  refused("{some: a}", "some needs when");
  refused("{some: a, when: []}", "at least one");
  refused("{any: 7}", "list of tests");
  refused("{wrong: 7}", "a test begins with");
  refused("7", "a test is a map");
}

TEST(KindRules, ADocumentNeedsItsParts) {
  const auto refused = [](const std::string& text, const std::string& why) {
    KindCatalog catalog;
    EXPECT_THAT(catalog.Add(text, "f.yaml"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
  };
  const std::string head = "group: g\nkinds: [K]\ndocumentation: https://g\n";
  refused("7", "it is no map");
  refused("kinds: [K]", "group: it is missing");
  refused("group: g", "kinds: at least one");
  refused("group: g\nkinds: [K]\nrules: []", "documentation is the address");
  refused(head, "rules is a list");
  refused(head + "rules: [7]", "a rule is a map");
  refused(head + "rules: [{state: Fine}]", "state is Healthy");
  refused(head + "rules: [{state: Healthy, message: 7}]", "message is a text");
  refused(head + "rules: [{state: Healthy}, {state: Degraded}]", "the last rule, and no other");
  refused(head + "rules: [{state: Healthy, when: [{field: a, is: 1}]}]", "the last rule");
  refused(head + "extra: 1", "\"extra\" is not known here");
}

}  // namespace
}  // namespace leidang::agent
