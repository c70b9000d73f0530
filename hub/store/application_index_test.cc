#include "hub/store/application_index.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/store/index_contract.h"
#include "hub/store/memory_store.h"
#include "hub/store/record_fields.h"
#include "hub/store/records.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <typename Id>
Id IdOf(char letter) {
  return *Id::FromRaw(std::string(16, letter));
}

// A store that Applications come to and go from, are assigned and reported in, by chance.
class Churned {
 public:
  explicit Churned(uint64_t seed) : random_(seed) { Open(); }

  void Step() {
    if (random_.Chance(1, 40)) return Reopen();
    if (random_.Chance(1, 4)) return ChangeReach();
    WriteBatch batch;
    const uint64_t changes = 1 + random_.Below(4);
    for (uint64_t i = 0; i < changes; ++i) Change(&batch);
    // Some do not hold, which leaves the whole batch undone.
    store_->Commit(std::move(batch), &loop_, [](const CommitResult&) {});
    if (random_.Chance(1, 2)) loop_.RunUntilIdle();
  }
  const Store& store() {
    loop_.RunUntilIdle();
    return *store_;
  }
  const std::set<intent::ClusterId>& live() const { return live_; }
  Random& random() { return random_; }
  void Reopen() {
    loop_.RunUntilIdle();
    store_.reset();
    if (random_.Chance(1, 3)) disk_.DropUnsynced();
    if (random_.Chance(1, 8)) disk_.DropDerived();
    Open();
  }

 private:
  void Open() {
    auto opened = OpenMemoryStore(&disk_, &loop_);
    ASSERT_OK(opened);
    store_ = *std::move(opened);
    live_.clear();  // No session outlives the process.
  }

  // Also of clusters that have nothing, and again.
  void ChangeReach() {
    const intent::ClusterId cluster = random_.Chance(1, 10) ? intent::ClusterId() : Cluster();
    const bool live = random_.Chance(2, 3);
    store_->SetReach(cluster, live ? Reach::kLive : Reach::kOffline);
    if (live) {
      live_.insert(cluster);
    } else {
      live_.erase(cluster);
    }
  }

  std::string Name() { return absl::StrCat("ns-", random_.Below(2), "/app-", random_.Below(8)); }
  intent::ClusterId Cluster() {
    return IdOf<intent::ClusterId>(static_cast<char>('a' + random_.Below(3)));
  }
  intent::Uid Uid() { return IdOf<intent::Uid>(static_cast<char>('u' + random_.Below(2))); }
  intent::EntryKey Entry() {
    return {random_.Chance(1, 8) ? intent::EntryKind::kProject : intent::EntryKind::kApplication,
            Name()};
  }

  void Change(WriteBatch* batch) {
    switch (random_.Below(10)) {
      case 0:
      case 1: {
        DerivedApplication application;
        application.key = Name();
        application.set = random_.Chance(1, 4) ? "" : absl::StrCat("ns/set-", random_.Below(2));
        application.uid = Uid();
        if (!random_.Chance(1, 8)) application.cluster = Cluster();
        application.project = random_.Chance(1, 2) ? "default" : "other";
        application.manifest = "{}";
        return batch->PutApplication(std::move(application));
      }
      case 2:
        return batch->DeleteApplication(Name());
      case 3:
      case 4: {
        intent::Assignment assignment;
        assignment.key = Entry();
        assignment.uid = Uid();
        assignment.body = absl::StrCat(random_.Below(3));
        return batch->Put(Cluster(), std::move(assignment));
      }
      case 5:
        return batch->Delete(Cluster(), {Entry(), Uid(), intent::DeletionPolicy::kForeground});
      case 6:
      case 7: {
        intent::EntryStatus status;
        status.key = Entry();
        status.uid = Uid();
        status.sync = static_cast<intent::SyncState>(random_.Below(kSyncStates));
        status.health = static_cast<intent::HealthState>(random_.Below(kHealthStates));
        status.applied = random_.Below(12);
        if (random_.Chance(1, 2)) status.conditions.push_back({"SyncError", "", "", {}});
        if (random_.Chance(1, 3)) status.conditions.push_back({"DeletionsHeld", "", "", {}});
        return batch->PutStatus(Cluster(), std::move(status));
      }
      case 8:
        return batch->DeleteStatus(Cluster(), Entry(), Uid());
      default:
        if (random_.Chance(1, 6)) return batch->DropLog(Cluster());
        return batch->OpenLog(Cluster(), {IdOf<intent::HubId>('h'), 1, 1});
    }
  }

  SeededRandom random_;
  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Store> store_;
  std::set<intent::ClusterId> live_;
};

