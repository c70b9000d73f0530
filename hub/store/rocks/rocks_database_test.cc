#include "hub/store/rocks/rocks_database.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <spawn.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include <sys/wait.h>

#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "hub/store/directory_lock.h"
#include "hub/store/pumped_loop.h"
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

class RocksDatabaseTest : public ::testing::Test {
 protected:
  RocksDatabaseTest() {
    options_.directory = temp_ / "store";
    options_.new_hub_id = TestHub();
    options_.sync_samples = 3;
  }

  absl::StatusOr<std::unique_ptr<RocksDatabase>> Open() {
    return RocksDatabase::Open(options_, clock_);
  }

  // Opens, commits the batches one by one, closes.
  void Commit(std::vector<WriteBatch> batches) {
    PumpedLoop loop;
    ASSERT_OK_AND_ASSIGN(const auto database, Open());
    ThreadLoop commits("commit");
    ASSERT_OK_AND_ASSIGN(const auto store, OpenRocksStore(*database, &commits));
    for (WriteBatch& batch : batches) {
      bool done = false;
      store->Commit(std::move(batch), &loop, [&done](const CommitResult& result) {
        EXPECT_OK(result.status);
        done = true;
      });
      ASSERT_TRUE(loop.RunUntil([&done] { return done; }));
    }
    commits.Stop();
  }

  void Fill(int changes) {
    std::vector<WriteBatch> batches(1);
    batches[0].OpenLog(TestCluster(1), TestAuthority());
    for (int i = 0; i < changes; ++i) {
      batches.emplace_back().Put(TestCluster(1),
                                 TestAssignment("app" + std::to_string(i), std::string(500, 'x')));
    }
    Commit(std::move(batches));
  }

  std::string FileThatEnds(const std::string& end) {
    std::string found;
    for (const auto& file : std::filesystem::directory_iterator(options_.directory)) {
      const std::string path = file.path().string();
      if (absl::EndsWith(path, end) && file.file_size() > 0) found = path;
    }
    return found;
  }

  TempDir temp_;
  DatabaseOptions options_;
  RealClock clock_;
};

TEST_F(RocksDatabaseTest, KeepsTheHubIdItWasBornWith) {
  {
    ASSERT_OK(Open());
  }
  options_.new_hub_id = *intent::HubId::FromRaw("another hub's id");
  {
    ASSERT_OK_AND_ASSIGN(const auto database, Open());
    EXPECT_EQ(database->hub_id(), TestHub());
  }
  options_.expected_hub_id = options_.new_hub_id;
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("belongs to hub")));
}

TEST_F(RocksDatabaseTest, MeasuresTheDiskAtOpening) {
  ASSERT_OK_AND_ASSIGN(const auto database, Open());
  EXPECT_GT(database->sync_latency().samples, 0u);
  EXPECT_GE(database->sync_latency().p99, database->sync_latency().median);
  EXPECT_GT(*database->DiskBytes(), 0u);
}

// For whoever measures: between two looks at it there is always the same time.
class SteppingClock final : public Clock {
 public:
  explicit SteppingClock(absl::Duration step) : step_(step) {}
  absl::Time Now() const override { return absl::UnixEpoch(); }
  absl::Duration Monotonic() const override { return now_ += step_; }

 private:
  const absl::Duration step_;
  mutable absl::Duration now_;
};

TEST_F(RocksDatabaseTest, ADiskThatSyncsSlowlyIsNamedInAWarning) {
  options_.sync_samples = 20;
  {
    const SteppingClock fair(absl::Milliseconds(10));
    ASSERT_OK_AND_ASSIGN(const auto database, RocksDatabase::Open(options_, fair));
    EXPECT_EQ(database->sync_latency().p99, absl::Milliseconds(10));
    EXPECT_EQ(database->sync_latency().samples, 20u);
    EXPECT_EQ(database->SlowDiskWarning(), "");
  }
  const SteppingClock slow(absl::Microseconds(10'001));
  ASSERT_OK_AND_ASSIGN(const auto database, RocksDatabase::Open(options_, slow));
  EXPECT_EQ(database->SlowDiskWarning(),
            absl::StrCat("the disk of ", options_.directory,
                         " takes 10.001ms (p99 of 20) to sync a small write; above 10ms every "
                         "change in the fleet waits for it"));
}

TEST_F(RocksDatabaseTest, IsUsedByOneProcessAtATime) {
  ASSERT_OK_AND_ASSIGN(const auto database, Open());
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("lock")));
  ASSERT_OK_AND_ASSIGN(const auto lock, DirectoryLock::Acquire(temp_ / "data"));
  EXPECT_THAT(DirectoryLock::Acquire(temp_ / "data"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("in use by process " + std::to_string(::getpid()))));
}

TEST_F(RocksDatabaseTest, ALockEndsWithItsHolder) {
  {
    ASSERT_OK(DirectoryLock::Acquire(temp_ / "data"));
  }
  EXPECT_OK(DirectoryLock::Acquire(temp_ / "data"));
}

TEST_F(RocksDatabaseTest, APathThatIsAFileIsAnErrorThatNamesIt) {
  WriteFile(temp_ / "file", "x");
  options_.directory = temp_ / "file/store";
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("file/store")));
  EXPECT_FALSE(DirectoryLock::Acquire(temp_ / "file/data").ok());
}

// The kill of a hub in the first milliseconds of its life.
TEST_F(RocksDatabaseTest, ABirthThatWasCutOffIsBegunAgain) {
  WriteFile(options_.directory + "/MANIFEST-000001", "half of it");
  WriteFile(options_.directory + "/IDENTITY", "1");
  EXPECT_OK(Open());
  EXPECT_OK(Open());
}

