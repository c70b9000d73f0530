// The settings of the fleet, from what users write to what every cluster is assigned.

#include "hub/control/settings.h"

#include <string>

#include "gmock/gmock.h"

#include "hub/control/fleet_fixture_test.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const intent::EntryKey kEntry{intent::EntryKind::kSettings, kSettingsName};

std::string Settings(const std::string& data) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: "
         "argocd}\ndata:\n" +
         data;
}

std::string Check(const std::string& status) {
  return "  resource.customizations.health.example.com_Widget: |\n    return {status = \"" +
         status + "\"}\n";
}

class SettingsTest : public FleetTest {
 protected:
  SettingsTest() {
    Start();
    EXPECT_OK(hub_.Register("one"));
    EXPECT_OK(hub_.Register("two"));
  }
  absl::StatusOr<LiveAssignment> On(const std::string& cluster) const {
    return hub_.store().Assignment(hub_.IdOf(cluster), kEntry);
  }
};

TEST_F(SettingsTest, EveryClusterHasThemAndFollowsEdits) {
  ApplyAndSettle(Settings(Check("Healthy")));
  for (const std::string cluster : {"one", "two"}) {
    const auto live = On(cluster);
    ASSERT_OK(live);
    EXPECT_EQ(
        live->assignment.body,
        R"({"resource.customizations.health.example.com_Widget":"return {status = \"Healthy\"}\n"})");
  }
  const auto first = On("one");
  ApplyAndSettle(Settings(Check("Degraded")));
  const auto second = On("one");
  ASSERT_OK(second);
  EXPECT_THAT(second->assignment.body, HasSubstr("Degraded"));
  EXPECT_EQ(second->assignment.uid, first->assignment.uid);
}

TEST_F(SettingsTest, AClusterThatComesLaterHasThemToo) {
  ApplyAndSettle(Settings(Check("Healthy")));
  ASSERT_OK(hub_.Register("three"));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_OK(On("three"));
}

TEST_F(SettingsTest, TheyGoWhenTheyAreDeletedAndComeBackAsOthers) {
  ApplyAndSettle(Settings(Check("Healthy")));
  const auto first = On("one");
  ASSERT_OK(first);
  ASSERT_OK(hub_.Delete(WrittenKind::kSettings, kSettingsName));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(On("one"), StatusIs(absl::StatusCode::kNotFound));
  ApplyAndSettle(Settings(Check("Healthy")));
  const auto second = On("one");
  ASSERT_OK(second);
  EXPECT_NE(second->assignment.uid, first->assignment.uid);
}

TEST_F(SettingsTest, TheLossOfDerivedDataChangesNothing) {
  ApplyAndSettle(Settings(Check("Healthy")));
  const std::string before = hub_.Picture();
  hub_.Kill();
  hub_.DropDerivedData();
  hub_.Start();
  ASSERT_TRUE(hub_.Settle());
  EXPECT_EQ(hub_.Picture(), before);
}

TEST_F(SettingsTest, WhatHasNoEffectIsSaidAndNotSentToClusters) {
  const auto applied =
      hub_.ApplyAll(Settings("  url: https://argocd.example\n" + Check("Healthy")));
  ASSERT_OK(applied.at(0).outcome);
  EXPECT_THAT(applied.at(0).warnings, ElementsAre("data.url has no effect here"));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(On("one")->assignment.body, ::testing::Not(HasSubstr("url")));
}

TEST_F(SettingsTest, WhatAgentsCouldNotReadIsRefused) {
  const auto error = [this](const std::string& data) {
    return std::string(hub_.Apply(Settings(data)).message());
  };
  EXPECT_THAT(error("  resource.customizations.health.a_b_c: |\n    return {}\n"),
              HasSubstr("data.resource.customizations.health.a_b_c: write "
                        "resource.customizations.health.<group>_<Kind>"));
  EXPECT_THAT(error("  resource.customizations.health.Widget: {}\n"), HasSubstr("must be text"));
  EXPECT_THAT(error("  resource.customizations: '['\n"), HasSubstr("data.resource.customizations"));
  EXPECT_THAT(error("  resource.customizations: '[]'\n"), HasSubstr("is no map of kinds"));
  EXPECT_THAT(
      error("  resource.customizations.health.Widget: '" + std::string(1u << 20, 'x') + "'\n"),
      HasSubstr("more than the 1048576"));
  EXPECT_THAT(
      std::string(
          hub_.Apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n").message()),
      HasSubstr("the ConfigMap argocd-cm"));
}

}  // namespace
}  // namespace leidang::hub
