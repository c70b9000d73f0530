// Sessions of clusters that are held: asked, and sent nothing.

#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "hub/session/session_fixture_test.h"

namespace leidang::hub {
namespace {

class HeldSessionTest : public SessionFixture {
 protected:
  void Hold(std::set<intent::ClusterId> clusters, Surveys when = Surveys::kNow) {
    table_->Hold(std::move(clusters), when,
                 [this](const intent::ClusterId& id, const Difference& difference) {
                   EXPECT_EQ(id, kOne);
                   surveys_.push_back(difference);
                 });
  }

  // As agents of this version do: says what it can be asked.
  static void Greet(ScriptedAgent& agent, const intent::Authority& authority,
                    intent::Revision revision, const std::vector<intent::Assignment>& held) {
    v1::AgentMessage message;
    v1::Hello* hello = message.mutable_hello();
    hello->set_cluster_id(kOne.Raw());
    if (!authority.hub.IsNone()) wire::ToProto(authority, hello->mutable_authority());
    hello->set_revision(revision);
    hello->set_intent_root(DigestOf(held).Root().Raw());
    hello->set_instance("one");
    hello->add_features("survey");
    EXPECT_TRUE(agent.Say(std::move(message)));
  }

  // Answers one request with what is held; false if none comes.
  bool Answer(ScriptedAgent& agent, const std::vector<intent::Assignment>& held) {
    const std::optional<v1::HubMessage> message = agent.Next();
    if (!message.has_value() || !message->has_bucket_request()) return false;
    const v1::BucketRequest& request = message->bucket_request();
    EXPECT_EQ(request.session_epoch(), 0u);
    v1::AgentMessage answer;
    v1::BucketReport* report = answer.mutable_bucket_report();
    report->set_round(request.round());
    if (request.buckets().empty()) {
      const proof::BucketedDigest digest = DigestOf(held);
      for (const proof::Bucket& bucket : digest.buckets()) {
        v1::BucketSum* sum = report->add_sums();
        sum->set_bucket(bucket.index);
        sum->set_count(bucket.count);
        sum->set_sum(bucket.sum.Raw());
      }
    }
    for (const uint32_t bucket : request.buckets()) {
      report->add_buckets(bucket);
      for (const intent::Assignment& assignment : held) {
        if (proof::BucketOf(assignment.key) != bucket) continue;
        v1::EntryDigest* entry = report->add_entries();
        entry->set_key(assignment.key.ToString());
        entry->set_uid(assignment.uid.Raw());
        entry->set_element(proof::ElementOf(assignment).Raw());
      }
    }
    EXPECT_TRUE(agent.Say(std::move(answer)));
    loop_.RunFor(absl::Milliseconds(1));
    return true;
  }

