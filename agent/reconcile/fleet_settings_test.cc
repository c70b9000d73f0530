#include "agent/reconcile/fleet_settings.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/log/memory_log.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FleetSettingsTest : public ::testing::Test {
 protected:
  void Put(const std::string& body) {
    intent::Change change = agent_.PutChange(TestApp{.name = "leidang/cart", .uid = 7});
    auto& assignment = std::get<intent::Assignment>(change.what);
    assignment.key = {intent::EntryKind::kSettings, "argocd-cm"};
    assignment.body = body;
    assignment.sources.clear();
    agent_.Receive({change});
    agent_.Settle();
  }
  void Start() {
    settings_ =
        std::make_unique<FleetSettings>(agent_.state(), log_, [this](const HealthScripts& checks) {
          std::string kinds;
          for (const HealthScript& script : checks.All()) kinds += script.kind + " ";
          told_.push_back(kinds);
        });
    settings_->Start();
  }

  TestAgent agent_;
  MemoryLog log_;
  std::vector<std::string> told_;  // Kinds that have a check, of each change.
  std::unique_ptr<FleetSettings> settings_;
};

TEST_F(FleetSettingsTest, ChecksOfTheHubAreToldAtTheStartAndWhenTheyChange) {
  Put(R"({"resource.customizations.health.example.com_Widget":"return {}"})");
  Start();
  EXPECT_THAT(told_, ElementsAre("example.com/Widget "));
  Put(R"({"resource.customizations.health.Gadget":"return {}"})");
  EXPECT_THAT(told_, ElementsAre("example.com/Widget ", "Gadget "));
}

TEST_F(FleetSettingsTest, NothingIsToldWhereThereIsNothing) {
  Start();
  agent_.Put(TestApp{.name = "leidang/cart", .files = {{"app/a.yaml", ConfigMapText("a", "red")}}});
  agent_.Settle();
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FleetSettingsTest, WhatCannotBeReadLeavesTheOnesBefore) {
  Put(R"({"resource.customizations.health.Gadget":"return {}"})");
  Start();
  Put(R"({"resource.customizations":"["})");
  EXPECT_THAT(told_, SizeIs(1));
  EXPECT_THAT(log_.lines(), SizeIs(1));
}

}  // namespace
}  // namespace leidang::agent
