// The deciding test with agents: the hub loses all derived data, and no agent is sent anything that
// it has.

#include <string>

#include "gmock/gmock.h"

#include "hub/source/source_error.h"
#include "tests/integration/fleet/fleet_world.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RebuildFlow : public FleetWorld {
 protected:
  void StartFleet() {
    Commit(Apps({"a", "b"}));
    Start();
    for (const char* name : {"in-cluster", "one", "two"}) AddCluster(name, "env=dev");
    ApplyAndSettle(DirectoriesSet("fleet"));
    ApplyAndSettle(ListSet("list", {"x one", "w one", "z two"}));
    ApplyAndSettle(Application("direct", "two"));
    ASSERT_TRUE(InSync());
  }

  void ExpectNothingWasSent(const std::map<std::string, testing::Traffic>& before) {
    for (const auto& [name, traffic] : before) {
      EXPECT_EQ(SentSince(before, name), 0u) << name;
      EXPECT_GT(TrafficOf(name).welcomes, traffic.welcomes) << name << " has come back";
      EXPECT_EQ(Agent(name).deleted(), 0u) << name;
      EXPECT_THAT(Agent(name).Unclaimed(), IsEmpty()) << name;
    }
  }
};

TEST_F(RebuildFlow, AgentsThatReconnectAreSentNothing) {
  StartFleet();
  const std::string picture = hub_.Picture();
  const auto before = AllTraffic();
  LoseDerivedData();
  ASSERT_TRUE(InSync());
  EXPECT_EQ(hub_.Picture(), picture);
  ExpectNothingWasSent(before);
  EXPECT_THAT(Standing("in-cluster"), ElementsAre("a", "b"));
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
  EXPECT_THAT(Standing("two"), ElementsAre("direct", "z"));
}

TEST_F(RebuildFlow, AgentsThatWereAwayMeanwhileAreSentNothing) {
  StartFleet();
  const std::string picture = hub_.Picture();
  const auto before = AllTraffic();
  Agent("one").Kill();
  LoseDerivedData();
  ASSERT_TRUE(InSync());
  loop_.RunFor(absl::Hours(3));
  Agent("one").Start();
  ASSERT_TRUE(InSync());
  EXPECT_EQ(hub_.Picture(), picture);
  ExpectNothingWasSent(before);
}

TEST_F(RebuildFlow, WithGitAwayNothingIsSentEither) {
  StartFleet();
  const std::string picture = hub_.Picture(testing::TestHub::Reasons::kLeftOut);
  const auto before = AllTraffic();
  hub_.Kill();
  hub_.DropDerivedData();
  git_.SetFetchError(kUrl, SourceError(SourceReason::kRepositoryUnreachable, "no route"));
  Start();
  ASSERT_TRUE(InSync());
  EXPECT_EQ(hub_.Picture(testing::TestHub::Reasons::kLeftOut), picture);
  ExpectNothingWasSent(before);
}

TEST_F(RebuildFlow, DeletionsThatWerePendingArriveAndNothingElse) {
  StartFleet();
  Agent("one").Kill();
  ApplyAndSettle(ListSet("list", {"x one", "z two"}));
  ASSERT_EQ(hub_.records().pending_deletions().size(), 1u);
  ASSERT_TRUE(InSync());
  const std::string picture = hub_.Picture();
  const auto before = AllTraffic();
  LoseDerivedData();
  ASSERT_TRUE(InSync());
  EXPECT_EQ(hub_.Picture(), picture) << "the deletion is still pending";
  Agent("one").Start();
  ASSERT_TRUE(InSync());
  EXPECT_EQ(TrafficOf("one").puts, before.at("one").puts);
  EXPECT_EQ(TrafficOf("one").tombstones, before.at("one").tombstones + 1);
  EXPECT_EQ(TrafficOf("one").contents, before.at("one").contents);
  EXPECT_EQ(SentSince(before, "two"), 0u);
  EXPECT_EQ(SentSince(before, "in-cluster"), 0u);
  EXPECT_THAT(Standing("one"), ElementsAre("x"));
  EXPECT_EQ(Agent("one").deleted(), 1u);
  loop_.RunFor(absl::Minutes(1));
  EXPECT_THAT(hub_.records().pending_deletions(), IsEmpty());
}

TEST_F(RebuildFlow, WhatChangedMeanwhileIsSentAndNothingElse) {
  StartFleet();
  const auto before = AllTraffic();
  hub_.Kill();
  hub_.DropDerivedData();
  FakeGitSource::Files files = Apps({"a", "b"});
  files["apps/b/cm.yaml"] = {ConfigMap("b", "2")};
  Commit(files);
  Start();
  Poll();
  ASSERT_TRUE(InSync());
  EXPECT_EQ(TrafficOf("in-cluster").puts, before.at("in-cluster").puts + 1);
  EXPECT_EQ(SentSince(before, "one"), 0u) << "apps/a is the same";
  EXPECT_EQ(SentSince(before, "two"), 0u);
}

TEST_F(RebuildFlow, AnAgentThatLostItsDiskIsSentEverythingAndDeletesNothing) {
  StartFleet();
  const auto before = AllTraffic();
  Agent("one").Kill();
  Agent("one").LoseDisk();
  Agent("one").Start();
  ASSERT_TRUE(InSync());
  EXPECT_EQ(TrafficOf("one").puts, before.at("one").puts + 3) << "two Applications and a project";
  EXPECT_EQ(Agent("one").deleted(), 0u);
  EXPECT_THAT(Standing("one"), ElementsAre("w", "x"));
}

}  // namespace
}  // namespace leidang::hub
