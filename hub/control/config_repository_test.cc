#include "hub/control/config_repository.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "hub/control/fleet_fixture_test.h"
#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kConfigUrl[] = "https://git.example/config.git";

testing::TestHub::Options WithConfig() {
  testing::TestHub::Options options;
  options.config = ConfigRepository::Options{kConfigUrl, "main", "fleet"};
  return options;
}

std::string Cluster(const std::string& name) {
  return "apiVersion: leidang.dev/v1alpha1\nkind: Cluster\nmetadata: {name: " + name +
         "}\nspec: {}\n";
}

class ConfigRepositoryTest : public FleetTest {
 protected:
  ConfigRepositoryTest() : FleetTest(WithConfig()) {
    Commit(Apps({"a"}));
    files_["fleet/clusters.yaml"] = {Cluster("in-cluster") + "---\n" + Cluster("one")};
    files_["fleet/sets/one.yaml"] = {ListSet("one", {"x one"})};
    files_["fleet/sets/two.yaml"] = {ListSet("two", {"y-app one"})};
    files_["fleet/README.md"] = {"not taken"};
    files_["elsewhere/broken.yaml"] = {"{"};
  }
  void CommitConfig() { git_.Commit(kConfigUrl, "main", files_); }
  void Take() {
    CommitConfig();
    Poll();
  }
  void StartWithConfig() {
    CommitConfig();
    Start();
    loop_.RunFor(absl::Seconds(1));
    ASSERT_TRUE(hub_.Settle());
    ASSERT_OK(hub_.config().status());
  }
  std::vector<std::string> Sets() const {
    std::vector<std::string> names;
    for (const auto& [key, set] : hub_.records().Objects(WrittenKind::kApplicationSet)) {
      if (!set.deleting) names.push_back(key);
    }
    return names;
  }
  // Whatever is wrong, all stays as it is.
  void ExpectAllStays(absl::StatusCode code, const std::string& message) {
    const std::string before = hub_.Picture();
    Take();
    EXPECT_THAT(hub_.config().status(), StatusIs(code, HasSubstr(message)));
    EXPECT_EQ(hub_.Picture(), before);
    EXPECT_THAT(Sets(), ElementsAre("leidang/one", "leidang/two"));
    EXPECT_TRUE(hub_.records().pending_deletions().empty());
  }

  // Has the commit taken, and what follows done.
  void TakeAll() {
    Take();
    loop_.RunFor(absl::Seconds(1));
    ASSERT_TRUE(hub_.Settle());
  }
  std::vector<std::string> Waiting() const {
    std::vector<std::string> names;
    for (const Brakes::Held& held : hub_.brakes().List()) {
      EXPECT_EQ(hub_.brakes().NameOf(held), "configuration");
      for (const BrakedDeletion& deletion : held.deletions) names.push_back(deletion.name);
    }
    return names;
  }
  void Decide(BrakeDesk::Verdict verdict) {
    ASSERT_EQ(hub_.brakes().List().size(), 1u);
    ASSERT_OK(hub_.Decide(verdict, hub_.brakes().List()[0].digest.Hex()));
    loop_.RunFor(absl::Seconds(1));
    ASSERT_TRUE(hub_.Settle());
  }

  FakeGitSource::Files files_;
};

TEST_F(ConfigRepositoryTest, TheFleetIsWhatTheFolderSays) {
  StartWithConfig();
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app"));
  const WrittenObject* set = hub_.records().Object(WrittenKind::kApplicationSet, "leidang/one");
  ASSERT_NE(set, nullptr);
  EXPECT_THAT(set->owner, HasSubstr("config fleet/sets/one.yaml@"));
  EXPECT_EQ(hub_.config().commit().size(), 40u);
}

