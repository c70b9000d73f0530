#include "hub/session/session_table.h"

#include <algorithm>
#include <map>
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

using ::leidang::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SessionTableTest : public SessionFixture {
 protected:
  v1::AgentMessage Statuses(const ScriptedAgent& agent, uint64_t sequence,
                            const std::vector<intent::EntryStatus>& statuses) {
    v1::AgentMessage message;
    message.mutable_status()->set_session_epoch(agent.epoch());
    message.mutable_status()->set_sequence(sequence);
    for (const intent::EntryStatus& status : statuses) {
      wire::ToProto(status, message.mutable_status()->add_statuses());
    }
    return message;
  }
  static intent::EntryStatus StatusOf(const intent::Assignment& assignment) {
    return {.key = assignment.key,
            .uid = assignment.uid,
            .observed_at = absl::FromUnixSeconds(1'700'000'000)};
  }
};

TEST_F(SessionTableTest, AnAgentWithNothingGetsEverythingAndItsAckMovesTheCursor) {
  Put(kOne, App("cart", "1"));
  Put(kOne, App("desk", "1"));
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  const v1::Welcome welcome = agent.Welcomed();
  EXPECT_EQ(welcome.mode(), v1::Welcome::RESUME);
  EXPECT_EQ(welcome.head(), 2u);
  const auto changes = agent.NextOf(v1::HubMessage::kChanges);
  ASSERT_TRUE(changes.has_value());
  EXPECT_EQ(changes->changes().from(), 0u);
  EXPECT_EQ(changes->changes().to(), 2u);
  EXPECT_EQ(changes->changes().changes_size(), 2);
  EXPECT_TRUE(agent.Ack(changes->changes().sequence()));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(store_->Log(kOne)->acked, 2u);
}

TEST_F(SessionTableTest, AnAgentThatResumesGetsWhatCameAfterAndCountsAsHavingAcknowledged) {
  Put(kOne, App("cart", "1"));
  Put(kOne, App("cart", "2"));
  Put(kOne, App("desk", "1"));
  ScriptedAgent agent = Connect(kOne);
  agent.Hello(kHub, 2, DigestOf({App("cart", "2")}));
  EXPECT_EQ(agent.Welcomed().mode(), v1::Welcome::RESUME);
  const auto changes = agent.NextOf(v1::HubMessage::kChanges);
  ASSERT_TRUE(changes.has_value());
  EXPECT_EQ(changes->changes().from(), 2u);
  EXPECT_EQ(changes->changes().changes_size(), 1);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(store_->Log(kOne)->acked, 2u);
}

TEST_F(SessionTableTest, WhatIsCommittedReachesALiveSession) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  Put(kTwo, App("desk", "1"));
  Put(kOne, App("cart", "1"));
  const auto changes = agent.NextOf(v1::HubMessage::kChanges);
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->changes().changes_size(), 1);
  EXPECT_EQ(changes->changes().changes(0).put().key(), "application:leidang/cart");
}

TEST_F(SessionTableTest, NoWelcomeBeforeTheSessionEpochIsDurable) {
  NewTable({});
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  EXPECT_TRUE(agent.silent());
  EXPECT_EQ(store_->Log(kOne)->session_epoch, 0u);
  const uint64_t epoch = agent.Welcomed().session_epoch();
  EXPECT_EQ(epoch, store_->Log(kOne)->session_epoch);
}

TEST_F(SessionTableTest, AnAgentThatSaysItIsAnotherClusterIsSentAway) {
  ScriptedAgent live = Connect(kTwo);
  live.Hello();
  live.Welcomed();
  ScriptedAgent impostor = Connect(kOne);
  v1::AgentMessage hello;
  hello.mutable_hello()->set_cluster_id(kTwo.Raw());
  EXPECT_TRUE(impostor.Say(hello));
  EXPECT_EQ(impostor.Dismissed().why(), v1::Goodbye::PROTOCOL);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(impostor.gone());
  EXPECT_FALSE(live.gone());
}

