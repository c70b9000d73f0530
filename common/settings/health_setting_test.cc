#include "common/settings/health_setting.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/yaml/yaml.h"
#include "tests/support/status_matchers.h"

namespace leidang::settings {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// "kind=script" of each check.
std::vector<std::string> Read(const std::string& key, const object::Value& value) {
  const auto checks = ReadHealthSetting(key, value, "data");
  EXPECT_OK(checks.status());
  std::vector<std::string> shown;
  if (checks.ok()) {
    for (const HealthCheck& check : *checks)
      shown.push_back(absl::StrCat(check.kind, "=", check.script));
  }
  return shown;
}

TEST(HealthSetting, OneKindIsOneKeyAndTheCoreGroupHasNoName) {
  EXPECT_THAT(Read("resource.customizations.health.example.com_Widget", "one"),
              ElementsAre("example.com/Widget=one"));
  EXPECT_THAT(Read("resource.customizations.health.Pod", "two"), ElementsAre("Pod=two"));
  const auto all = ReadHealthSetting("resource.customizations.health.*.io_*", "three", "data");
  ASSERT_OK(all.status());
  EXPECT_TRUE(all->at(0).glob.Matches("example.io/Widget"));
}

TEST(HealthSetting, AMapHasSeveralAndWhatElseItSaysIsPassedOver) {
  const std::string map = "{a/B: {health.lua: one}, C: {health.lua: two}, D: {actions: x}}";
  EXPECT_THAT(Read("resource.customizations", object::Value(map)), ElementsAre("a/B=one", "C=two"));
  EXPECT_THAT(Read("resource.customizations", *yaml::ParseYaml(map, "map")),
              ElementsAre("a/B=one", "C=two"));
  EXPECT_THAT(Read("resource.customizations", ""), ElementsAre());
}

TEST(HealthSetting, OtherKeysAreNotAboutHealth) {
  EXPECT_TRUE(IsHealthSetting("resource.customizations"));
  EXPECT_TRUE(IsHealthSetting("resource.customizations.health.a_B"));
  EXPECT_FALSE(IsHealthSetting("resource.customizations.actions.a_B"));
  EXPECT_FALSE(IsHealthSetting("resource.exclusions"));
}

TEST(HealthSetting, WhatCannotBeReadNamesItsPlace) {
  const auto refused = [](const std::string& key, const object::Value& value,
                          const std::string& why) {
    EXPECT_THAT(ReadHealthSetting(key, value, "data.x"),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::AllOf(StartsWith("data.x"), HasSubstr(why))))
        << key;
  };
  refused("resource.customizations.health.", "x", "write resource.customizations.health.<group>_");
  refused("resource.customizations.health.a_b_c", "x", "<group>_<Kind>");
  refused("resource.customizations.health.a_b", 7, "the check is no text");
  refused("resource.customizations.health.[a_b", "x", "is no pattern");
  refused("resource.customizations", "[", "");
  refused("resource.customizations", "[]", "no map of kinds");
  refused("resource.customizations", "{a/b: {health.lua: [1]}}", "data.x: a/b: the check is no");
}

}  // namespace
}  // namespace leidang::settings