TEST_F(ConfigRepositoryTest, ACommitThatChangesNothingWritesNothingAndDeletesNothing) {
  StartWithConfig();
  const std::string before = hub_.Picture();
  const std::string owner =
      hub_.records().Object(WrittenKind::kApplicationSet, "leidang/two")->owner;
  for (int i = 0; i < 3; ++i) {
    files_["fleet/README.md"] = {absl::StrCat(i)};
    Take();
    ASSERT_OK(hub_.config().status());
  }
  EXPECT_EQ(hub_.Picture(), before);
  EXPECT_THAT(Sets(), ElementsAre("leidang/one", "leidang/two"));
  EXPECT_EQ(hub_.records().Object(WrittenKind::kApplicationSet, "leidang/two")->owner, owner)
      << "the commit that changed it last";
  Restart();
  loop_.RunFor(absl::Seconds(1));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_EQ(hub_.Picture(), before);
}

TEST_F(ConfigRepositoryTest, AnEditIsTakenAndARemovedSetWaitsUntilItIsApproved) {
  StartWithConfig();
  files_["fleet/sets/one.yaml"] = {ListSet("one", {"x one", "z one"})};
  Take();
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app", "z"));
  files_.erase("fleet/sets/one.yaml");
  TakeAll();
  EXPECT_OK(hub_.config().status());
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app", "z"));
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one"));
  EXPECT_THAT(hub_.SetConditions("leidang/one"), ElementsAre("DeletionsHeld=DeletionsHeld"));
  // Neither a restart nor another commit decides for anybody.
  Restart();
  files_["fleet/README.md"] = {"again"};
  TakeAll();
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one"));
  EXPECT_THAT(Sets(), ElementsAre("leidang/one", "leidang/two"));

  Decide(BrakeDesk::Verdict::kApproved);
  EXPECT_THAT(Sets(), ElementsAre("leidang/two"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("y-app"));
  EXPECT_THAT(Waiting(), IsEmpty());
}

TEST_F(ConfigRepositoryTest, ARejectedRemovalStaysAndAFileThatComesBackEndsTheQuestion) {
  StartWithConfig();
  files_.erase("fleet/sets/one.yaml");
  TakeAll();
  Decide(BrakeDesk::Verdict::kRejected);
  ASSERT_THAT(Waiting(), ElementsAre("set leidang/one"));
  EXPECT_EQ(hub_.brakes().List()[0].decided, "test");
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app"));
  files_["fleet/sets/one.yaml"] = {ListSet("one", {"x one"})};
  TakeAll();
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_THAT(hub_.SetConditions("leidang/one"), IsEmpty());
}

TEST_F(ConfigRepositoryTest, WhatIsRemovedAfterAnApprovalWaitsAgain) {
  StartWithConfig();
  files_.erase("fleet/sets/one.yaml");
  TakeAll();
  const std::string digest = hub_.brakes().List()[0].digest.Hex();
  files_.erase("fleet/sets/two.yaml");
  TakeAll();
  EXPECT_THAT(hub_.Decide(BrakeDesk::Verdict::kApproved, digest),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one", "set leidang/two"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app"));
}

TEST_F(ConfigRepositoryTest, ARenamedSetTakesOverWhatTheOldOneHolds) {
  StartWithConfig();
  const intent::Uid uid = hub_.store().Application("leidang/x")->uid;
  files_.erase("fleet/sets/one.yaml");
  files_["fleet/sets/renamed.yaml"] = {ListSet("renamed", {"x one"})};
  TakeAll();
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one"));
  EXPECT_EQ(hub_.store().Application("leidang/x")->set, "leidang/renamed");
  EXPECT_EQ(hub_.store().Application("leidang/x")->uid, uid);
  EXPECT_THAT(hub_.SetConditions("leidang/renamed"), IsEmpty());
  // It is told at once what it has no more.
  EXPECT_THAT(hub_.SetConditions("leidang/one"),
              UnorderedElementsAre("DeletionsHeld=DeletionsHeld", "ErrorOccurred=NameConflict"));
}

TEST_F(ConfigRepositoryTest, ASetThatWaitedForANameTakesItOverFromOneThatIsToGo) {
  StartWithConfig();
  files_["fleet/sets/three.yaml"] = {ListSet("three", {"x one"})};
  TakeAll();
  ASSERT_EQ(hub_.store().Application("leidang/x")->set, "leidang/one");
  files_.erase("fleet/sets/one.yaml");
  TakeAll();
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one"));
  EXPECT_EQ(hub_.store().Application("leidang/x")->set, "leidang/three");
  EXPECT_THAT(hub_.SetConditions("leidang/three"), IsEmpty());
}

