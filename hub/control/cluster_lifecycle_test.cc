#include "hub/control/cluster_lifecycle.h"

#include <string>

#include "gmock/gmock.h"

#include "hub/control/fleet_fixture_test.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ClusterLifecycleTest : public FleetTest {
 protected:
  ClusterLifecycleTest() = default;
  explicit ClusterLifecycleTest(const testing::TestHub::Options& options) : FleetTest(options) {}
  void SetUp() override {
    Commit(Apps({"a"}));
    Start();
    ASSERT_OK(hub_.Register("one"));
    ASSERT_OK(hub_.Register("two"));
    ApplyAndSettle(ListSet("set", {"x one", "z two"}));
  }
  uint64_t Epoch(const std::string& cluster) const {
    return hub_.store().Log(hub_.IdOf(cluster))->authority.epoch;
  }
};

TEST_F(ClusterLifecycleTest, ARegistrationHasALogAndMayConnect) {
  EXPECT_EQ(hub_.store().Log(hub_.IdOf("one"))->authority, hub_.records().ClusterNamed("one")->log);
  EXPECT_EQ(Epoch("one"), 1u);
  EXPECT_THAT(hub_.admitted(), Contains(hub_.IdOf("one")));
}

TEST_F(ClusterLifecycleTest, ARestartKeepsTheLog) {
  const intent::Authority before = hub_.store().Log(hub_.IdOf("one"))->authority;
  Restart();
  EXPECT_EQ(hub_.store().Log(hub_.IdOf("one"))->authority, before);
  EXPECT_THAT(hub_.admitted(), Contains(hub_.IdOf("one")));
}

TEST_F(ClusterLifecycleTest, ALostLogBeginsUnderTheNextEpoch) {
  const intent::Authority before = hub_.store().Log(hub_.IdOf("one"))->authority;
  hub_.Kill();
  hub_.DropDerivedData();
  Start();
  const intent::Authority after = hub_.store().Log(hub_.IdOf("one"))->authority;
  EXPECT_EQ(after.epoch, before.epoch + 1);
  EXPECT_NE(after.incarnation, before.incarnation);
  EXPECT_EQ(hub_.records().ClusterNamed("one")->log, after) << "the ledger knew it first";
  EXPECT_EQ(intent::Compare(before, after), intent::Standing::kNewer);
}

TEST_F(ClusterLifecycleTest, ALogThatIsLostAgainNeverRepeatsAnEpoch) {
  // Killed between the ledger's write and the store's.
  for (int i = 0; i < 20; ++i) {
    const uint64_t epoch = hub_.records().ClusterNamed("one")->log.epoch;
    hub_.Kill();
    hub_.DropDerivedData();
    hub_.Start();
    for (int step = 0; step < i * 2; ++step) loop_.Step();
    hub_.Kill();
    Start();
    EXPECT_GT(hub_.records().ClusterNamed("one")->log.epoch, epoch);
    EXPECT_EQ(hub_.store().Log(hub_.IdOf("one"))->authority,
              hub_.records().ClusterNamed("one")->log);
  }
}

TEST_F(ClusterLifecycleTest, DecidedDeletionsAreReplayedWithTheirPolicy) {
  ASSERT_OK(hub_.Join("one"));
  ASSERT_OK(
      hub_.Delete(WrittenKind::kApplicationSet, "leidang/set", 2, intent::DeletionPolicy::kOrphan));
  ASSERT_TRUE(hub_.Settle());
  const auto before = *hub_.store().Tombstones(hub_.IdOf("one"));
  hub_.Kill();
  hub_.DropDerivedData();
  Start();
  const auto after = *hub_.store().Tombstones(hub_.IdOf("one"));
  ASSERT_EQ(after.size(), before.size());
  for (const PendingTombstone& pending : after)
    EXPECT_EQ(pending.tombstone.policy, intent::DeletionPolicy::kOrphan);
}

TEST_F(ClusterLifecycleTest, AClusterThatNeverJoinedGoesAtOnce) {
  const intent::ClusterId id = hub_.IdOf("one");
  EXPECT_THAT(hub_.DeleteCluster("one"), testing::IsOk());
  ASSERT_TRUE(hub_.Settle());
  EXPECT_EQ(hub_.records().ClusterNamed("one"), nullptr);
  EXPECT_THAT(hub_.gone(), ElementsAre(id));
  EXPECT_THAT(hub_.admitted(), Not(Contains(id)));
  EXPECT_THAT(hub_.store().Log(id), StatusIs(absl::StatusCode::kNotFound));
  for (const auto& [key, pending] : hub_.records().pending_deletions())
    EXPECT_NE(pending.cluster, id) << "nobody is left to be told";
  EXPECT_THAT(hub_.AppConditions("leidang/x"), ElementsAre("InvalidSpecError=NoSuchCluster"));
  EXPECT_THAT(hub_.On("two"), ElementsAre("z"));
}

