#include "hub/ledger/audit_chain.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/memory_rows.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::IsOkAndHolds;
using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

class AuditChainTest : public ::testing::Test {
 protected:
  AuditChainTest() { ledger_ = *OpenLedger(&disk_, &loop_); }

  static AuditEntry Entry(const std::string& what) {
    AuditEntry entry;
    entry.at = absl::FromUnixSeconds(1'700'000'000);
    entry.who = "admin";
    entry.what = what;
    return entry;
  }

  std::vector<AuditEntry> ReadAll() {
    std::vector<AuditEntry> entries;
    LedgerListRequest request;
    request.prefix = kAuditEntriesPrefix;
    ledger_->List(request, &loop_, [&entries](const absl::StatusOr<LedgerPage>& page) {
      ASSERT_OK(page);
      for (const LedgerEntry& entry : page->entries) {
        ASSERT_OK_AND_ASSIGN(AuditEntry audit, Decode<AuditEntry>(entry));
        entries.push_back(std::move(audit));
      }
    });
    loop_.RunUntilIdle();
    return entries;
  }

  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(AuditChainTest, EntriesOfTwoHubsAreOneChain) {
  AuditChain one(ledger_.get(), &loop_);
  AuditChain two(ledger_.get(), &loop_);
  int done = 0;
  for (int i = 0; i < 150; ++i) {
    AuditChain& chain = i % 2 == 0 ? one : two;
    chain.Append(Entry(absl::StrCat("change ", i)), [&done](const absl::Status& status) {
      EXPECT_OK(status);
      ++done;
    });
    if (i % 40 == 0) loop_.RunUntilIdle();
  }
  loop_.RunUntilIdle();
  EXPECT_EQ(done, 150);
  std::vector<AuditEntry> entries = ReadAll();
  ASSERT_EQ(entries.size(), 150u);
  EXPECT_THAT(VerifyAudit(entries), IsOkAndHolds(AuditHead{150, HashOf(entries.back())}));
  entries[70].who = "nobody";
  EXPECT_THAT(VerifyAudit(entries),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("entry 71 was altered")));
  entries.erase(entries.begin() + 20);
  EXPECT_THAT(VerifyAudit(entries),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("entry 21 is missing")));
}

TEST_F(AuditChainTest, TheChainGoesOnAfterARestart) {
  {
    AuditChain chain(ledger_.get(), &loop_);
    chain.Append(Entry("before"), [](const absl::Status& status) { EXPECT_OK(status); });
    loop_.RunUntilIdle();
  }
  ledger_.reset();
  ledger_ = *OpenLedger(&disk_, &loop_);
  AuditChain chain(ledger_.get(), &loop_);
  chain.Append(Entry("after"), [](const absl::Status& status) { EXPECT_OK(status); });
  loop_.RunUntilIdle();
  EXPECT_EQ(VerifyAudit(ReadAll())->sequence, 2u);
}

TEST_F(AuditChainTest, AnErrorOfTheDiskIsTold) {
  AuditChain chain(ledger_.get(), &loop_);
  disk_.FailNextPersist(absl::ResourceExhaustedError("no space left on device"));
  absl::Status told;
  chain.Append(Entry("lost"), [&told](const absl::Status& status) { told = status; });
  loop_.RunUntilIdle();
  EXPECT_THAT(told, StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace leidang::hub
