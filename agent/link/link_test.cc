#include "agent/link/link.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/link/link_fixture_test.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LinkTest : public LinkFixture {
 protected:
  // The refusal that a welcome meets.
  v1::Refused RefusalOf(const v1::HubMessage& welcome) {
    const size_t attempts = hub_.lines().size();
    hub_.Accept();
    EXPECT_TRUE(hub_.NextOf(v1::AgentMessage::kHello).has_value());
    EXPECT_TRUE(hub_.Say(welcome));
    const auto refused = hub_.NextOf(v1::AgentMessage::kRefused);
    EXPECT_TRUE(refused.has_value());
    EXPECT_TRUE(hub_.line().finished);
    hub_.Hang(absl::OkStatus());
    WaitForLine(attempts + 1);
    return refused.has_value() ? refused->refused() : v1::Refused();
  }
  static intent::EntryStatus Status(const std::string& name, const std::string& message) {
    return {.key = App(name, "").key, .uid = App(name, "").uid, .message = message};
  }
};

TEST_F(LinkTest, SaysWhatItHolds) {
  ASSERT_OK(Commit({Obey{kHub, 4}, Receive{.authority = kHub,
                                           .session_epoch = 4,
                                           .from = 0,
                                           .to = 7,
                                           .changes = {{7, App("cart", "1")}}}}));
  NewLink();
  hub_.Accept();
  const auto message = hub_.Next();
  ASSERT_TRUE(message.has_value());
  const v1::Hello& hello = message->hello();
  EXPECT_EQ(hello.cluster_id(), kCluster.Raw());
  EXPECT_EQ(hello.authority().epoch(), 3u);
  EXPECT_EQ(hello.revision(), 7u);
  EXPECT_EQ(hello.session_epoch(), 4u);
  EXPECT_EQ(hello.intent_root(), state_->intent_digest().Root().Raw());
}

TEST_F(LinkTest, ObeysDurablyBeforeItGoesLive) {
  NewState({.sync_delay = [] { return absl::Milliseconds(100); }, .sync_fault = nullptr});
  NewLink();
  hub_.Accept();
  hub_.Next();
  EXPECT_TRUE(hub_.Say(Welcome(5)));
  loop_.RunFor(absl::Milliseconds(99));
  EXPECT_EQ(link_->Snapshot().phase, LinkPhase::kConnecting);
  loop_.RunFor(absl::Milliseconds(2));
  EXPECT_EQ(link_->Snapshot().phase, LinkPhase::kLive);
  EXPECT_EQ(state_->allegiance().session_epoch, 5u);
}

TEST_F(LinkTest, AcknowledgesOnlyWhatIsOnTheDisk) {
  NewState({.sync_delay = [] { return absl::Milliseconds(500); }, .sync_fault = nullptr});
  NewLink();
  GoLive();
  EXPECT_TRUE(hub_.Say(Changes(1, 1, 0, {App("cart", "1")})));
  EXPECT_TRUE(hub_.Say(Changes(1, 2, 1, {App("desk", "1")})));
  EXPECT_FALSE(hub_.Next(absl::Milliseconds(499)).has_value());
  const auto ack = hub_.Next();
  ASSERT_TRUE(ack.has_value());
  EXPECT_EQ(ack->ack().revision(), state_->allegiance().revision);
  EXPECT_EQ(ack->ack().intent_root(), state_->intent_digest().Root().Raw());
}

TEST_F(LinkTest, ADiskThatIsFullEndsTheSessionAndNothingIsAcknowledged) {
  bool full = false;
  NewState({.sync_delay = nullptr, .sync_fault = [&full] {
              return full ? absl::ResourceExhaustedError("disk full") : absl::OkStatus();
            }});
  NewLink();
  GoLive();
  full = true;
  EXPECT_TRUE(hub_.Say(Changes(1, 1, 0, {App("cart", "1")})));
  EXPECT_FALSE(hub_.Next().has_value());
  EXPECT_THAT(link_->Snapshot().last_error, HasSubstr("disk full"));
  full = false;
  WaitForLine(2);
  hub_.Accept();
  EXPECT_EQ(hub_.Next()->hello().revision(), 0u);
}

