// Acknowledgements that travel beside other messages, as seen by the agent.

#include <optional>
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
using ::testing::EndsWith;

class AcksBesideTest : public LinkFixture {
 protected:
  // With a hub that names the feature.
  void GoLiveBeside(uint64_t session_epoch = 1) {
    hub_.Accept();
    const auto hello = hub_.NextOf(v1::AgentMessage::kHello);
    ASSERT_TRUE(hello.has_value());
    EXPECT_THAT(hello->hello().features(), Contains("acks-beside"));
    v1::HubMessage welcome = Welcome(session_epoch);
    welcome.mutable_welcome()->add_features("acks-beside");
    welcome.mutable_welcome()->set_window_bytes(4u << 20);
    ASSERT_TRUE(hub_.Say(welcome));
    ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kHeartbeat).has_value());
  }
  void Report(const std::string& message, const std::string& name = "cart") {
    ASSERT_OK(Commit(
        {PutStatus{{.key = App(name, "").key, .uid = App(name, "").uid, .message = message}}}));
  }
  static v1::HubMessage StatusAck(uint64_t sequence) {
    v1::HubMessage message;
    message.mutable_status_ack()->set_sequence(sequence);
    return message;
  }
};

TEST_F(AcksBesideTest, WhatABatchHadNoRoomForFollowsWithoutAnAcknowledgement) {
  NewLink({.report_bytes_max = 1});
  GoLiveBeside();
  ASSERT_OK(Commit({PutStatus{{.key = App("cart", "").key, .uid = App("cart", "").uid}},
                    PutStatus{{.key = App("desk", "").key, .uid = App("desk", "").uid}}}));
  for (const char* name : {"cart", "desk"}) {
    const auto message = hub_.Next(absl::Milliseconds(300));
    ASSERT_TRUE(message.has_value());
    ASSERT_EQ(message->status().statuses_size(), 1);
    EXPECT_THAT(message->status().statuses(0).key(), EndsWith(name));
  }
}

TEST_F(AcksBesideTest, AnAcknowledgementWaitsForTheNextMessageAndTravelsWithIt) {
  NewLink();
  GoLiveBeside();
  EXPECT_TRUE(hub_.Say(Changes(1, 1, 0, {App("cart", "1")})));
  EXPECT_TRUE(hub_.Say(Changes(1, 2, 1, {App("desk", "1")})));
  EXPECT_FALSE(hub_.Next(absl::Milliseconds(900)).has_value());
  Report("synced");
  const auto message = hub_.Next(absl::Milliseconds(50));
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(message->has_status());
  EXPECT_EQ(message->ack_beside().sequence(), 2u);
  EXPECT_EQ(message->ack_beside().revision(), 2u);
  EXPECT_EQ(message->ack_beside().intent_root(), state_->intent_digest().Root().Raw());
  EXPECT_FALSE(hub_.Next(absl::Seconds(2)).has_value());
}

TEST_F(AcksBesideTest, AnAcknowledgementWaitsForASecondAtMost) {
  NewLink();
  GoLiveBeside();
  EXPECT_TRUE(hub_.Say(Changes(1, 1, 0, {App("cart", "1")})));
  EXPECT_FALSE(hub_.Next(absl::Milliseconds(990)).has_value());
  const auto message = hub_.Next(absl::Milliseconds(20));
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->ack().sequence(), 1u);
}

TEST_F(AcksBesideTest, AnAcknowledgementNeverPrecedesTheDiskWhateverTravelsMeanwhile) {
  NewState({.sync_delay = [] { return absl::Milliseconds(500); }, .sync_fault = nullptr});
  NewLink();
  GoLiveBeside();
  EXPECT_TRUE(hub_.Say(Changes(1, 1, 0, {App("cart", "1")})));
  v1::HubMessage buckets;
  buckets.mutable_bucket_request()->set_session_epoch(1);
  EXPECT_TRUE(hub_.Say(buckets));
  const auto before = hub_.Next(absl::Milliseconds(499));
  ASSERT_TRUE(before.has_value());
  EXPECT_TRUE(before->has_bucket_report());
  EXPECT_FALSE(before->has_ack_beside());
  EXPECT_EQ(state_->allegiance().revision, 0u);
  loop_.RunFor(absl::Milliseconds(500));
  EXPECT_TRUE(hub_.Say(buckets));
  const auto after = hub_.Next(absl::Milliseconds(499));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->ack_beside().revision(), 1u);
  EXPECT_EQ(state_->allegiance().revision, 1u);
}

TEST_F(AcksBesideTest, AComparisonAndALotOfChangesAreAcknowledgedAtOnce) {
  NewLink();
  GoLiveBeside();
  v1::HubMessage comparison = Changes(1, 1, 0, {App("cart", "1")});
  comparison.mutable_changes()->set_part(v1::Changes::COMPARISON_LAST);
  EXPECT_TRUE(hub_.Say(comparison));
  const auto first = hub_.Next(absl::Milliseconds(10));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->ack().sequence(), 1u);
  const std::string large(40'000, 'x');
  EXPECT_TRUE(hub_.Say(Changes(1, 2, 1, {App("desk", large)})));
  EXPECT_FALSE(hub_.Next(absl::Milliseconds(10)).has_value());
  EXPECT_TRUE(hub_.Say(Changes(1, 3, 2, {App("lamp", large)})));
  const auto second = hub_.Next(absl::Milliseconds(10));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->ack().sequence(), 3u);
}

