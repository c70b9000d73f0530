#include "hub/control/recovery.h"

#include <memory>
#include <optional>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/log/log.h"
#include "common/time/sim_loop.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/memory_rows.h"
#include "hub/store/memory_store.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

const intent::HubId kHub = *intent::HubId::FromRaw("the hub, 16 byte");
const intent::ClusterId kOne = *intent::ClusterId::FromRaw("cluster no. one.");
const intent::ClusterId kTwo = *intent::ClusterId::FromRaw("cluster no. two.");

class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest() {
    Open();
    ClusterRegistration one;
    one.id = kOne;
    one.name = "one";
    one.server = "https://one";
    one.log = {kHub, 3, 33};
    one.recovering = true;
    ClusterRegistration two = one;
    two.id = kTwo;
    two.name = "two";
    two.server = "https://two";
    two.recovering = false;
    Write({change::PutCluster{one}, change::PutCluster{two}});
    WriteBatch batch;
    for (const ClusterRegistration& cluster : {one, two}) batch.OpenLog(cluster.id, cluster.log);
    batch.Put(kOne, App("a", 0));
    batch.PutApplication(Derived("a", 0));
    batch.Put(kOne, App("b", 0));
    batch.PutApplication(Derived("b", 0));
    Commit(std::move(batch));
  }

  void Open() {
    ledger_ = *OpenLedger(&disk_, &loop_);
    store_ = *OpenMemoryStore(&derived_, &loop_);
    records_ = std::make_unique<FleetRecords>(loop_, *ledger_, log_);
    records_->Load(kHub, [](const absl::Status& status) { EXPECT_OK(status); });
    loop_.RunUntilIdle();
    recovery_ = std::make_unique<Recovery>(
        Recovery::Parts{loop_, *records_, *store_, random_, log_},
        [this](const std::set<intent::ClusterId>& held, Surveys when) {
          held_ = held;
          asked_ = when == Surveys::kNow;
        },
        [this] { return settled_; });
  }
  // As a killed hub does.
  void Reopen() {
    recovery_.reset();
    records_.reset();
    store_.reset();
    ledger_.reset();
    Open();
  }

  void Write(FleetRecords::Changes changes) {
    records_->Write(std::move(changes), [](const absl::Status& status) { EXPECT_OK(status); });
    loop_.RunFor(absl::Milliseconds(10));
  }
  void Commit(WriteBatch batch) {
    store_->Commit(std::move(batch), &loop_,
                   [](const CommitResult& result) { EXPECT_OK(result.status); });
    loop_.RunFor(absl::Milliseconds(10));
  }

  static intent::EntryKey Key(const std::string& name) {
    return {intent::EntryKind::kApplication, "leidang/" + name};
  }
  static intent::Uid UidOf(const std::string& name, uint64_t n) {
    return intent::ComputeUid(kHub, Key(name), n);
  }
  static intent::Assignment App(const std::string& name, uint64_t n) {
    return {.key = Key(name), .uid = UidOf(name, n), .body = "{}", .sources = {}};
  }
  static DerivedApplication Derived(const std::string& name, uint64_t n) {
    DerivedApplication application;
    application.key = "leidang/" + name;
    application.uid = UidOf(name, n);
    application.cluster = kOne;
    return application;
  }

  // An agent of kOne that obeys that epoch and holds exactly what the hub wants.
  Difference Equal(uint64_t epoch, const intent::ClusterId& cluster = kOne) {
    Difference difference;
    difference.head = store_->Log(cluster)->head;
    difference.agent_authority = {kHub, epoch, 44};
    difference.equal = 2;
    return difference;
  }

  absl::StatusOr<size_t> Accept(const std::vector<Recovery::Accepted>& accepted) {
    absl::StatusOr<size_t> result = absl::UnknownError("no answer");
    recovery_->Accept(accepted, insist_, {"admin", ""},
                      [&result](const absl::StatusOr<size_t>& done) { result = done; });
    loop_.RunFor(absl::Milliseconds(50));
    return result;
  }

  SimLoop loop_;
  SeededRandom random_{1};
  NoLog log_;
  MemoryRows disk_;
  MemoryRows derived_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<FleetRecords> records_;
  std::unique_ptr<Recovery> recovery_;
  std::set<intent::ClusterId> held_;
  bool asked_ = false;
  bool settled_ = true;
  Recovery::Unsettled insist_ = Recovery::Unsettled::kRefused;
};