  std::vector<Difference> surveys_;
};

TEST_F(HeldSessionTest, AHeldClusterIsAskedAndSentNothing) {
  Put(kOne, App("same", "1"));
  Put(kOne, App("changed", "2"));
  Put(kOne, App("new", "1"));
  Put(kOne, App("renamed", "1", 8));
  Put(kOne, App("ending", "1"));
  Delete(kOne, App("ending", "1"));
  Hold({kOne});
  ScriptedAgent agent = Connect(kOne);
  const std::vector<intent::Assignment> held = {App("same", "1"), App("changed", "1"),
                                                App("ending", "1"), App("unknown", "1"),
                                                App("renamed", "1", 9)};
  Greet(agent, kHub, 3, held);
  EXPECT_TRUE(Answer(agent, held));
  EXPECT_TRUE(Answer(agent, held));
  ASSERT_EQ(surveys_.size(), 1u);
  const Difference& found = surveys_[0];
  EXPECT_EQ(found.equal, 1u);
  ASSERT_EQ(found.add.size(), 1u);
  EXPECT_EQ(found.add[0].key.name, "leidang/new");
  ASSERT_EQ(found.change.size(), 1u);
  EXPECT_EQ(found.change[0].key.name, "leidang/changed");
  ASSERT_EQ(found.remove.size(), 1u);
  EXPECT_EQ(found.remove[0].key.name, "leidang/ending");
  ASSERT_EQ(found.keep.size(), 1u);
  EXPECT_EQ(found.keep[0].key.name, "leidang/unknown");
  ASSERT_EQ(found.other_uid.size(), 1u);
  EXPECT_EQ(found.other_uid[0].agent, App("renamed", "1", 9).uid);
  EXPECT_EQ(found.other_uid[0].hub, App("renamed", "1", 8).uid);
  EXPECT_EQ(found.agent_authority, kHub);
  EXPECT_FALSE(found.Empty());
  EXPECT_TRUE(agent.silent());
  EXPECT_EQ(table_->View(kOne).verdict, LinkVerdict::kOffline);
}

TEST_F(HeldSessionTest, NobodyIsAskedBeforeTheSetsAreExpanded) {
  Hold({kOne}, Surveys::kLater);
  ScriptedAgent agent = Connect(kOne);
  Greet(agent, kHub, 0, {});
  EXPECT_FALSE(agent.Next().has_value());
  Put(kOne, App("a", "1"));
  EXPECT_FALSE(agent.Next().has_value());
  Hold({kOne});
  EXPECT_TRUE(Answer(agent, {App("a", "1")}));
  ASSERT_EQ(surveys_.size(), 1u);
  EXPECT_TRUE(surveys_[0].Empty());
  EXPECT_EQ(surveys_[0].equal, 1u);
}

TEST_F(HeldSessionTest, AChangeOfTheLogAsksAgain) {
  Hold({kOne});
  ScriptedAgent agent = Connect(kOne);
  const std::vector<intent::Assignment> held = {App("a", "1")};
  Greet(agent, kHub, 1, held);
  EXPECT_TRUE(Answer(agent, held));
  EXPECT_TRUE(Answer(agent, held));
  ASSERT_EQ(surveys_.size(), 1u);
  EXPECT_EQ(surveys_[0].keep.size(), 1u);
  Put(kOne, App("a", "1"));
  EXPECT_TRUE(Answer(agent, held));
  ASSERT_EQ(surveys_.size(), 2u);
  EXPECT_TRUE(surveys_[1].Empty());
}

TEST_F(HeldSessionTest, OneThatIsLetGoIsWelcomedUnderTheNewAuthority) {
  Put(kOne, App("a", "1"));
  Hold({kOne});
  ScriptedAgent agent = Connect(kOne);
  Greet(agent, kHub, 1, {App("a", "1")});
  EXPECT_TRUE(Answer(agent, {App("a", "1")}));
  intent::Authority raised = kHub;
  ++raised.epoch;
  WriteBatch batch;
  batch.OpenLog(kOne, raised);
  Commit(std::move(batch));
  Hold({});
  const v1::Welcome welcome = agent.Welcomed();
  EXPECT_EQ(welcome.authority().epoch(), raised.epoch);
  EXPECT_EQ(welcome.mode(), v1::Welcome::COMPARE);
}

TEST_F(HeldSessionTest, AnAgentThatHoldsMoreThanTheHubEverHadIsAskedToo) {
  Put(kOne, App("a", "1"));
  Hold({});
  ScriptedAgent agent = Connect(kOne);
  const std::vector<intent::Assignment> held = {App("a", "1"), App("b", "1")};
  Greet(agent, kHub, 9, held);
  EXPECT_TRUE(Answer(agent, held));
  EXPECT_TRUE(Answer(agent, held));
  ASSERT_EQ(surveys_.size(), 1u);
  EXPECT_EQ(surveys_[0].keep.size(), 1u);
  EXPECT_EQ(surveys_[0].agent_revision, 9u);
  EXPECT_EQ(table_->View(kOne).trouble, LinkTrouble::kHubBehind);
}

TEST_F(HeldSessionTest, AnotherIncarnationOfThisHubIsAskedToo) {
  Hold({});
  ScriptedAgent agent = Connect(kOne);
  intent::Authority other = kHub;
  ++other.incarnation;
  Greet(agent, other, 0, {});
  EXPECT_TRUE(Answer(agent, {}));
  ASSERT_EQ(surveys_.size(), 1u);
  EXPECT_EQ(surveys_[0].agent_authority, other);
}

TEST_F(HeldSessionTest, AForeignHubsAgentIsLeftToRefuse) {
  Hold({});
  ScriptedAgent agent = Connect(kOne);
  intent::Authority foreign = kHub;
  foreign.hub = intent::HubId(intent::HubId::Bytes{8});
  Greet(agent, foreign, 4, {});
  EXPECT_EQ(agent.Welcomed().mode(), v1::Welcome::COMPARE);
  EXPECT_TRUE(surveys_.empty());
}

TEST_F(HeldSessionTest, AnAgentOfAnEarlierVersionIsKnownByItsDigestOnly) {
  Put(kOne, App("a", "1"));
  Hold({kOne});
  ScriptedAgent same = Connect(kOne);
  same.Hello(kHub, 1, DigestOf({App("a", "1")}));
  loop_.RunFor(absl::Milliseconds(1));
  ASSERT_EQ(surveys_.size(), 1u);
  EXPECT_TRUE(surveys_[0].Empty());
  ScriptedAgent other = Connect(kOne);
  other.Hello(kHub, 1, DigestOf({App("a", "2")}), "two");
  loop_.RunFor(absl::Milliseconds(1));
  ASSERT_EQ(surveys_.size(), 2u);
  EXPECT_TRUE(surveys_[1].unknown);
  EXPECT_FALSE(surveys_[1].Empty());
  EXPECT_TRUE(other.silent());
}

TEST_F(HeldSessionTest, AHoldEndsALiveSession) {
  ScriptedAgent agent = Connect(kOne);
  agent.Hello();
  agent.Welcomed();
  Hold({kOne});
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::BEHIND);
}

TEST_F(HeldSessionTest, WhatWasNotAskedForIsMisbehaviour) {
  Hold({kOne}, Surveys::kLater);
  ScriptedAgent agent = Connect(kOne);
  Greet(agent, kHub, 0, {});
  v1::AgentMessage report;
  report.mutable_bucket_report()->set_round(1);
  agent.Say(std::move(report));
  EXPECT_EQ(agent.Dismissed().why(), v1::Goodbye::PROTOCOL);
  EXPECT_TRUE(surveys_.empty());
}

TEST(DifferenceTest, TheDigestIsOverAllLists) {
  Difference difference;
  std::set<object::Sha256> digests = {difference.Digest()};
  const UnclaimedEntry entry{{intent::EntryKind::kApplication, "leidang/a"},
                             intent::Uid(intent::Uid::Bytes{1})};
  for (auto* list : {&difference.add, &difference.change, &difference.remove, &difference.keep}) {
    list->push_back(entry);
    EXPECT_TRUE(digests.insert(difference.Digest()).second);
    list->clear();
  }
  difference.other_uid.push_back({entry.key, entry.uid, intent::Uid(intent::Uid::Bytes{2})});
  EXPECT_TRUE(digests.insert(difference.Digest()).second);
  difference.other_uid.clear();
  difference.beyond.keep = 1;
  EXPECT_TRUE(difference.cut());
  EXPECT_TRUE(digests.insert(difference.Digest()).second);
  difference.beyond.keep = 0;
  difference.unknown = true;
  EXPECT_TRUE(digests.insert(difference.Digest()).second);
}

}  // namespace
}  // namespace leidang::hub
