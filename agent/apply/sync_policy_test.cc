#include "agent/apply/sync_policy.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

absl::StatusOr<SyncPolicy> Read(absl::string_view json) {
  absl::StatusOr<object::Value> value = object::ParseJson(json);
  EXPECT_OK(value);
  return ReadSyncPolicy(*value);
}

TEST(SyncPolicy, NothingSaidIsManual) {
  ASSERT_OK_AND_ASSIGN(const SyncPolicy policy, Read(R"({"metadata":{},"spec":{}})"));
  EXPECT_EQ(policy.automation, Automation::kManual);
  EXPECT_EQ(policy.pruning, Pruning::kKeep);
  EXPECT_EQ(policy.healing, Healing::kReport);
  EXPECT_EQ(policy.emptiness, Emptiness::kRefused);
  EXPECT_EQ(policy.create_namespace, NamespaceCreation::kNo);
  EXPECT_EQ(policy.max_deletions, intent::DeletionLimit());
}

TEST(SyncPolicy, ReadsAllThatItKnows) {
  ASSERT_OK_AND_ASSIGN(const SyncPolicy policy, Read(R"({
    "metadata":{"annotations":{"leidang.dev/max-deletions":"25%","leidang.dev/adopt":"true"}},
    "spec":{"syncPolicy":{
      "automated":{"prune":true,"selfHeal":true,"allowEmpty":true},
      "managedNamespaceMetadata":{"labels":{"a":"b"}},
      "syncOptions":["CreateNamespace=true","Prune=false","Delete=false","PruneLast=true",
                     "Replace=true","Force=true","FailOnSharedResource=true",
                     "PrunePropagationPolicy=background","RespectIgnoreDifferences=true",
                     "Validate=false","Unheard=true","PrunePropagationPolicy=never"]}}})"));
  EXPECT_EQ(policy.automation, Automation::kAutomated);
  EXPECT_EQ(policy.pruning, Pruning::kPrune);
  EXPECT_EQ(policy.healing, Healing::kCorrect);
  EXPECT_EQ(policy.emptiness, Emptiness::kAllowed);
  EXPECT_EQ(policy.create_namespace, NamespaceCreation::kYes);
  EXPECT_EQ(policy.option, Pruning::kKeep);
  EXPECT_EQ(policy.with_app, Pruning::kKeep);
  EXPECT_EQ(policy.adoption, Adoption::kYes);
  EXPECT_EQ(policy.max_deletions,
            (intent::DeletionLimit{intent::DeletionLimit::Kind::kPercent, 25}));
  EXPECT_TRUE(policy.namespace_labels.is_object());
  EXPECT_EQ(policy.replace, Wish::kYes);
  EXPECT_EQ(policy.force, Wish::kYes);
  EXPECT_EQ(policy.shared, SyncPolicy::Shared::kFail);
  EXPECT_EQ(policy.prune_how, SyncPolicy::PruneHow::kBackground);
  EXPECT_EQ(policy.ignored_at_sync, SyncPolicy::IgnoredAtSync::kKeepLive);
  EXPECT_THAT(policy.notices,
              ElementsAre(HasSubstr("Unheard=true"), HasSubstr("PrunePropagationPolicy=never")));
}

TEST(SyncPolicy, AutomationCanBeSwitchedOff) {
  ASSERT_OK_AND_ASSIGN(
      const SyncPolicy policy,
      Read(R"({"spec":{"syncPolicy":{"automated":{"enabled":false,"prune":true}}}})"));
  EXPECT_EQ(policy.automation, Automation::kManual);
}

TEST(SyncPolicy, NamesTheFieldThatIsWrong) {
  const struct {
    absl::string_view json;
    absl::string_view says;
  } cases[] = {
      {R"({"spec":{"syncPolicy":{"automated":true}}})", "spec.syncPolicy.automated is no map"},
      {R"({"spec":{"syncPolicy":{"automated":{"prune":"yes"}}}})", "automated.prune is neither"},
      {R"({"spec":{"syncPolicy":{"syncOptions":{}}}})", "syncOptions is no list"},
      {R"({"spec":{"syncPolicy":{"syncOptions":[1]}}})", "syncOptions holds"},
      {R"({"spec":{"syncPolicy":{"managedNamespaceMetadata":{"labels":{"a":1}}}}})", ".labels"},
      {R"({"metadata":{"annotations":{"leidang.dev/max-deletions":"some"}}})", "max-deletions"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Read(c.json),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(c.says))));
  }
}

}  // namespace
}  // namespace leidang::agent
