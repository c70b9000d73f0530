#include "hub/upkeep/upkeep.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/time/real_clock.h"
#include "hub/auth/certificate_authority.h"
#include "hub/ledger/entry_codec.h"
#include "hub/ledger/identity_bundle.h"
#include "hub/ledger/records.h"
#include "hub/store/directory_lock.h"
#include "hub/upkeep/durable_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::ReadFile;
using ::leidang::testing::StatusIs;
using ::leidang::testing::TempDir;
using ::leidang::testing::WriteFile;
using ::testing::HasSubstr;

constexpr char kPassphrase[] = "correct horse battery";
const intent::HubId kHub = *intent::HubId::FromRaw("the hub, 16 byte");

class UpkeepTest : public ::testing::Test {
 protected:
  // A hub's data directory with an authority, one cluster and an audit-less ledger.
  UpkeepTest() : data_(temp_ / "data") {
    DatabaseOptions options;
    options.directory = data_ + "/store";
    options.new_hub_id = kHub;
    options.sync_samples = 1;
    auto database = RocksDatabase::Open(options, clock_);
    EXPECT_OK(database);
    database_ = *std::move(database);
    ClusterRegistration cluster;
    cluster.id = *intent::ClusterId::FromRaw("cluster no. one.");
    cluster.name = "one";
    cluster.server = "https://one.leidang.invalid";
    cluster.log = {kHub, 3, 17};
    RowBatch rows;
    const auto put = [&rows](const std::string& key, const std::string& value) {
      LedgerEntry entry{key, value, 1, 1, 0};
      rows.Put(Family::kLedger, EntryRowKey(key), EncodeEntry(entry));
    };
    put(HubIdentityKey(), Encode(HubIdentity{kHub, absl::UnixEpoch()}));
    put(LedgerKeyOf(cluster), Encode(cluster));
    put(ClusterNameKey("one"), cluster.id.Hex());
    put(ClusterServerKey(cluster.server), cluster.id.Hex());
    rows.Put(Family::kLedger, RevisionRowKey(), EncodeRevision(1));
    rows.Put(Family::kStatus, "derived", "damage that a rebuild drops");
    EXPECT_OK(database_->rows()->Persist(std::move(rows), Durability::kSynced));
    EXPECT_OK(CertificateAuthority::OpenOrCreate(data_ + "/ca", kHub, clock_.Now(), random_));
  }

  // What the ledger in that data directory says about its clusters.
  std::vector<ClusterRegistration> ClustersIn(const std::string& data) {
    DatabaseOptions options;
    options.directory = data + "/store";
    options.sync_samples = 1;
    const auto database = RocksDatabase::Open(options, clock_);
    EXPECT_OK(database);
    if (!database.ok()) return {};
    EXPECT_EQ((*database)->hub_id(), kHub);
    return GatherIdentity(*(*database)->Snapshot()).value_or(IdentityBundle()).clusters;
  }

  TempDir temp_;
  const std::string data_;
  RealClock clock_;
  SystemRandom random_;
  std::unique_ptr<RocksDatabase> database_;
};