TEST_F(SessionTableTest, MessagesAgainstTheProtocolEndTheSessionWithAReason) {
  const auto dismissed = [this](const v1::AgentMessage& message) {
    ScriptedAgent agent = Connect(kOne);
    agent.Hello();
    agent.Welcomed();
    v1::AgentMessage copy = message;
    if (copy.has_ack()) copy.mutable_ack()->set_session_epoch(agent.epoch());
    if (copy.has_heartbeat()) copy.mutable_heartbeat()->set_session_epoch(agent.epoch());
    if (copy.has_status()) copy.mutable_status()->set_session_epoch(agent.epoch());
    EXPECT_TRUE(agent.Say(copy));
    const v1::Goodbye goodbye = agent.Dismissed();
    EXPECT_EQ(goodbye.why(), v1::Goodbye::PROTOCOL);
    return goodbye.message();
  };
  v1::AgentMessage message;
  message.mutable_hello();
  EXPECT_THAT(dismissed(message), HasSubstr("second Hello"));
  message.mutable_ack()->set_sequence(7);
  EXPECT_THAT(dismissed(message), HasSubstr("acknowledgement 7"));
  message.mutable_heartbeat()->set_sequence(5);
  EXPECT_THAT(dismissed(message), HasSubstr("heartbeat 5"));
  message.mutable_status()->set_sequence(2);
  EXPECT_THAT(dismissed(message), HasSubstr("statuses 2"));
  message.mutable_status()->set_sequence(1);
  message.mutable_status()->add_statuses()->set_key("cart");
  EXPECT_THAT(dismissed(message), HasSubstr("cart"));
  message.mutable_bucket_report();
  EXPECT_THAT(dismissed(message), HasSubstr("bucket report"));
  message.mutable_operation_update()->set_id("short");
  EXPECT_THAT(dismissed(message), HasSubstr("operation"));
}

TEST_F(SessionTableTest, AMessageBeforeHelloAndNoHelloAtAllEndTheSession) {
  ScriptedAgent hasty = Connect(kOne);
  v1::AgentMessage message;
  message.mutable_ack();
  EXPECT_TRUE(hasty.Say(message));
  EXPECT_EQ(hasty.Dismissed().why(), v1::Goodbye::PROTOCOL);
  ScriptedAgent mute = Connect(kOne);
  loop_.RunFor(absl::Minutes(1));
  EXPECT_EQ(mute.Dismissed().why(), v1::Goodbye::SILENT);
  loop_.RunFor(absl::Minutes(1));
  EXPECT_EQ(table_->sessions(), 0u);
}

TEST_F(SessionTableTest, TheNewerSessionFencesTheOlder) {
  ScriptedAgent older = Connect(kOne);
  older.Hello();
  older.Welcomed();
  ScriptedAgent newer = Connect(kOne);
  newer.Hello();
  EXPECT_GT(newer.Welcomed().session_epoch(), older.epoch());
  Put(kOne, App("cart", "1"));
  EXPECT_EQ(older.Dismissed().why(), v1::Goodbye::SUPERSEDED);
  EXPECT_FALSE(older.Next().has_value());
  EXPECT_TRUE(newer.NextOf(v1::HubMessage::kChanges).has_value());
  EXPECT_TRUE(older.gone());
}

TEST_F(SessionTableTest, AFencedSessionWhoseStreamIsStuckIsDroppedAfterAWhile) {
  Put(kOne, App("cart", "1"));
  ScriptedAgent stuck = Connect(kOne);
  stuck.Hello();
  // Its Welcome never leaves.
  loop_.RunFor(absl::Milliseconds(100));
  ScriptedAgent newer = Connect(kOne);
  newer.Hello();
  newer.Welcomed();
  EXPECT_FALSE(stuck.gone());
  loop_.RunFor(absl::Seconds(11));
  EXPECT_TRUE(stuck.gone());
}

TEST_F(SessionTableTest, AgentsWithOneIdentityThatTakeTurnsAreFlagged) {
  for (int i = 0; i < 4; ++i) {
    ScriptedAgent agent = Connect(kOne);
    agent.Hello({}, 0, {}, absl::StrCat("instance ", i));
    agent.Welcomed();
    loop_.RunFor(absl::Seconds(5));
  }
  EXPECT_EQ(table_->View(kOne).trouble, LinkTrouble::kContested);
  EXPECT_EQ(table_->View(kTwo).trouble, LinkTrouble::kNone);
  loop_.RunFor(absl::Minutes(6));
  EXPECT_EQ(table_->View(kOne).trouble, LinkTrouble::kNone);
}

TEST_F(SessionTableTest, SessionsThatNeverSayHelloAreBounded) {
  std::vector<ScriptedAgent> agents;
  for (int i = 0; i < 20; ++i) agents.push_back(Connect(kOne));
  loop_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(table_->sessions(), SessionOptions().ungreeted_max);
  EXPECT_TRUE(agents.front().gone());
  EXPECT_FALSE(agents.back().gone());
}