TEST_F(AcksBesideTest, TwoBatchesOfStatusesAreInFlightAndOneAcknowledgementCoversBoth) {
  NewLink();
  GoLiveBeside();
  Report("1");
  const auto first = hub_.NextOf(v1::AgentMessage::kStatus);
  ASSERT_TRUE(first.has_value());
  Report("2");
  EXPECT_FALSE(link_->reported());
  const auto second = hub_.NextOf(v1::AgentMessage::kStatus);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->status().statuses_size(), 1);
  EXPECT_EQ(second->status().statuses(0).message(), "2");
  EXPECT_TRUE(link_->reported());
  for (int i = 3; i < 50; ++i) Report(absl::StrCat(i));
  EXPECT_FALSE(hub_.Next(absl::Seconds(2)).has_value());
  EXPECT_TRUE(hub_.Say(StatusAck(2)));
  const auto third = hub_.NextOf(v1::AgentMessage::kStatus);
  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(third->status().sequence(), 3u);
  EXPECT_EQ(third->status().statuses(0).message(), "49");
}

TEST_F(AcksBesideTest, AStatusIsKeptUntilItsAcknowledgementWhichMayComeBesideAnything) {
  NewLink();
  GoLiveBeside();
  Report("1");
  ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
  EXPECT_EQ(state_->statuses_waiting(), 1u);
  loop_.RunFor(absl::Seconds(21));
  const auto later = hub_.NextOf(v1::AgentMessage::kHeartbeat);
  ASSERT_TRUE(later.has_value());
  // The hub has what was sent before: it may compare.
  EXPECT_EQ(later->heartbeat().status_digest(), state_->status_digest().Raw());
  EXPECT_EQ(later->heartbeat().backlog(), 0u);
  v1::HubMessage answer;
  answer.mutable_heartbeat_ack()->set_sequence(later->heartbeat().sequence());
  answer.mutable_status_ack_beside()->set_sequence(1);
  EXPECT_TRUE(hub_.Say(answer));
  loop_.RunFor(absl::Milliseconds(10));
  EXPECT_EQ(state_->statuses_waiting(), 0u);
}

TEST_F(AcksBesideTest, NoDigestIsComparedWhileAnEndIsNotAcknowledged) {
  NewLink();
  GoLiveBeside();
  ASSERT_OK(
      Commit({PutStatus{{.key = App("cart", "").key, .uid = App("cart", "").uid, .gone = true}}}));
  ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
  loop_.RunFor(absl::Seconds(21));
  const auto beat = hub_.NextOf(v1::AgentMessage::kHeartbeat);
  ASSERT_TRUE(beat.has_value());
  EXPECT_TRUE(beat->heartbeat().status_digest().empty());
  EXPECT_EQ(beat->heartbeat().backlog(), 1u);
}

TEST_F(AcksBesideTest, WhatIsAskedForAgainIsSentAgainThoughItWasSentBefore) {
  NewLink();
  GoLiveBeside();
  Report("1");
  ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
  v1::HubMessage answer;
  answer.mutable_heartbeat_ack()->set_sequence(1);
  answer.mutable_heartbeat_ack()->set_send_all_status(true);
  answer.mutable_status_ack_beside()->set_sequence(1);
  EXPECT_TRUE(hub_.Say(answer));
  const auto again = hub_.NextOf(v1::AgentMessage::kStatus);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->status().sequence(), 2u);
  EXPECT_EQ(again->status().statuses_size(), 1);
}

TEST_F(AcksBesideTest, WhatWasNotAcknowledgedIsSentAgainInTheNextSession) {
  NewLink();
  GoLiveBeside(1);
  Report("1", "cart");
  ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
  Report("1", "desk");
  ASSERT_TRUE(hub_.NextOf(v1::AgentMessage::kStatus).has_value());
  hub_.Hang();
  WaitForLine(2);
  GoLiveBeside(2);
  const auto again = hub_.NextOf(v1::AgentMessage::kStatus);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->status().sequence(), 1u);
  EXPECT_EQ(again->status().statuses_size(), 2);
}

TEST_F(AcksBesideTest, AnAcknowledgementOfStatusesThatAreNotInFlightEndsTheSession) {
  NewLink();
  GoLiveBeside();
  v1::HubMessage answer;
  answer.mutable_heartbeat_ack()->set_sequence(1);
  answer.mutable_status_ack_beside()->set_sequence(1);
  EXPECT_TRUE(hub_.Say(answer));
  EXPECT_THAT(link_->Snapshot().last_error, ::testing::HasSubstr("acknowledgement of statuses 1"));
}

}  // namespace
}  // namespace leidang::agent
