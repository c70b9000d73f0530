#include "hub/control/dormancy.h"

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "hub/control/fleet_fixture_test.h"
#include "hub/ledger/list_all.h"
#include "hub/ledger/records.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kDays = absl::Hours(24);

class DormancyTest : public FleetTest {
 protected:
  DormancyTest() : FleetTest(Options(&links_, &fail_)) {}

  static testing::TestHub::Options Options(const std::map<intent::ClusterId, LinkPresence>* links,
                                           const bool* fail) {
    testing::TestHub::Options options;
    options.dormancy.tombstones = 10;
    options.presence = [links](const intent::ClusterId& id) {
      const auto found = links->find(id);
      return found == links->end() ? LinkPresence() : found->second;
    };
    options.on_commit = [fail](const WriteBatch& batch) {
      for (const op::Any& any : batch.ops()) {
        if (*fail && std::holds_alternative<op::DropTombstones>(any))
          return absl::UnavailableError("the hub dies");
      }
      return absl::OkStatus();
    };
    return options;
  }

  // Cluster `one` has joined and has the Applications `names`, which its agent holds.
  void Begin(const std::vector<std::string>& names) {
    Commit(Apps({"a"}));
    Start();
    Desk::Registration registration;
    registration.name = "one";
    registration.annotations = {{"leidang.dev/max-deletions", "unlimited"}};
    ASSERT_OK(hub_.Register(registration));
    ASSERT_OK(hub_.Join("one"));
    Give(names);
    hub_.AgentCatchesUp("one");
    links_[One()] = {.connected = true, .last_seen = loop_.clock().Now()};
  }
  void Give(const std::vector<std::string>& names) {
    std::vector<std::string> elements;
    for (const std::string& name : names) elements.push_back(name + " one");
    ApplyAndSettle(
        ListSet("set", elements, "apps/a", "main", kUrl, "{leidang.dev/max-deletions: unlimited}"));
  }
  void GoAway() { links_[One()] = {.connected = false, .last_seen = loop_.clock().Now()}; }
  void ComeBack() { links_[One()] = {.connected = true, .last_seen = loop_.clock().Now()}; }
  void Later(absl::Duration wall) {
    loop_.sim_clock().StepWall(wall);
    loop_.RunFor(absl::Hours(2));
  }

  intent::ClusterId One() { return hub_.IdOf("one"); }
  const ClusterRegistration& Cluster() { return *hub_.records().ClusterNamed("one"); }
  ClusterLog LogOfOne() { return *hub_.store().Log(One()); }
  std::vector<std::string> Audited() {
    std::vector<std::string> lines;
    loop_.RunFor(absl::Seconds(1));
    ListAll(&hub_.ledger(), kAuditEntriesPrefix, &loop_,
            [&lines](const absl::StatusOr<LedgerSnapshot>& list) {
              ASSERT_OK(list);
              for (const LedgerEntry& entry : list->entries) {
                const AuditEntry audit = *Decode<AuditEntry>(entry);
                if (audit.who == "the hub") lines.push_back(audit.what + ": " + audit.outcome);
              }
            });
    loop_.RunFor(absl::Seconds(1));
    return lines;
  }

  std::map<intent::ClusterId, LinkPresence> links_;
  bool fail_ = false;
};

TEST_F(DormancyTest, AClusterThatIsUnseenForNinetyDaysIsDormantAndNoDeletionWaitsForIt) {
  Begin({"cart", "desk", "shop"});
  GoAway();
  Give({"shop"});
  EXPECT_EQ(LogOfOne().tombstones, 2u);
  Later(89 * kDays);
  EXPECT_FALSE(Cluster().dormancy.has_value());
  EXPECT_EQ(LogOfOne().tombstones, 2u);
  Later(1 * kDays);
  ASSERT_TRUE(Cluster().dormancy.has_value());
  EXPECT_THAT(Cluster().dormancy->left_behind, ElementsAre("leidang/cart", "leidang/desk"));
  EXPECT_EQ(LogOfOne().tombstones, 0u);
  EXPECT_EQ(LogOfOne().resumable_from, LogOfOne().head) << "whoever comes must be compared";
  EXPECT_THAT(hub_.records().pending_deletions(), IsEmpty());
  EXPECT_THAT(hub_.On("one"), ElementsAre("shop"));
  EXPECT_THAT(Audited(), ElementsAre(HasSubstr("mark cluster one dormant: it was last seen at"),
                                     HasSubstr("give up 2 deletions on cluster one: leidang/cart, "
                                               "leidang/desk: left behind on a dormant cluster")));
  // What is decided later does not wait either, and a name that comes again has another uid.
  Give({"shop", "cart"});
  Give({"cart"});
  loop_.RunFor(absl::Minutes(3));
  EXPECT_EQ(LogOfOne().tombstones, 0u);
  EXPECT_THAT(Cluster().dormancy->left_behind,
              ElementsAre("leidang/cart", "leidang/desk", "leidang/shop"));
  EXPECT_EQ(hub_.store()
                .Assignment(One(), {intent::EntryKind::kApplication, "leidang/cart"})
                ->assignment.uid,
            intent::ComputeUid(hub_.records().hub(),
                               {intent::EntryKind::kApplication, "leidang/cart"}, 1));
  // A restart changes nothing.
  Restart();
  loop_.RunFor(absl::Hours(2));
  EXPECT_TRUE(Cluster().dormancy.has_value());
  EXPECT_EQ(LogOfOne().tombstones, 0u);
  ComeBack();
  loop_.RunFor(absl::Minutes(2));
  EXPECT_FALSE(Cluster().dormancy.has_value());
  EXPECT_THAT(Audited().back(), HasSubstr("cluster one is back"));
}