TEST_F(SessionTableTest, AHubThatLostChangesSendsNothingAndSaysSo) {
  Put(kOne, App("cart", "1"));
  for (const auto& [authority, revision] :
       {std::pair(kHub, intent::Revision{9}),
        std::pair(intent::Authority{kHub.hub, 4, 1}, intent::Revision{1})}) {
    ScriptedAgent agent = Connect(kOne);
    agent.Hello(authority, revision, DigestOf({App("cart", "9")}));
    const auto first = agent.Next();
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->goodbye().why(), v1::Goodbye::BEHIND);
    const ClusterView view = table_->View(kOne);
    EXPECT_EQ(view.trouble, LinkTrouble::kHubBehind);
    EXPECT_EQ(view.agent_authority, authority);
    EXPECT_EQ(view.agent_revision, revision);
  }
}

TEST_F(SessionTableTest, ARefusalIsShown) {
  ScriptedAgent agent = Connect(kOne);
  const intent::Authority other{intent::HubId(intent::HubId::Bytes{8}), 1, 1};
  agent.Hello(other, 5, DigestOf({App("cart", "1")}));
  EXPECT_EQ(agent.Welcomed().mode(), v1::Welcome::COMPARE);
  v1::AgentMessage message;
  message.mutable_refused()->set_message("obeys another");
  wire::ToProto(other, message.mutable_refused()->mutable_held());
  EXPECT_TRUE(agent.Say(message));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(agent.gone());
  EXPECT_EQ(table_->View(kOne).trouble, LinkTrouble::kRefusedByAgent);
  EXPECT_EQ(table_->View(kOne).trouble_message, "obeys another");
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kOffline);
}

TEST_F(SessionTableTest, ChangesInFlightAreBoundedByBytes) {
  NewTable({.window_bytes = 5'000, .changes_bytes = 1'000});
  for (int i = 0; i < 40; ++i) Put(kOne, App(absl::StrCat("app-", i), std::string(900, 'x')));
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  size_t bytes = 0;
  uint64_t last = 0;
  while (const auto message = agent.Next()) {
    bytes += message->changes().ByteSizeLong();
    last = message->changes().sequence();
  }
  EXPECT_GE(bytes, 5'000u);
  EXPECT_LE(bytes, 7'500u);
  EXPECT_TRUE(agent.Ack(last));
  EXPECT_TRUE(agent.Next().has_value());
}

TEST_F(SessionTableTest, AComparisonSendsWhatDiffersAndDeletesNothing) {
  const intent::Assignment same = App("same", "1");
  const intent::Assignment changed = App("changed", "2");
  const intent::Assignment missing = App("missing", "1");
  const intent::Assignment ended = App("ended", "1");
  for (const intent::Assignment& a : {same, changed, missing, ended}) Put(kOne, a);
  Delete(kOne, ended);
  const std::vector<intent::Assignment> held = {same, App("changed", "1"), ended,
                                                App("stranger", "1")};
  ScriptedAgent agent = Connect(kOne);
  agent.Hello({kHub.hub, 2, 5}, 40, DigestOf(held));
  EXPECT_EQ(agent.Welcomed().mode(), v1::Welcome::COMPARE);
  std::vector<std::string> puts;
  std::vector<std::string> tombstones;
  std::vector<std::string> unclaimed;
  bool last = false;
  for (int i = 0; i < 20 && !last; ++i) {
    const auto message = agent.Next();
    ASSERT_TRUE(message.has_value());
    if (message->has_bucket_request()) {
      v1::AgentMessage answer;
      v1::BucketReport* report = answer.mutable_bucket_report();
      report->set_session_epoch(agent.epoch());
      report->set_round(message->bucket_request().round());
      const proof::BucketedDigest digest = DigestOf(held);
      for (const proof::Bucket& bucket : digest.buckets()) {
        if (!message->bucket_request().buckets().empty()) break;
        v1::BucketSum* sum = report->add_sums();
        sum->set_bucket(bucket.index);
        sum->set_count(bucket.count);
        sum->set_sum(bucket.sum.Raw());
      }
      // One bucket at a time: the hub asks for the rest again.
      if (!message->bucket_request().buckets().empty()) {
        const uint32_t bucket = message->bucket_request().buckets(0);
        report->add_buckets(bucket);
        for (const intent::Assignment& a : held) {
          if (proof::BucketOf(a.key) != bucket) continue;
          v1::EntryDigest* entry = report->add_entries();
          entry->set_key(a.key.ToString());
          entry->set_uid(a.uid.Raw());
          entry->set_element(proof::ElementOf(a).Raw());
        }
      }
      EXPECT_TRUE(agent.Say(answer));
      continue;
    }
    if (!message->has_changes()) continue;
    for (const v1::Change& change : message->changes().changes()) {
      (change.has_put() ? puts : tombstones)
          .push_back(change.has_put() ? change.put().key() : change.tombstone().key());
    }
    for (const v1::EntryRef& entry : message->changes().unclaimed())
      unclaimed.push_back(entry.key());
    last = message->changes().part() == v1::Changes::COMPARISON_LAST;
    EXPECT_EQ(message->changes().to(), last ? 5u : 0u);
    EXPECT_TRUE(agent.Ack(message->changes().sequence()));
  }
  EXPECT_TRUE(last);
  EXPECT_THAT(puts, ::testing::UnorderedElementsAre("application:leidang/changed",
                                                    "application:leidang/missing"));
  EXPECT_THAT(tombstones, ElementsAre("application:leidang/ended"));
  EXPECT_THAT(unclaimed, ElementsAre("application:leidang/stranger"));
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(store_->Log(kOne)->acked, 5u);
  ASSERT_EQ(table_->View(kOne).unclaimed.size(), 1u);
  EXPECT_EQ(table_->View(kOne).unclaimed[0].key.name, "leidang/stranger");
}

TEST_F(SessionTableTest, StatusesAreStoredAndAcknowledgedAfterTheCommit) {
  const intent::Assignment cart = App("cart", "1");
  const intent::Assignment desk = App("desk", "1");
  Put(kOne, cart);
  Put(kOne, desk);
  Delete(kOne, desk);
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  const auto changes = agent.NextOf(v1::HubMessage::kChanges);
  EXPECT_TRUE(agent.Ack(changes->changes().sequence()));
  intent::EntryStatus gone = StatusOf(desk);
  gone.gone = true;
  EXPECT_TRUE(agent.Say(Statuses(agent, 1, {StatusOf(cart), gone})));
  EXPECT_TRUE(agent.silent());
  const auto ack = agent.NextOf(v1::HubMessage::kStatusAck);
  ASSERT_TRUE(ack.has_value());
  EXPECT_EQ(ack->status_ack().sequence(), 1u);
  EXPECT_EQ(store_->StatusesOfCluster(kOne, {})->items, std::vector{StatusOf(cart)});
  EXPECT_EQ(store_->Log(kOne)->tombstones, 0u);
  EXPECT_THAT(observer_.seen, Contains("statuses 2"));
}

TEST_F(SessionTableTest, ASecondBatchBeforeTheFirstIsAcknowledgedIsAgainstTheProtocol) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  EXPECT_TRUE(agent.Say(Statuses(agent, 1, {StatusOf(App("cart", "1"))})));
  EXPECT_TRUE(agent.Say(Statuses(agent, 2, {StatusOf(App("cart", "1"))})));
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::PROTOCOL);
}

