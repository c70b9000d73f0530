// The deciding test with agents: the hub loses all derived data, and no agent is sent anything that
// it has.

#include <map>
#include <string>
#include <utility>
#include <vector>

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

// Work under way in each round: Git and a set change, agents go, come back and are killed at any
// step, and then the hub is, with all that it derived.
class RebuildUnderLoad : public RebuildFlow {
 protected:
  using Elements = std::map<std::pair<intent::EntryKey, intent::Uid>, object::Sha256>;
  static constexpr const char* kNames[] = {"in-cluster", "one", "two"};

  Elements HeldBy(const std::string& name) {
    Elements held;
    for (const auto& [ref, entry] : Agent(name).tables().entries) {
      if (entry.head.phase == agent::EntryPhase::kLive)
        held[{ref.key, ref.uid}] = entry.head.element;
    }
    return held;
  }
  Elements WantedOf(const std::string& name) {
    std::vector<uint8_t> buckets;
    for (int i = 0; i < 256; ++i) buckets.push_back(static_cast<uint8_t>(i));
    Elements wanted;
    const absl::StatusOr<LiveEntries> live = hub_.store().Entries(hub_.IdOf(name), buckets);
    EXPECT_TRUE(live.ok());
    for (const LiveEntry& entry : live->entries) wanted[{entry.key, entry.uid}] = entry.element;
    return wanted;
  }
  static uint64_t Lacking(const Elements& held, const Elements& wanted) {
    uint64_t lacking = 0;
    for (const auto& [id, element] : wanted) {
      const auto it = held.find(id);
      if (it == held.end() || it->second != element) ++lacking;
    }
    return lacking;
  }

  void Change() {
    std::vector<std::string> apps = {"a"};
    for (const char* app : {"b", "c", "d"}) {
      if (random_.Chance(2, 3)) apps.emplace_back(app);
    }
    Commit(Apps(apps, absl::StrCat(random_.Below(3))));
    Poll();
    std::vector<std::string> elements;
    for (const char* app : {"x", "w", "z", "v"}) {
      if (random_.Chance(2, 3))
        elements.push_back(absl::StrCat(app, " ", kNames[random_.Below(3)]));
    }
    ApplyAndSettle(ListSet("list", elements, "apps/a", "main", kUrl, kUnlimited));
  }
  // What goes here is meant to go.
  void LiftBrakes() {
    for (const char* name : kNames) {
      hub::Desk::Registration registration;
      registration.name = name;
      registration.annotations = {{"leidang.dev/max-deletions", "unlimited"}};
      ASSERT_OK(hub_.Register(registration));
    }
  }

  static constexpr char kUnlimited[] = "{leidang.dev/max-deletions: unlimited}";
  SeededRandom random_{20};
};

TEST_F(RebuildUnderLoad, OnlyWhatAnAgentLacksIsSentAndOnlyWhatWasDecidedEnds) {
  StartFleet();
  LiftBrakes();
  uint64_t lacked = 0;
  uint64_t pending = 0;
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    for (const char* name : kNames) {
      if (random_.Chance(1, 2)) Agent(name).Kill();
    }
    Change();
    for (const char* name : kNames) {
      if (!Agent(name).up() && random_.Chance(3, 4)) Agent(name).Start();
    }
    loop_.RunFor(absl::Microseconds(random_.Below(20'000)));
    ASSERT_TRUE(hub_.Quiet());
    hub_.Kill();
    loop_.RunFor(absl::Milliseconds(50));  // What was on its way has arrived, or never will.
    // In every other round the agents come to the hub while it builds everything anew; else nothing
    // moves, and what it shows can be compared.
    const bool still = round % 2 == 0;
    for (const char* name : kNames) {
      if (still && Agent(name).up()) Agent(name).Kill();
    }
    std::string picture;
    if (still) {
      Start();
      picture = hub_.Picture();
      pending += hub_.records().pending_deletions().size();
      hub_.Kill();
    }
    hub_.DropDerivedData();

    std::map<std::string, Elements> held;
    for (const char* name : kNames) held[name] = HeldBy(name);
    const auto before = AllTraffic();
    Start();
    if (still) {
      EXPECT_EQ(hub_.Picture(), picture);
    }
    for (const char* name : kNames) {
      if (!Agent(name).up()) Agent(name).Start();
    }
    ASSERT_TRUE(InSync());
    for (const char* name : kNames) {
      const uint64_t lacking = Lacking(held[name], WantedOf(name));
      EXPECT_EQ(TrafficOf(name).puts - before.at(name).puts, lacking) << name;
      EXPECT_EQ(HeldBy(name), WantedOf(name)) << name;
      EXPECT_EQ(Standing(name), hub_.On(name)) << name;
      EXPECT_THAT(Agent(name).Unclaimed(), IsEmpty()) << name;
      lacked += lacking;
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(lacked, 20u) << "the rounds were idle";
  EXPECT_GT(pending, 20u);
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
