// Acknowledgements that travel beside other messages, as seen by the hub.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/proof/status_digest.h"
#include "hub/session/session_fixture_test.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

class AcksBesideTest : public SessionFixture {
 protected:
  // Up to Welcome, as an agent that names the feature.
  ScriptedAgent Greeted() {
    ScriptedAgent agent = Connect(kOne);
    v1::AgentMessage message;
    message.mutable_hello()->set_cluster_id(kOne.Raw());
    message.mutable_hello()->set_intent_root(proof::BucketedDigest().Root().Raw());
    message.mutable_hello()->set_instance("one");
    message.mutable_hello()->add_features("acks-beside");
    EXPECT_TRUE(agent.Say(std::move(message)));
    const v1::Welcome welcome = agent.Welcomed();
    EXPECT_THAT(welcome.features(), ::testing::Contains("acks-beside"));
    return agent;
  }
  static intent::EntryStatus Status(const std::string& name, const std::string& message = "") {
    const intent::Assignment app = App(name, "1");
    return {.key = app.key,
            .uid = app.uid,
            .message = message,
            .observed_at = absl::FromUnixSeconds(1'700'000'000)};
  }
  static v1::AgentMessage Batch(const ScriptedAgent& agent, uint64_t sequence,
                                const std::vector<intent::EntryStatus>& statuses) {
    v1::AgentMessage message;
    message.mutable_status()->set_session_epoch(agent.epoch());
    message.mutable_status()->set_sequence(sequence);
    for (const intent::EntryStatus& status : statuses)
      wire::ToProto(status, message.mutable_status()->add_statuses());
    return message;
  }
  std::string StatusDigest() {
    proof::StatusDigest sum;
    const Page<intent::EntryStatus> stored = *store_->StatusesOfCluster(kOne, {});
    for (const intent::EntryStatus& status : stored.items) sum.Add(proof::StatusElementOf(status));
    return sum.Root().Raw();
  }
};

TEST_F(AcksBesideTest, AnAcknowledgementCountsAsSaidBeforeTheMessageThatItTravelsWith) {
  Put(kOne, App("cart", "1"));
  ScriptedAgent agent = Greeted();
  const auto changes = agent.NextOf(v1::HubMessage::kChanges);
  ASSERT_TRUE(changes.has_value());
  v1::AgentMessage message = Batch(agent, 1, {Status("cart")});
  message.mutable_ack_beside()->set_session_epoch(agent.epoch());
  message.mutable_ack_beside()->set_sequence(changes->changes().sequence());
  EXPECT_TRUE(agent.Say(std::move(message)));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(store_->Log(kOne)->acked, 1u);
  EXPECT_EQ(store_->StatusesOfCluster(kOne, {})->items.size(), 1u);
}

TEST_F(AcksBesideTest, AnAcknowledgementOfWhatIsNotInFlightEndsTheSessionAndTheMessageIsNotTaken) {
  ScriptedAgent agent = Greeted();
  v1::AgentMessage message = Batch(agent, 1, {Status("cart")});
  message.mutable_ack_beside()->set_session_epoch(agent.epoch());
  message.mutable_ack_beside()->set_sequence(1);
  EXPECT_TRUE(agent.Say(std::move(message)));
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::PROTOCOL);
  EXPECT_TRUE(store_->StatusesOfCluster(kOne, {})->items.empty());
}

TEST_F(AcksBesideTest, FewStatusesAreAcknowledgedWithTheNextMessageAndNotBefore) {
  ScriptedAgent agent = Greeted();
  EXPECT_TRUE(agent.Say(Batch(agent, 1, {Status("cart")})));
  EXPECT_FALSE(agent.Next().has_value());
  EXPECT_EQ(store_->StatusesOfCluster(kOne, {})->items.size(), 1u);
  // The digest may be compared before the acknowledgement: what was sent came before the heartbeat.
  const object::Sha256 root = proof::BucketedDigest().Root();
  EXPECT_TRUE(agent.Beat(0, root, root, StatusDigest()));
  const auto beat = agent.Next();
  ASSERT_TRUE(beat.has_value());
  ASSERT_TRUE(beat->has_heartbeat_ack());
  EXPECT_FALSE(beat->heartbeat_ack().send_all_status());
  EXPECT_EQ(beat->status_ack_beside().sequence(), 1u);
  EXPECT_FALSE(agent.Next().has_value());

  EXPECT_TRUE(agent.Say(Batch(agent, 2, {Status("cart", "again")})));
  loop_.RunFor(absl::Seconds(1));
  Put(kOne, App("cart", "2"));
  const auto changes = agent.Next();
  ASSERT_TRUE(changes.has_value());
  EXPECT_TRUE(changes->has_changes());
  EXPECT_EQ(changes->status_ack_beside().sequence(), 2u);
}

TEST_F(AcksBesideTest, ManyStatusesAndEndsAreAcknowledgedAtOnce) {
  ScriptedAgent agent = Greeted();
  EXPECT_TRUE(agent.Say(Batch(agent, 1, {Status("a"), Status("b"), Status("c"), Status("d")})));
  const auto many = agent.Next();
  ASSERT_TRUE(many.has_value());
  EXPECT_EQ(many->status_ack().sequence(), 1u);
  intent::EntryStatus gone = Status("a");
  gone.gone = true;
  EXPECT_TRUE(agent.Say(Batch(agent, 2, {gone})));
  const auto end = agent.Next();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->status_ack().sequence(), 2u);
}

TEST_F(AcksBesideTest, ASecondBatchIsStoredAfterTheFirstAndBothAreAcknowledgedAtOnce) {
  ScriptedAgent agent = Greeted();
  EXPECT_TRUE(agent.Say(Batch(agent, 1, {Status("cart", "old")})));
  EXPECT_TRUE(agent.Say(Batch(agent, 2, {Status("cart", "new")})));
  const auto ack = agent.Next();
  ASSERT_TRUE(ack.has_value());
  EXPECT_EQ(ack->status_ack().sequence(), 2u);
  EXPECT_EQ(store_->StatusesOfCluster(kOne, {})->items, std::vector{Status("cart", "new")});
  EXPECT_FALSE(agent.Next().has_value());
}

TEST_F(AcksBesideTest, AThirdBatchBeforeAnAcknowledgementIsAgainstTheProtocol) {
  ScriptedAgent agent = Greeted();
  for (uint64_t i = 1; i <= 3; ++i)
    EXPECT_TRUE(agent.Say(Batch(agent, i, {Status("cart", absl::StrCat(i))})));
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::PROTOCOL);
}

}  // namespace
}  // namespace leidang::hub