TEST_F(SessionTableTest, AnotherDigestOfStatusesAsksForAllAndThenStartsOver) {
  WriteBatch batch;
  batch.PutStatus(kOne, StatusOf(App("stale", "1")));
  Commit(std::move(batch));
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  proof::StatusDigest none;
  const object::Sha256 empty = DigestOf({}).Root();
  const auto asked = [&] {
    EXPECT_TRUE(agent.Beat(0, empty, empty, none.Root().Raw()));
    const auto ack = agent.NextOf(v1::HubMessage::kHeartbeatAck);
    return ack.has_value() && ack->heartbeat_ack().send_all_status();
  };
  EXPECT_TRUE(asked());
  EXPECT_EQ(store_->StatusesOfCluster(kOne, {})->items.size(), 1u);
  EXPECT_TRUE(asked());
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(store_->StatusesOfCluster(kOne, {})->items.size(), 0u);
  EXPECT_FALSE(asked());
}

TEST_F(SessionTableTest,
       OfWhatIsNotAssignedSoManyStatusesAreKeptAndTheRestIsAskedForOnlyIfItHelps) {
  NewTable({.unassigned_statuses_max = 2});
  const intent::Assignment cart = App("cart", "1");
  Put(kOne, cart);
  std::vector<intent::EntryStatus> all = {StatusOf(cart)};
  for (const char* name : {"s0", "s1", "s2", "s3"}) all.push_back(StatusOf(App(name, "1")));
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  uint64_t sequence = 0;
  const auto report = [&](const std::vector<intent::EntryStatus>& statuses) {
    EXPECT_TRUE(agent.Say(Statuses(agent, ++sequence, statuses)));
    const auto ack = agent.NextOf(v1::HubMessage::kStatusAck);
    ASSERT_TRUE(ack.has_value());
    EXPECT_EQ(ack->status_ack().sequence(), sequence);
  };
  const auto asked = [&] {
    proof::StatusDigest digest;
    for (const intent::EntryStatus& status : all) digest.Add(proof::StatusElementOf(status));
    EXPECT_TRUE(agent.Beat(0, {}, {}, digest.Root().Raw()));
    const auto ack = agent.NextOf(v1::HubMessage::kHeartbeatAck);
    loop_.RunFor(absl::Seconds(20));
    return ack.has_value() && ack->heartbeat_ack().send_all_status();
  };
  const auto stored = [&] { return store_->StatusesOfCluster(kOne, {})->items.size(); };
  report({all[1], all[2], all[3], all[4], all[0]});
  EXPECT_EQ(stored(), 3u) << "what is assigned is never refused";
  EXPECT_THAT(observer_.seen, Contains("statuses 3"));
  EXPECT_EQ(table_->View(kOne).trouble, LinkTrouble::kStatusesRefused);
  EXPECT_THAT(table_->View(kOne).trouble_message, HasSubstr("leidang unclaimed"));
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(asked()) << "nothing has changed";
  Put(kOne, App("s2", "1"));
  EXPECT_TRUE(asked()) << "one of them may be kept now";
  report(all);
  EXPECT_EQ(stored(), 4u);
  int asked_again = 0;
  for (int i = 0; i < 90; ++i) {
    Put(kOne, App("desk", absl::StrCat(i)));
    if (asked()) {
      ++asked_again;
      report(all);
    }
  }
  EXPECT_GT(asked_again, 2);
  EXPECT_LT(asked_again, 12) << "in half an hour of changes";
  EXPECT_EQ(table_->View(kOne).trouble, LinkTrouble::kStatusesRefused);
  intent::EntryStatus gone = all.back();
  gone.gone = true;
  report({gone});
  all.pop_back();
  EXPECT_FALSE(asked()) << "now both count the same";
  EXPECT_EQ(table_->View(kOne).trouble, LinkTrouble::kNone);
}