TEST_F(UpkeepTest, ARestoredHubRecoversAllItsClusters) {
  const std::string backups = DefaultBackups(data_);
  ASSERT_OK(BackUp(*database_, data_, backups, kBackupsKept));
  const std::string restored = temp_ / "restored";
  ASSERT_OK_AND_ASSIGN(const BackupFacts facts, Restore(restored, backups, 0, clock_));
  EXPECT_EQ(facts.hub, kHub);
  EXPECT_EQ(ReadFile(restored + "/ca/ca.key"), ReadFile(data_ + "/ca/ca.key"));
  EXPECT_EQ(std::filesystem::status(restored + "/ca/ca.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const std::vector<ClusterRegistration> clusters = ClustersIn(restored);
  ASSERT_EQ(clusters.size(), 1u);
  EXPECT_TRUE(clusters[0].recovering);
  EXPECT_EQ(clusters[0].log.epoch, 3u) << "raised when what the agents hold is known";
  EXPECT_THAT(Restore(restored, backups, 0, clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("move it away")));
}

TEST_F(UpkeepTest, ARestoreThatWasCutOffCanBeDoneAgain) {
  const std::string backups = DefaultBackups(data_);
  ASSERT_OK(BackUp(*database_, data_, backups, kBackupsKept));
  const std::string restored = temp_ / "restored";
  WriteFile(restored + "/store.unfinished/CURRENT", "half of something");
  ASSERT_OK(Restore(restored, backups, 0, clock_));
  EXPECT_EQ(ClustersIn(restored).size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(restored + "/store.unfinished"));
}

TEST_F(UpkeepTest, TheFolderOfAnotherHubsBackupsIsRefused) {
  const std::string backups = DefaultBackups(data_);
  ASSERT_OK(BackUp(*database_, data_, backups, kBackupsKept));
  std::filesystem::remove_all(data_ + "/ca");
  ASSERT_OK(CertificateAuthority::OpenOrCreate(data_ + "/ca", kHub, clock_.Now(), random_));
  EXPECT_THAT(BackUp(*database_, data_, backups, kBackupsKept),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another certificate")));
}

TEST_F(UpkeepTest, AnIdentityMakesAHubThatRecoversItsClusters) {
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       ExportIdentity(*database_, data_, kPassphrase, clock_, random_));
  const std::string imported = temp_ / "imported";
  ASSERT_OK_AND_ASSIGN(const ImportedIdentity identity,
                       ImportIdentity(imported, sealed, kPassphrase, clock_, random_));
  EXPECT_EQ(identity.hub, kHub);
  EXPECT_EQ(identity.clusters, 1u);
  EXPECT_EQ(ReadFile(imported + "/ca/ca.crt"), ReadFile(data_ + "/ca/ca.crt"));
  const std::vector<ClusterRegistration> clusters = ClustersIn(imported);
  ASSERT_EQ(clusters.size(), 1u);
  EXPECT_TRUE(clusters[0].recovering);
  EXPECT_EQ(clusters[0].log.epoch, 4u);
  EXPECT_THAT(ImportIdentity(imported, sealed, kPassphrase, clock_, random_),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(UpkeepTest, AWrongPassphraseLeavesNothingBehind) {
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       ExportIdentity(*database_, data_, kPassphrase, clock_, random_));
  EXPECT_THAT(ImportIdentity(temp_ / "x", sealed, "another passphrase", clock_, random_),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_FALSE(std::filesystem::exists(temp_ / "x"));
}

TEST_F(UpkeepTest, ScrubFindsDamageAndRebuildDropsWhatIsDerived) {
  const CheckReport before = Scrub(*database_);
  EXPECT_EQ(before.damages(), 1u) << before.ToText();
  EXPECT_TRUE(before.OnlyDerivedDamaged());
  database_.reset();
  ASSERT_OK(Rebuild(data_, clock_));
  DatabaseOptions options;
  options.directory = data_ + "/store";
  ASSERT_OK_AND_ASSIGN(const auto database, RocksDatabase::Open(options, clock_));
  const CheckReport after = Scrub(*database);
  EXPECT_EQ(after.damages(), 0u) << after.ToText();
  EXPECT_EQ(after.rows(Family::kLedger), 5u);
  EXPECT_THAT(Rebuild(temp_ / "nowhere", clock_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(UpkeepTest, AFileIsReplacedAsAWholeOrNotAtAll) {
  ASSERT_OK(WriteDurably(temp_ / "f", "one", 0600));
  ASSERT_OK(WriteDurably(temp_ / "f", "two", 0600));
  EXPECT_EQ(*ReadWholeFile(temp_ / "f"), "two");
  EXPECT_THAT(WriteDurably(temp_ / "no/folder", "x", 0600),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/folder")));
  EXPECT_THAT(ReadWholeFile(temp_ / "g"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace leidang::hub
