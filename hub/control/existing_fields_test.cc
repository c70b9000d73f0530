// What sets leave as it is in Applications that exist, and what their policies allow.

#include "hub/control/existing_fields.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"

#include "common/conditions/types.h"
#include "hub/control/fleet_fixture_test.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ExistingFieldsTest : public FleetTest {
 protected:
  void SetUp() override {
    Commit(Apps({"a", "b"}));
    Start();
    ASSERT_OK(hub_.Register("one"));
    ASSERT_OK(hub_.Register("two"));
  }

  // One Application `app` on cluster one, and what is said about existing ones.
  static std::string Set(const std::string& rules, const std::string& path,
                         const std::string& metadata = "", const std::string& cluster = "one") {
    return absl::StrCat(R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: set}
spec:
)",
                        rules, R"(
  generators: [{list: {elements: [{app: app}]}}]
  template:
    metadata:
      name: '{{app}}'
)",
                        metadata, R"(
    spec:
      project: default
      source: {repoURL: 'https://git.example/fleet.git', targetRevision: main, path: ')",
                        path, "'}\n      destination: {name: ", cluster, ", namespace: default}\n");
  }

  intent::Assignment Assigned(const std::string& cluster = "one") const {
    const auto live = hub_.store().Assignment(hub_.IdOf(cluster),
                                              {intent::EntryKind::kApplication, "leidang/app"});
    EXPECT_OK(live);
    return live.ok() ? live->assignment : intent::Assignment();
  }

  void ExpectTheSameWithoutDerivedData() {
    const std::string before = hub_.Picture();
    hub_.Kill();
    hub_.DropDerivedData();
    Start();
    EXPECT_EQ(hub_.Picture(), before);
    Poll();
    EXPECT_EQ(hub_.Picture(), before);
  }
};

constexpr char kIgnorePath[] =
    "  ignoreApplicationDifferences: [{jsonPointers: [/spec/source/path]}]\n";

TEST_F(ExistingFieldsTest, AnIgnoredDifferenceStaysAsItIs) {
  ApplyAndSettle(Set(kIgnorePath, "apps/a"));
  const intent::Assignment before = Assigned();
  ApplyAndSettle(Set(kIgnorePath, "apps/b"));
  EXPECT_EQ(Assigned(), before);
  ExpectTheSameWithoutDerivedData();
  EXPECT_EQ(Assigned(), before);
}

TEST_F(ExistingFieldsTest, WhatIsNotIgnoredIsUpdated) {
  ApplyAndSettle(Set(kIgnorePath, "apps/a"));
  ApplyAndSettle(Set(kIgnorePath, "apps/b", "      labels: {team: red}\n"));
  EXPECT_EQ(Assigned().sources[0].path, "apps/a");
  EXPECT_THAT(Assigned().body, HasSubstr("\"team\":\"red\""));
  ExpectTheSameWithoutDerivedData();
  ApplyAndSettle(Set(kIgnorePath, "apps/b", "      labels: {team: blue}\n"));
  EXPECT_THAT(Assigned().body, HasSubstr("\"team\":\"blue\""));
  ExpectTheSameWithoutDerivedData();
}

TEST_F(ExistingFieldsTest, CommitsOfWhatIsKeptStillArrive) {
  ApplyAndSettle(Set(kIgnorePath, "apps/a"));
  ApplyAndSettle(Set(kIgnorePath, "apps/b"));
  const object::Sha256 tree = Assigned().sources[0].tree;
  Commit(Apps({"a", "b"}, "2"));
  Poll();
  EXPECT_EQ(Assigned().sources[0].path, "apps/a");
  EXPECT_NE(Assigned().sources[0].tree, tree);
  ExpectTheSameWithoutDerivedData();
}

TEST_F(ExistingFieldsTest, WithoutTheRuleTheGeneratedValueCountsAgain) {
  ApplyAndSettle(Set(kIgnorePath, "apps/a"));
  ApplyAndSettle(Set(kIgnorePath, "apps/b"));
  EXPECT_FALSE(hub_.records().holdings().empty());
  ApplyAndSettle(Set("", "apps/b"));
  EXPECT_EQ(Assigned().sources[0].path, "apps/b");
  EXPECT_THAT(hub_.records().holdings(), IsEmpty());
  ExpectTheSameWithoutDerivedData();
}

TEST_F(ExistingFieldsTest, ARuleByJqExpressionAndName) {
  const std::string rule =
      "  ignoreApplicationDifferences: [{name: app, jqPathExpressions: ['.spec.source.path']}]\n";
  ApplyAndSettle(Set(rule, "apps/a"));
  ApplyAndSettle(Set(rule, "apps/b"));
  EXPECT_EQ(Assigned().sources[0].path, "apps/a");
  const std::string other = absl::StrReplaceAll(rule, {{"name: app", "name: other"}});
  ApplyAndSettle(Set(other, "apps/b"));
  EXPECT_EQ(Assigned().sources[0].path, "apps/b");
}

