#include "agent/scripts/custom_health.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/scripts/inline_scripts.h"
#include "common/time/sim_loop.h"
#include "common/yaml/yaml.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using intent::HealthState;
using ::leidang::testing::StatusIs;
using object::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Value Yaml(const std::string& text) {
  absl::StatusOr<Value> value = yaml::ParseYaml(text, "test");
  EXPECT_OK(value);
  return value.ok() ? *std::move(value) : Value();
}

absl::StatusOr<HealthScripts> Scripts(const std::string& text) {
  return HealthScripts::Parse(Yaml(text), "checks.yaml");
}

std::string KindOf(const HealthScripts& scripts, absl::string_view group, absl::string_view kind) {
  const HealthScript* found = scripts.Find(group, kind);
  return found == nullptr ? "" : found->script;
}

TEST(HealthScripts, BothFormsOfSettingsAreRead) {
  const absl::StatusOr<HealthScripts> scripts = Scripts(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  url: https://argocd.example.com
  resource.customizations.health.example.com_Widget: split
  resource.customizations.health.ConfigMap: core
  resource.customizations.actions.example.com_Widget: "discovery.lua: no"
  resource.customizations.useOpenLibs.example.com_Widget: "true"
  resource.customizations: |
    "*.example.com/*":
      health.lua: wide
      health.lua.useOpenLibs: true
    apps/Deployment:
      ignoreDifferences: "jsonPointers: [/spec/replicas]"
)");
  ASSERT_OK(scripts);
  EXPECT_EQ(KindOf(*scripts, "example.com", "Widget"), "split");
  EXPECT_EQ(KindOf(*scripts, "", "ConfigMap"), "core");
  EXPECT_EQ(KindOf(*scripts, "a.example.com", "Any"), "wide");
  EXPECT_EQ(KindOf(*scripts, "example.com", "Other"), "");
  EXPECT_EQ(KindOf(*scripts, "apps", "Deployment"), "");
}

TEST(HealthScripts, AKindThatIsNamedComesBeforeAWildcard) {
  const absl::StatusOr<HealthScripts> scripts = Scripts(
      "resource.customizations.health.*_*: all\n"
      "resource.customizations.health.a.io_K: one\n");
  ASSERT_OK(scripts);
  EXPECT_EQ(KindOf(*scripts, "a.io", "K"), "one");
  EXPECT_EQ(KindOf(*scripts, "b.io", "K"), "all");
}

TEST(HealthScripts, WhatCannotBeReadNamesItsKey) {
  const auto refused = [](const std::string& text, const std::string& why) {
    EXPECT_THAT(Scripts(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::AllOf(HasSubstr("checks.yaml"), HasSubstr(why))));
  };
  refused("[]", "the settings are no map");
  refused("resource.customizations.health.a_b_c: x", "health.a_b_c: write");
  refused("resource.customizations.health.a_b: 7", "health.a_b: the check is no text");
  refused("resource.customizations.health.[a_b: x", "is no pattern");
  refused("resource.customizations: '['", "resource.customizations");
  refused("resource.customizations: '[]'", "no map of kinds");
  refused("resource.customizations: {a/b: {health.lua: [1]}}", "a/b: the check is no text");
  EXPECT_TRUE(Scripts("{}")->empty());
  EXPECT_TRUE(Scripts("")->empty());
}

