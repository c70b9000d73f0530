#include "hub/store/rocks/faulty_disk_test.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "hub/store/meta_record.h"
#include "hub/store/pumped_loop.h"
#include "hub/store/records.h"
#include "hub/store/store_check.h"
#include "hub/store/store_contract.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

// RocksDB leaks a few kilobytes of its own when opening fails half way (DB::Open gives back neither
// a database nor handles that could be freed), which is what these tests make happen hundreds of
// times.
extern "C" const char* __lsan_default_suppressions() { return "leak:librocksdb.so\n"; }

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::leidang::testing::TempDir;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using Fault = FaultyFileSystem::Fault;

// Applications of one expansion: they come together, or not at all.
constexpr int kExpansion = 20;

class FaultyDiskTest : public ::testing::Test {
 protected:
  FaultyDiskTest()
      : files_(std::make_shared<FaultyFileSystem>()), env_(rocksdb::NewCompositeEnv(files_)) {
    disk_.env = env_.get();
  }
  ~FaultyDiskTest() override { Close(); }

  absl::Status Open() {
    DatabaseOptions options;
    options.directory = temp_ / "store";
    options.new_hub_id = TestHub();
    options.sync_samples = 1;
    options.disk = &disk_;
    auto database = RocksDatabase::Open(options, clock_);
    if (!database.ok()) return database.status();
    database_ = *std::move(database);
    commits_ = std::make_unique<ThreadLoop>("commit");
    auto store = OpenRocksStore(*database_, commits_.get());
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    return absl::OkStatus();
  }
  void Close() {
    if (commits_ != nullptr) commits_->Stop();
    store_.reset();
    commits_.reset();
    database_.reset();
    loop_.Clear();
  }

  CommitResult Commit(WriteBatch batch) {
    std::optional<CommitResult> result;
    store_->Commit(std::move(batch), &loop_,
                   [&result](const CommitResult& done) { result = done; });
    EXPECT_TRUE(loop_.RunUntil([&result] { return result.has_value(); }));
    return result.value_or(CommitResult());
  }

  // One expansion: all its Applications are new, or changed, in one batch.
  static WriteBatch Expansion(int number, size_t bytes = 200) {
    WriteBatch batch;
    if (number == 0) batch.OpenLog(TestCluster(1), TestAuthority());
    for (int i = 0; i < kExpansion; ++i) {
      intent::Assignment assignment =
          TestAssignment(absl::StrCat("app", i), absl::StrCat(number, std::string(bytes, 'x')));
      assignment.sources.clear();
      DerivedApplication application;
      application.key = assignment.key.name;
      application.set = "leidang/set";
      application.uid = assignment.uid;
      application.cluster = TestCluster(1);
      application.manifest = absl::StrCat("{\"number\":", number, "}");
      batch.PutApplication(std::move(application));
      batch.Put(TestCluster(1), std::move(assignment));
    }
    return batch;
  }

  // The expansion that all of what can be read belongs to; -1 for none, fails the test for a mix.
  int ExpansionRead() {
    const absl::StatusOr<ClusterLog> log = store_->Log(TestCluster(1));
    if (!log.ok()) {
      EXPECT_EQ(store_->CountApplications(), 0u);
      return -1;
    }
    EXPECT_EQ(log->live, static_cast<uint64_t>(kExpansion));
    EXPECT_EQ(log->head % kExpansion, 0u) << "a part of an expansion";
    EXPECT_EQ(store_->CountApplicationsOfSet("leidang/set"), static_cast<uint64_t>(kExpansion));
    const int number = static_cast<int>(log->head / kExpansion) - 1;
    const auto page = store_->ApplicationsOfSet("leidang/set", {});
    EXPECT_OK(page);
    if (page.ok()) {
      for (const DerivedApplication& application : page->items) {
        EXPECT_EQ(application.manifest, absl::StrCat("{\"number\":", number, "}"));
      }
    }
    EXPECT_OK(store_->ChangesAfter(TestCluster(1), 0, 1 << 30));
    return number;
  }

  void ExpectWhole() {
    CheckReport report;
    CheckStore(*database_->Snapshot(), &report);
    EXPECT_EQ(report.damages(), 0u) << report.ToText();
  }

  TempDir temp_;
  RealClock clock_;
  PumpedLoop loop_;
  const std::shared_ptr<FaultyFileSystem> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  DatabaseDisk disk_;
  std::unique_ptr<RocksDatabase> database_;
  std::unique_ptr<ThreadLoop> commits_;
  std::unique_ptr<Store> store_;
};