TEST_F(RocksDatabaseTest, MissingFilesAreDamageNotANewDatabase) {
  Fill(3);
  std::filesystem::remove(options_.directory + "/CURRENT");
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no CURRENT")));
}

TEST_F(RocksDatabaseTest, ADamagedManifestIsDamage) {
  Fill(3);
  std::string manifest;
  for (const auto& file : std::filesystem::directory_iterator(options_.directory)) {
    const std::string path = file.path().string();
    if (absl::StrContains(path, "MANIFEST-")) manifest = path;
  }
  std::string bytes = ReadFile(manifest);
  bytes[bytes.size() / 2] ^= 0x40;
  WriteFile(manifest, bytes);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("restore")));
}

TEST_F(RocksDatabaseTest, DamageInTheMiddleOfTheWriteAheadLogIsDamage) {
  Fill(200);
  const std::string log = FileThatEnds(".log");
  ASSERT_FALSE(log.empty());
  std::string bytes = ReadFile(log);
  bytes[bytes.size() / 2] ^= 0x40;
  WriteFile(log, bytes);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged")));
}

TEST_F(RocksDatabaseTest, AWriteThatACrashCutOffIsLeftOut) {
  Fill(200);
  const std::string log = FileThatEnds(".log");
  const std::string bytes = ReadFile(log);
  WriteFile(log, bytes.substr(0, bytes.size() - 5));
  PumpedLoop loop;
  ASSERT_OK_AND_ASSIGN(const auto database, Open());
  ASSERT_OK_AND_ASSIGN(const auto store, OpenRocksStore(*database, &loop));
  EXPECT_EQ(store->Log(TestCluster(1))->head, 199u);
  EXPECT_EQ(store->ChangesAfter(TestCluster(1), 0, 1 << 30)->changes.size(), 199u);
}

TEST_F(RocksDatabaseTest, DeletingWhatIsDerivedKeepsTheLedger) {
  Fill(20);
  PumpedLoop loop;
  {
    ASSERT_OK_AND_ASSIGN(const auto database, Open());
    RowBatch batch;
    batch.Put(Family::kLedger, "decided", "kept");
    batch.Put(Family::kAudit, "told", "kept");
    ASSERT_OK(database->rows()->Persist(std::move(batch), Durability::kSynced));
    ASSERT_OK(database->DeleteDerived());
    ASSERT_OK_AND_ASSIGN(const auto store, OpenRocksStore(*database, &loop));
    EXPECT_TRUE(store->Logs().empty());
  }
  ASSERT_OK_AND_ASSIGN(const auto database, Open());
  EXPECT_EQ(database->hub_id(), TestHub());
  const auto view = database->rows()->Reveal(nullptr);
  EXPECT_EQ(view->Get(Family::kLedger, "decided")->value_or(""), "kept");
  EXPECT_EQ(view->Get(Family::kAudit, "told")->value_or(""), "kept");
  for (const Family family : {Family::kLog, Family::kAssign, Family::kDerived, Family::kStatus}) {
    ASSERT_OK(view->Scan(family, "", "", [](absl::string_view, absl::string_view) {
      ADD_FAILURE() << "a row is left";
      return false;
    }));
  }
}

// The child process and the pipe that its output comes through.
class CrashWriter {
 public:
  explicit CrashWriter(const std::string& directory) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    ::posix_spawn_file_actions_addclose(&actions, ends[0]);
    const std::string program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "hub_store_crash_writer";
    std::vector<std::string> words = {program, directory};
    char* argv[] = {words[0].data(), words[1].data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ::fdopen(ends[0], "r");
  }
  ~CrashWriter() { std::fclose(output_); }

  // The next revision that it says is durable; 0 when there is no more.
  uint64_t Next() {
    char line[64];
    return std::fgets(line, sizeof(line), output_) == nullptr ? 0
                                                              : std::strtoull(line, nullptr, 10);
  }
  void Kill() {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
  }

 private:
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

TEST_F(RocksDatabaseTest, AKilledHubLosesNothingThatWasDone) {
  uint64_t last = 0;
  for (int round = 0; round < 4; ++round) {
    CrashWriter writer(options_.directory);
    for (int i = 0; i < 60 + 37 * round; ++i) {
      const uint64_t revision = writer.Next();
      ASSERT_GT(revision, last);
      last = revision;
    }
    writer.Kill();
    // What it still said before the kill reached it counts, too.
    for (uint64_t said = writer.Next(); said != 0; said = writer.Next()) last = said;

    PumpedLoop loop;
    ASSERT_OK_AND_ASSIGN(const auto database, Open());
    ASSERT_OK_AND_ASSIGN(const auto store, OpenRocksStore(*database, &loop));
    const ClusterLog log = *store->Log(TestCluster(1));
    EXPECT_GE(log.head, last);
    EXPECT_LE(log.head, last + 1) << "one change at a time was under way";
    ASSERT_OK_AND_ASSIGN(const ChangePage page, store->ChangesAfter(TestCluster(1), 0, 1 << 30));
    EXPECT_EQ(page.to, log.head);
    EXPECT_EQ(page.changes.size(), log.live);
    proof::BucketedDigest digest;
    for (const intent::Change& change : page.changes) {
      const auto& assignment = std::get<intent::Assignment>(change.what);
      digest.Add(assignment.key, proof::ElementOf(assignment));
    }
    EXPECT_EQ(*store->Root(TestCluster(1)), digest.Root());
    last = log.head;
  }
}

}  // namespace
}  // namespace leidang::hub
