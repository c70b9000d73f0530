// Brakes at sets and clusters, from Git to the clusters' logs.

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "hub/control/fleet_fixture_test.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Verdict = BrakeDesk::Verdict;

class BrakeFlow : public FleetTest {
 protected:
  // Two clusters, and `number` directories, each an Application on in-cluster.
  void StartWith(int number, const std::string& annotations = "{}") {
    Commit(Numbered(0, number));
    Start();
    for (const char* name : {"in-cluster", "other"}) {
      ASSERT_OK(hub_.Register(name));
      ASSERT_OK(hub_.Join(name));
    }
    ApplyAndSettle(DirectoriesSet("fleet", "", annotations));
    ASSERT_THAT(hub_.On("in-cluster"), SizeIs(number));
  }
  static std::string Name(int i) { return absl::StrCat("app-", i / 10, i % 10); }
  static FakeGitSource::Files Numbered(int from, int to) {
    std::vector<std::string> names;
    for (int i = from; i < to; ++i) names.push_back(Name(i));
    return Apps(names);
  }
  void Leave(int from, int to) {
    Commit(Numbered(from, to));
    Poll();
  }
  size_t Standing() { return hub_.On("in-cluster").size(); }
  std::vector<Brakes::Held> Held() { return hub_.brakes().List(); }
  void Decide(Verdict verdict, const std::string& digest) {
    ASSERT_OK(hub_.Decide(verdict, digest));
    ASSERT_TRUE(hub_.Settle());
  }
  std::string UidOf(const std::string& name) {
    return hub_.store().Application("leidang/" + name)->uid.Hex();
  }
};

TEST_F(BrakeFlow, AFewOfAnOrdinarySetGoWithoutAQuestion) {
  StartWith(30);
  Leave(5, 30);
  EXPECT_EQ(Standing(), 25u);
  EXPECT_THAT(Held(), IsEmpty());
}

TEST_F(BrakeFlow, TooManyOfASetWaitAndTheRestGoesOn) {
  StartWith(20);
  Leave(11, 22);
  EXPECT_EQ(Standing(), 22u) << "two came, none went";
  ASSERT_THAT(Held(), SizeIs(1));
  EXPECT_EQ(hub_.brakes().NameOf(Held()[0]), "set leidang/fleet");
  EXPECT_THAT(Held()[0].deletions, SizeIs(11));
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"), ElementsAre("DeletionsHeld=DeletionsHeld"));
  EXPECT_THAT(hub_.SetCondition("leidang/fleet", "DeletionsHeld")->message,
              HasSubstr(absl::StrCat("`leidang brake approve ",
                                     Held()[0].digest.Hex().substr(0, 16), "`")));
  EXPECT_THAT(hub_.AppConditions("leidang/app-00"), ElementsAre("DeletionsHeld=DeletionsHeld"));
}

TEST_F(BrakeFlow, TenSmallStepsAreOneLargeOne) {
  StartWith(60);
  for (int i = 1; i <= 12; ++i) Leave(i, 60);
  EXPECT_EQ(Standing(), 60u - 12u) << "twelve of sixty are a fifth";
  Leave(13, 60);
  EXPECT_EQ(Standing(), 60u - 12u);
  EXPECT_THAT(Held(), SizeIs(1));
}

TEST_F(BrakeFlow, AfterAnHourTheCountBeginsAgain) {
  StartWith(60);
  Leave(12, 60);
  loop_.RunFor(absl::Minutes(61));
  Leave(20, 60);
  EXPECT_EQ(Standing(), 40u);
  EXPECT_THAT(Held(), IsEmpty());
}

TEST_F(BrakeFlow, WhatIsHeldStaysHeldWhateverTimePasses) {
  StartWith(4);
  Leave(4, 4);
  loop_.RunFor(absl::Hours(5));
  EXPECT_EQ(Standing(), 4u);
  EXPECT_THAT(Held(), SizeIs(1));
}

TEST_F(BrakeFlow, AnApprovalCarriesOutExactlyThatList) {
  StartWith(20);
  Leave(11, 20);
  const std::string digest = Held()[0].digest.Hex();
  Leave(13, 20);
  ASSERT_THAT(Held(), SizeIs(1));
  EXPECT_NE(Held()[0].digest.Hex(), digest);
  EXPECT_TRUE(absl::IsNotFound(hub_.Decide(Verdict::kApproved, digest))) << "it has grown";
  EXPECT_TRUE(absl::IsInvalidArgument(hub_.Decide(Verdict::kApproved, digest.substr(0, 11))));
  Decide(Verdict::kApproved, Held()[0].digest.Hex().substr(0, 12));
  EXPECT_EQ(Standing(), 7u);
  EXPECT_THAT(Held(), IsEmpty());
  EXPECT_THAT(hub_.SetConditions("leidang/fleet"), IsEmpty());
}

TEST_F(BrakeFlow, WhatIsAddedAfterAnApprovalWaitsAlone) {
  StartWith(20, "{leidang.dev/max-deletions: '0'}");
  Leave(2, 20);
  const std::string digest = Held()[0].digest.Hex();
  Commit(Numbered(3, 20));
  ASSERT_OK(hub_.Decide(Verdict::kApproved, digest));
  Poll();
  EXPECT_EQ(Standing(), 18u);
  ASSERT_THAT(Held(), SizeIs(1));
  ASSERT_THAT(Held()[0].deletions, SizeIs(1));
  EXPECT_EQ(Held()[0].deletions[0].name, "leidang/app-02");
}