TEST_F(FaultyDiskTest, AFullDiskEndsWritingAndReadingGoesOn) {
  ASSERT_OK(Open());
  ASSERT_OK(Commit(Expansion(0)).status);
  files_->FailAfter(0, Fault::kFull);
  const absl::Status full = Commit(Expansion(1)).status;
  EXPECT_THAT(full, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("Make room")));
  EXPECT_EQ(ExpansionRead(), 0);
  // Room again: what became of the write is unknown until the next start, so nothing follows it.
  files_->Heal();
  EXPECT_THAT(Commit(Expansion(2)).status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ExpansionRead(), 0);
  Close();
  ASSERT_OK(Open());
  EXPECT_THAT(ExpansionRead(), AnyOf(0, 1));
  ExpectWhole();
  EXPECT_OK(Commit(Expansion(2)).status);
}

TEST_F(FaultyDiskTest, AnErrorOfFsyncIsNeverTakenForDurable) {
  ASSERT_OK(Open());
  ASSERT_OK(Commit(Expansion(0)).status);
  files_->FailAfter(0, Fault::kSyncFails);
  const CommitResult failed = Commit(Expansion(1));
  EXPECT_THAT(failed.status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("fsync")));
  EXPECT_TRUE(failed.heads.empty());
  files_->Heal();
  EXPECT_FALSE(Commit(Expansion(2)).status.ok()) << "a second fsync may lie about the first";
  EXPECT_EQ(ExpansionRead(), 0);
  Close();
  ASSERT_OK(Open());
  EXPECT_THAT(ExpansionRead(), AnyOf(0, 1));
  ExpectWhole();
}

// The disk fails at writes and syncs from the first to the last that a short life of a hub makes,
// one a life, in each of the ways in which disks fail.
class WritesFail : public FaultyDiskTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(WritesFail, NoPartOfAnExpansionIsEverSeenAndNothingAnsweredIsLost) {
  constexpr int kExpansions = 4;
  SeededRandom random(7);
  int lives = 0;
  for (uint64_t at = 0;; at += 1 + random.Below(12)) {
    SCOPED_TRACE(absl::StrCat("fault at operation ", at));
    ++lives;
    files_->FailAfter(at, GetParam());
    int answered = -1;
    if (Open().ok()) {
      // Tables are written, too, half way.
      for (int i = 0; i < kExpansions; ++i) {
        const absl::Status status = Commit(Expansion(i, 2'000)).status;
        if (!status.ok()) {
          EXPECT_THAT(status.code(),
                      AnyOf(absl::StatusCode::kResourceExhausted, absl::StatusCode::kUnavailable,
                            absl::StatusCode::kDataLoss));
          break;
        }
        answered = i;
        if (i == 1 && !database_->Flush().ok()) break;
      }
      EXPECT_EQ(ExpansionRead(), answered);
    }
    const bool reached = files_->failed();
    Close();
    files_->LoseUnsynced(random);
    ASSERT_OK(Open());
    EXPECT_THAT(ExpansionRead(), AnyOf(answered, answered + 1));
    ExpectWhole();
    Close();
    std::filesystem::remove_all(temp_ / "store");
    if (!reached) break;
  }
  EXPECT_GT(lives, 10);
}

INSTANTIATE_TEST_SUITE_P(Faults, WritesFail,
                         ::testing::Values(Fault::kFull, Fault::kSyncFails, Fault::kPowerCut));

TEST_F(FaultyDiskTest, OtherBytesThanWereWrittenAreDamageThatIsNamed) {
  ASSERT_OK(Open());
  for (int i = 0; i < 3; ++i) ASSERT_OK(Commit(Expansion(i)).status);
  ASSERT_OK(database_->Flush());
  files_->CorruptReads(true);
  EXPECT_THAT(store_->Application("leidang/app3"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("restore")));
  EXPECT_THAT(store_->ChangesAfter(TestCluster(1), 0, 1 << 30),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(store_->Assignments(TestCluster(1), {}), StatusIs(absl::StatusCode::kDataLoss));
  // What is kept in memory is not in doubt.
  EXPECT_EQ(store_->Log(TestCluster(1))->live, static_cast<uint64_t>(kExpansion));
  EXPECT_OK(store_->Root(TestCluster(1)));
  CheckReport report;
  CheckStore(*database_->Snapshot(), &report);
  EXPECT_GE(report.damages(), 3u) << report.ToText();
  // A change that has to read what it replaces is refused as a whole.
  EXPECT_THAT(Commit(Expansion(4)).status, StatusIs(absl::StatusCode::kDataLoss));
  Close();
  EXPECT_FALSE(Open().ok()) << "a half-loaded store serves nobody";
  Close();
  files_->CorruptReads(false);
  ASSERT_OK(Open());
  EXPECT_EQ(ExpansionRead(), 2);
}

}  // namespace
}  // namespace leidang::hub