TEST_F(ConfigRepositoryTest, SetsThatAreBothToGoTakeNothingFromEachOther) {
  StartWithConfig();
  files_["fleet/sets/three.yaml"] = {ListSet("three", {"x one"})};
  TakeAll();
  files_.erase("fleet/sets/one.yaml");
  files_.erase("fleet/sets/three.yaml");
  TakeAll();
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one", "set leidang/three"));
  EXPECT_EQ(hub_.store().Application("leidang/x")->set, "leidang/one");
  const std::string before = hub_.Picture();
  loop_.RunFor(absl::Minutes(10));
  EXPECT_EQ(hub_.Picture(), before);
}

TEST_F(ConfigRepositoryTest, ASetWhoseOwnLimitAllowsItGoesAtOnce) {
  files_["fleet/sets/one.yaml"] = {
      ListSet("one", {"x one"}, "apps/a", "main", kUrl, "{leidang.dev/max-deletions: unlimited}")};
  StartWithConfig();
  files_.erase("fleet/sets/one.yaml");
  TakeAll();
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_THAT(hub_.On("one"), ElementsAre("y-app"));
}

TEST_F(ConfigRepositoryTest, WhatASetsLimitAllowsWaitsIfItIsTooMuchForTheCluster) {
  const std::string unlimited = "{leidang.dev/max-deletions: unlimited}";
  files_["fleet/sets/one.yaml"] = {
      ListSet("one", {"x one", "z one"}, "apps/a", "main", kUrl, unlimited)};
  files_["fleet/sets/three.yaml"] = {
      ListSet("three", {"v one", "w in-cluster"}, "apps/a", "main", kUrl, unlimited)};
  StartWithConfig();
  ASSERT_THAT(hub_.On("one"), ElementsAre("v", "x", "y-app", "z"));
  files_.erase("fleet/sets/one.yaml");
  files_.erase("fleet/sets/three.yaml");
  TakeAll();
  EXPECT_OK(hub_.config().status());
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one", "set leidang/three"));
  EXPECT_THAT(hub_.brakes().List()[0].why, HasSubstr("more on one cluster"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("v", "x", "y-app", "z"));
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("w"));
  EXPECT_THAT(hub_.SetConditions("leidang/one"), ElementsAre("DeletionsHeld=DeletionsHeld"));
  // No time that passes, restart or other commit decides for anybody.
  loop_.RunFor(absl::Hours(5));
  Restart();
  files_["fleet/README.md"] = {"again"};
  TakeAll();
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one", "set leidang/three"));
  files_["fleet/sets/three.yaml"] = {
      ListSet("three", {"v one", "w in-cluster"}, "apps/a", "main", kUrl, unlimited)};
  TakeAll();
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one"));
  Decide(BrakeDesk::Verdict::kApproved);
  EXPECT_THAT(Sets(), ElementsAre("leidang/three", "leidang/two"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("v", "y-app"));
  EXPECT_THAT(Waiting(), IsEmpty());
}

TEST_F(ConfigRepositoryTest, WhatGoesStepByStepCountsAtTheClusterToo) {
  const std::string unlimited = "{leidang.dev/max-deletions: unlimited}";
  for (const char* name : {"a", "b", "c"}) {
    files_[absl::StrCat("fleet/sets/", name, ".yaml")] = {
        ListSet(name, {absl::StrCat(name, " one")}, "apps/a", "main", kUrl, unlimited)};
  }
  StartWithConfig();
  ASSERT_THAT(hub_.On("one"), ElementsAre("a", "b", "c", "x", "y-app"));
  for (const char* name : {"a", "b"}) {
    files_.erase(absl::StrCat("fleet/sets/", name, ".yaml"));
    TakeAll();
  }
  EXPECT_THAT(hub_.On("one"), ElementsAre("c", "x", "y-app"));
  files_.erase("fleet/sets/c.yaml");
  TakeAll();
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/c")) << "the third of five within an hour";
}

TEST_F(ConfigRepositoryTest, WrittenApplicationsThatAreTooManyForTheirClusterWait) {
  for (const char* name : {"p", "q", "r"}) {
    files_[absl::StrCat("fleet/", name, ".yaml")] = {Application(name, "in-cluster")};
    files_[absl::StrCat("fleet/more-", name, ".yaml")] = {
        Application(absl::StrCat("more-", name), "one")};
  }
  StartWithConfig();
  for (const char* name : {"p", "q", "r"}) files_.erase(absl::StrCat("fleet/", name, ".yaml"));
  TakeAll();
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("p", "q", "r"))
      << "three of six, all of a cluster";
  EXPECT_THAT(Waiting(), ElementsAre("application leidang/p", "application leidang/q",
                                     "application leidang/r"));
  Decide(BrakeDesk::Verdict::kApproved);
  EXPECT_THAT(hub_.On("in-cluster"), IsEmpty());
}

