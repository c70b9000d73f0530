#include "hub/store/memory_store.h"

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/store/records.h"
#include "hub/store/store_contract.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

class MemoryStoreTest : public ::testing::Test {
 protected:
  MemoryStoreTest() {
    Open();
    WriteBatch batch;
    batch.OpenLog(kOne, TestAuthority());
    batch.Put(kOne, TestAssignment("a", "1"));
    store_->Commit(std::move(batch), &loop_, [](const CommitResult&) {});
    loop_.RunUntilIdle();
  }

  void Open() { ASSERT_OK_AND_ASSIGN(store_, OpenMemoryStore(&disk_, &loop_)); }

  void PutStatus(uint64_t applied) {
    intent::EntryStatus status;
    status.key = AppKey("a");
    status.uid = TestUid("a");
    status.applied = applied;
    WriteBatch batch;
    batch.PutStatus(kOne, status);
    store_->Commit(std::move(batch), &loop_, [](const CommitResult&) {});
    loop_.RunUntilIdle();
  }

  const intent::ClusterId kOne = TestCluster(1);
  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Store> store_;
};

TEST_F(MemoryStoreTest, TheCountOfStatusesOfWhatIsNotAssignedIsThatOfTheRows) {
  constexpr uint64_t kMax = 1;
  SeededRandom random(7);
  const std::string names[] = {"a", "b", "c"};
  const auto counted = [this] {
    std::set<std::pair<intent::EntryKey, intent::Uid>> assigned;
    const auto all_live = store_->Assignments(kOne, {});
    for (const LiveAssignment& live : all_live->items)
      assigned.emplace(live.assignment.key, live.assignment.uid);
    const auto all_pending = store_->Tombstones(kOne);
    for (const PendingTombstone& pending : *all_pending)
      assigned.emplace(pending.tombstone.key, pending.tombstone.uid);
    uint64_t unassigned = 0;
    const auto statuses = store_->StatusesOfCluster(kOne, {});
    for (const intent::EntryStatus& status : statuses->items)
      if (!assigned.contains({status.key, status.uid})) ++unassigned;
    return unassigned;
  };
  uint64_t refused = 0;
  for (int step = 0; step < 3'000; ++step) {
    WriteBatch batch;
    for (uint64_t i = 1 + random.Below(3); i > 0; --i) {
      const std::string& name = names[random.Below(3)];
      const uint64_t deletions = random.Below(2);
      intent::EntryStatus status;
      status.key = AppKey(name);
      status.uid = TestUid(name, deletions);
      switch (random.Below(7)) {
        case 0:
          batch.Put(kOne, TestAssignment(name, std::to_string(random.Below(2)), deletions));
          break;
        case 1:
          batch.Delete(kOne, TestTombstone(name, deletions));
          break;
        case 2:
          batch.ReportedGone(kOne, status.key, status.uid);
          batch.DeleteStatus(kOne, status.key, status.uid);
          break;
        case 3:
          batch.AckedThrough(kOne, TestAuthority(), store_->Log(kOne)->head);
          break;
        default:
          batch.PutStatus(kOne, status, kMax);
      }
    }
    store_->Commit(std::move(batch), &loop_,
                   [&refused](const CommitResult& result) { refused += result.refused.size(); });
    // Several batches in one group, too.
    if (random.Chance(1, 2)) continue;
    loop_.RunUntilIdle();
    const ClusterLog log = *store_->Log(kOne);
    ASSERT_EQ(log.unassigned_statuses, counted()) << "step " << step;
    ASSERT_LE(log.unassigned_statuses, kMax);
    if (!random.Chance(1, 20)) continue;
    store_.reset();
    Open();
    ASSERT_EQ(store_->Log(kOne)->unassigned_statuses, log.unassigned_statuses);
  }
  EXPECT_GT(refused, 100u) << "the bound was hardly met";
}

TEST_F(MemoryStoreTest, NothingIsVisibleBeforeItIsCommitted) {
  WriteBatch batch;
  batch.Put(kOne, TestAssignment("b", "1"));
  bool done = false;
  store_->Commit(std::move(batch), &loop_, [&done](const CommitResult&) { done = true; });
  EXPECT_EQ(store_->Log(kOne)->head, 1u);
  loop_.RunFor(absl::Microseconds(999));
  EXPECT_EQ(store_->Log(kOne)->head, 1u);
  EXPECT_FALSE(done);
  loop_.RunUntilIdle();
  EXPECT_EQ(store_->Log(kOne)->head, 2u);
  EXPECT_TRUE(done);
}

