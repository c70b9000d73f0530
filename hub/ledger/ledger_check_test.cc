#include "hub/ledger/ledger_check.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"
#include "hub/ledger/audit_chain.h"
#include "hub/ledger/entry_codec.h"
#include "hub/ledger/records.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/memory_rows.h"
#include "hub/store/records.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::HasSubstr;

class LedgerCheckTest : public ::testing::Test {
 protected:
  LedgerCheckTest() {
    cluster_.id = *intent::ClusterId::FromRaw("cluster no. one.");
    cluster_.name = "one";
    cluster_.server = "https://one.leidang.invalid";
    cluster_.log = {*intent::HubId::FromRaw("the hub, 16 byte"), 3, 17};
    const std::unique_ptr<Ledger> ledger = *OpenLedger(&disk_, &loop_);
    LedgerTxn txn;
    txn.Put(HubIdentityKey(), Encode(HubIdentity{cluster_.log.hub, absl::UnixEpoch()}));
    txn.Put(LedgerKeyOf(cluster_), Encode(cluster_));
    txn.Put(ClusterNameKey(cluster_.name), cluster_.id.Hex());
    txn.Put(ClusterServerKey(cluster_.server), cluster_.id.Hex());
    WrittenObject set;
    set.key = "leidang/shop";
    set.manifest = "{}";
    txn.Put(LedgerKeyOf(set), Encode(set));
    const DeletionCount count{"application:leidang/cart", 2};
    txn.Put(LedgerKeyOf(count), Encode(count));
    ledger->Commit(std::move(txn), &loop_,
                   [](const absl::StatusOr<LedgerRevision>& done) { EXPECT_OK(done); });
    AuditChain audit(ledger.get(), &loop_);
    for (int i = 0; i < 5; ++i) {
      AuditEntry entry;
      entry.at = absl::UnixEpoch();
      entry.who = "admin";
      entry.what = absl::StrCat("change ", i);
      audit.Append(entry, [](const absl::Status& status) { EXPECT_OK(status); });
      loop_.RunUntilIdle();
    }
  }

  CheckReport Check() {
    CheckReport report;
    CheckLedger(*disk_.Reveal(nullptr), &report);
    return report;
  }

  std::map<std::string, std::string> RowsOf(Family family) {
    std::map<std::string, std::string> rows;
    EXPECT_OK(disk_.Reveal(nullptr)->Scan(family, "", "",
                                          [&](absl::string_view key, absl::string_view value) {
                                            rows.emplace(key, value);
                                            return true;
                                          }));
    return rows;
  }

  void Write(Family family, const std::string& key, std::optional<std::string> value) {
    RowBatch batch;
    if (value.has_value()) {
      batch.Put(family, key, *std::move(value));
    } else {
      batch.Delete(family, key);
    }
    ASSERT_OK(disk_.Persist(std::move(batch), Durability::kSynced));
  }

  SimLoop loop_;
  MemoryRows disk_;
  ClusterRegistration cluster_;
};

TEST_F(LedgerCheckTest, AWholeLedgerHasNoFindings) {
  const CheckReport report = Check();
  EXPECT_EQ(report.damages(), 0u) << report.ToText();
  EXPECT_EQ(report.warnings(), 0u) << report.ToText();
  EXPECT_EQ(report.rows(Family::kAudit), 5u);
}

TEST_F(LedgerCheckTest, AnEmptyLedgerIsWhole) {
  MemoryRows empty;
  CheckReport report;
  CheckLedger(*empty.Reveal(nullptr), &report);
  EXPECT_EQ(report.damages(), 0u) << report.ToText();
}

TEST_F(LedgerCheckTest, EveryRowThatIsNoRecordIsFound) {
  for (const Family family : {Family::kLedger, Family::kAudit}) {
    for (const auto& [key, value] : RowsOf(family)) {
      Write(family, key, "\xff\xff\xff");
      const CheckReport report = Check();
      EXPECT_GE(report.damages(), 1u) << absl::CHexEscape(key);
      EXPECT_FALSE(report.OnlyDerivedDamaged());
      Write(family, key, value);
    }
  }
}