TEST_F(BrakeFlow, ARejectionKeepsThemAndShowsWhoSaidSo) {
  StartWith(4);
  Leave(4, 4);
  Decide(Verdict::kRejected, Held()[0].digest.Hex());
  EXPECT_EQ(Standing(), 4u);
  ASSERT_THAT(Held(), SizeIs(1));
  EXPECT_EQ(Held()[0].decided, "test");
  EXPECT_THAT(hub_.SetCondition("leidang/fleet", "DeletionsHeld")->message,
              HasSubstr("refused by test"));
}

TEST_F(BrakeFlow, AHeldDeletionLapsesWhenTheApplicationIsProducedAgain) {
  StartWith(4);
  const std::string uid = UidOf("app-00");
  Leave(4, 4);
  Leave(0, 4);
  EXPECT_THAT(Held(), IsEmpty());
  EXPECT_EQ(Standing(), 4u);
  EXPECT_EQ(UidOf("app-00"), uid);
  EXPECT_THAT(hub_.AppConditions("leidang/app-00"), IsEmpty());
}

TEST_F(BrakeFlow, AnotherSetThatWantsItTakesItOverUidAndAll) {
  StartWith(2);
  const std::string uid = UidOf("app-00");
  FakeGitSource::Files files = Numbered(0, 2);
  files["shared/cm.yaml"] = {ConfigMap("shared")};
  Commit(files);
  ApplyAndSettle(ListSet("heir", {"app-00 in-cluster"}, "shared"));
  EXPECT_EQ(hub_.store().Application("leidang/app-00")->set, "leidang/fleet");
  Commit({{"shared/cm.yaml", {ConfigMap("shared")}}});
  Poll();
  EXPECT_EQ(hub_.store().Application("leidang/app-00")->set, "leidang/heir");
  EXPECT_EQ(UidOf("app-00"), uid);
  ASSERT_THAT(Held(), SizeIs(1));
  ASSERT_THAT(Held()[0].deletions, SizeIs(1)) << "only the other one waits still";
  EXPECT_EQ(Held()[0].deletions[0].name, "leidang/app-01");
}

TEST_F(BrakeFlow, AClusterDoesNotLoseMoreThanHalfAtOnce) {
  StartWith(2);
  std::vector<std::string> elements;
  for (const char* name : {"u", "v", "w"}) elements.push_back(absl::StrCat(name, " other"));
  ApplyAndSettle(ListSet("list", elements, "apps/app-00"));
  ASSERT_THAT(hub_.On("other"), SizeIs(3));
  for (std::string& element : elements) element = absl::StrCat(element.substr(0, 1), " in-cluster");
  ApplyAndSettle(ListSet("list", elements, "apps/app-00"));
  EXPECT_THAT(hub_.On("other"), ElementsAre("u", "v", "w")) << "a move ends it, too";
  ASSERT_THAT(Held(), SizeIs(1));
  EXPECT_EQ(hub_.brakes().NameOf(Held()[0]), "cluster other");
  Decide(Verdict::kApproved, Held()[0].digest.Hex());
  EXPECT_THAT(hub_.On("other"), IsEmpty());
  EXPECT_THAT(hub_.On("in-cluster"), ElementsAre("app-00", "app-01", "u", "v", "w"));
}

TEST_F(BrakeFlow, BrakesOutliveTheHubAndItsDerivedData) {
  StartWith(20);
  Leave(11, 20);
  const auto list = Held()[0].deletions;
  const std::string digest = Held()[0].digest.Hex();
  Restart();
  ASSERT_THAT(Held(), SizeIs(1));
  EXPECT_EQ(Held()[0].digest.Hex(), digest);
  hub_.Kill();
  hub_.DropDerivedData();
  Start();
  ASSERT_THAT(Held(), SizeIs(1));
  EXPECT_EQ(Held()[0].deletions, list);
  EXPECT_EQ(Standing(), 20u);
  Decide(Verdict::kApproved, digest);
  EXPECT_EQ(Standing(), 9u);
}

TEST_F(BrakeFlow, AnApprovalThatWasAnsweredIsCarriedOutAfterAKill) {
  StartWith(20);
  Leave(11, 20);
  ASSERT_OK(hub_.Decide(Verdict::kApproved, Held()[0].digest.Hex()));
  Restart();
  EXPECT_EQ(Standing(), 9u);
  EXPECT_THAT(Held(), IsEmpty());
}

TEST_F(BrakeFlow, ASetDeletedByNameIsNotHeld) {
  StartWith(20);
  Leave(11, 20);
  ASSERT_OK(hub_.Delete(WrittenKind::kApplicationSet, "leidang/fleet", 20));
  ASSERT_TRUE(hub_.Settle());
  EXPECT_EQ(Standing(), 0u);
  EXPECT_THAT(Held(), IsEmpty());
}

TEST_F(BrakeFlow, AnnotationsSetTheLimitAndABadOneIsAWarning) {
  StartWith(20, "{leidang.dev/max-deletions: '25%'}");
  Leave(6, 20);
  EXPECT_EQ(Standing(), 20u);
  EXPECT_THAT(Held(), SizeIs(1));
  ApplyAndSettle(DirectoriesSet("fleet", "", "{leidang.dev/max-deletions: '6'}"));
  EXPECT_EQ(Standing(), 14u) << "a limit that somebody chose is asked anew";
  ApplyAndSettle(DirectoriesSet("fleet", "", "{leidang.dev/max-deletions: lots}"));
  EXPECT_THAT(hub_.owners().Report({WrittenKind::kApplicationSet, "leidang/fleet"})->warnings,
              ElementsAre(HasSubstr("\"lots\" is neither a number")));
}

}  // namespace
}  // namespace leidang::hub