TEST_F(LinkTest, AForeignHubAnOlderOneAndOneThatLostChangesAreRefusedAndChangeNothing) {
  ASSERT_OK(Commit({Obey{kHub, 4}, Receive{.authority = kHub,
                                           .session_epoch = 4,
                                           .from = 0,
                                           .to = 7,
                                           .changes = {{7, App("cart", "1")}}}}));
  const Allegiance held = state_->allegiance();
  NewLink();
  EXPECT_EQ(RefusalOf(Welcome(9, 9, {intent::HubId(intent::HubId::Bytes{8}), 9, 1})).why(),
            v1::Refused::FOREIGN);
  ASSERT_TRUE(link_->Snapshot().refusal.has_value());
  EXPECT_THAT(link_->Snapshot().refusal->message, HasSubstr("trust-hub"));
  EXPECT_EQ(RefusalOf(Welcome(9, 9, {kHub.hub, 3, 78})).why(), v1::Refused::FOREIGN);
  EXPECT_EQ(RefusalOf(Welcome(9, 9, {kHub.hub, 2, 77})).why(), v1::Refused::OLDER);
  EXPECT_EQ(RefusalOf(Welcome(9, 6)).why(), v1::Refused::BEHIND);
  EXPECT_EQ(RefusalOf(Welcome(4, 9)).why(), v1::Refused::FENCED);
  EXPECT_EQ(state_->allegiance(), held);
  GoLive(5, 7);
  EXPECT_FALSE(link_->Snapshot().refusal.has_value());
}

TEST_F(LinkTest, ChangesOfAHubThatIsRefusedAreNotTakenIn) {
  ASSERT_OK(Commit({Obey{kHub, 4}}));
  NewLink();
  hub_.Accept();
  hub_.Next();
  const intent::Authority foreign{intent::HubId(intent::HubId::Bytes{8}), 9, 1};
  EXPECT_TRUE(hub_.Say(Welcome(9, 9, foreign)));
  v1::HubMessage changes = Changes(9, 1, 0, {App("cart", "1")});
  wire::ToProto(foreign, changes.mutable_changes()->mutable_authority());
  EXPECT_TRUE(hub_.Say(changes));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(state_->intent_digest().count(), 0u);
}

TEST_F(LinkTest, AHubThatAPersonTrustsIsObeyed) {
  ASSERT_OK(Commit({Obey{kHub, 4}}));
  NewLink();
  const intent::Authority other{intent::HubId(intent::HubId::Bytes{8}), 1, 1};
  RefusalOf(Welcome(1, 0, other));
  absl::Status trusted = absl::UnknownError("not yet");
  link_->Trust(other.hub, [&](absl::Status status) { trusted = std::move(status); });
  const size_t attempts = hub_.lines().size();
  WaitForLine(attempts + 1);
  EXPECT_OK(trusted);
  hub_.Accept();
  hub_.Next();
  EXPECT_TRUE(hub_.Say(Welcome(1, 0, other)));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(state_->allegiance().authority, other);
}

TEST_F(LinkTest, AttemptsComeApartWithFullJitterUpToAMinute) {
  NewLink();
  for (size_t i = 1; i <= 40; ++i) {
    hub_.Hang();
    WaitForLine(i + 1);
  }
  absl::Duration longest;
  for (size_t i = 1; i < hub_.lines().size(); ++i) {
    const absl::Duration wait = hub_.lines()[i]->opened - hub_.lines()[i - 1]->opened;
    EXPECT_LE(wait, std::min(absl::Seconds(60),
                             absl::Seconds(1) *
                                 static_cast<int64_t>(uint64_t{1} << std::min<size_t>(i - 1, 20))));
    longest = std::max(longest, wait);
  }
  EXPECT_GT(longest, absl::Seconds(40));
}

TEST_F(LinkTest, AStableSessionResetsTheBackoffAndAShortOneDoesNot) {
  NewLink();
  for (size_t i = 1; i <= 10; ++i) {
    hub_.Hang();
    WaitForLine(i + 1);
  }
  GoLive(1);
  hub_.Hang();
  EXPECT_EQ(link_->Snapshot().failures, 11u);
  WaitForLine(12);
  GoLive(2);
  for (int i = 0; i < 5; ++i) {
    v1::HubMessage ack;
    ack.mutable_heartbeat_ack();
    EXPECT_TRUE(hub_.Say(ack));
    while (hub_.Next(absl::Seconds(15)).has_value()) {
    }
  }
  hub_.Hang();
  EXPECT_EQ(link_->Snapshot().failures, 1u);
}