TEST(ApplicationIndex, AgreesWithAWalkWhateverChanges) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Churned churned(seed);
    for (int step = 0; step < 150; ++step) {
      churned.Step();
      const std::string differs = IndexDiffers(churned.store(), churned.live());
      ASSERT_EQ(differs, "") << "seed " << seed << " step " << step;
    }
    churned.Reopen();
    ASSERT_EQ(IndexDiffers(churned.store(), churned.live()), "")
        << "seed " << seed << " opened again";
  }
}

TEST(ApplicationIndex, ListsByEveryFilterWhatAWalkFinds) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Churned churned(seed);
    Random& random = churned.random();
    for (int step = 0; step < 200; ++step) churned.Step();
    const std::vector<WalkedApplication> walked = WalkApplications(churned.store(), churned.live());
    for (int i = 0; i < 60; ++i) {
      ApplicationFilter filter;
      if (random.Chance(1, 3)) filter.set = absl::StrCat("ns/set-", random.Below(3));
      if (random.Chance(1, 3)) filter.cluster = IdOf<intent::ClusterId>('a');
      if (random.Chance(1, 3)) filter.project = "default";
      if (random.Chance(1, 3)) filter.sync = static_cast<intent::SyncState>(random.Below(3));
      if (random.Chance(1, 3)) filter.health = static_cast<intent::HealthState>(random.Below(6));
      if (random.Chance(1, 3)) filter.name_part = absl::StrCat("p-", random.Below(8));
      filter.holding = random.Chance(1, 4);
      ASSERT_EQ(PagesDiffer(churned.store().Index(), filter, walked, 1 + random.Below(4)), "")
          << "seed " << seed;
    }
  }
}

class FilledIndexTest : public ::testing::Test {
 protected:
  FilledIndexTest() : store_(*OpenMemoryStore(&disk_, &loop_)) {
    WriteBatch batch;
    for (int i = 0; i < 9; ++i) {
      DerivedApplication application;
      application.key = absl::StrCat("ns/app-", i);
      application.project = "default";
      batch.PutApplication(std::move(application));
    }
    Commit(std::move(batch));
  }
  void Commit(WriteBatch batch) {
    absl::Status status = absl::UnknownError("not committed");
    store_->Commit(std::move(batch), &loop_,
                   [&](const CommitResult& result) { status = result.status; });
    loop_.RunUntilIdle();
    ASSERT_OK(status);
  }

  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Store> store_;
};

TEST_F(FilledIndexTest, APageGoesOnWhereTheLastEndedAlsoIfItsLastKeyHasGone) {
  const ApplicationIndex& index = store_->Index();
  EXPECT_THAT(index.Keys({}, "", 3), ElementsAre("ns/app-0", "ns/app-1", "ns/app-2"));
  WriteBatch batch;
  batch.DeleteApplication("ns/app-2");
  batch.DeleteApplication("ns/app-0");
  Commit(std::move(batch));
  EXPECT_THAT(index.Keys({}, "ns/app-2", 2), ElementsAre("ns/app-3", "ns/app-4"));
  EXPECT_THAT(index.Keys({}, "ns/app-8", 2), IsEmpty());
  EXPECT_THAT(index.Keys({}, "", 0), IsEmpty());
}

TEST_F(FilledIndexTest, ANameThatNothingHasFindsNothing) {
  ApplicationFilter filter;
  filter.project = "none";
  EXPECT_THAT(store_->Index().Keys(filter, "", 10), IsEmpty());
  EXPECT_EQ(store_->Index().OfProject("none"), ApplicationCounts());
  filter.project = "default";
  filter.name_part = "ns";
  EXPECT_THAT(store_->Index().Keys(filter, "", 10), IsEmpty()) << "a namespace is no name";
  filter.name_part = "-7";
  EXPECT_THAT(store_->Index().Keys(filter, "", 10), ElementsAre("ns/app-7"));
}