TEST_F(RecoveryTest, AgentsAreAskedOnceEverythingIsExpanded) {
  settled_ = false;
  recovery_->Start();
  EXPECT_EQ(held_, std::set<intent::ClusterId>{kOne});
  EXPECT_FALSE(asked_);
  recovery_->OnSurvey(kOne, Equal(3));
  loop_.RunFor(absl::Seconds(2));
  EXPECT_EQ(held_.size(), 1u) << "what the hub wants is not known yet";
  EXPECT_THAT(Accept({{"one", Equal(3).Digest()}}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("being expanded")));
  settled_ = true;
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(asked_);
}

TEST_F(RecoveryTest, APersonMayInsistWhereASetCannotBeExpanded) {
  settled_ = false;
  recovery_->Start();
  loop_.RunFor(absl::Seconds(59));
  EXPECT_FALSE(asked_);
  loop_.RunFor(absl::Seconds(2));
  EXPECT_TRUE(asked_);
  recovery_->OnSurvey(kOne, Equal(3));
  loop_.RunFor(absl::Seconds(5));
  EXPECT_EQ(held_.size(), 1u) << "not by itself";
  insist_ = Recovery::Unsettled::kAccepted;
  EXPECT_EQ(*Accept({{"one", Equal(3).Digest()}}), 1u);
  EXPECT_TRUE(held_.empty());
}

TEST_F(RecoveryTest, AClusterThatHoldsWhatIsWantedGoesOnAboveWhatItsAgentObeys) {
  recovery_->Start();
  recovery_->OnSurvey(kOne, Equal(7));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(held_.empty());
  const ClusterRegistration& cluster = records_->clusters().at(kOne);
  EXPECT_FALSE(cluster.recovering);
  EXPECT_EQ(cluster.log.epoch, 8u);
  EXPECT_NE(cluster.log.incarnation, 33u);
  const ClusterLog log = *store_->Log(kOne);
  EXPECT_EQ(log.authority, cluster.log);
  EXPECT_EQ(log.live, 2u);
  EXPECT_EQ(records_->clusters().at(kTwo).log.epoch, 3u);
}