TEST_F(ClusterLifecycleTest, AJoinedClusterGoesWhenItsAgentHasCarriedThatOut) {
  ASSERT_OK(hub_.Join("one"));
  hub_.AgentCatchesUp("one");
  const intent::ClusterId id = hub_.IdOf("one");
  EXPECT_THAT(hub_.DeleteCluster("one"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--cascade")));
  ASSERT_OK(hub_.DeleteCluster("one", intent::DeletionPolicy::kForeground));
  ASSERT_TRUE(hub_.Settle());
  ASSERT_NE(hub_.records().ClusterNamed("one"), nullptr) << "it waits for the agent";
  EXPECT_THAT(hub_.On("one"), IsEmpty());
  EXPECT_THAT(hub_.admitted(), Contains(id));
  EXPECT_THAT(hub_.Register("one"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("being removed")));
  loop_.RunFor(absl::Hours(24));
  ASSERT_NE(hub_.records().ClusterNamed("one"), nullptr) << "and never assumes success";
  Restart();
  hub_.AgentCatchesUp("one");
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(hub_.records().ClusterNamed("one"), nullptr);
  EXPECT_TRUE(hub_.records().pending_deletions().empty());
  ASSERT_OK(hub_.Register("one"));
  EXPECT_NE(hub_.IdOf("one"), id) << "an id is never used again";
  ASSERT_TRUE(hub_.Settle());
  EXPECT_THAT(hub_.On("one"), ElementsAre("x"));
}

TEST_F(ClusterLifecycleTest, ARemovalSurvivesAFullDisk) {
  ASSERT_OK(hub_.Join("one"));
  hub_.AgentCatchesUp("one");
  std::optional<absl::StatusOr<uint64_t>> deleted;
  hub_.desk().DeleteCluster("one", intent::DeletionPolicy::kForeground, kApiOwner, {"test", ""},
                            [&](absl::StatusOr<uint64_t> d) { deleted = std::move(d); });
  ASSERT_TRUE(loop_.RunUntil([&] { return deleted.has_value(); }, absl::Seconds(1)));
  hub_.store_disk().FailNextPersist(absl::ResourceExhaustedError("the disk is full"));
  loop_.RunFor(absl::Minutes(2));
  ASSERT_NE(hub_.records().ClusterNamed("one"), nullptr);
  // A store that could not write takes no more until it is opened again.
  Restart();
  EXPECT_THAT(hub_.On("one"), IsEmpty());
  hub_.AgentCatchesUp("one");
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(hub_.records().ClusterNamed("one"), nullptr);
}

TEST_F(ClusterLifecycleTest, WhatReachesAClusterThatIsBeingRemovedEndsToo) {
  ASSERT_OK(hub_.Join("one"));
  hub_.AgentCatchesUp("one");
  // The set's look and the removal overlap at every step there is.
  for (int steps = 0; steps < 12; ++steps) {
    const std::string name = absl::StrCat("c", steps);
    ASSERT_OK(hub_.Register(name));
    ASSERT_OK(hub_.Join(name));
    ASSERT_TRUE(hub_.Settle());
    ASSERT_OK(hub_.Apply(ListSet("set", {"x one", "z two", absl::StrCat("n ", name)})));
    for (int step = 0; step < steps; ++step) loop_.Step();
    ASSERT_OK(hub_.DeleteCluster(name, intent::DeletionPolicy::kForeground));
    ASSERT_TRUE(hub_.Settle());
    if (hub_.records().ClusterNamed(name) != nullptr) hub_.AgentCatchesUp(name);
    loop_.RunFor(absl::Minutes(1));
    EXPECT_EQ(hub_.records().ClusterNamed(name), nullptr) << steps;
  }
}

class SlowStoreTest : public ClusterLifecycleTest {
 protected:
  SlowStoreTest() : ClusterLifecycleTest(Slow()) {}
  static testing::TestHub::Options Slow() {
    testing::TestHub::Options options;
    options.store_delay = absl::Milliseconds(8);
    return options;
  }
};

TEST_F(SlowStoreTest, AnEditOfAClusterDoesNotTouchTheRecordOfWhatHasJustMovedAway) {
  // The edit and the move overlap at every step there is.
  for (int steps = 0; steps < 60; ++steps) {
    const bool there = steps % 2 == 0;
    ASSERT_OK(hub_.Apply(ListSet("set", {there ? "x two" : "x one", "z two"})));
    for (int step = 0; step < steps / 2; ++step) loop_.Step();
    hub_.desk().Register({.name = there ? "one" : "two",
                          .server = "",
                          .project = "",
                          .labels = {{"edit", absl::StrCat(steps)}},
                          .annotations = {}},
                         {"test", ""}, [](const absl::StatusOr<Desk::Registered>&) {});
    for (int step = 0; step < 100; ++step) {
      loop_.Step();
      ASSERT_OK(hub_.store().Application("leidang/x")) << steps << ", " << step;
    }
    ASSERT_TRUE(hub_.Settle());
    loop_.RunFor(absl::Hours(2));  // Or the brakes would hold the next one.
    const auto application = hub_.store().Application("leidang/x");
    ASSERT_OK(application) << steps;
    EXPECT_EQ(application->cluster, hub_.IdOf(there ? "two" : "one")) << steps;
    EXPECT_THAT(hub_.On(there ? "two" : "one"), Contains("x")) << steps;
    EXPECT_THAT(hub_.On(there ? "one" : "two"), Not(Contains("x"))) << steps;
  }
}

}  // namespace
}  // namespace leidang::hub