TEST_F(SessionTableTest, AStatusThatIsTooLargeEndsTheSession) {
  NewTable({.status_bytes_max = 1'000});
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  intent::EntryStatus status = StatusOf(App("cart", "1"));
  status.message = std::string(1'001, 'x');
  EXPECT_TRUE(agent.Say(Statuses(agent, 1, {status})));
  EXPECT_THAT(agent.Dismissed().message(), HasSubstr("at most 1000"));
}

TEST_F(SessionTableTest, AProofIsNoYoungerThanTheAgentsLookAndEndsWithAChangeOrTheSession) {
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kNeverSeen);
  const intent::Assignment cart = App("cart", "1");
  Put(kOne, cart);
  const object::Sha256 root = DigestOf({cart}).Root();
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  const absl::Time welcome = loop_.clock().Now();
  agent.NextOf(v1::HubMessage::kChanges);
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kPending);
  loop_.RunFor(absl::Seconds(10));
  EXPECT_TRUE(agent.Ack(1));
  EXPECT_TRUE(agent.Beat(1, root, {}));
  agent.NextOf(v1::HubMessage::kHeartbeatAck);
  ClusterView view = table_->View(kOne);
  EXPECT_EQ(view.verdict, LinkVerdict::kReceived);
  EXPECT_LE(view.proof->received_at, welcome);
  loop_.RunFor(absl::Seconds(10));
  EXPECT_TRUE(agent.Beat(1, root, root));
  agent.NextOf(v1::HubMessage::kHeartbeatAck);
  view = table_->View(kOne);
  EXPECT_EQ(view.verdict, LinkVerdict::kInSync);
  EXPECT_GT(view.proof->applied_at, welcome);
  EXPECT_LT(view.proof->applied_at, loop_.clock().Now() - absl::Seconds(9));
  Put(kOne, App("desk", "1"));
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kPending);
  agent.Hang();
  view = table_->View(kOne);
  EXPECT_EQ(view.verdict, LinkVerdict::kOffline);
  EXPECT_EQ(view.head - view.acked, 1u);
  EXPECT_EQ(view.session_epoch, 0u);
}

