// What Argo CD's own code was seen to answer is checked by tests/conformance; here is the rest.

#include "agent/health/health.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::agent {
namespace {

using intent::HealthState;
using ::testing::HasSubstr;

std::optional<Health> Assess(absl::string_view json) {
  absl::StatusOr<object::Value> value = object::ParseJson(json);
  EXPECT_TRUE(value.ok());
  return AssessHealth(*value);
}

TEST(Health, AFieldOfAWrongTypeIsUnknownAndNamed) {
  const std::optional<Health> health =
      Assess(R"({"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":"three"}})");
  ASSERT_TRUE(health.has_value());
  EXPECT_EQ(health->state, HealthState::kUnknown);
  EXPECT_THAT(health->message, HasSubstr("spec.replicas is no integer"));
}

TEST(Health, WhatIsNoObjectHasNoCheck) {
  EXPECT_EQ(Assess("7"), std::nullopt);
  EXPECT_EQ(Assess("{}"), std::nullopt);
  EXPECT_EQ(Assess(R"({"apiVersion":7,"kind":[]})"), std::nullopt);
}

TEST(Health, APodMayBeToldToCountAsOneThatRunsForEver) {
  const char* const pod = R"({"apiVersion":"v1","kind":"Pod",
      "metadata":{"annotations":{"argocd.argoproj.io/ignore-restart-policy":"true"}},
      "spec":{"restartPolicy":"Never"},
      "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})";
  EXPECT_EQ(Assess(pod)->state, HealthState::kHealthy);
}

TEST(Health, ASuspendedJobIsSuspended) {
  EXPECT_EQ(Assess(R"({"apiVersion":"batch/v1","kind":"Job",
                "status":{"conditions":[{"type":"Suspended","status":"True"}]}})")
                ->state,
            HealthState::kSuspended);
}

TEST(Health, AnInitContainerThatFailedIsNamed) {
  EXPECT_EQ(Assess(R"({"apiVersion":"v1","kind":"Pod","spec":{},
      "status":{"phase":"Failed","initContainerStatuses":[
          {"name":"i","state":{"terminated":{"exitCode":3}}}]}})")
                ->message,
            "container \"i\" failed with exit code 3");
}

}  // namespace
}  // namespace leidang::agent
