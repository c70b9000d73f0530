#include "common/wire/wire.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::wire {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

intent::Assignment Cart() {
  return {.key = {intent::EntryKind::kApplication, "leidang/cart"},
          .uid = *intent::Uid::FromHex("00112233445566778899aabbccddeeff"),
          .body = "{}",
          .sources = {{.repo_url = "https://example.com/r.git",
                       .target_revision = "main",
                       .commit = "c0ffee",
                       .path = "apps/cart",
                       .tool = intent::Tool::kKustomize,
                       .tree = object::Sha256::Of("tree")}}};
}

TEST(WireTest, AChangeComesBackAsItWas) {
  const intent::Tombstone tombstone{
      .key = Cart().key, .uid = Cart().uid, .policy = intent::DeletionPolicy::kOrphan};
  for (const intent::Change& change : {intent::Change{7, Cart()}, intent::Change{8, tombstone}}) {
    v1::Change message;
    ToProto(change, &message);
    ASSERT_OK_AND_ASSIGN(const intent::Change back, FromProto(message));
    EXPECT_EQ(back, change);
  }
}

TEST(WireTest, AnAuthorityComesBackAsItWas) {
  const intent::Authority authority{*intent::HubId::FromHex("000102030405060708090a0b0c0d0e0f"), 4,
                                    0x91ab};
  v1::Authority message;
  ToProto(authority, &message);
  ASSERT_OK_AND_ASSIGN(const intent::Authority back, FromProto(message));
  EXPECT_EQ(back, authority);
}

TEST(WireTest, AStatusComesBackAsItWas) {
  const intent::EntryStatus status{
      .key = Cart().key,
      .uid = Cart().uid,
      .received = 9,
      .applied = 8,
      .applied_element = object::Sha256::Of("element"),
      .sync = intent::SyncState::kOutOfSync,
      .health = intent::HealthState::kDegraded,
      .operation = intent::OperationPhase::kFailed,
      .message = "m",
      .applied_commit = "c",
      .objects = 3,
      .drift_corrections = 2,
      .deleting = true,
      .gone = true,
      .unclaimed = true,
      .observed_at = absl::FromUnixMillis(1'700'000'000'123),
      .conditions = {{"SyncError", "RenderFailed", "why", absl::FromUnixSeconds(5)}},
      .resources = {{.key = {"apps", "Deployment", "shop", "web"},
                     .sync = intent::SyncState::kOutOfSync,
                     .health = intent::HealthState::kUnknown,
                     .hook = "PreSync",
                     .operation = intent::OperationPhase::kFailed,
                     .message = "no"},
                    {}},
      .body = R"({"spec":{}})",
      .operation_started = absl::FromUnixMillis(1'700'000'000'001),
      .operation_finished = absl::FromUnixMillis(1'700'000'000'002),
      .operation_commit = "d"};
  v1::EntryStatus message;
  ToProto(status, &message);
  ASSERT_OK_AND_ASSIGN(const intent::EntryStatus back, FromProto(message));
  EXPECT_EQ(back, status);
}

TEST(WireTest, AStatusOfAnAgentThatKnowsNoTimesOfItsSyncsHasNone) {
  v1::EntryStatus message;
  ToProto(intent::EntryStatus{.key = Cart().key, .uid = Cart().uid}, &message);
  EXPECT_FALSE(message.has_operation_started());
  EXPECT_FALSE(message.has_operation_finished());
  ASSERT_OK_AND_ASSIGN(const intent::EntryStatus back, FromProto(message));
  EXPECT_EQ(back.operation_started, std::nullopt);
  EXPECT_EQ(back.operation_finished, std::nullopt);
}

TEST(WireTest, AStatusWithABodyThatNoAgentSendsIsRefused) {
  v1::EntryStatus message;
  ToProto(intent::EntryStatus{.key = Cart().key, .uid = Cart().uid}, &message);
  message.set_body(std::string(intent::kStatusBodyMax, 'x'));
  EXPECT_OK(FromProto(message).status());
  message.set_body(std::string(intent::kStatusBodyMax + 1, 'x'));
  EXPECT_THAT(FromProto(message),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("at most 65536")));
}

TEST(WireTest, BadFieldsAreNamed) {
  v1::Change change;
  EXPECT_THAT(FromProto(change),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("neither")));
  ToProto(intent::Change{7, Cart()}, &change);
  change.mutable_put()->set_uid("short");
  EXPECT_THAT(FromProto(change),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("5 bytes")));
  ToProto(intent::Change{7, Cart()}, &change);
  change.mutable_put()->set_key("cart");
  EXPECT_THAT(FromProto(change),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"cart\"")));
  v1::Authority authority;
  EXPECT_THAT(FromProto(authority),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hub_id")));
  v1::Tombstone tombstone;
  ToProto(intent::Tombstone{.key = Cart().key, .uid = Cart().uid}, &tombstone);
  tombstone.set_policy(9);
  EXPECT_THAT(FromProto(tombstone),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("policy 9")));
}

TEST(WireTest, StatesOfALaterVersionAreShownAsUnknown) {
  v1::EntryStatus message;
  ToProto(intent::EntryStatus{.key = Cart().key, .uid = Cart().uid}, &message);
  message.set_health(77);
  ASSERT_OK_AND_ASSIGN(const intent::EntryStatus status, FromProto(message));
  EXPECT_EQ(status.health, intent::HealthState::kUnknown);
}

}  // namespace
}  // namespace leidang::wire