TEST_F(ConfigRepositoryTest, AClusterWhoseOwnLimitAllowsItLetsThemGo) {
  const std::string unlimited = "{leidang.dev/max-deletions: unlimited}";
  files_["fleet/sets/one.yaml"] = {
      ListSet("one", {"x one", "z one", "w one"}, "apps/a", "main", kUrl, unlimited)};
  StartWithConfig();
  files_.erase("fleet/sets/one.yaml");
  TakeAll();
  ASSERT_THAT(Waiting(), ElementsAre("set leidang/one"));
  files_["fleet/clusters.yaml"] = {
      Cluster("in-cluster") +
      "---\napiVersion: leidang.dev/v1alpha1\nkind: Cluster\nmetadata: {name: one, annotations: " +
      unlimited + "}\nspec: {}\n"};
  TakeAll();
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_THAT(hub_.On("one"), ElementsAre("y-app"));
}

TEST_F(ConfigRepositoryTest, ANumberThatASetAllowsIsOneAnHour) {
  const auto set = [](const std::vector<std::string>& elements) {
    return ListSet("one", elements, "apps/a", "main", kUrl, "{leidang.dev/max-deletions: '2'}");
  };
  files_["fleet/sets/more.yaml"] = {ListSet("more", {"m1 one", "m2 one", "m3 one", "m4 one"})};
  files_["fleet/sets/one.yaml"] = {set({"x one", "z one", "w one"})};
  StartWithConfig();
  files_["fleet/sets/one.yaml"] = {set({"x one"})};
  TakeAll();
  ASSERT_THAT(hub_.On("one"), ElementsAre("m1", "m2", "m3", "m4", "x", "y-app"));
  files_.erase("fleet/sets/one.yaml");
  TakeAll();
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one")) << "the third within an hour";
}

