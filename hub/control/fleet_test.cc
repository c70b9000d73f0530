// Whole flows: from what users write and commit to what clusters are assigned.

#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "common/conditions/types.h"
#include "hub/control/fleet_fixture_test.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr intent::DeletionPolicy kForeground = intent::DeletionPolicy::kForeground;

class Fleet : public FleetTest {
 protected:
  intent::Revision Head(const std::string& cluster) const {
    return hub_.store().Log(hub_.IdOf(cluster))->head;
  }
  intent::Assignment Assigned(const std::string& cluster, const std::string& app) const {
    const auto live = hub_.store().Assignment(hub_.IdOf(cluster),
                                              {intent::EntryKind::kApplication, "leidang/" + app});
    EXPECT_OK(live);
    return live.ok() ? live->assignment : intent::Assignment();
  }
  size_t Tombstones(const std::string& cluster) const {
    return hub_.store().Tombstones(hub_.IdOf(cluster))->size();
  }
};

TEST_F(Fleet, OneApplicationComesOfEachDirectory) {
  Commit(Apps({"cart", "shop"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  ApplyAndSettle(DirectoriesSet("fleet"));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("cart", "shop"));
  const intent::Assignment cart = Assigned("in-cluster", "cart");
  EXPECT_THAT(cart.body, HasSubstr("CreateNamespace=true"));
  EXPECT_THAT(cart.body, HasSubstr("\"prune\":true"));
  ASSERT_EQ(cart.sources.size(), 1u);
  EXPECT_EQ(cart.sources[0].path, "apps/cart");
  EXPECT_OK(hub_.store().GetContent(cart.sources[0].tree)) << "what to render comes with it";
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"), IsEmpty());
  ASSERT_OK(
      hub_.store().Assignment(hub_.IdOf("in-cluster"), {intent::EntryKind::kProject, "default"}));
}

TEST_F(Fleet, ACommitChangesOnlyWhatItTouches) {
  Commit(Apps({"cart", "shop"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  ApplyAndSettle(DirectoriesSet("fleet"));
  const intent::Assignment shop = Assigned("in-cluster", "shop");
  const intent::Assignment cart = Assigned("in-cluster", "cart");
  const intent::Revision head = Head("in-cluster");

  FakeGitSource::Files files = Apps({"cart", "shop"});
  files["apps/cart/cm.yaml"] = {ConfigMap("cart", "2")};
  Commit(files);
  Poll();
  EXPECT_EQ(Head("in-cluster"), head + 1);
  EXPECT_EQ(Assigned("in-cluster", "shop"), shop);
  EXPECT_EQ(Assigned("in-cluster", "cart").uid, cart.uid);
  EXPECT_NE(Assigned("in-cluster", "cart").sources[0].tree, cart.sources[0].tree);

  files["README.md"] = {"nothing that anybody renders"};
  Commit(files);
  Poll();
  EXPECT_EQ(Head("in-cluster"), head + 1);

  files["apps/cart/cm.yaml"] = {ConfigMap("cart", "1")};
  Commit(files);
  Poll();
  EXPECT_EQ(Assigned("in-cluster", "cart").sources[0].tree, cart.sources[0].tree)
      << "a revert rolls back";
}

TEST_F(Fleet, ADirectoryThatGoesIsATombstoneUntilTheAgentHasCarriedItOut) {
  Commit(Apps({"a", "b", "c"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  ASSERT_OK(hub_.Join("in-cluster"));
  ApplyAndSettle(DirectoriesSet("fleet"));
  hub_.AgentCatchesUp("in-cluster");
  const intent::Uid b = Assigned("in-cluster", "b").uid;
  Commit(Apps({"a", "c"}));
  Poll();
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "c"));
  ASSERT_EQ(hub_.records().pending_deletions().size(), 1u);
  const PendingDeletion& pending = hub_.records().pending_deletions().begin()->second;
  EXPECT_EQ(pending.uid, b);
  EXPECT_EQ(pending.policy, kForeground);
  EXPECT_EQ(Tombstones("in-cluster"), 1u);
  hub_.AgentCatchesUp("in-cluster");
  EXPECT_TRUE(hub_.records().pending_deletions().empty());

  Commit(Apps({"a", "b", "c"}));
  Poll();
  EXPECT_NE(Assigned("in-cluster", "b").uid, b) << "a namesake is another thing";
}

TEST_F(Fleet, ALabelPlacesAppsAndMovesOnlyWhatItShould) {
  Commit(Apps({"a", "b"}));
  Start();
  ASSERT_OK(hub_.Register("one", "env=dev"));
  ASSERT_OK(hub_.Register("two", "env=dev"));
  ASSERT_OK(hub_.Register("three", "env=production"));
  ApplyAndSettle(R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: matrix}
spec:
  generators:
  - matrix:
      generators:
      - git:
          repoURL: https://git.example/fleet.git
          revision: main
          directories: [{path: apps/*}]
      - clusters:
          selector: {matchLabels: {env: dev}}
  template:
    metadata: {name: '{{path.basename}}-{{name}}'}
    spec:
      project: default
      source: {repoURL: 'https://git.example/fleet.git', targetRevision: main, path: '{{path}}'}
      destination: {name: '{{name}}', namespace: default}
)");
  EXPECT_THAT(hub_.On("one"), ElementsAre("a-one", "b-one"));
  EXPECT_THAT(hub_.On("two"), ElementsAre("a-two", "b-two"));
  EXPECT_THAT(hub_.On("three"), IsEmpty());
  const intent::Revision one = Head("one");
  const intent::Revision two = Head("two");
  ASSERT_OK(hub_.Register("three", "env=dev"));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(hub_.On("three"), ElementsAre("a-three", "b-three"));
  EXPECT_EQ(Head("one"), one);
  EXPECT_EQ(Head("two"), two);
  ASSERT_OK(hub_.Register("two", "env=production"));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(hub_.On("two"), IsEmpty());
  EXPECT_EQ(Head("one"), one);
}

TEST_F(Fleet, AnotherDestinationIsATombstoneHereAndAPutThere) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("one"));
  ASSERT_OK(hub_.Register("two"));
  ApplyAndSettle(ListSet("set", {"app one"}));
  const intent::Uid before = Assigned("one", "app").uid;
  ApplyAndSettle(ListSet("set", {"app two"}));
  EXPECT_THAT(hub_.On("one"), IsEmpty());
  EXPECT_NE(Assigned("two", "app").uid, before);
  ASSERT_FALSE(hub_.records().pending_deletions().empty());
  EXPECT_THAT(hub_.records().pending_deletions().begin()->second.reason, HasSubstr("moved"));
}

TEST_F(Fleet, ASetGoesWithItsApplicationsOnceTheirNumberIsConfirmed) {
  Commit(Apps({"a", "b"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  ASSERT_OK(hub_.Join("in-cluster"));
  ApplyAndSettle(DirectoriesSet("fleet"));
  const auto erase = [this](std::optional<uint64_t> confirm) {
    return hub_.Delete(WrittenKind::kApplicationSet, "leidang/fleet", confirm);
  };
  EXPECT_THAT(erase(std::nullopt),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--confirm 2")));
  EXPECT_THAT(erase(3), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not 3")));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
  EXPECT_THAT(erase(2), testing::IsOkAndHolds(2u));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(hub_.On("in-cluster"), IsEmpty());
  EXPECT_EQ(hub_.records().Object(WrittenKind::kApplicationSet, "leidang/fleet"), nullptr);
  EXPECT_GE(hub_.records().pending_deletions().size(), 2u) << "visible until they are gone";
  hub_.AgentCatchesUp("in-cluster");
  EXPECT_TRUE(hub_.records().pending_deletions().empty());
  EXPECT_THAT(erase(2), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(Fleet, ASetIsDeletedUnderThePolicyThatWasAskedFor) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  ApplyAndSettle(DirectoriesSet("fleet"));
  ASSERT_OK(hub_.Delete(WrittenKind::kApplicationSet, "leidang/fleet", 1,
                        intent::DeletionPolicy::kOrphan));
  ASSERT_TRUE(hub_.Settle());
  for (const auto& [key, pending] : hub_.records().pending_deletions())
    EXPECT_EQ(pending.policy, intent::DeletionPolicy::kOrphan);
}

TEST_F(Fleet, AnApplicationWrittenDirectlyComesAndGoes) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("one"));
  ASSERT_OK(hub_.Join("one"));
  ApplyAndSettle(Application("mine", "one"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("mine"));
  ASSERT_OK(hub_.Delete(WrittenKind::kApplication, "leidang/mine"));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(hub_.On("one"), IsEmpty());
  EXPECT_EQ(hub_.records().pending_deletions().begin()->second.policy, kForeground);
  EXPECT_EQ(hub_.records().Object(WrittenKind::kApplication, "leidang/mine"), nullptr);
}

TEST_F(Fleet, AGeneratedApplicationIsChangedThroughItsSetOnly) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  ApplyAndSettle(DirectoriesSet("fleet"));
  EXPECT_THAT(hub_.Apply(Application("a", "in-cluster")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("leidang/fleet")));
  EXPECT_THAT(hub_.Delete(WrittenKind::kApplication, "leidang/a"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("change the set")));
}

std::string Project(const std::string& name, const std::string& description) {
  return "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: " + name +
         "}\nspec: {description: " + description + ", sourceRepos: ['*']}\n";
}

TEST_F(Fleet, AProjectIsWhereItsApplicationsAreAndFollowsEdits) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("one"));
  ASSERT_OK(hub_.Register("two"));
  ApplyAndSettle(Project("team", "first"));
  ApplyAndSettle(Application("mine", "one", "apps/a", "main", kUrl, "team"));
  const intent::EntryKey key{intent::EntryKind::kProject, "team"};
  const auto first = hub_.store().Assignment(hub_.IdOf("one"), key);
  ASSERT_OK(first);
  EXPECT_THAT(first->assignment.body, HasSubstr("first"));
  EXPECT_THAT(hub_.store().Assignment(hub_.IdOf("two"), key), StatusIs(absl::StatusCode::kNotFound))
      << "a cluster has what its Applications need, no more";

  ApplyAndSettle(Project("team", "second"));
  const auto second = hub_.store().Assignment(hub_.IdOf("one"), key);
  ASSERT_OK(second);
  EXPECT_THAT(second->assignment.body, HasSubstr("second"));
  EXPECT_EQ(second->assignment.uid, first->assignment.uid);

  EXPECT_THAT(hub_.Delete(WrittenKind::kAppProject, "team"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("leidang/mine")));
  ApplyAndSettle(Application("mine", "two", "apps/a", "main", kUrl, "team"));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(hub_.store().Assignment(hub_.IdOf("one"), key),
              StatusIs(absl::StatusCode::kNotFound));
  ApplyAndSettle(Application("mine", "one", "apps/a", "main", kUrl, "team"));
  const auto third = hub_.store().Assignment(hub_.IdOf("one"), key);
  ASSERT_OK(third);
  EXPECT_NE(third->assignment.uid, first->assignment.uid) << "the old one's end is still pending";
}

TEST_F(Fleet, TheDefaultProjectStays) {
  Start();
  EXPECT_THAT(hub_.Delete(WrittenKind::kAppProject, "default"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("always exists")));
}

TEST_F(Fleet, OfTwoSetsThatWantANameTheOlderHasItAndTheOtherSaysSo) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("one"));
  ApplyAndSettle(ListSet("younger", {"app one"}) + "---" + ListSet("a-older", {"app one"}));
  // Of the same moment: by name.
  EXPECT_EQ(hub_.store().Application("leidang/app")->set, "leidang/a-older");
  EXPECT_THAT(hub_.SetConditions("leidang/younger"), ElementsAre("ErrorOccurred=NameConflict"));
  EXPECT_THAT(hub_.SetConditions("leidang/a-older"), IsEmpty());
  const Condition* conflict = hub_.SetCondition("leidang/younger", conditions::kErrorOccurred);
  ASSERT_NE(conflict, nullptr);
  EXPECT_THAT(conflict->message, HasSubstr("set leidang/a-older"));
  const absl::Time since = conflict->since;
  loop_.RunFor(absl::Hours(1));
  EXPECT_EQ(hub_.SetCondition("leidang/younger", conditions::kErrorOccurred)->since, since);

  ApplyAndSettle(ListSet("a-older", {"other one"}));
  EXPECT_EQ(hub_.store().Application("leidang/app")->set, "leidang/younger")
      << "it has waited for the name";
  EXPECT_THAT(hub_.SetConditions("leidang/younger"), IsEmpty());
}

TEST_F(Fleet, AnOwnerKeepsItsNameAgainstAnOlderSetThatWantsItLater) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("one"));
  ApplyAndSettle(ListSet("first", {"x one"}));
  loop_.RunFor(absl::Minutes(1));
  ApplyAndSettle(ListSet("second", {"app one"}));
  ApplyAndSettle(ListSet("first", {"x one", "app one"}));
  EXPECT_EQ(hub_.store().Application("leidang/app")->set, "leidang/second");
  EXPECT_THAT(hub_.SetConditions("leidang/first"), ElementsAre("ErrorOccurred=NameConflict"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("app", "x"));
  Restart();
  EXPECT_EQ(hub_.store().Application("leidang/app")->set, "leidang/second");
}

TEST_F(Fleet, ASetThatMayOnlyCreateLeavesWhatItMade) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("in-cluster"));
  const std::string policy = "  syncPolicy: {applicationsSync: create-only}\n";
  ApplyAndSettle(DirectoriesSet("fleet", policy));
  const intent::Assignment before = Assigned("in-cluster", "a");
  Commit(Apps({"a", "b"}, "2"));
  Poll();
  EXPECT_EQ(Assigned("in-cluster", "a"), before);
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
  Commit(Apps({"b"}));
  Poll();
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("a", "b"));
}

TEST_F(Fleet, ConditionsOfASetSayTheSameSinceAfterARestart) {
  Commit(Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("one"));
  ApplyAndSettle(ListSet("one", {"app one"}));
  ApplyAndSettle(ListSet("two", {"app one"}));
  const absl::Time since = hub_.SetCondition("leidang/two", conditions::kErrorOccurred)->since;
  loop_.RunFor(absl::Minutes(7));
  Restart();
  EXPECT_EQ(hub_.SetCondition("leidang/two", conditions::kErrorOccurred)->since, since);
}

TEST_F(Fleet, PinsOfWhatNobodyWantsAnyMoreAreForgotten) {
  Commit(Apps({"a"}));
  git_.Commit(kUrl, "dev", Apps({"a"}));
  Start();
  ASSERT_OK(hub_.Register("one"));
  ApplyAndSettle(ListSet("set", {"app one"}, "apps/a", "dev"));
  EXPECT_EQ(hub_.records().pins().count({kUrl, "dev"}), 1u);
  ApplyAndSettle(ListSet("set", {"app one"}, "apps/a", "main"));
  EXPECT_EQ(hub_.records().pins().count({kUrl, "dev"}), 0u);
  EXPECT_EQ(hub_.records().pins().count({kUrl, "main"}), 1u);
  ASSERT_OK(hub_.Delete(WrittenKind::kApplicationSet, "leidang/set", 1));
  ASSERT_TRUE(hub_.Settle());
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(hub_.records().pins().empty());
}

}  // namespace
}  // namespace leidang::hub