TEST_F(MemoryStoreTest, AKilledHubLosesWhatWasNotCommitted) {
  WriteBatch batch;
  batch.Put(kOne, TestAssignment("b", "1"));
  bool done = false;
  store_->Commit(std::move(batch), &loop_, [&done](const CommitResult&) { done = true; });
  store_.reset();
  loop_.RunUntilIdle();
  EXPECT_FALSE(done);
  Open();
  EXPECT_EQ(store_->Log(kOne)->head, 1u);
}

TEST_F(MemoryStoreTest, ACrashLosesUnsyncedStatusButNothingBeforeASync) {
  PutStatus(1);
  WriteBatch synced;
  synced.Put(kOne, TestAssignment("b", "1"));
  store_->Commit(std::move(synced), &loop_, [](const CommitResult&) {});
  loop_.RunUntilIdle();
  PutStatus(2);
  PutStatus(3);
  EXPECT_EQ(disk_.unsynced(), 2u);
  store_.reset();
  disk_.DropUnsynced(1);
  Open();
  EXPECT_EQ(store_->Statuses(kOne, AppKey("a"))->at(0).applied, 2u);
  store_.reset();
  disk_.DropUnsynced();
  Open();
  EXPECT_EQ(store_->Statuses(kOne, AppKey("a"))->at(0).applied, 1u);
  EXPECT_EQ(store_->Log(kOne)->head, 2u);
}

TEST_F(MemoryStoreTest, AfterAFailedWriteNothingMoreIsWritten) {
  disk_.FailNextPersist(absl::ResourceExhaustedError("no space left on device"));
  std::vector<absl::Status> results;
  for (int i = 0; i < 2; ++i) {
    WriteBatch batch;
    batch.Put(kOne, TestAssignment("b", std::to_string(i)));
    store_->Commit(std::move(batch), &loop_,
                   [&results](const CommitResult& result) { results.push_back(result.status); });
    loop_.RunUntilIdle();
  }
  ASSERT_EQ(results.size(), 2u);
  for (const absl::Status& status : results) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("no space")));
  }
  EXPECT_EQ(store_->Log(kOne)->head, 1u) << "reads go on with what was committed";
}

TEST_F(MemoryStoreTest, ADamagedLogIsNotServed) {
  store_.reset();
  ASSERT_TRUE(disk_.Overwrite(Family::kLog, LogKey(kOne, 1), "\xff damaged"));
  EXPECT_THAT(OpenMemoryStore(&disk_, &loop_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("family log")));
}

TEST_F(MemoryStoreTest, ANewerFormatIsRefusedByName) {
  store_.reset();
  ASSERT_TRUE(disk_.Overwrite(Family::kLog, LogKey(kOne, 1), "\x08\x07"));
  EXPECT_THAT(OpenMemoryStore(&disk_, &loop_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("run a newer leidang-hub")));
}

TEST_F(MemoryStoreTest, FieldsOfALaterVersionSurviveInTheHeader) {
  store_.reset();
  LogHeader header;
  header.authority = TestAuthority();
  header.head = 1;
  const std::string later("\xf2\x3f\x03new", 6);  // Field 1022, a string.
  ASSERT_TRUE(disk_.Overwrite(Family::kLog, LogKey(kOne, 0), EncodeLogHeader(header) + later));
  Open();
  WriteBatch batch;
  batch.Put(kOne, TestAssignment("b", "1"));
  store_->Commit(std::move(batch), &loop_, [](const CommitResult&) {});
  loop_.RunUntilIdle();
  const auto view = disk_.Reveal(nullptr);
  ASSERT_OK_AND_ASSIGN(const auto value, view->Get(Family::kLog, LogKey(kOne, 0)));
  ASSERT_OK_AND_ASSIGN(const LogHeader read, DecodeLogHeader(LogKey(kOne, 0), *value));
  EXPECT_EQ(read.head, 2u);
  EXPECT_EQ(read.unknown_fields, later);
}

TEST_F(MemoryStoreTest, AViewDoesNotChange) {
  const std::shared_ptr<const RowView> view = disk_.Reveal(nullptr);
  WriteBatch batch;
  batch.Put(kOne, TestAssignment("b", "1"));
  store_->Commit(std::move(batch), &loop_, [](const CommitResult&) {});
  loop_.RunUntilIdle();
  EXPECT_FALSE(view->Get(Family::kLog, LogKey(kOne, 2))->has_value());
  EXPECT_TRUE(disk_.Reveal(nullptr)->Get(Family::kLog, LogKey(kOne, 2))->has_value());
}

}  // namespace
}  // namespace leidang::hub
