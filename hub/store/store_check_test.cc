#include "hub/store/store_check.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"
#include "common/tree/tree_manifest.h"
#include "hub/store/memory_store.h"
#include "hub/store/meta_record.h"
#include "hub/store/records.h"
#include "hub/store/store_contract.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::HasSubstr;

// A store with something of everything.
class StoreCheckTest : public ::testing::Test {
 protected:
  StoreCheckTest() {
    RowBatch meta;
    meta.Put(Family::kMeta, kMetaStoreKey, EncodeMeta({TestHub(), absl::UnixEpoch()}));
    EXPECT_OK(disk_.Persist(std::move(meta), Durability::kSynced));
    const std::unique_ptr<Store> store = *OpenMemoryStore(&disk_, &loop_);
    WriteBatch batch;
    for (const intent::ClusterId& cluster : {TestCluster(1), TestCluster(2)}) {
      batch.OpenLog(cluster, TestAuthority());
      for (const char* name : {"a", "b", "c"}) Put(cluster, name, batch);
      batch.Delete(cluster, TestTombstone("c"));
      batch.AckedThrough(cluster, TestAuthority(), 1);
      intent::EntryStatus status;
      status.key = AppKey("a");
      status.uid = TestUid("a");
      batch.PutStatus(cluster, status);
    }
    for (const char* set : {"", "leidang/shop"}) {
      DerivedApplication application;
      application.key = absl::StrCat("leidang/app-of-", set);
      application.set = set;
      application.uid = TestUid(set);
      batch.PutApplication(application);
    }
    SetState state;
    state.key = "leidang/shop";
    batch.PutSetState(state);
    store->Commit(std::move(batch), &loop_,
                  [](const CommitResult& result) { EXPECT_OK(result.status); });
    loop_.RunUntilIdle();
  }

  void Put(const intent::ClusterId& cluster, const std::string& name, WriteBatch& batch) {
    const std::string file = absl::StrCat("content of ", name);
    tree::TreeManifest manifest;
    manifest.files.push_back({absl::StrCat("apps/", name, "/cm.yaml"), tree::FileMode::kRegular,
                              file.size(), object::Sha256::Of(file)});
    const std::string tree = *tree::Encode(manifest);
    batch.PutContent(object::Sha256::Of(file), file);
    batch.PutContent(object::Sha256::Of(tree), tree);
    intent::Assignment assignment = TestAssignment(name, "1");
    assignment.sources[0].tree = object::Sha256::Of(tree);
    batch.Put(cluster, std::move(assignment));
  }

  CheckReport Check() {
    CheckReport report;
    CheckStore(*disk_.Reveal(nullptr), &report);
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
};

TEST_F(StoreCheckTest, AWholeStoreHasNoFindings) {
  const CheckReport report = Check();
  EXPECT_EQ(report.damages(), 0u) << report.ToText();
  EXPECT_EQ(report.warnings(), 0u) << report.ToText();
  EXPECT_EQ(report.rows(Family::kMeta), 1u);
  EXPECT_EQ(report.rows(Family::kLog), 8u);
  EXPECT_EQ(report.rows(Family::kAssign), 4u);
  EXPECT_EQ(report.rows(Family::kDerived), 5u);
  EXPECT_EQ(report.rows(Family::kStatus), 2u);
  EXPECT_EQ(report.rows(Family::kContent), 6u);
}

TEST_F(StoreCheckTest, EveryRowThatIsNoRecordIsFound) {
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    for (const auto& [key, value] : RowsOf(family)) {
      if (value.empty()) continue;  // The index: its rows have no value.
      Write(family, key, "\xff\xff\xff");
      EXPECT_GE(Check().damages(), 1u) << FamilyName(family) << " " << absl::BytesToHexString(key);
      Write(family, key, value);
    }
  }
  EXPECT_EQ(Check().damages(), 0u);
}

TEST_F(StoreCheckTest, EveryMissingRowThatAnotherOneNeedsIsFound) {
  for (const Family family :
       {Family::kMeta, Family::kAssign, Family::kLog, Family::kContent, Family::kDerived}) {
    for (const auto& [key, value] : RowsOf(family)) {
      // Nothing else says that a set was expanded, that something ended, or is only kept for later.
      if (absl::StartsWith(key, SetStatesPrefix())) continue;
      if (family == Family::kLog && ParseLogKey(key)->revision == 4) continue;
      if (family == Family::kContent && (absl::StrContains(value, "content of c") ||
                                         absl::StrContains(value, "apps/c/cm.yaml"))) {
        continue;
      }
      Write(family, key, std::nullopt);
      EXPECT_GE(Check().damages(), 1u) << FamilyName(family) << " " << absl::BytesToHexString(key);
      Write(family, key, value);
    }
  }
  EXPECT_EQ(Check().damages(), 0u);
}