TEST_F(SessionTableTest, WhatWasSeenAndProvenIsShownAfterARestartAndIsNoVerdict) {
  const intent::Assignment cart = App("cart", "1");
  Put(kOne, cart);
  const object::Sha256 root = DigestOf({cart}).Root();
  {
    ScriptedAgent agent = Connect(kOne);
    agent.Hello();
    agent.Welcomed();
    agent.NextOf(v1::HubMessage::kChanges);
    EXPECT_TRUE(agent.Ack(1));
    loop_.RunFor(absl::Seconds(1));
    EXPECT_TRUE(agent.Beat(1, root, root));
    agent.NextOf(v1::HubMessage::kHeartbeatAck);
    loop_.RunFor(absl::Seconds(20));
    EXPECT_TRUE(agent.Beat(1, root, {}));
    agent.NextOf(v1::HubMessage::kHeartbeatAck);
    const ClusterView live = table_->View(kOne);
    EXPECT_EQ(live.verdict, LinkVerdict::kReceived) << "one drift, and it is not applied any more";
    EXPECT_EQ(live.proof->applied_at, absl::InfinitePast());
    EXPECT_EQ(live.applied_proof->revision, 1u) << "but it was";
    agent.Hang();
    loop_.RunFor(absl::Seconds(1));
  }
  const ClusterView before = table_->View(kOne);
  ASSERT_TRUE(before.applied_proof.has_value());
  loop_.RunFor(absl::Hours(3));
  NewTable({});
  ClusterView view = table_->View(kOne);
  EXPECT_EQ(view.verdict, LinkVerdict::kOffline);
  EXPECT_EQ(view.last_seen, before.last_seen);
  EXPECT_EQ(view.since, before.last_seen);
  EXPECT_EQ(view.agent_revision, 1u);
  EXPECT_EQ(view.proof, before.proof);
  EXPECT_EQ(view.applied_proof, before.applied_proof);
  EXPECT_EQ(table_->Views().size(), 1u);
  EXPECT_EQ(table_->View(kTwo).verdict, LinkVerdict::kNeverSeen);
  ScriptedAgent again = Connect(kOne);
  again.Hello(kHub, 1, DigestOf({cart}), "two");
  again.Welcomed();
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kPending) << "an old proof, and a new process";
  EXPECT_TRUE(again.Beat(1, root, root));
  again.NextOf(v1::HubMessage::kHeartbeatAck);
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kInSync);
}

TEST_F(SessionTableTest, AHubThatIsKilledKnowsALiveClusterToTheMinute) {
  const auto stored = [this] {
    const std::vector<LinkRecord> links = *store_->Links();
    for (const LinkRecord& link : links) {
      if (link.cluster == kOne) return link.last_seen;
    }
    return absl::InfinitePast();
  };
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  EXPECT_LT(loop_.clock().Now() - stored(), absl::Seconds(1)) << "with the session's epoch";
  absl::Time last = stored();
  int writes = 0;
  for (int i = 0; i < 60; ++i) {
    loop_.RunFor(absl::Seconds(10));
    EXPECT_TRUE(agent.Beat(0, DigestOf({}).Root(), {}));
    agent.NextOf(v1::HubMessage::kHeartbeatAck);
    EXPECT_LE(loop_.clock().Now() - stored(), absl::Seconds(70));
    if (stored() != last) ++writes;
    last = stored();
  }
  EXPECT_LE(writes, 11) << "in ten minutes";
  table_->Forget(kOne);
  WriteBatch batch;
  batch.DropLog(kOne);
  Commit(std::move(batch));
  agent.Hang();
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(stored(), absl::InfinitePast());
}

TEST_F(SessionTableTest, WhoeverFollowsTheChangedViewsKnowsWhatViewsWouldSay) {
  std::map<intent::ClusterId, ClusterView> followed;
  const auto expect_equal = [&](const char* when) {
    for (ClusterView& view : table_->TakeChangedViews())
      followed.insert_or_assign(view.cluster, std::move(view));
    for (const ClusterView& view : table_->Views())
      EXPECT_TRUE(followed[view.cluster] == view) << when;
    EXPECT_TRUE(table_->TakeChangedViews().empty()) << when;
  };
  const intent::Assignment cart = App("cart", "1");
  Put(kOne, cart);
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  expect_equal("welcomed");
  agent.NextOf(v1::HubMessage::kChanges);
  EXPECT_TRUE(agent.Ack(1));
  loop_.RunFor(absl::Seconds(1));
  expect_equal("acknowledged");
  const object::Sha256 root = DigestOf({cart}).Root();
  EXPECT_TRUE(agent.Beat(1, root, root));
  agent.NextOf(v1::HubMessage::kHeartbeatAck);
  expect_equal("proven");
  Put(kOne, App("desk", "1"));
  expect_equal("changed");
  agent.Hang();
  Put(kOne, App("desk", "2"));
  expect_equal("gone");
  table_->Forget(kOne);
  EXPECT_EQ(table_->TakeChangedViews().at(0).verdict, LinkVerdict::kNeverSeen);
}