TEST_F(DormancyTest, AClusterForWhichTooManyDeletionsWaitIsDormantUnlessItIsConnected) {
  std::vector<std::string> names;
  for (char c = 'a'; c < 'm'; ++c) names.push_back(std::string(1, c));
  Begin(names);
  loop_.RunFor(absl::Hours(2));
  Give({});
  EXPECT_GE(LogOfOne().tombstones, 10u);
  Later(200 * kDays);
  EXPECT_FALSE(Cluster().dormancy.has_value()) << "it is connected";
  GoAway();
  loop_.RunFor(absl::Minutes(50));
  EXPECT_FALSE(Cluster().dormancy.has_value()) << "it may be back at once";
  loop_.RunFor(absl::Minutes(15));
  ASSERT_TRUE(Cluster().dormancy.has_value());
  EXPECT_EQ(LogOfOne().tombstones, 0u);
  EXPECT_GE(Cluster().dormancy->left_behind.size(), 12u);
}

TEST_F(DormancyTest, ACrashBetweenTheMarkAndTheEndOfTheTombstonesIsMadeGood) {
  Begin({"cart", "desk"});
  GoAway();
  Give({"desk"});
  fail_ = true;
  Later(91 * kDays);
  EXPECT_TRUE(Cluster().dormancy.has_value());
  EXPECT_EQ(LogOfOne().tombstones, 1u) << "marked first, then dropped";
  EXPECT_EQ(hub_.records().pending_deletions().size(), 1u);
  EXPECT_EQ(Audited().size(), 2u) << "told again at each try";
  Restart();
  EXPECT_EQ(LogOfOne().tombstones, 1u);
  fail_ = false;
  loop_.RunFor(absl::Minutes(3));
  EXPECT_EQ(LogOfOne().tombstones, 0u);
  EXPECT_THAT(hub_.records().pending_deletions(), IsEmpty());
  EXPECT_THAT(Cluster().dormancy->left_behind, ElementsAre("leidang/cart"));
}

TEST_F(DormancyTest, AWrongClockAtTheStartMarksNobodyWhoIsThere) {
  Begin({"cart"});
  GoAway();
  Give({});
  hub_.Kill();
  loop_.sim_clock().StepWall(400 * kDays);
  Start();
  loop_.RunFor(absl::Minutes(10));
  EXPECT_FALSE(Cluster().dormancy.has_value()) << "agents need a while to come";
  ComeBack();
  loop_.RunFor(absl::Hours(3));
  EXPECT_FALSE(Cluster().dormancy.has_value());
  EXPECT_GE(LogOfOne().tombstones, 1u);
}

TEST_F(DormancyTest, WhatIsBeingRemovedOrRecoversOrNeverJoinedIsNotDormantByTime) {
  Begin({"cart"});
  GoAway();
  ASSERT_OK(hub_.Register("new"));
  ASSERT_OK(hub_.DeleteCluster("one", intent::DeletionPolicy::kForeground));
  Later(400 * kDays);
  EXPECT_FALSE(Cluster().dormancy.has_value()) << "its removal waits for the agent";
  EXPECT_GE(LogOfOne().tombstones, 1u);
  EXPECT_FALSE(hub_.records().ClusterNamed("new")->dormancy.has_value());
}

TEST_F(DormancyTest, WithoutARecordTheAgeCountsFromTheStart) {
  Begin({"cart"});
  links_.clear();
  Give({});
  Later(400 * kDays);
  EXPECT_FALSE(Cluster().dormancy.has_value()) << "nobody knows how long it has been away";
}

}  // namespace
}  // namespace leidang::hub