TEST_F(RecoveryTest, ADifferenceWaitsForAPersonWhoHasSeenIt) {
  recovery_->Start();
  Difference difference = Equal(3);
  difference.keep.push_back({Key("c"), UidOf("c", 0)});
  recovery_->OnSurvey(kOne, difference);
  loop_.RunFor(absl::Seconds(5));
  EXPECT_EQ(held_.size(), 1u);
  ASSERT_EQ(recovery_->States().size(), 1u);
  EXPECT_EQ(recovery_->States()[0].difference->keep.size(), 1u);
  const object::Sha256 shown = difference.Digest();

  difference.keep.push_back({Key("d"), UidOf("d", 0)});
  recovery_->OnSurvey(kOne, difference);
  EXPECT_THAT(Accept({{"one", shown}}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has changed since")));
  EXPECT_THAT(Accept({{"two", shown}}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not recovering")));
  EXPECT_EQ(held_.size(), 1u);
  EXPECT_EQ(*Accept({{"one", difference.Digest()}}), 1u);
  EXPECT_TRUE(held_.empty());
  EXPECT_TRUE(recovery_->States().empty());
}

TEST_F(RecoveryTest, WhatAnAgentSaidBeforeTheLogGrewIsNotAccepted) {
  recovery_->Start();
  const Difference before = Equal(3);
  WriteBatch batch;
  batch.Put(kOne, App("new", 0));
  Commit(std::move(batch));
  recovery_->OnSurvey(kOne, before);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(held_.size(), 1u) << "the agent lacks what is new";
  EXPECT_THAT(Accept({{"one", before.Digest()}}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has changed since")));
}

TEST_F(RecoveryTest, AnAgentThatWasAskedEarlyIsLetGoOnceEverythingIsExpanded) {
  settled_ = false;
  recovery_->Start();
  loop_.RunFor(absl::Minutes(2));
  recovery_->OnSurvey(kOne, Equal(3));
  loop_.RunFor(absl::Seconds(5));
  EXPECT_EQ(held_.size(), 1u);
  settled_ = true;
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(held_.empty());
}

TEST_F(RecoveryTest, AUidOfALaterCountIsTakenOver) {
  recovery_->Start();
  Difference difference = Equal(3);
  difference.other_uid.push_back({Key("a"), UidOf("a", 0), UidOf("a", 4)});
  recovery_->OnSurvey(kOne, difference);
  EXPECT_EQ(*Accept({{"one", difference.Digest()}}), 1u);
  EXPECT_EQ(records_->Deletions(kOne, Key("a")), 4u);
  EXPECT_EQ(records_->Deletions(kOne, Key("b")), 0u);
  EXPECT_EQ(store_->Assignment(kOne, Key("a"))->assignment.uid, UidOf("a", 4));
  EXPECT_EQ(store_->Assignment(kOne, Key("b"))->assignment.uid, UidOf("b", 0));
  EXPECT_EQ(store_->Application("leidang/a")->uid, UidOf("a", 4));
  EXPECT_TRUE(store_->Tombstones(kOne)->empty()) << "nothing is deleted for it";
  EXPECT_EQ(store_->Log(kOne)->authority.epoch, 4u);
}

TEST_F(RecoveryTest, AUidIsTakenOverAlsoWhenTheHubStopsWithItsCountInTheLedgerOnly) {
  recovery_->Start();
  Difference difference = Equal(3);
  difference.other_uid.push_back({Key("a"), UidOf("a", 0), UidOf("a", 4)});
  recovery_->OnSurvey(kOne, difference);
  recovery_->Accept({{"one", difference.Digest()}}, insist_, {"admin", ""}, [](const auto&) {});
  while (records_->Deletions(kOne, Key("a")) == 0) loop_.RunFor(absl::Microseconds(100));
  ASSERT_EQ(store_->Assignment(kOne, Key("a"))->assignment.uid, UidOf("a", 0));
  Reopen();
  recovery_->Start();
  recovery_->OnSurvey(kOne, difference);
  EXPECT_EQ(*Accept({{"one", difference.Digest()}}), 1u);
  EXPECT_EQ(records_->Deletions(kOne, Key("a")), 4u);
  EXPECT_EQ(store_->Assignment(kOne, Key("a"))->assignment.uid, UidOf("a", 4));
}

TEST_F(RecoveryTest, AUidThatNoCountGivesIsLeftToTheComparison) {
  recovery_->Start();
  Difference difference = Equal(3);
  difference.other_uid.push_back({Key("a"), UidOf("a", 0), UidOf("x", 4)});
  recovery_->OnSurvey(kOne, difference);
  EXPECT_EQ(*Accept({{"one", difference.Digest()}}), 1u);
  EXPECT_EQ(records_->Deletions(kOne, Key("a")), 0u);
  EXPECT_EQ(store_->Assignment(kOne, Key("a"))->assignment.uid, UidOf("a", 0));
}

TEST_F(RecoveryTest, AHoldOutlivesTheHub) {
  recovery_->Start();
  Reopen();
  recovery_->Start();
  EXPECT_EQ(held_, std::set<intent::ClusterId>{kOne});
  recovery_->OnSurvey(kOne, Equal(3));
  loop_.RunFor(absl::Seconds(1));
  Reopen();
  recovery_->Start();
  EXPECT_TRUE(held_.empty());
}

TEST_F(RecoveryTest, AHubThatStopsWhileLettingGoStillHolds) {
  recovery_->Start();
  recovery_->OnSurvey(kOne, Equal(5));
  // The ledger has the new authority; the log does not.
  while (records_->clusters().at(kOne).log.epoch == 3) loop_.RunFor(absl::Microseconds(100));
  EXPECT_EQ(store_->Log(kOne)->authority.epoch, 3u);
  Reopen();
  recovery_->Start();
  EXPECT_EQ(held_.size(), 1u);
  recovery_->OnSurvey(kOne, Equal(5));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(held_.empty());
  EXPECT_EQ(store_->Log(kOne)->authority.epoch, 7u);
}

TEST_F(RecoveryTest, AHubThatIsFoundToBeBehindHoldsTheCluster) {
  recovery_->Start();
  Difference difference = Equal(3, kTwo);
  difference.agent_authority.epoch = 9;
  difference.keep.push_back({Key("c"), UidOf("c", 0)});
  recovery_->OnSurvey(kTwo, difference);
  loop_.RunFor(absl::Milliseconds(50));
  EXPECT_EQ(held_, (std::set<intent::ClusterId>{kOne, kTwo}));
  EXPECT_TRUE(records_->clusters().at(kTwo).recovering);
  EXPECT_EQ(*Accept({{"two", difference.Digest()}}), 1u);
  EXPECT_EQ(held_, std::set<intent::ClusterId>{kOne});
  EXPECT_EQ(store_->Log(kTwo)->authority.epoch, 10u);
}

}  // namespace
}  // namespace leidang::hub