TEST_F(SessionTableTest, ADigestThatDiffersAtTheHeadIsComparedAndThenShownAsDiverged) {
  const intent::Assignment cart = App("cart", "1");
  Put(kOne, cart);
  ScriptedAgent agent = Connect(kOne);
  agent.Hello(kHub, 1, DigestOf({App("cart", "other")}));
  agent.Welcomed();
  const object::Sha256 other = DigestOf({App("cart", "other")}).Root();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(agent.Beat(1, other, other));
    const auto request = agent.NextOf(v1::HubMessage::kBucketRequest);
    ASSERT_TRUE(request.has_value()) << i;
    // It answers as if all were well, and goes on telling the other digest.
    v1::AgentMessage answer;
    answer.mutable_bucket_report()->set_session_epoch(agent.epoch());
    answer.mutable_bucket_report()->set_round(request->bucket_request().round());
    const proof::BucketedDigest digest = DigestOf({cart});
    for (const proof::Bucket& bucket : digest.buckets()) {
      v1::BucketSum* sum = answer.mutable_bucket_report()->add_sums();
      sum->set_bucket(bucket.index);
      sum->set_count(bucket.count);
      sum->set_sum(bucket.sum.Raw());
    }
    EXPECT_TRUE(agent.Say(answer));
    const auto last = agent.Next();
    ASSERT_TRUE(last.has_value());
    ASSERT_TRUE(last->has_changes()) << i << last->ShortDebugString();
    EXPECT_TRUE(agent.Ack(last->changes().sequence()));
    EXPECT_TRUE(agent.Beat(1, other, other));
    EXPECT_FALSE(agent.NextOf(v1::HubMessage::kBucketRequest).has_value())
        << "again without a pause";
    for (int beat = 0; beat < 8; ++beat) {
      loop_.RunFor(absl::Seconds(10));
      agent.Beat(0, other, other);
      agent.NextOf(v1::HubMessage::kHeartbeatAck);
    }
  }
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kDiverged);
}

TEST_F(SessionTableTest, ASilentAgentIsGivenUp) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  loop_.RunFor(absl::Seconds(59));
  EXPECT_FALSE(agent.gone());
  loop_.RunFor(absl::Seconds(41));
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::SILENT);
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kOffline);
}

TEST_F(SessionTableTest, AFloodingAgentIsReadLaterAndNobodyElseIs) {
  NewTable({.messages_per_second = 10, .messages_burst = 20});
  ScriptedAgent flood = Connect(kOne);
  flood.Hello();
  flood.Welcomed();
  ScriptedAgent calm = Connect(kTwo);
  calm.Hello();
  calm.Welcomed();
  v1::AgentMessage message;
  message.mutable_operation_update()->set_id(std::string(16, 'x'));
  int said = 0;
  const absl::Duration end = loop_.clock().Monotonic() + absl::Seconds(10);
  while (loop_.clock().Monotonic() < end && flood.Say(message)) ++said;
  EXPECT_GT(said, 80);
  EXPECT_LT(said, 130);
  const absl::Duration before = loop_.clock().Monotonic();
  EXPECT_TRUE(calm.Say(message));
  EXPECT_EQ(loop_.clock().Monotonic(), before);
}

TEST_F(SessionTableTest, StatusesBeyondAnAgentsShareAreTakenInLater) {
  NewTable({.statuses_per_second = 10, .statuses_burst = 20});
  ScriptedAgent flood = Connect(kOne);
  flood.Hello();
  flood.Welcomed();
  const std::vector<intent::EntryStatus> ten(10, StatusOf(App("cart", "1")));
  uint64_t batches = 0;
  const absl::Duration end = loop_.clock().Monotonic() + absl::Seconds(10);
  while (loop_.clock().Monotonic() < end) {
    // An agent that is not read tries again.
    if (!flood.Say(Statuses(flood, batches + 1, ten))) continue;
    ++batches;
    ASSERT_TRUE(flood.NextOf(v1::HubMessage::kStatusAck).has_value());
  }
  EXPECT_GE(batches, 10u);
  EXPECT_LE(batches, 14u);
}

