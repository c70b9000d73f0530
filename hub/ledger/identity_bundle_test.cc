#include "hub/ledger/identity_bundle.h"

#include <memory>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/sim_loop.h"
#include "hub/ledger/ledger_check.h"
#include "hub/ledger/list_all.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/memory_rows.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

const intent::HubId kHub = *intent::HubId::FromRaw("the hub, 16 byte");

ClusterRegistration Cluster(const std::string& name, uint64_t epoch) {
  ClusterRegistration cluster;
  cluster.id = *intent::ClusterId::FromRaw((name + "................").substr(0, 16));
  cluster.name = name;
  cluster.server = "https://" + name + ".leidang.invalid";
  cluster.labels = {{"env", "prod"}};
  cluster.joined_at = absl::UnixEpoch();
  cluster.log = {kHub, epoch, 99};
  return cluster;
}

class IdentityBundleTest : public ::testing::Test {
 protected:
  IdentityBundleTest() {
    const std::unique_ptr<Ledger> ledger = *OpenLedger(&disk_, &loop_);
    LedgerTxn txn;
    txn.Put(HubIdentityKey(), Encode(HubIdentity{kHub, absl::UnixEpoch()}));
    for (const ClusterRegistration& cluster : {Cluster("one", 1), Cluster("two", 5)}) {
      txn.Put(LedgerKeyOf(cluster), Encode(cluster));
      txn.Put(ClusterNameKey(cluster.name), cluster.id.Hex());
      txn.Put(ClusterServerKey(cluster.server), cluster.id.Hex());
    }
    const DeletionCount count{"application:leidang/cart", 2};
    txn.Put(LedgerKeyOf(count), Encode(count));
    RevokedCertificate revoked;
    revoked.serial = "beef";
    revoked.cluster = Cluster("one", 1).id;
    revoked.revoked_at = absl::UnixEpoch();
    txn.Put(LedgerKeyOf(revoked), Encode(revoked));
    ledger->Commit(std::move(txn), &loop_,
                   [](const absl::StatusOr<LedgerRevision>& done) { EXPECT_OK(done); });
    loop_.RunUntilIdle();
  }

  // All entries, as a ledger that is opened on the rows lists them.
  std::vector<LedgerEntry> List(MemoryRows& rows) {
    const std::unique_ptr<Ledger> ledger = *OpenLedger(&rows, &loop_);
    std::vector<LedgerEntry> entries;
    ListAll(ledger.get(), "", &loop_, [&](const absl::StatusOr<LedgerSnapshot>& list) {
      ASSERT_OK(list);
      entries = list->entries;
    });
    loop_.RunUntilIdle();
    return entries;
  }

  static uint64_t Damages(MemoryRows& rows) {
    CheckReport report;
    CheckLedger(*rows.Reveal(nullptr), &report);
    return report.damages();
  }

  SimLoop loop_;
  MemoryRows disk_;
  SeededRandom random_{1};
};

TEST_F(IdentityBundleTest, WhatIsGatheredSurvivesItsEncoding) {
  ASSERT_OK_AND_ASSIGN(IdentityBundle bundle, GatherIdentity(*disk_.Reveal(nullptr)));
  bundle.ca_certificate_pem = "certificate";
  bundle.ca_key_pem = "key";
  bundle.exported_at = absl::FromUnixSeconds(1'700'000'000);
  ASSERT_OK_AND_ASSIGN(const IdentityBundle read, DecodeBundle(EncodeBundle(bundle)));
  EXPECT_EQ(read.hub, kHub);
  EXPECT_EQ(read.clusters, bundle.clusters);
  EXPECT_EQ(read.clusters.size(), 2u);
  EXPECT_EQ(read.deletions, bundle.deletions);
  EXPECT_EQ(read.revoked, bundle.revoked);
  EXPECT_EQ(read.ca_key_pem, "key");
  EXPECT_EQ(read.exported_at, bundle.exported_at);
}

TEST_F(IdentityBundleTest, AnImportIsALedgerWhoseClustersRecoverUnderNewEpochs) {
  ASSERT_OK_AND_ASSIGN(const IdentityBundle bundle, GatherIdentity(*disk_.Reveal(nullptr)));
  MemoryRows fresh;
  ASSERT_OK(ImportIdentity(bundle, random_, fresh));
  EXPECT_EQ(Damages(fresh), 0u);
  int clusters = 0;
  bool counted = false;
  for (const LedgerEntry& entry : List(fresh)) {
    if (entry.key == "deletions/application:leidang/cart") {
      counted = Decode<DeletionCount>(entry)->deletions == 2;
    }
    if (!entry.key.starts_with(kClustersPrefix)) continue;
    ++clusters;
    ASSERT_OK_AND_ASSIGN(const ClusterRegistration cluster, Decode<ClusterRegistration>(entry));
    EXPECT_TRUE(cluster.recovering);
    EXPECT_EQ(cluster.log.hub, kHub);
    EXPECT_EQ(cluster.log.epoch, cluster.name == "one" ? 2u : 6u);
    EXPECT_NE(cluster.log.incarnation, 99u);
    EXPECT_TRUE(cluster.joined());
  }
  EXPECT_EQ(clusters, 2);
  EXPECT_TRUE(counted);
  EXPECT_THAT(ImportIdentity(bundle, random_, fresh),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ledger already")));
}

TEST_F(IdentityBundleTest, MarkingKeepsEverythingElse) {
  ASSERT_OK(MarkAllRecovering(disk_));
  EXPECT_EQ(Damages(disk_), 0u);
  ASSERT_OK_AND_ASSIGN(const IdentityBundle after, GatherIdentity(*disk_.Reveal(nullptr)));
  ASSERT_EQ(after.clusters.size(), 2u);
  for (ClusterRegistration cluster : after.clusters) {
    EXPECT_TRUE(cluster.recovering);
    cluster.recovering = false;
    EXPECT_EQ(cluster, Cluster(cluster.name, cluster.log.epoch));
  }
}

TEST_F(IdentityBundleTest, WhatIsNoBundleIsRefused) {
  EXPECT_THAT(DecodeBundle("nonsense"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no identity bundle")));
  EXPECT_THAT(DecodeBundle(""), StatusIs(absl::StatusCode::kInvalidArgument));
  MemoryRows empty;
  EXPECT_THAT(GatherIdentity(*empty.Reveal(nullptr)),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("never started")));
}

}  // namespace
}  // namespace leidang::hub