TEST_F(FilledIndexTest, WhatAnOfflineClusterLastReportedIsUnknownUntilItIsBack) {
  const auto cluster = IdOf<intent::ClusterId>('c');
  WriteBatch batch;
  batch.OpenLog(cluster, {IdOf<intent::HubId>('h'), 1, 1});
  for (const char* key : {"ns/app-1", "ns/app-2"}) {
    DerivedApplication application;
    application.key = key;
    application.set = "ns/set";
    application.cluster = cluster;
    application.uid = IdOf<intent::Uid>('u');
    batch.PutApplication(application);
    intent::EntryStatus status;
    status.key = {intent::EntryKind::kApplication, key};
    status.uid = application.uid;
    status.sync = intent::SyncState::kSynced;
    status.health = intent::HealthState::kHealthy;
    batch.PutStatus(cluster, std::move(status));
  }
  Commit(std::move(batch));
  const ApplicationIndex& index = store_->Index();
  ApplicationFilter synced;
  synced.sync = intent::SyncState::kSynced;
  constexpr auto kSynced = static_cast<size_t>(intent::SyncState::kSynced);
  constexpr auto kHealthy = static_cast<size_t>(intent::HealthState::kHealthy);

  EXPECT_THAT(index.Keys(synced, "", 10), IsEmpty()) << "nobody is connected on opening";
  EXPECT_EQ(index.OfSet("ns/set").offline, 2u);
  store_->SetReach(cluster, Reach::kLive);
  EXPECT_THAT(index.Keys(synced, "", 10), ElementsAre("ns/app-1", "ns/app-2"));
  EXPECT_EQ(index.OfSet("ns/set").sync[kSynced], 2u);
  EXPECT_EQ(index.OfSet("ns/set").health[kHealthy], 2u);
  EXPECT_EQ(index.OfSet("ns/set").offline, 0u);
  store_->SetReach(cluster, Reach::kOffline);
  EXPECT_THAT(index.Keys(synced, "", 10), IsEmpty());
  synced.sync = intent::SyncState::kUnknown;
  EXPECT_THAT(index.Keys(synced, "", 10), SizeIs(9));
  EXPECT_EQ(index.OfCluster(cluster).sync[kSynced], 0u);
  EXPECT_EQ(index.OfCluster(cluster).health[kHealthy], 0u);
  EXPECT_EQ(index.All().offline, 2u) << "what has no cluster is not offline";
  EXPECT_EQ(index.All().total, 9u);
}

TEST_F(FilledIndexTest, ADamagedRowIsRefusedOnOpening) {
  store_.reset();
  ASSERT_TRUE(
      disk_.Overwrite(Family::kDerived, ApplicationRowKey("ns/app-4"), "\x0a\x7fno record"));
  EXPECT_THAT(OpenMemoryStore(&disk_, &loop_), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(RecordFields, AreThoseOfTheWholeRecord) {
  DerivedApplication application;
  application.key = "ns/app";
  application.set = "ns/set";
  application.uid = IdOf<intent::Uid>('u');
  application.cluster = IdOf<intent::ClusterId>('c');
  application.project = "project";
  application.manifest = std::string(3000, 'm');
  application.conditions.push_back({"Type", ConditionStatus::kTrue, "Reason", "message", {}});
  const std::string value = EncodeApplication(application);
  ASSERT_OK_AND_ASSIGN(const indexed::Placed placed,
                       DecodePlace(ApplicationRowKey(application.key), value));
  EXPECT_EQ(placed.key, application.key);
  EXPECT_EQ(placed.set, application.set);
  EXPECT_EQ(placed.uid, application.uid);
  EXPECT_EQ(placed.cluster, application.cluster);
  EXPECT_EQ(placed.project, application.project);

  LiveAssignment live;
  live.assignment.body = std::string(2000, 'b');
  live.revision = 1234567890123;
  EXPECT_EQ(*DecodeAssignedRevision("key", EncodeAssignment(live)), live.revision);

  intent::EntryStatus status;
  status.key = {intent::EntryKind::kApplication, "ns/app"};
  status.uid = application.uid;
  status.sync = intent::SyncState::kOutOfSync;
  status.health = intent::HealthState::kDegraded;
  status.applied = 77;
  status.message = "message";
  ASSERT_OK_AND_ASSIGN(
      const std::optional<indexed::Reported> reported,
      DecodeReport(StatusKey(application.cluster, status.key, status.uid), EncodeStatus(status)));
  ASSERT_TRUE(reported.has_value());
  EXPECT_EQ(reported->cluster, application.cluster);
  EXPECT_EQ(reported->key, "ns/app");
  EXPECT_EQ(reported->uid, status.uid);
  EXPECT_EQ(reported->sync, status.sync);
  EXPECT_EQ(reported->health, status.health);
  EXPECT_EQ(reported->applied, 77u);
  status.key.kind = intent::EntryKind::kProject;
  EXPECT_EQ(
      *DecodeReport(StatusKey(application.cluster, status.key, status.uid), EncodeStatus(status)),
      std::nullopt);
}

TEST(RecordFields, EveryCutOfARecordIsReadOrRefused) {
  DerivedApplication application;
  application.key = "ns/app";
  application.set = "ns/set";
  application.manifest = "manifest";
  const std::string key = ApplicationRowKey(application.key);
  const std::string value = EncodeApplication(application);
  ASSERT_OK(DecodePlace(key, value));
  for (size_t size = 0; size < value.size(); ++size) {
    const auto placed = DecodePlace(key, value.substr(0, size));
    const auto whole = DecodeApplication(key, value.substr(0, size));
    EXPECT_EQ(placed.ok(), whole.ok()) << size;
    EXPECT_TRUE(placed.ok() || absl::IsDataLoss(placed.status())) << size;
  }
}

}  // namespace
}  // namespace leidang::hub
