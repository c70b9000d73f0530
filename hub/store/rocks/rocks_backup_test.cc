#include "hub/store/rocks/rocks_backup.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "hub/store/pumped_loop.h"
#include "hub/store/store_check.h"
#include "hub/store/store_contract.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::ReadFile;
using ::leidang::testing::StatusIs;
using ::leidang::testing::TempDir;
using ::leidang::testing::WriteFile;
using ::testing::HasSubstr;

// A database with its store, as a hub has them.
struct RunningStore {
  std::unique_ptr<RocksDatabase> database;
  std::unique_ptr<ThreadLoop> commits;
  std::unique_ptr<Store> store;

  ~RunningStore() {
    if (commits != nullptr) commits->Stop();
    store.reset();
  }
};

class RocksBackupTest : public ::testing::Test {
 protected:
  void Open(RunningStore* running, const std::string& directory,
            const intent::HubId& hub = TestHub()) {
    DatabaseOptions options;
    options.directory = directory;
    options.new_hub_id = hub;
    options.sync_samples = 1;
    ASSERT_OK_AND_ASSIGN(running->database, RocksDatabase::Open(options, clock_));
    running->commits = std::make_unique<ThreadLoop>("commit");
    ASSERT_OK_AND_ASSIGN(running->store,
                         OpenRocksStore(*running->database, running->commits.get()));
  }

  void Commit(RunningStore& running, WriteBatch batch) {
    bool done = false;
    running.store->Commit(std::move(batch), &loop_, [&done](const CommitResult& result) {
      EXPECT_OK(result.status);
      done = true;
    });
    ASSERT_TRUE(loop_.RunUntil([&done] { return done; }));
  }

  void Put(RunningStore& running, int from, int to) {
    for (int i = from; i < to; ++i) {
      WriteBatch batch;
      if (i == 0) batch.OpenLog(TestCluster(1), TestAuthority());
      intent::Assignment assignment = TestAssignment(absl::StrCat("app", i), absl::StrCat(i));
      assignment.sources.clear();
      batch.Put(TestCluster(1), std::move(assignment));
      Commit(running, std::move(batch));
    }
  }

  RealClock clock_;
  TempDir temp_;
  PumpedLoop loop_;
};

TEST_F(RocksBackupTest, ARestoredBackupIsTheStateAtItsMoment) {
  object::Sha256 root;
  {
    RunningStore running;
    Open(&running, temp_ / "store");
    Put(running, 0, 50);
    root = *running.store->Root(TestCluster(1));
    ASSERT_OK_AND_ASSIGN(const BackupFacts first,
                         MakeBackup(*running.database, temp_ / "backups", 7));
    EXPECT_EQ(first.id, 1u);
    EXPECT_EQ(first.hub, TestHub());
    EXPECT_GT(first.bytes, 0u);
    Put(running, 50, 80);
    ASSERT_OK(MakeBackup(*running.database, temp_ / "backups", 7));
    ASSERT_OK_AND_ASSIGN(const std::vector<BackupFacts> all, ListBackups(temp_ / "backups"));
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1].id, 2u);
  }
  ASSERT_OK(RestoreBackup(temp_ / "backups", 1, temp_ / "first"));
  ASSERT_OK_AND_ASSIGN(const BackupFacts newest,
                       RestoreBackup(temp_ / "backups", 0, temp_ / "newest"));
  EXPECT_EQ(newest.id, 2u);
  RunningStore first;
  Open(&first, temp_ / "first");
  EXPECT_EQ(first.database->hub_id(), TestHub());
  EXPECT_EQ(*first.store->Root(TestCluster(1)), root);
  EXPECT_EQ(first.store->Log(TestCluster(1))->head, 50u);
  RunningStore second;
  Open(&second, temp_ / "newest");
  EXPECT_EQ(second.store->Log(TestCluster(1))->head, 80u);
  CheckReport report;
  CheckStore(*second.database->rows()->Reveal(nullptr), &report);
  EXPECT_EQ(report.damages(), 0u) << report.ToText();
}

