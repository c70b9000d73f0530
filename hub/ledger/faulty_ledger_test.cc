// The ledger on a disk that is full, fails to sync, or loses its power.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/pumped_loop.h"
#include "hub/store/rocks/faulty_disk_test.h"
#include "hub/store/rocks/rocks_database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

// RocksDB leaks a few kilobytes of its own when opening fails half way.
extern "C" const char* __lsan_default_suppressions() { return "leak:librocksdb.so\n"; }

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::leidang::testing::TempDir;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using Fault = FaultyFileSystem::Fault;

// Keys that each transaction writes together.
constexpr int kKeys = 10;

class FaultyLedgerTest : public ::testing::Test {
 protected:
  FaultyLedgerTest()
      : files_(std::make_shared<FaultyFileSystem>()), env_(rocksdb::NewCompositeEnv(files_)) {
    disk_.env = env_.get();
  }
  ~FaultyLedgerTest() override { Close(); }

  absl::Status Open() {
    DatabaseOptions options;
    options.directory = temp_ / "store";
    options.new_hub_id = *intent::HubId::FromRaw("0123456789abcdef");
    options.sync_samples = 1;
    options.disk = &disk_;
    auto database = RocksDatabase::Open(options, clock_);
    if (!database.ok()) return database.status();
    database_ = *std::move(database);
    commits_ = std::make_unique<ThreadLoop>("commit");
    auto ledger = OpenLedger(database_->rows(), commits_.get());
    if (!ledger.ok()) return ledger.status();
    ledger_ = *std::move(ledger);
    return absl::OkStatus();
  }
  void Close() {
    if (commits_ != nullptr) commits_->Stop();
    ledger_.reset();
    commits_.reset();
    database_.reset();
    loop_.Clear();
  }

  // All keys get that number, together.
  absl::Status Write(int number) {
    LedgerTxn txn;
    for (int i = 0; i < kKeys; ++i) {
      txn.Put(absl::StrCat("objects/", i), absl::StrCat(number, ":", std::string(500, 'x')));
      txn.Put(absl::StrCat("audit/", number, "-", i), "somebody did it");
    }
    std::optional<absl::Status> result;
    ledger_->Commit(std::move(txn), &loop_, [&result](const absl::StatusOr<LedgerRevision>& done) {
      result = done.status();
    });
    EXPECT_TRUE(loop_.RunUntil([&result] { return result.has_value(); }));
    return result.value_or(absl::UnknownError("no answer"));
  }
  absl::StatusOr<LedgerPage> List(const std::string& prefix) {
    std::optional<absl::StatusOr<LedgerPage>> page;
    ledger_->List({.prefix = prefix, .token = ""}, &loop_,
                  [&page](absl::StatusOr<LedgerPage> got) { page = std::move(got); });
    EXPECT_TRUE(loop_.RunUntil([&page] { return page.has_value(); }));
    return page.has_value() ? *std::move(page) : absl::UnknownError("no answer");
  }
  // The number that all keys have; 0 for none, fails the test for a mix.
  int Read() {
    const absl::StatusOr<LedgerPage> objects = List("objects/");
    const absl::StatusOr<LedgerPage> audit = List("audit/");
    EXPECT_OK(objects);
    EXPECT_OK(audit);
    if (!objects.ok() || !audit.ok() || objects->entries.empty()) return 0;
    const int number = objects->entries[0].value[0] - '0';
    EXPECT_EQ(objects->entries.size(), static_cast<size_t>(kKeys));
    EXPECT_EQ(audit->entries.size(), static_cast<size_t>(kKeys * number)) << "half a transaction";
    for (const LedgerEntry& entry : objects->entries) {
      EXPECT_EQ(entry.value[0] - '0', number) << entry.key << ": half a transaction";
      EXPECT_EQ(entry.modified, objects->revision);
    }
    return number;
  }

  TempDir temp_;
  RealClock clock_;
  PumpedLoop loop_;
  const std::shared_ptr<FaultyFileSystem> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  DatabaseDisk disk_;
  std::unique_ptr<RocksDatabase> database_;
  std::unique_ptr<ThreadLoop> commits_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(FaultyLedgerTest, AFullDiskEndsWritingAndReadingGoesOn) {
  ASSERT_OK(Open());
  ASSERT_OK(Write(1));
  files_->FailAfter(0, Fault::kFull);
  EXPECT_THAT(Write(2), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("Make room")));
  EXPECT_EQ(Read(), 1);
  files_->Heal();
  EXPECT_THAT(Write(2), StatusIs(absl::StatusCode::kResourceExhausted))
      << "what became of the write is unknown until the next start";
  EXPECT_EQ(Read(), 1);
  Close();
  ASSERT_OK(Open());
  const int number = Read();
  EXPECT_THAT(number, AnyOf(1, 2));
  EXPECT_OK(Write(number + 1));
  EXPECT_EQ(Read(), number + 1);
}

TEST_F(FaultyLedgerTest, AnErrorOfFsyncIsNeverTakenForDurable) {
  ASSERT_OK(Open());
  ASSERT_OK(Write(1));
  files_->FailAfter(0, Fault::kSyncFails);
  EXPECT_THAT(Write(2), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("fsync")));
  files_->Heal();
  EXPECT_FALSE(Write(2).ok()) << "a second fsync may lie about the first";
  EXPECT_EQ(Read(), 1);
  Close();
  ASSERT_OK(Open());
  EXPECT_THAT(Read(), AnyOf(1, 2));
}

class LedgerWritesFail : public FaultyLedgerTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(LedgerWritesFail, NoPartOfATransactionIsEverSeenAndNothingAnsweredIsLost) {
  SeededRandom random(7);
  int lives = 0;
  for (uint64_t at = 0;; at += 1 + random.Below(6)) {
    SCOPED_TRACE(absl::StrCat("fault at operation ", at));
    ++lives;
    files_->FailAfter(at, GetParam());
    int answered = 0;
    if (Open().ok()) {
      for (int number = 1; number <= 3; ++number) {
        const absl::Status status = Write(number);
        if (!status.ok()) {
          EXPECT_THAT(status.code(),
                      AnyOf(absl::StatusCode::kResourceExhausted, absl::StatusCode::kUnavailable,
                            absl::StatusCode::kDataLoss));
          break;
        }
        answered = number;
      }
      EXPECT_EQ(Read(), answered);
    }
    const bool reached = files_->failed();
    Close();
    files_->LoseUnsynced(random);
    ASSERT_OK(Open());
    EXPECT_THAT(Read(), AnyOf(answered, answered + 1));
    Close();
    std::filesystem::remove_all(temp_ / "store");
    if (!reached) break;
  }
  EXPECT_GT(lives, 5);
}

INSTANTIATE_TEST_SUITE_P(Faults, LedgerWritesFail,
                         ::testing::Values(Fault::kFull, Fault::kSyncFails, Fault::kPowerCut));

TEST_F(FaultyLedgerTest, OtherBytesThanWereWrittenAreDamage) {
  ASSERT_OK(Open());
  ASSERT_OK(Write(1));
  ASSERT_OK(database_->Flush());
  Close();
  files_->CorruptReads(true);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss));
  Close();
  files_->CorruptReads(false);
  ASSERT_OK(Open());
  EXPECT_EQ(Read(), 1);
}

}  // namespace
}  // namespace leidang::hub