TEST(HealthScripts, AFileThatIsNotThereIsNamed) {
  EXPECT_THAT(HealthScripts::ReadFile("/nonexistent/checks.yaml"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nonexistent/checks.yaml")));
}

// Counts the calls, and may refuse them.
class CountingScripts final : public ScriptRunner {
 public:
  explicit CountingScripts(EventLoop& loop) : loop_(loop), inline_(loop) {}
  void Run(ScriptCall call, Done done) override {
    ++calls;
    if (refusal.ok()) return inline_.Run(std::move(call), std::move(done));
    loop_.Post([done = std::move(done), error = NamedError(call, refusal)] { done(error); });
  }
  int calls = 0;
  absl::Status refusal;

 private:
  EventLoop& loop_;
  InlineScripts inline_;
};

class CustomHealthTest : public ::testing::Test {
 protected:
  void Configure(const std::string& script, CustomHealth::Options options = {}) {
    object::Object settings{{"resource.customizations.health.example.com_Widget", script}};
    health_ = std::make_unique<CustomHealth>(
        loop_, scripts_, *HealthScripts::Parse(Value(settings), "test"), options);
  }

  static std::shared_ptr<const Value> Widget(const std::string& phase, int version = 1,
                                             const std::string& more = "") {
    return std::make_shared<const Value>(Yaml(absl::StrCat(
        "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: shop, uid: u, ",
        "resourceVersion: '", version, "'", more, "}, status: {phase: ", phase, "}}")));
  }

  std::string Assess(const std::shared_ptr<const Value>& object) {
    int answered = 0;
    health_->Prepare({object, nullptr}, [&] { ++answered; });
    loop_.RunUntilIdle();
    EXPECT_EQ(answered, 1);
    const std::optional<Health> health = health_->Of(*object);
    if (!health.has_value()) return "none";
    return absl::StrCat(static_cast<int>(health->state), " ", health->message);
  }

  static std::string Shown(HealthState state, const std::string& message) {
    return absl::StrCat(static_cast<int>(state), " ", message);
  }

  SimLoop loop_;
  CountingScripts scripts_{loop_};
  std::unique_ptr<CustomHealth> health_;
};

constexpr char kByPhase[] = "return {status = obj.status.phase, message = obj.metadata.name}";

TEST_F(CustomHealthTest, AConfiguredCheckSaysTheHealth) {
  Configure(kByPhase);
  EXPECT_EQ(Assess(Widget("Degraded")), Shown(HealthState::kDegraded, "w"));
}

TEST_F(CustomHealthTest, ACheckRunsOnceForEachVersion) {
  Configure(kByPhase);
  Assess(Widget("Healthy"));
  Assess(Widget("Healthy"));
  EXPECT_EQ(scripts_.calls, 1);
  EXPECT_EQ(Assess(Widget("Degraded", 2)), Shown(HealthState::kDegraded, "w"));
  EXPECT_EQ(scripts_.calls, 2);
}

TEST_F(CustomHealthTest, OtherKindsAreAssessedAtOnce) {
  Configure(kByPhase);
  const Value pod = Yaml("{apiVersion: v1, kind: Pod, status: {phase: Succeeded}}");
  bool done = false;
  health_->Prepare({std::make_shared<const Value>(pod)}, [&] { done = true; });
  EXPECT_TRUE(done);
  EXPECT_EQ(health_->Of(pod)->state, HealthState::kHealthy);
}

TEST_F(CustomHealthTest, WhatIsBeingDeletedIsAskedNoCheck) {
  Configure(kByPhase);
  EXPECT_EQ(Assess(Widget("Healthy", 1, ", deletionTimestamp: '2026-01-01T00:00:00Z'")),
            Shown(HealthState::kProgressing, "Pending deletion"));
  EXPECT_EQ(scripts_.calls, 0);
}

TEST_F(CustomHealthTest, AnObjectThatWasNotPreparedIsUnknown) {
  Configure(kByPhase);
  EXPECT_EQ(health_->Of(*Widget("Healthy"))->state, HealthState::kUnknown);
  EXPECT_THAT(health_->Of(*Widget("Healthy"))->message,
              HasSubstr("the health check of example.com/Widget has not run on Widget shop/w"));
}

TEST_F(CustomHealthTest, NoAnswerIsNoHealth) {
  Configure("return nil");
  EXPECT_EQ(Assess(Widget("Healthy")), "none");
}

TEST_F(CustomHealthTest, AFailingCheckIsUnknownAndNamesCheckAndObject) {
  Configure("return obj.a.b");
  EXPECT_THAT(Assess(Widget("Healthy")),
              ::testing::AllOf(HasSubstr(Shown(HealthState::kUnknown, "")),
                               HasSubstr("the health check of example.com/Widget on Widget shop/w: "
                                         "it failed: check:1:")));
  Assess(Widget("Healthy"));
  EXPECT_EQ(scripts_.calls, 1) << "the same object would fail again";
}

TEST_F(CustomHealthTest, ACheckThatCouldNotRunIsAskedAgainLater) {
  Configure(kByPhase);
  scripts_.refusal = absl::UnavailableError("resting");
  EXPECT_THAT(Assess(Widget("Healthy")), HasSubstr("Widget shop/w: resting"));
  scripts_.refusal = absl::OkStatus();
  EXPECT_THAT(Assess(Widget("Healthy")), HasSubstr("resting"));
  loop_.RunFor(absl::Seconds(31));
  EXPECT_EQ(Assess(Widget("Healthy")), Shown(HealthState::kHealthy, "w"));
}

TEST_F(CustomHealthTest, AnswersAreKeptWithinALimit) {
  Configure(kByPhase, {.known_max = 0});
  Assess(Widget("Healthy"));
  EXPECT_EQ(Assess(Widget("Healthy")), Shown(HealthState::kHealthy, "w"));
  EXPECT_EQ(scripts_.calls, 2);
}

TEST_F(CustomHealthTest, ChecksThatCannotBeReadAreReportedByName) {
  Configure("return {");
  std::vector<std::string> reports;
  health_->CheckAll([&](const absl::Status& error) { reports.emplace_back(error.message()); });
  loop_.RunUntilIdle();
  EXPECT_THAT(reports, ElementsAre(HasSubstr("the health check of example.com/Widget: it cannot "
                                             "be read: check:1:")));
}

// The fleet's checks, as FleetSettings hands them over.
HealthScripts Fleet(const std::string& kind, const std::string& script) {
  object::Object settings{{absl::StrCat("resource.customizations.health.", kind), script}};
  return *HealthScripts::Parse(Value(settings), "test");
}

TEST_F(CustomHealthTest, ChecksOfTheFleetCountWhereTheClusterHasNone) {
  health_ =
      std::make_unique<CustomHealth>(loop_, scripts_, HealthScripts(), CustomHealth::Options());
  EXPECT_EQ(Assess(Widget("Degraded")), "none");
  health_->SetFleetChecks(Fleet("example.com_Widget", kByPhase));
  EXPECT_EQ(Assess(Widget("Degraded")), Shown(HealthState::kDegraded, "w"));
  health_->SetFleetChecks(Fleet("example.com_Widget", "return {status = 'Healthy'}"));
  EXPECT_EQ(Assess(Widget("Degraded")), Shown(HealthState::kHealthy, ""))
      << "what the check before said is forgotten";
  health_->SetFleetChecks(HealthScripts());
  EXPECT_EQ(Assess(Widget("Degraded")), "none");
}

TEST_F(CustomHealthTest, TheCheckOfTheClusterComesBeforeTheFleets) {
  Configure("return {status = 'Suspended'}");
  health_->SetFleetChecks(Fleet("example.com_Widget", kByPhase));
  EXPECT_EQ(Assess(Widget("Degraded")), Shown(HealthState::kSuspended, ""));
}

TEST_F(CustomHealthTest, ChecksThatChangeWhileOneRunsAnswerForTheObjectsThatFollow) {
  health_ =
      std::make_unique<CustomHealth>(loop_, scripts_, HealthScripts(), CustomHealth::Options());
  health_->SetFleetChecks(Fleet("example.com_Widget", kByPhase));
  int answered = 0;
  health_->Prepare({Widget("Healthy"), Widget("Degraded", 2)}, [&] { ++answered; });
  health_->SetFleetChecks(HealthScripts());
  loop_.RunUntilIdle();
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(Assess(Widget("Healthy")), "none");
}

}  // namespace
}  // namespace leidang::agent