TEST_F(StoreCheckTest, AnAssignmentThatWasAlteredIsFoundByItsElement) {
  const std::string key = AssignKey(TestCluster(1), AppKey("a"));
  LiveAssignment live = *DecodeAssignment(key, RowsOf(Family::kAssign).at(key));
  live.assignment.body = "{\"spec\":{\"value\":\"2\"}}";
  Write(Family::kAssign, key, EncodeAssignment(live));
  const CheckReport report = Check();
  ASSERT_EQ(report.damages(), 1u) << report.ToText();
  EXPECT_THAT(report.findings()[0].what, HasSubstr("not that of its content"));
  EXPECT_TRUE(report.OnlyDerivedDamaged());
  EXPECT_THAT(report.ToText(), HasSubstr("leidang-hub rebuild"));
}

TEST_F(StoreCheckTest, LogsThatBreakTheirRulesAreFound) {
  const std::string header = LogKey(TestCluster(1), 0);
  LogHeader broken = *DecodeLogHeader(header, RowsOf(Family::kLog).at(header));
  broken.acked = 99;
  Write(Family::kLog, header, EncodeLogHeader(broken));
  EXPECT_THAT(Check().ToText(), HasSubstr("revision 99 is acknowledged, the head is 4"));

  broken.acked = 0;
  broken.head = 3;
  Write(Family::kLog, header, EncodeLogHeader(broken));
  EXPECT_THAT(Check().ToText(), HasSubstr("beyond the head of its log, 3"));

  broken.head = 5;
  Write(Family::kLog, header, EncodeLogHeader(broken));
  Write(Family::kLog, LogKey(TestCluster(1), 5),
        EncodeLogEntry(PutEntry{AppKey("c"), TestUid("c"), object::Sha256::Of("x"), 1}));
  EXPECT_THAT(Check().ToText(), HasSubstr("a put of a uid that has a tombstone"));

  Write(Family::kLog, LogKey(TestCluster(1), 5),
        EncodeLogEntry(TombstoneEntry{TestTombstone("c")}));
  EXPECT_THAT(Check().ToText(), HasSubstr("two tombstones of one uid"));
}

TEST_F(StoreCheckTest, ATombstoneThatOutlivedItsPurposeIsFound) {
  const std::string header = LogKey(TestCluster(1), 0);
  LogHeader acked = *DecodeLogHeader(header, RowsOf(Family::kLog).at(header));
  acked.acked = 4;
  Write(Family::kLog, header, EncodeLogHeader(acked));
  EXPECT_EQ(Check().damages(), 0u) << "not carried out yet";
  Write(Family::kLog, LogKey(TestCluster(1), 4),
        EncodeLogEntry(TombstoneEntry{TestTombstone("c"), true}));
  EXPECT_THAT(Check().ToText(), HasSubstr("was not forgotten"));
}

TEST_F(StoreCheckTest, LeftoversAreWarnings) {
  intent::EntryStatus status;
  status.key = AppKey("a");
  status.uid = TestUid("a");
  Write(Family::kStatus, StatusKey(TestCluster(9), status.key, status.uid), EncodeStatus(status));
  Write(Family::kDerived, "zzz", "of a later version");
  const CheckReport report = Check();
  EXPECT_EQ(report.damages(), 0u) << report.ToText();
  EXPECT_EQ(report.warnings(), 2u) << report.ToText();
}

TEST_F(StoreCheckTest, FindingsBeyondTheLimitAreCounted) {
  for (int i = 0; i < 1'500; ++i) Write(Family::kContent, absl::StrCat("no digest ", i), "x");
  const CheckReport report = Check();
  EXPECT_EQ(report.damages(), 1'500u);
  EXPECT_EQ(report.findings().size(), CheckReport::kKeptMax);
  EXPECT_THAT(report.ToText(), HasSubstr("and 500 findings more"));
}

}  // namespace
}  // namespace leidang::hub
