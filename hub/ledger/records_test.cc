#include "hub/ledger/records.h"

#include <string>

#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::IsOkAndHolds;
using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

const absl::Time kThen = absl::FromUnixSeconds(1'700'000'000) + absl::Nanoseconds(123);

intent::ClusterId Cluster() {
  intent::ClusterId::Bytes bytes{};
  bytes[3] = 7;
  return intent::ClusterId(bytes);
}

intent::Uid AnyUid() {
  return intent::ComputeUid(intent::HubId(), {intent::EntryKind::kApplication, "a/b"}, 3);
}

template <typename Record>
void ExpectComesBack(const Record& record) {
  LedgerEntry entry;
  entry.key = "some/key";
  entry.value = Encode(record);
  EXPECT_THAT(Decode<Record>(entry), IsOkAndHolds(record));
  // A field that a later version added survives reading and writing again.
  const std::string later("\xf2\x3f\x03new", 6);
  const std::string again = Encode(record, entry.value + later);
  EXPECT_NE(again.find(later), std::string::npos);
  entry.value = again;
  EXPECT_THAT(Decode<Record>(entry), IsOkAndHolds(record));
  entry.value = std::string("\x08\x09", 2) + later;
  EXPECT_THAT(Decode<Record>(entry),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("run a newer leidang-hub")));
  entry.value = "\xff\xff";
  EXPECT_THAT(Decode<Record>(entry), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("some/key")));
}

TEST(LedgerRecords, EachComesBackAsItWas) {
  HubIdentity identity;
  identity.id = *intent::HubId::FromRaw("0123456789abcdef");
  identity.created_at = kThen;
  ExpectComesBack(identity);

  WrittenObject object;
  object.key = "leidang/web";
  object.manifest = "{\"kind\":\"ApplicationSet\"}";
  object.owner = "config fleet/web.yaml@0123";
  object.changed_at = kThen;
  ExpectComesBack(object);
  object.deleting = Ending::kAsDeclared;
  ExpectComesBack(object);

  ClusterRegistration cluster;
  cluster.id = Cluster();
  cluster.name = "staging";
  cluster.server = "https://staging.leidang.invalid";
  cluster.project = "default";
  cluster.labels = {{"env", "staging"}, {"region", "eu"}};
  cluster.annotations = {{"leidang.dev/max-deletions", "10"}};
  cluster.log = {identity.id, 3, 99};
  ExpectComesBack(cluster);
  cluster.joined_at = kThen;
  cluster.labels.erase("region");
  ExpectComesBack(cluster);
  cluster.dormancy = ClusterDormancy{kThen, {"leidang/cart", "project:default"}, true};
  ExpectComesBack(cluster);

  PendingDeletion deletion;
  deletion.cluster = Cluster();
  deletion.key = {intent::EntryKind::kProject, "default"};
  deletion.uid = AnyUid();
  deletion.policy = intent::DeletionPolicy::kBackground;
  deletion.decided_at = kThen;
  deletion.reason = "moved";
  ExpectComesBack(deletion);

  ExpectComesBack(DeletionCount{"application:leidang/cart", 4});
  Brake brake;
  brake.id = {BrakeScope::kCluster, "c1"};
  brake.passed = {{kThen, 3}, {kThen + absl::Minutes(2), 1}};
  brake.parts["set leidang/shop"].held = {BrakeMark(BrakeMark::Bytes{1}),
                                          BrakeMark(BrakeMark::Bytes{2})};
  brake.parts["set leidang/shop"].approved = {BrakeMark(BrakeMark::Bytes{3})};
  brake.held_since = kThen;
  brake.rejected = object::Sha256::Of("list");
  brake.rejected_by = "admin";
  ExpectComesBack(brake);
  Holding holding{"leidang/cart", "set leidang/shop", std::nullopt};
  ExpectComesBack(holding);
  Holding::Kept& kept = holding.kept.emplace();
  kept.cluster = Cluster();
  kept.project = "default";
  kept.manifest = "{}";
  kept.body = "{\"spec\":{}}";
  kept.sources = {{"https://git.example/a.git", "main", std::string(40, 'a'), "apps/cart",
                   intent::Tool::kKustomize, object::Sha256::Of("tree")}};
  ExpectComesBack(holding);
  ExpectComesBack(GitPin{"https://git.example/a.git", "main", std::string(40, 'a'), kThen});
  ExpectComesBack(JoinToken{object::Sha256::Of("t"), Cluster(), kThen, absl::InfiniteFuture()});
  ExpectComesBack(UserToken{object::Sha256::Of("t"), "admin", kThen, absl::InfiniteFuture(),
                            absl::InfiniteFuture()});
  ExpectComesBack(RevokedCertificate{"0ab1", Cluster(), kThen, "lost"});
}

TEST(LedgerRecords, OperationsAndAuditComeBackAsTheyWere) {
  OperationRecord operation;
  operation.id = *OperationId::FromRaw("fedcba9876543210");
  operation.cluster = Cluster();
  operation.key = {intent::EntryKind::kApplication, "leidang/cart"};
  operation.uid = AnyUid();
  operation.kind = OperationKind::kRefresh;
  operation.state = OperationState::kFailed;
  operation.parameters = "{}";
  operation.expires_at = kThen;
  operation.delivery = Delivery::kAnswered;
  ExpectComesBack(operation);
  operation.delivery = Delivery::kUnknown;  // As an earlier version wrote it, without the field.
  ExpectComesBack(operation);

  AuditEntry entry;
  entry.sequence = 12;
  entry.at = kThen;
  entry.who = "admin";
  entry.what = "apply";
  entry.previous = object::Sha256::Of("before");
  ExpectComesBack(entry);
  ExpectComesBack(AuditHead{12, HashOf(entry)});
}

TEST(LedgerRecords, RemovedLabelsDoNotComeBackFromThePreviousValue) {
  ClusterRegistration cluster;
  cluster.id = Cluster();
  cluster.labels = {{"env", "dev"}};
  const std::string before = Encode(cluster);
  cluster.labels.clear();
  LedgerEntry entry;
  entry.value = Encode(cluster, before);
  EXPECT_TRUE(Decode<ClusterRegistration>(entry)->labels.empty());
}

TEST(LedgerRecords, KeysSortAsTheirListsAreRead) {
  AuditEntry nine;
  nine.sequence = 9;
  AuditEntry ten;
  ten.sequence = 10;
  EXPECT_LT(LedgerKeyOf(nine), LedgerKeyOf(ten));
  const GitPin a{"u", "v1", "", {}};
  const GitPin b{"u1", "", "", {}};
  EXPECT_LT(LedgerKeyOf(a), LedgerKeyOf(b));
  EXPECT_NE(LedgerKeyOf(GitPin{"u", "1v", "", {}}), LedgerKeyOf(GitPin{"u1", "v", "", {}}));
}

TEST(LedgerRecords, TheHashOfAnAuditEntryCoversEveryField) {
  AuditEntry entry;
  entry.sequence = 1;
  entry.at = kThen;
  const object::Sha256 hash = HashOf(entry);
  AuditEntry other = entry;
  other.who = "x";
  AuditEntry shifted = entry;
  shifted.from = "x";
  EXPECT_NE(HashOf(other), hash);
  EXPECT_NE(HashOf(other), HashOf(shifted));
  other = entry;
  other.previous = object::Sha256::Of("x");
  EXPECT_NE(HashOf(other), hash);
  other = entry;
  other.at += absl::Nanoseconds(1);
  EXPECT_NE(HashOf(other), hash);
}

}  // namespace
}  // namespace leidang::hub