// Families that were written together are restored together.
TEST_F(RocksBackupTest, ABackupThatIsMadeWhileTheHubWritesIsWhole) {
  {
    RunningStore running;
    Open(&running, temp_ / "store");
    Put(running, 0, 10);
    ThreadLoop backups("backup");
    int made = 0;
    bool failed = false;
    for (int round = 0; round < 5; ++round) {
      backups.Post([&] {
        const auto facts = MakeBackup(*running.database, temp_ / "backups", 10);
        loop_.Post([&, status = facts.status()] {
          failed = failed || !status.ok();
          ++made;
        });
      });
    }
    int next = 10;
    while (made < 5 && next < 5'000) {
      Put(running, next, next + 1);
      ++next;
    }
    ASSERT_TRUE(loop_.RunUntil([&] { return made == 5; }));
    EXPECT_FALSE(failed);
  }
  uint64_t head = 0;
  for (uint32_t id = 1; id <= 5; ++id) {
    const std::string target = temp_ / absl::StrCat("restored", id);
    ASSERT_OK(RestoreBackup(temp_ / "backups", id, target));
    RunningStore restored;
    Open(&restored, target);
    const ClusterLog log = *restored.store->Log(TestCluster(1));
    EXPECT_GE(log.head, std::max<uint64_t>(head, 10));
    EXPECT_EQ(log.live, log.head);
    head = log.head;
    CheckReport report;
    CheckStore(*restored.database->rows()->Reveal(nullptr), &report);
    EXPECT_EQ(report.damages(), 0u) << id << "\n" << report.ToText();
  }
}

TEST_F(RocksBackupTest, OnlyTheNewestAreKept) {
  RunningStore running;
  Open(&running, temp_ / "store");
  for (int i = 0; i < 5; ++i) {
    Put(running, i, i + 1);
    ASSERT_OK(MakeBackup(*running.database, temp_ / "backups", 2));
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<BackupFacts> all, ListBackups(temp_ / "backups"));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, 4u);
  EXPECT_THAT(RestoreBackup(temp_ / "backups", 1, temp_ / "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no backup 1")));
}

TEST_F(RocksBackupTest, AFolderHasTheBackupsOfOneHub) {
  {
    RunningStore running;
    Open(&running, temp_ / "store");
    ASSERT_OK(MakeBackup(*running.database, temp_ / "backups", 2));
  }
  RunningStore other;
  Open(&other, temp_ / "other", *intent::HubId::FromRaw("another hub's id"));
  EXPECT_THAT(MakeBackup(*other.database, temp_ / "backups", 2),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("backups of hub")));
}

TEST_F(RocksBackupTest, ADamagedBackupIsNotRestored) {
  {
    RunningStore running;
    Open(&running, temp_ / "store");
    Put(running, 0, 20);
    ASSERT_OK(MakeBackup(*running.database, temp_ / "backups", 2));
  }
  int damaged = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(temp_ / "backups")) {
    if (!file.is_regular_file() || file.path().extension() != ".log") continue;
    std::string bytes = ReadFile(file.path().string());
    if (bytes.empty()) continue;
    bytes[bytes.size() / 2] ^= 0x40;
    WriteFile(file.path().string(), bytes);
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  EXPECT_THAT(VerifyBackup(temp_ / "backups", 1), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(RestoreBackup(temp_ / "backups", 0, temp_ / "restored"),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(std::filesystem::exists(temp_ / "restored"));
}

TEST_F(RocksBackupTest, ARestoreOverwritesNothing) {
  RunningStore running;
  Open(&running, temp_ / "store");
  ASSERT_OK(MakeBackup(*running.database, temp_ / "backups", 2));
  EXPECT_THAT(RestoreBackup(temp_ / "backups", 0, temp_ / "store"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("move it away")));
  EXPECT_THAT(ListBackups(temp_ / "nowhere"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace leidang::hub