TEST_F(ExistingFieldsTest, ARuleThatCannotBeEvaluatedIsOneConditionAndChangesNothing) {
  ApplyAndSettle(Set("", "apps/a"));
  const intent::Assignment before = Assigned();
  ApplyAndSettle(
      Set("  ignoreApplicationDifferences: [{jqPathExpressions: ['.spec[']}]\n", "apps/b"));
  EXPECT_EQ(Assigned(), before);
  EXPECT_THAT(hub_.SetConditions("leidang/set"), ElementsAre("ErrorOccurred=InvalidSpec"));
  EXPECT_THAT(hub_.SetCondition("leidang/set", conditions::kErrorOccurred)->message,
              HasSubstr("spec.ignoreApplicationDifferences"));
}

TEST_F(ExistingFieldsTest, PreservedLabelsAndAnnotationsStay) {
  const std::string rules = "  preservedFields: {annotations: [note], labels: [kept]}\n";
  ApplyAndSettle(
      Set(rules, "apps/a", "      labels: {kept: x, gone: x}\n      annotations: {note: first}\n"));
  ApplyAndSettle(Set(rules, "apps/b"));
  const intent::Assignment now = Assigned();
  EXPECT_EQ(now.sources[0].path, "apps/b");
  EXPECT_THAT(now.body, HasSubstr("\"kept\":\"x\""));
  EXPECT_THAT(now.body, HasSubstr("\"note\":\"first\""));
  EXPECT_THAT(now.body, Not(HasSubstr("\"gone\"")));
  ExpectTheSameWithoutDerivedData();
}

TEST_F(ExistingFieldsTest, ANamesakeKeepsNothingOfTheOneThatEnded) {
  ASSERT_OK(hub_.Join("one"));
  ApplyAndSettle(Set(kIgnorePath, "apps/a"));
  ASSERT_OK(hub_.Delete(WrittenKind::kApplicationSet, "leidang/set", 1));
  ASSERT_TRUE(hub_.Settle());
  ApplyAndSettle(Set(kIgnorePath, "apps/b"));
  EXPECT_EQ(Assigned().sources[0].path, "apps/b");
}

TEST_F(ExistingFieldsTest, WhatIsKeptMovesAlong) {
  ApplyAndSettle(Set(kIgnorePath, "apps/a"));
  ApplyAndSettle(Set(kIgnorePath, "apps/b", "", "two"));
  EXPECT_THAT(hub_.On("one"), IsEmpty());
  EXPECT_EQ(Assigned("two").sources[0].path, "apps/a");
  ExpectTheSameWithoutDerivedData();
}

class SyncPolicyTest : public FleetTest {
 protected:
  void StartWith(const std::string& policy) {
    Commit(Apps({"a", "b"}));
    Start();
    ASSERT_OK(hub_.Register("in-cluster"));
    ApplyAndSettle(DirectoriesSet("fleet", "  syncPolicy: {applicationsSync: " + policy + "}\n"));
    ASSERT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
    tree_ = Tree("b");
    Commit(Apps({"b", "c"}, "2"));
    Poll();
  }
  object::Sha256 Tree(const std::string& app) {
    const auto live = hub_.store().Assignment(hub_.IdOf("in-cluster"),
                                              {intent::EntryKind::kApplication, "leidang/" + app});
    return live.ok() ? live->assignment.sources[0].tree : object::Sha256();
  }

  object::Sha256 tree_;
};

TEST_F(SyncPolicyTest, CreateOnlyNeitherUpdatesNorDeletes) {
  StartWith("create-only");
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b", "c"));
  EXPECT_EQ(Tree("b"), tree_);
}

TEST_F(SyncPolicyTest, CreateUpdateDoesNotDelete) {
  StartWith("create-update");
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b", "c"));
  EXPECT_NE(Tree("b"), tree_);
}

TEST_F(SyncPolicyTest, CreateDeleteDoesNotUpdate) {
  StartWith("create-delete");
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("b", "c"));
  EXPECT_EQ(Tree("b"), tree_);
}

TEST_F(SyncPolicyTest, SyncDoesAll) {
  StartWith("sync");
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("b", "c"));
  EXPECT_NE(Tree("b"), tree_);
}

TEST_F(SyncPolicyTest, PreserveResourcesOnDeletionKeepsTheObjects) {
  Commit(Apps({"a", "b"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  ApplyAndSettle(DirectoriesSet("fleet", "  syncPolicy: {preserveResourcesOnDeletion: true}\n"));
  Commit(Apps({"b"}));
  Poll();
  ASSERT_EQ(hub_.records().pending_deletions().size(), 1u);
  EXPECT_EQ(hub_.records().pending_deletions().begin()->second.policy,
            intent::DeletionPolicy::kOrphan);
}

TEST(UnheededFields, AreNamed) {
  const auto of = [](const std::string& json) { return UnheededFields(*object::ParseJson(json)); };
  EXPECT_THAT(of(R"({"spec":{"strategy":{"type":"AllAtOnce"}}})"), IsEmpty());
  EXPECT_THAT(of(R"({"spec":{"strategy":{"type":"Rolling"}}})"),
              ElementsAre(HasSubstr("spec.strategy.type: \"Rolling\"")));
  EXPECT_THAT(of(R"({"spec":{"strategy":{"deletionOrder":"Reverse"}}})"),
              ElementsAre(HasSubstr("spec.strategy.deletionOrder: Reverse")));
  EXPECT_THAT(of(R"({"spec":{"template":{"operation":{"sync":{}}}}})"),
              ElementsAre(HasSubstr("spec.template.operation")));
}

}  // namespace
}  // namespace leidang::hub