TEST_F(LedgerCheckTest, AMissingAuditEntryIsFound) {
  for (const auto& [key, value] : RowsOf(Family::kAudit)) {
    Write(Family::kAudit, key, std::nullopt);
    EXPECT_EQ(Check().damages(), 1u) << absl::CHexEscape(key);
    Write(Family::kAudit, key, value);
  }
}

TEST_F(LedgerCheckTest, AnAuditEntryThatWasAlteredIsFound) {
  int altered = 0;
  for (const auto& [row, value] : RowsOf(Family::kAudit)) {
    LedgerEntry entry = *DecodeEntry(Family::kAudit, row, value);
    AuditEntry audit = *Decode<AuditEntry>(entry);
    audit.who = "nobody";
    entry.value = Encode(audit);
    Write(Family::kAudit, row, EncodeEntry(entry));
    EXPECT_EQ(Check().damages(), 1u) << audit.sequence;
    Write(Family::kAudit, row, value);
    ++altered;
  }
  EXPECT_EQ(altered, 5);
}

TEST_F(LedgerCheckTest, ARecordUnderAnotherKeyIsFound) {
  const std::string row = EntryRowKey(LedgerKeyOf(cluster_));
  const std::string value = RowsOf(Family::kLedger).at(row);
  Write(Family::kLedger, EntryRowKey("clusters/elsewhere"), value);
  EXPECT_THAT(Check().ToText(), HasSubstr("its record is that of clusters/"));
}

TEST_F(LedgerCheckTest, NamesAndRegistrationsBelongTogether) {
  const std::string name = EntryRowKey(ClusterNameKey("one"));
  const std::string value = RowsOf(Family::kLedger).at(name);
  Write(Family::kLedger, name, std::nullopt);
  EXPECT_THAT(Check().ToText(), HasSubstr("does not name cluster"));
  Write(Family::kLedger, name, value);
  Write(Family::kLedger, EntryRowKey(ClusterNameKey("two")), value);
  EXPECT_EQ(Check().damages(), 0u) << "an older name of a cluster that exists";
  Write(Family::kLedger, EntryRowKey(LedgerKeyOf(cluster_)), std::nullopt);
  EXPECT_THAT(Check().ToText(), HasSubstr("names a cluster that is not registered"));
}

TEST_F(LedgerCheckTest, AnEntryFromBeyondTheLedgersRevisionIsFound) {
  Write(Family::kLedger, RevisionRowKey(), EncodeRevision(1));
  EXPECT_THAT(Check().ToText(), HasSubstr("the ledger is at 1"));
}

TEST_F(LedgerCheckTest, ALogThatIsAheadOfTheLedgerIsFound) {
  LogHeader header;
  header.authority = cluster_.log;
  const std::string row = LogKey(cluster_.id, 0);
  Write(Family::kLog, row, EncodeLogHeader(header));
  EXPECT_EQ(Check().damages(), 0u) << Check().ToText();
  header.authority.epoch = 2;
  Write(Family::kLog, row, EncodeLogHeader(header));
  EXPECT_EQ(Check().damages(), 0u) << "the ledger is written first";
  header.authority.epoch = 4;
  Write(Family::kLog, row, EncodeLogHeader(header));
  EXPECT_THAT(Check().ToText(), HasSubstr("the ledger says"));
  header.authority = cluster_.log;
  ++header.authority.incarnation;
  Write(Family::kLog, row, EncodeLogHeader(header));
  EXPECT_EQ(Check().damages(), 1u);
}

TEST_F(LedgerCheckTest, WhatALaterVersionAddedIsAWarning) {
  LedgerEntry entry;
  entry.key = "brand-new/thing";
  entry.created = entry.modified = 1;
  Write(Family::kLedger, EntryRowKey(entry.key), EncodeEntry(entry));
  const CheckReport report = Check();
  EXPECT_EQ(report.damages(), 0u);
  EXPECT_EQ(report.warnings(), 1u);
}

}  // namespace
}  // namespace leidang::hub