TEST_F(LinkTest, WhoeverMendsWhatStoodAgainstItNeedNotWaitForTheNextAttempt) {
  NewLink();
  for (size_t attempt = 1; attempt < 8; ++attempt) {
    hub_.Hang(absl::UnauthenticatedError("the certificate has expired"));
    if (attempt < 7) WaitForLine(attempt + 1);
  }
  EXPECT_EQ(link_->Snapshot().phase, LinkPhase::kWaiting);
  EXPECT_EQ(link_->Snapshot().last_code, absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(link_->Snapshot().failures, 7u);
  link_->RetryNow();
  loop_.RunFor(absl::ZeroDuration());
  EXPECT_EQ(hub_.lines().size(), 8u);
  link_->RetryNow();  // One is under way.
  loop_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(hub_.lines().size(), 8u);
}

TEST_F(LinkTest, AnAttemptMayTakeNinetySeconds) {
  NewLink();
  loop_.RunFor(absl::Seconds(89));
  EXPECT_EQ(link_->Snapshot().phase, LinkPhase::kConnecting);
  loop_.RunFor(absl::Seconds(2));
  EXPECT_THAT(link_->Snapshot().last_error, HasSubstr("no welcome from hub-a:7443 within 1m30s"));
}

TEST_F(LinkTest, TriesTheNextHubOfTheListAndStaysWithTheOneThatWorked) {
  LinkOptions options;
  options.hubs = {{"hub-a:7443", ""}, {"hub-b:7443", ""}};
  NewLink(std::move(options));
  hub_.Hang();
  WaitForLine(2);
  EXPECT_EQ(hub_.line().address.target, "hub-b:7443");
  GoLive();
  hub_.Hang();
  WaitForLine(3);
  EXPECT_EQ(hub_.line().address.target, "hub-b:7443");
}

TEST_F(LinkTest, AGoodbyeSaysWhenToComeBackWithinReason) {
  NewLink();
  GoLive(1);
  v1::HubMessage message;
  message.mutable_goodbye()->set_why(v1::Goodbye::DRAINING);
  message.mutable_goodbye()->set_retry_after_ms(30'000);
  message.mutable_goodbye()->set_spread_ms(10'000);
  message.mutable_goodbye()->set_message("bye");
  absl::Duration said = loop_.clock().Monotonic();
  EXPECT_TRUE(hub_.Say(message));
  EXPECT_THAT(link_->Snapshot().last_error, HasSubstr("DRAINING"));
  WaitForLine(2);
  EXPECT_GE(hub_.line().opened - said, absl::Seconds(30));
  EXPECT_LE(hub_.line().opened - said, absl::Seconds(40));
  GoLive(2);
  message.mutable_goodbye()->set_retry_after_ms(4'000'000'000);
  said = loop_.clock().Monotonic();
  EXPECT_TRUE(hub_.Say(message));
  WaitForLine(3);
  EXPECT_LE(hub_.line().opened - said, absl::Minutes(11));
}

TEST_F(LinkTest, ASilentHubIsGivenUp) {
  NewLink();
  GoLive();
  const absl::Duration before = loop_.clock().Monotonic();
  while (link_->Snapshot().phase == LinkPhase::kLive) hub_.Next();
  EXPECT_THAT(link_->Snapshot().last_error, HasSubstr("silent"));
  EXPECT_GT(loop_.clock().Monotonic() - before, absl::Seconds(60));
  EXPECT_LT(loop_.clock().Monotonic() - before, absl::Seconds(90));
}

TEST_F(LinkTest, WhatIsAgainstTheProtocolEndsTheSession) {
  const auto ended_by = [this](v1::HubMessage message) {
    const uint64_t epoch = state_->allegiance().session_epoch + 1;
    const size_t attempts = hub_.lines().size();
    GoLive(epoch);
    if (message.has_changes()) message.mutable_changes()->set_session_epoch(epoch);
    EXPECT_TRUE(hub_.Say(message));
    loop_.RunFor(absl::Milliseconds(1));
    EXPECT_NE(link_->Snapshot().phase, LinkPhase::kLive);
    const std::string error = link_->Snapshot().last_error;
    WaitForLine(attempts + 1);
    return error;
  };
  NewLink();
  EXPECT_THAT(ended_by(Welcome(99)), HasSubstr("second Welcome"));
  EXPECT_THAT(ended_by(Changes(0, 2, 0, {App("cart", "1")})), HasSubstr("changes 2 after 0"));
  EXPECT_THAT(ended_by(Changes(0, 1, 5, {App("cart", "1")})), HasSubstr("revision 5"));
  v1::HubMessage foreign = Changes(0, 1, 0, {App("cart", "1")});
  foreign.mutable_changes()->mutable_authority()->set_incarnation(78);
  EXPECT_THAT(ended_by(foreign), HasSubstr("another authority"));
  v1::HubMessage bad = Changes(0, 1, 0, {App("cart", "1")});
  bad.mutable_changes()->mutable_changes(0)->mutable_put()->set_uid("short");
  EXPECT_THAT(ended_by(bad), HasSubstr("5 bytes"));
  v1::HubMessage status_ack;
  status_ack.mutable_status_ack()->set_sequence(1);
  EXPECT_THAT(ended_by(status_ack), HasSubstr("statuses 1"));
  EXPECT_EQ(state_->intent_digest().count(), 0u);
}

TEST_F(LinkTest, UnknownMessagesAreIgnoredAndCounted) {
  NewLink();
  GoLive();
  EXPECT_TRUE(hub_.Say({}));
  v1::HubMessage redirect;
  redirect.mutable_redirect()->add_hubs("elsewhere:7443");
  EXPECT_TRUE(hub_.Say(redirect));
  EXPECT_EQ(link_->Snapshot().phase, LinkPhase::kLive);
  EXPECT_EQ(link_->Snapshot().ignored_messages, 2u);
}

TEST_F(LinkTest, OneBatchOfStatusesIsInFlightAndTheNewestWins) {
  NewLink();
  GoLive();
  ASSERT_OK(Commit({PutStatus{Status("cart", "1")}, PutStatus{Status("desk", "1")}}));
  const auto first = hub_.NextOf(v1::AgentMessage::kStatus);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->status().statuses_size(), 2);
  for (int i = 2; i < 50; ++i) ASSERT_OK(Commit({PutStatus{Status("cart", absl::StrCat(i))}}));
  EXPECT_FALSE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
  v1::HubMessage ack;
  ack.mutable_status_ack()->set_sequence(1);
  EXPECT_TRUE(hub_.Say(ack));
  const auto second = hub_.NextOf(v1::AgentMessage::kStatus);
  ASSERT_TRUE(second.has_value());
  ASSERT_EQ(second->status().statuses_size(), 1);
  EXPECT_EQ(second->status().statuses(0).message(), "49");
  EXPECT_EQ(second->status().sequence(), 2u);
}

// The stream takes nothing while all of this comes to be due, what matters least first.
TEST_F(LinkTest, AcknowledgementsAndControlGoBeforeStatuses) {
  NewLink();
  GoLive();
  ASSERT_OK(Commit({PutStatus{Status("cart", "1")}}));  // Written, and the stream is full.
  ASSERT_FALSE(hub_.line().written.empty());
  v1::HubMessage status_ack;
  status_ack.mutable_status_ack()->set_sequence(1);
  EXPECT_TRUE(hub_.Say(status_ack));
  ASSERT_OK(Commit({PutStatus{Status("cart", "2")}}));
  loop_.RunFor(absl::Seconds(21));
  v1::HubMessage operation;
  wire::ToProto(kHub, operation.mutable_operation()->mutable_authority());
  operation.mutable_operation()->set_session_epoch(1);
  operation.mutable_operation()->set_id(std::string(16, 'o'));
  operation.mutable_operation()->set_key("application:leidang/cart");
  operation.mutable_operation()->set_uid(std::string(16, 'u'));
  operation.mutable_operation()->set_kind(v1::Operation::SYNC);
  operation.mutable_operation()->set_lifetime_ms(60'000);
  EXPECT_TRUE(hub_.Say(operation));
  v1::HubMessage buckets;
  buckets.mutable_bucket_request()->set_session_epoch(1);
  buckets.mutable_bucket_request()->set_round(1);
  EXPECT_TRUE(hub_.Say(buckets));
  EXPECT_TRUE(hub_.Say(Changes(1, 1, 0, {App("cart", "1")})));
  loop_.RunFor(absl::Seconds(1));
  std::vector<v1::AgentMessage::MessageCase> order;
  while (const auto message = hub_.Next()) order.push_back(message->message_case());
  EXPECT_THAT(order,
              ElementsAre(v1::AgentMessage::kStatus, v1::AgentMessage::kAck,
                          v1::AgentMessage::kBucketReport, v1::AgentMessage::kOperationUpdate,
                          v1::AgentMessage::kHeartbeat, v1::AgentMessage::kStatus));
}

TEST_F(LinkTest, StatusesThatWereNotAcknowledgedAreSentAgainInTheNextSession) {
  NewLink();
  GoLive(1);
  ASSERT_OK(Commit({PutStatus{Status("cart", "1")}}));
  EXPECT_TRUE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
  hub_.Hang();
  WaitForLine(2);
  GoLive(2);
  const auto again = hub_.NextOf(v1::AgentMessage::kStatus);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->status().sequence(), 1u);
}

TEST_F(LinkTest, ReportsEverythingAgainWhenAsked) {
  NewLink();
  GoLive();
  ASSERT_OK(Commit({PutStatus{Status("cart", "1")}}));
  EXPECT_TRUE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
  v1::HubMessage ack;
  ack.mutable_status_ack()->set_sequence(1);
  EXPECT_TRUE(hub_.Say(ack));
  v1::HubMessage all;
  all.mutable_heartbeat_ack()->set_sequence(1);
  all.mutable_heartbeat_ack()->set_send_all_status(true);
  EXPECT_TRUE(hub_.Say(all));
  EXPECT_TRUE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
}

TEST_F(LinkTest, ReadsNoMoreThanItCanHold) {
  NewState({.sync_delay = [] { return absl::Seconds(10); }, .sync_fault = nullptr});
  LinkOptions options;
  options.receive_bytes_max = 3'000;
  NewLink(std::move(options));
  hub_.Accept();
  hub_.Next();
  EXPECT_TRUE(hub_.Say(Welcome(1)));
  uint64_t said = 0;
  while (said < 20 && hub_.Say(Changes(1, said + 1, said, {App("cart", std::string(1'000, 'x'))})))
    ++said;
  EXPECT_EQ(said, 3u);
  loop_.RunFor(absl::Seconds(20));
  EXPECT_TRUE(hub_.Say(Changes(1, 4, 3, {App("cart", "y")})));
}

TEST_F(LinkTest, AnOperationIsKeptOnceAndReportedUntilItsOutcomeIsAcknowledged) {
  NewLink();
  GoLive(1);
  const OperationId id(OperationId::Bytes{5});
  v1::HubMessage message;
  v1::Operation* operation = message.mutable_operation();
  wire::ToProto(kHub, operation->mutable_authority());
  operation->set_session_epoch(1);
  operation->set_id(id.Raw());
  operation->set_key("application:leidang/cart");
  operation->set_uid(std::string(16, 'u'));
  operation->set_kind(v1::Operation::SYNC);
  operation->set_lifetime_ms(60'000);
  EXPECT_TRUE(hub_.Say(message));
  auto update = hub_.NextOf(v1::AgentMessage::kOperationUpdate);
  ASSERT_TRUE(update.has_value());
  EXPECT_EQ(update->operation_update().state(), v1::OperationUpdate::ACCEPTED);
  OperationRecord record = state_->Operations()->at(0);
  EXPECT_EQ(record.expires, loop_.clock().Now() + absl::Minutes(1));
  record.state = OperationState::kSucceeded;
  ASSERT_OK(Commit({PutOperation{record}}));
  EXPECT_TRUE(hub_.Say(message));
  update = hub_.NextOf(v1::AgentMessage::kOperationUpdate);
  ASSERT_TRUE(update.has_value());
  EXPECT_EQ(update->operation_update().state(), v1::OperationUpdate::SUCCEEDED);
  EXPECT_EQ(state_->Operations()->size(), 1u);
  hub_.Hang();
  WaitForLine(2);
  hub_.Accept();
  hub_.Next();
  EXPECT_TRUE(hub_.Say(Welcome(2)));
  EXPECT_TRUE(hub_.NextOf(v1::AgentMessage::kOperationUpdate).has_value());
  v1::HubMessage ack;
  ack.mutable_operation_ack()->set_id(id.Raw());
  EXPECT_TRUE(hub_.Say(ack));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(state_->Operations()->size(), 0u);
}

TEST_F(LinkTest, AnswersAComparisonFromTheDisk) {
  ASSERT_OK(
      Commit({Obey{kHub, 1}, Receive{.authority = kHub,
                                     .session_epoch = 1,
                                     .from = 0,
                                     .to = 2,
                                     .changes = {{1, App("cart", "1")}, {2, App("desk", "1")}}}}));
  NewLink();
  GoLive(2, 2);
  v1::HubMessage message;
  message.mutable_bucket_request()->set_session_epoch(2);
  message.mutable_bucket_request()->set_round(1);
  EXPECT_TRUE(hub_.Say(message));
  auto report = hub_.NextOf(v1::AgentMessage::kBucketReport);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->bucket_report().sums_size(), 2);
  const uint32_t cart = proof::BucketOf(App("cart", "1").key);
  message.mutable_bucket_request()->add_buckets(cart);
  EXPECT_TRUE(hub_.Say(message));
  report = hub_.NextOf(v1::AgentMessage::kBucketReport);
  ASSERT_TRUE(report.has_value());
  ASSERT_EQ(report->bucket_report().entries_size(), 1);
  EXPECT_EQ(report->bucket_report().entries(0).element(), proof::ElementOf(App("cart", "1")).Raw());
  message.mutable_bucket_request()->add_buckets(cart);
  EXPECT_TRUE(hub_.Say(message));
  EXPECT_THAT(link_->Snapshot().last_error,
              HasSubstr(absl::StrCat("bucket ", cart, " after ", cart)));
}

TEST_F(LinkTest, AHubThatIsRecoveringIsToldWhatIsHeldAndNotObeyed) {
  ASSERT_OK(Commit({Obey{kHub, 1}, Receive{.authority = kHub,
                                           .session_epoch = 1,
                                           .from = 0,
                                           .to = 1,
                                           .changes = {{1, App("cart", "1")}}}}));
  NewLink();
  hub_.Accept();
  const auto hello = hub_.NextOf(v1::AgentMessage::kHello);
  ASSERT_TRUE(hello.has_value());
  EXPECT_THAT(hello->hello().features(), Contains("survey"));
  v1::HubMessage message;
  message.mutable_bucket_request()->set_round(1);
  EXPECT_TRUE(hub_.Say(message));
  auto report = hub_.Next();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->bucket_report().sums_size(), 1);
  message.mutable_bucket_request()->add_buckets(proof::BucketOf(App("cart", "1").key));
  EXPECT_TRUE(hub_.Say(message));
  report = hub_.Next();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->bucket_report().entries_size(), 1);
  EXPECT_NE(link_->Snapshot().phase, LinkPhase::kLive);
  EXPECT_EQ(state_->allegiance().session_epoch, 1u);
  // A session that has not begun has no epoch.
  message.mutable_bucket_request()->set_session_epoch(2);
  EXPECT_TRUE(hub_.Say(message));
  EXPECT_THAT(link_->Snapshot().last_error, HasSubstr("has not begun"));
}

TEST_F(LinkTest, AHeldAgentThatHearsNothingMoreComesBack) {
  LinkOptions options;
  options.connect_deadline = absl::Seconds(20);
  NewLink(std::move(options));
  hub_.Accept();
  ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kHello).has_value());
  loop_.RunFor(absl::Seconds(15));
  v1::HubMessage message;
  message.mutable_bucket_request()->set_round(1);
  EXPECT_TRUE(hub_.Say(message));
  loop_.RunFor(absl::Seconds(15));
  EXPECT_EQ(hub_.lines().size(), 1u) << "to be asked is to be heard";
  loop_.RunFor(absl::Seconds(70));
  EXPECT_GT(hub_.lines().size(), 1u);
}

TEST_F(LinkTest, GreetsNobodyWhileChangesAreOnTheirWayToTheDisk) {
  NewState({.sync_delay = [] { return absl::Seconds(100); }, .sync_fault = nullptr});
  NewLink();
  hub_.Accept();
  hub_.Next();
  EXPECT_TRUE(hub_.Say(Welcome(1, 1)));
  EXPECT_TRUE(hub_.Say(Changes(1, 1, 0, {App("cart", "1")})));
  hub_.Hang();
  loop_.RunFor(absl::Seconds(50));
  EXPECT_EQ(hub_.lines().size(), 1u);
  WaitForLine(2);
  hub_.Accept();
  EXPECT_EQ(hub_.Next()->hello().revision(), 1u);
}

TEST_F(LinkTest, StopsAndStartsAgain) {
  NewLink();
  GoLive(1);
  link_->Stop();
  loop_.RunFor(absl::Hours(1));
  EXPECT_EQ(hub_.lines().size(), 1u);
  EXPECT_EQ(link_->Snapshot().phase, LinkPhase::kStopped);
  link_->Start();
  WaitForLine(2);
  GoLive(2);
}

}  // namespace
}  // namespace leidang::agent