TEST_F(SessionTableTest, AMessageThatIsTooLargeEndsTheSession) {
  NewTable({.message_bytes_max = 1'000});
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  v1::AgentMessage message;
  message.mutable_operation_update()->set_message(std::string(1'001, 'x'));
  EXPECT_TRUE(agent.Say(message));
  EXPECT_THAT(agent.Dismissed().message(), HasSubstr("at most 1000"));
}

TEST_F(SessionTableTest, OperationsGoToTheLiveSessionAndTheirOutcomesComeBack) {
  const OperationId id(OperationId::Bytes{5});
  const OperationRequest request{.id = id,
                                 .key = App("cart", "1").key,
                                 .uid = App("cart", "1").uid,
                                 .kind = v1::Operation::SYNC,
                                 .lifetime = absl::Seconds(30),
                                 .parameters = "{}"};
  EXPECT_THAT(table_->Send(kOne, request), StatusIs(absl::StatusCode::kUnavailable));
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  loop_.RunFor(absl::Milliseconds(1));
  EXPECT_THAT(observer_.seen, ElementsAre("live"));
  ASSERT_OK(table_->Send(kOne, request));
  const auto operation = agent.NextOf(v1::HubMessage::kOperation);
  ASSERT_TRUE(operation.has_value());
  EXPECT_EQ(operation->operation().lifetime_ms(), 30'000u);
  v1::AgentMessage update;
  update.mutable_operation_update()->set_id(id.Raw());
  update.mutable_operation_update()->set_state(v1::OperationUpdate::SUCCEEDED);
  update.mutable_operation_update()->set_message("done");
  EXPECT_TRUE(agent.Say(update));
  EXPECT_THAT(observer_.seen, Contains("operation 5 3 done"));
  table_->AcknowledgeOperation(kOne, id);
  EXPECT_TRUE(agent.NextOf(v1::HubMessage::kOperationAck).has_value());
}

TEST_F(SessionTableTest, AnOperationThatIsAcknowledgedIsNotSentAfterThat) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  loop_.RunFor(absl::Milliseconds(1));
  const OperationId first(OperationId::Bytes{1}), second(OperationId::Bytes{2});
  for (const OperationId& id : {first, second}) {
    ASSERT_OK(table_->Send(kOne, {.id = id,
                                  .key = App("cart", "1").key,
                                  .uid = App("cart", "1").uid,
                                  .kind = v1::Operation::SYNC,
                                  .lifetime = absl::Seconds(30),
                                  .parameters = "{}"}));
  }
  // The first is being written meanwhile.
  table_->AcknowledgeOperation(kOne, second);
  const auto sent = agent.NextOf(v1::HubMessage::kOperation);
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(sent->operation().id(), first.Raw());
  const auto acknowledged = agent.NextOf(v1::HubMessage::kOperationAck);
  ASSERT_TRUE(acknowledged.has_value());
  EXPECT_EQ(acknowledged->operation_ack().id(), second.Raw());
  EXPECT_FALSE(agent.NextOf(v1::HubMessage::kOperation).has_value());
}

TEST_F(SessionTableTest, OperationsThatWaitAreBounded) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  loop_.RunFor(absl::Milliseconds(100));
  absl::Status status;
  for (size_t i = 0; i <= SessionOptions().operations_max && status.ok(); ++i)
    status = table_->Send(kOne, {});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(SessionTableTest, DrainingSaysGoodbyeToAllAndToWhoeverComes) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  table_->Drain(absl::Seconds(3), absl::Seconds(7));
  const v1::Goodbye goodbye = agent.Dismissed();
  EXPECT_EQ(goodbye.why(), v1::Goodbye::DRAINING);
  EXPECT_EQ(goodbye.retry_after_ms(), 3'000u);
  EXPECT_EQ(goodbye.spread_ms(), 7'000u);
  ScriptedAgent late = Connect(kTwo);
  EXPECT_EQ(late.Dismissed().why(), v1::Goodbye::DRAINING);
}

TEST_F(SessionTableTest, ARevokedClusterIsSentAwayAtOnce) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  ScriptedAgent other = Connect(kTwo);
  other.Hello();
  other.Welcomed();
  table_->Revoke(kOne);
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::REVOKED);
  EXPECT_FALSE(other.gone());
  table_->Forget(kOne);
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kNeverSeen);
}

TEST_F(SessionTableTest, ALogThatPassesToANewerAuthorityEndsTheSession) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  WriteBatch batch;
  batch.OpenLog(kOne, {kHub.hub, 4, 1});
  batch.Put(kOne, App("cart", "1"));
  Commit(std::move(batch));
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::DRAINING);
  EXPECT_FALSE(agent.Next().has_value());
}

TEST_F(SessionTableTest, AStoreThatFailsEndsTheSession) {
  ScriptedAgent agent = Connect(kOne);
  disk_.FailNextPersist(absl::DataLossError("bad disk"));
  agent.Hello();
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::UNAVAILABLE);
}

TEST_F(SessionTableTest, AClusterWithoutALogIsAskedToComeLater) {
  const intent::ClusterId stranger(intent::ClusterId::Bytes{3});
  ScriptedAgent agent = Connect(stranger);
  agent.Hello();
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::UNAVAILABLE);
}

}  // namespace
}  // namespace leidang::hub