TEST_F(ConfigRepositoryTest, ASetThatWasNotExpandedWaitsAndGoesWhenItIsKnownWhatItHas) {
  git_.SetFetchError(kUrl, SourceError(SourceReason::kRepositoryUnreachable, "no route to host"));
  files_["fleet/sets/one.yaml"] = {DirectoriesSet("one", "", "{leidang.dev/max-deletions: '1'}")};
  CommitConfig();
  hub_.Start();
  loop_.RunFor(absl::Seconds(5));
  ASSERT_OK(hub_.config().status());
  ASSERT_THAT(Sets(), ElementsAre("leidang/one", "leidang/two"));
  files_.erase("fleet/sets/one.yaml");
  CommitConfig();
  hub_.repositories().Refresh(std::nullopt);
  loop_.RunFor(absl::Seconds(5));
  EXPECT_OK(hub_.config().status());
  EXPECT_THAT(Waiting(), ElementsAre("set leidang/one"));
  git_.SetFetchError(kUrl, absl::OkStatus());
  hub_.repositories().Refresh(std::nullopt);
  loop_.RunFor(absl::Seconds(5));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_THAT(Sets(), ElementsAre("leidang/two"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("y-app"));
}

TEST_F(ConfigRepositoryTest, AProjectThatGoesWithItsSetGoesAfterIt) {
  files_["fleet/project.yaml"] = {
      "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team}\n"
      "spec: {sourceRepos: ['*'], destinations: [{server: '*', name: '*', namespace: '*'}]}\n"};
  files_["fleet/app.yaml"] = {Application("p", "one", "apps/a", "main", kUrl, "team")};
  files_["fleet/other.yaml"] = {Application("q", "one", "apps/a", "main", kUrl, "team")};
  StartWithConfig();
  ASSERT_THAT(hub_.On("one"), ElementsAre("p", "q", "x", "y-app"));
  files_.erase("fleet/project.yaml");
  files_.erase("fleet/app.yaml");
  files_.erase("fleet/other.yaml");
  TakeAll();
  EXPECT_OK(hub_.config().status()) << "what waits is no error";
  EXPECT_THAT(Waiting(), ElementsAre("application leidang/p", "application leidang/q"));
  EXPECT_NE(hub_.records().Object(WrittenKind::kAppProject, "team"), nullptr);
  Decide(BrakeDesk::Verdict::kApproved);
  EXPECT_OK(hub_.config().status());
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app"));
  EXPECT_EQ(hub_.records().Object(WrittenKind::kAppProject, "team"), nullptr);
}

TEST_F(ConfigRepositoryTest, ASetThatIsRenamedKeepsItsApplicationsAsTheyAre) {
  StartWithConfig();
  const intent::Uid uid = hub_.store().Application("leidang/x")->uid;
  files_.erase("fleet/sets/one.yaml");
  files_["fleet/sets/renamed.yaml"] = {ListSet("renamed", {"x one"})};
  TakeAll();
  EXPECT_EQ(hub_.store().Application("leidang/x")->set, "leidang/renamed");
  EXPECT_EQ(hub_.store().Application("leidang/x")->uid, uid);
  Decide(BrakeDesk::Verdict::kApproved);
  EXPECT_THAT(Sets(), ElementsAre("leidang/renamed", "leidang/two"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app"));
  EXPECT_EQ(hub_.store().Application("leidang/x")->uid, uid);
}

TEST_F(ConfigRepositoryTest, OneApplicationGoesAtOnceAndAllOfSeveralWait) {
  files_["fleet/app-1.yaml"] = {Application("p", "one")};
  files_["fleet/app-2.yaml"] = {Application("q", "one")};
  files_["fleet/app-3.yaml"] = {Application("r", "one")};
  StartWithConfig();
  files_.erase("fleet/app-1.yaml");
  TakeAll();
  EXPECT_THAT(hub_.On("one"), ElementsAre("q", "r", "x", "y-app"));
  files_.erase("fleet/app-2.yaml");
  files_.erase("fleet/app-3.yaml");
  TakeAll();
  EXPECT_THAT(hub_.On("one"), ElementsAre("q", "r", "x", "y-app"));
  EXPECT_THAT(Waiting(), ElementsAre("application leidang/q", "application leidang/r"));
  Decide(BrakeDesk::Verdict::kApproved);
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app"));
}

TEST_F(ConfigRepositoryTest, AnEmptyFolderIsAnErrorNotARemoval) {
  StartWithConfig();
  for (const char* file : {"fleet/clusters.yaml", "fleet/sets/one.yaml", "fleet/sets/two.yaml"})
    files_.erase(file);
  ExpectAllStays(absl::StatusCode::kFailedPrecondition, "nothing is changed");
}

TEST_F(ConfigRepositoryTest, AFolderThatIsNotThereIsAnErrorNotARemoval) {
  StartWithConfig();
  std::erase_if(files_, [](const auto& file) { return file.first.starts_with("fleet/"); });
  ExpectAllStays(absl::StatusCode::kNotFound, "--config-path");
}

TEST_F(ConfigRepositoryTest, BrokenYamlIsAnErrorThatNamesFileAndLine) {
  StartWithConfig();
  files_["fleet/sets/two.yaml"] = {"kind: ApplicationSet\n  broken: [\n"};
  ExpectAllStays(absl::StatusCode::kInvalidArgument, "fleet/sets/two.yaml:2");
}

TEST_F(ConfigRepositoryTest, AnObjectOfAnotherKindKeepsTheCommitOut) {
  StartWithConfig();
  files_["fleet/sets/two.yaml"] = {"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSett\n"};
  ExpectAllStays(absl::StatusCode::kInvalidArgument, "fleet/sets/two.yaml:1");
}

TEST_F(ConfigRepositoryTest, OneObjectInTwoFilesIsAnError) {
  StartWithConfig();
  files_["fleet/sets/again.yaml"] = {ListSet("two", {"other one"})};
  ExpectAllStays(absl::StatusCode::kInvalidArgument, "fleet/sets/again.yaml already");
}

TEST_F(ConfigRepositoryTest, ARepositoryThatGoesAwayChangesNothing) {
  StartWithConfig();
  const std::string before = hub_.Picture();
  git_.SetFetchError(kConfigUrl,
                     SourceError(SourceReason::kRepositoryUnreachable, "no route to host"));
  Take();
  EXPECT_EQ(hub_.Picture(), before);
  EXPECT_THAT(Sets(), ElementsAre("leidang/one", "leidang/two"));
}

TEST_F(ConfigRepositoryTest, ABranchThatGoesAwayIsAnErrorNotARemoval) {
  StartWithConfig();
  git_.SetRef(kConfigUrl, "refs/heads/main", {});
  Poll();
  EXPECT_THAT(hub_.config().status(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Sets(), ElementsAre("leidang/one", "leidang/two"));
}

TEST_F(ConfigRepositoryTest, AConflictWithAnObjectOfTheApiDeletesNothing) {
  StartWithConfig();
  ASSERT_OK(hub_.Apply(ListSet("mine", {"m one"})));
  ASSERT_TRUE(hub_.Settle());
  const std::string before = hub_.Picture();
  files_["fleet/sets/mine.yaml"] = {ListSet("mine", {"stolen one"})};
  files_.erase("fleet/sets/two.yaml");
  Take();
  EXPECT_THAT(hub_.config().status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("fleet/sets/mine.yaml: ApplicationSet mine")));
  EXPECT_EQ(hub_.Picture(), before) << "nothing of a commit that is refused in part is deleted";
  EXPECT_THAT(Waiting(), IsEmpty());
  files_.erase("fleet/sets/mine.yaml");
  TakeAll();
  Decide(BrakeDesk::Verdict::kApproved);
  EXPECT_OK(hub_.config().status());
  EXPECT_THAT(Sets(), ElementsAre("leidang/mine", "leidang/one"));
}

TEST_F(ConfigRepositoryTest, AClusterThatIsNotMentionedStaysUntilThatIsApproved) {
  StartWithConfig();
  files_["fleet/clusters.yaml"] = {Cluster("in-cluster")};
  TakeAll();
  EXPECT_OK(hub_.config().status());
  EXPECT_THAT(Waiting(), ElementsAre("cluster one"));
  EXPECT_THAT(hub_.On("one"), ElementsAre("x", "y-app"));
  Decide(BrakeDesk::Verdict::kApproved);
  EXPECT_EQ(hub_.records().ClusterNamed("one"), nullptr);
  EXPECT_THAT(Waiting(), IsEmpty());
}

TEST_F(ConfigRepositoryTest, AClusterThatComesBackIsTheRepositorysAgain) {
  StartWithConfig();
  const intent::ClusterId id = hub_.IdOf("one");
  files_["fleet/clusters.yaml"] = {Cluster("in-cluster")};
  Take();
  files_["fleet/clusters.yaml"] = {Cluster("in-cluster") + "---\n" + Cluster("one")};
  Take();
  EXPECT_OK(hub_.config().status());
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_EQ(hub_.IdOf("one"), id);
  EXPECT_THAT(hub_.records().ClusterNamed("one")->owner, HasSubstr("config fleet/clusters.yaml@"));
}

TEST_F(ConfigRepositoryTest, TheDefaultProjectIsLetGoOf) {
  files_["fleet/project.yaml"] = {
      "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: default}\n"
      "spec: {sourceRepos: ['https://git.example/*']}\n"};
  StartWithConfig();
  files_.erase("fleet/project.yaml");
  Take();
  EXPECT_OK(hub_.config().status());
  EXPECT_THAT(hub_.records().Object(WrittenKind::kAppProject, "default")->owner,
              HasSubstr("released"));
}

}  // namespace
}  // namespace leidang::hub
