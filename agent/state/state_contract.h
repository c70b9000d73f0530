#pragma once

// The contract test that every State passes. An implementation's test includes this in one file and
// instantiates it:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StateContract, ::testing::Values(&NewMemoryStateUnderTest));

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/state/state.h"
#include "common/proof/bucketed_digest.h"
#include "common/proof/status_digest.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {

// An implementation on a disk of its own.
class StateUnderTest {
 public:
  virtual ~StateUnderTest() = default;
  virtual State& state() = 0;
  // Ends the object, pending commits with it, and opens another on the same disk.
  virtual void Reopen() = 0;
  // Runs the loop until `done` holds. False if it does not within reason.
  virtual bool RunUntil(const std::function<bool()>& done) = 0;
};

using MakeStateUnderTest = std::unique_ptr<StateUnderTest> (*)();

class StateContract : public ::testing::TestWithParam<MakeStateUnderTest> {
 protected:
  static constexpr intent::Authority kHub{intent::HubId({1}), 4, 77};

  State& state() { return twin_->state(); }

  absl::Status Run(const std::function<void(State::Done)>& call) {
    absl::Status result;
    bool done = false;
    call([&](absl::Status status) {
      result = std::move(status);
      done = true;
    });
    EXPECT_FALSE(done) << "a completion ran inside the call";
    EXPECT_TRUE(twin_->RunUntil([&] { return done; })) << "no completion";
    return result;
  }
  absl::Status Commit(Transaction transaction) {
    return Run([&](State::Done done) { state().Commit(std::move(transaction), std::move(done)); });
  }

  static intent::EntryKey Key(const std::string& name) {
    return {intent::EntryKind::kApplication, absl::StrCat("leidang/", name)};
  }
  static EntryRef Ref(const std::string& name, uint8_t uid = 1) {
    return {Key(name), intent::Uid({uid})};
  }
  static intent::Assignment Assigned(const std::string& name, const std::string& body,
                                     uint8_t uid = 1) {
    return {.key = Key(name), .uid = intent::Uid({uid}), .body = body, .sources = {}};
  }
  static intent::Change Put(intent::Revision revision, const std::string& name,
                            const std::string& body, uint8_t uid = 1) {
    return {revision, Assigned(name, body, uid)};
  }
  static intent::Change Delete(
      intent::Revision revision, const std::string& name, uint8_t uid = 1,
      intent::DeletionPolicy policy = intent::DeletionPolicy::kForeground) {
    return {revision,
            intent::Tombstone{.key = Key(name), .uid = intent::Uid({uid}), .policy = policy}};
  }
  static Receive Log(intent::Revision from, intent::Revision to,
                     std::vector<intent::Change> changes) {
    return {.authority = kHub,
            .session_epoch = 1,
            .from = from,
            .to = to,
            .changes = std::move(changes),
            .unclaimed = {},
            .comparison = Comparison::kNone};
  }
  static intent::EntryStatus Status(const std::string& name, const std::string& message) {
    return {.key = Key(name),
            .uid = intent::Uid({1}),
            .message = message,
            .observed_at = absl::FromUnixSeconds(1'700'000'000)};
  }

  EntryPhase PhaseOf(const EntryRef& ref) {
    const absl::StatusOr<Entry> entry = state().Find(ref);
    EXPECT_OK(entry.status());
    return entry.ok() ? entry->head.phase : EntryPhase{};
  }
  std::string BodyOf(const EntryRef& ref) {
    const absl::StatusOr<Entry> entry = state().Find(ref);
    EXPECT_OK(entry.status());
    return entry.ok() && entry->assignment.has_value() ? entry->assignment->body : "(none)";
  }
  // Obeys kHub and holds cart=1, desk=1 at revision 2.
  void HoldTwo() {
    ASSERT_OK(Commit({Obey{kHub, 1}, Log(0, 2, {Put(1, "cart", "1"), Put(2, "desk", "1")})}));
  }
  object::Sha256 RootOf(const std::vector<intent::Assignment>& assignments) {
    proof::BucketedDigest digest;
    for (const intent::Assignment& a : assignments) digest.Add(a.key, proof::ElementOf(a));
    return digest.Root();
  }

  std::unique_ptr<StateUnderTest> twin_ = GetParam()();
};

using ::leidang::testing::IsOkAndHolds;
using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_P(StateContract, BeginsWithNothing) {
  EXPECT_EQ(state().allegiance(), Allegiance());
  EXPECT_THAT(state().Heads(), IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(state().intent_digest().Root(), proof::BucketedDigest().Root());
  EXPECT_EQ(state().statuses_waiting(), 0u);
  EXPECT_EQ(state().status_digest(), proof::StatusDigest().Root());
  EXPECT_THAT(state().Find(Ref("cart")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("leidang/cart")));
}

TEST_P(StateContract, WhatWasCommittedIsThereAfterReopening) {
  HoldTwo();
  ASSERT_OK(Commit({PutInventory{Ref("cart"), {{"apps", "Deployment", "shop", "cart"}, "u", "h"}},
                    PutStatus{Status("cart", "m")},
                    PutOperation{{.id = OperationId({9}),
                                  .entry = Ref("cart"),
                                  .parameters = "{}",
                                  .expires = absl::FromUnixSeconds(1'800'000'000)}}}));
  const object::Sha256 root = state().intent_digest().Root();
  const object::Sha256 statuses = state().status_digest();
  ASSERT_OK_AND_ASSIGN(const std::vector<EntryHead> heads, state().Heads());
  ASSERT_OK_AND_ASSIGN(const auto operations, state().Operations());
  twin_->Reopen();
  EXPECT_EQ(state().allegiance(), (Allegiance{kHub, 1, 2}));
  EXPECT_THAT(state().Heads(), IsOkAndHolds(heads));
  EXPECT_EQ(heads.size(), 2u);
  EXPECT_EQ(BodyOf(Ref("cart")), "1");
  EXPECT_EQ(state().intent_digest().Root(), root);
  EXPECT_EQ(root, RootOf({Assigned("cart", "1"), Assigned("desk", "1")}));
  EXPECT_THAT(state().Operations(), IsOkAndHolds(operations));
  EXPECT_EQ(state().status_digest(), statuses);
  EXPECT_EQ(state().statuses_waiting(), 1u);
  EXPECT_THAT(
      state().Inventory(Ref("cart")),
      IsOkAndHolds(ElementsAre(InventoryItem{{"apps", "Deployment", "shop", "cart"}, "u", "h"})));
}

TEST_P(StateContract, AnAssignmentComesBackWithAllItsFields) {
  intent::Assignment full = Assigned("cart", R"({"spec":{}})");
  full.sources = {{.repo_url = "https://example.com/r.git",
                   .target_revision = "v1.*",
                   .commit = "c0ffee",
                   .path = "apps/cart",
                   .tool = intent::Tool::kKustomize,
                   .tree = object::Sha256::Of("tree")},
                  {.repo_url = "b",
                   .target_revision = "",
                   .commit = "",
                   .path = ".",
                   .tool = intent::Tool::kHelm,
                   .tree = {}}};
  ASSERT_OK(Commit({Obey{kHub, 1}, Log(0, 1, {intent::Change{1, full}})}));
  twin_->Reopen();
  ASSERT_OK_AND_ASSIGN(const Entry entry, state().Find(Ref("cart")));
  EXPECT_EQ(entry.assignment, full);
  EXPECT_EQ(entry.head.element, proof::ElementOf(full));
  EXPECT_EQ(entry.head.epoch, kHub.epoch);
  EXPECT_EQ(entry.head.revision, 1u);
}

TEST_P(StateContract, TransactionsTakeEffectInOrder) {
  ASSERT_OK(Commit({Obey{kHub, 1}}));
  std::vector<int> order;
  for (int i = 0; i < 20; ++i) {
    state().Commit({Log(i, i + 1, {Put(i + 1, "cart", absl::StrCat(i))})},
                   [&order, i](absl::Status status) {
                     EXPECT_OK(status);
                     order.push_back(i);
                   });
  }
  ASSERT_TRUE(twin_->RunUntil([&] { return order.size() == 20; }));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(BodyOf(Ref("cart")), "19");
  EXPECT_EQ(state().intent_digest().count(), 1u);
}

TEST_P(StateContract, ATransactionThatFailsChangesNothing) {
  HoldTwo();
  const object::Sha256 root = state().intent_digest().Root();
  const object::Sha256 statuses = state().status_digest();
  EXPECT_THAT(
      Commit({Log(2, 4, {Put(3, "cart", "2"), Delete(4, "desk")}), PutStatus{Status("cart", "new")},
              MarkApplied{Ref("cart"), proof::ElementOf(Assigned("cart", "2"))},
              PutInventory{Ref("cart"), {{"", "ConfigMap", "a", "b"}, "", ""}},
              PutOperation{{.id = OperationId({9}), .entry = Ref("cart")}},
              FinishDeletion{Ref("cart")}}),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("leidang/cart")));
  EXPECT_EQ(state().allegiance(), (Allegiance{kHub, 1, 2}));
  EXPECT_EQ(state().intent_digest().Root(), root);
  EXPECT_EQ(state().applied_digest().count(), 0u);
  EXPECT_EQ(state().status_digest(), statuses);
  EXPECT_EQ(BodyOf(Ref("cart")), "1");
  EXPECT_EQ(PhaseOf(Ref("desk")), EntryPhase::kLive);
  EXPECT_THAT(state().Inventory(Ref("cart")), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(state().Operations(), IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(state().statuses_waiting(), 0u);
}

TEST_P(StateContract, OnlyTheAuthorityHeldAndNewerOnesOfItsHubAreObeyed) {
  ASSERT_OK(Commit({Obey{kHub, 6}}));
  EXPECT_THAT(Commit({Obey{{kHub.hub, 3, 1}, 9}}), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Commit({Obey{{kHub.hub, 4, 78}, 9}}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Commit({Obey{{intent::HubId({2}), 9, 1}, 9}}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("trust-hub")));
  EXPECT_EQ(state().allegiance(), (Allegiance{kHub, 6, 0}));
  ASSERT_OK(Commit({Obey{{kHub.hub, 5, 1}, 1}}));
  EXPECT_EQ(state().allegiance(), (Allegiance{{kHub.hub, 5, 1}, 1, 0}));
}

TEST_P(StateContract, ASessionEpochIsObeyedOnceAndOnlyUpwards) {
  ASSERT_OK(Commit({Obey{kHub, 5}}));
  EXPECT_THAT(Commit({Obey{kHub, 5}}), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Commit({Obey{kHub, 4}}), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_OK(Commit({Obey{kHub, 8}}));
}

TEST_P(StateContract, ANewAuthorityBeginsAtRevisionZeroAndKeepsEntries) {
  HoldTwo();
  ASSERT_OK(Commit({Obey{{kHub.hub, 5, 1}, 1}}));
  EXPECT_EQ(state().allegiance().revision, 0u);
  EXPECT_EQ(state().intent_digest().count(), 2u);
}

TEST_P(StateContract, ATrustedHubIsObeyedAndItsPutsCountAsNewer) {
  HoldTwo();
  const intent::Authority other{intent::HubId({2}), 1, 5};
  ASSERT_OK(Commit({TrustHub{other.hub}}));
  EXPECT_EQ(BodyOf(Ref("cart")), "1");
  ASSERT_OK(Commit({Obey{other, 1}}));
  Receive receive = Log(0, 1, {Put(1, "cart", "2")});
  receive.authority = other;
  ASSERT_OK(Commit({receive}));
  EXPECT_EQ(BodyOf(Ref("cart")), "2");
  EXPECT_EQ(BodyOf(Ref("desk")), "1");
}

TEST_P(StateContract, ChangesNeedTheAuthorityTheSessionAndTheRevisionThatAreHeld) {
  HoldTwo();
  Receive foreign = Log(2, 3, {Put(3, "cart", "2")});
  foreign.authority.incarnation = 78;
  EXPECT_THAT(Commit({foreign}), StatusIs(absl::StatusCode::kFailedPrecondition));
  Receive fenced = Log(2, 3, {Put(3, "cart", "2")});
  fenced.session_epoch = 0;
  EXPECT_THAT(Commit({fenced}), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Commit({Log(1, 3, {Put(3, "cart", "2")})}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Commit({Log(3, 4, {Put(4, "cart", "2")})}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Commit({Log(2, 3, {Put(2, "cart", "2")})}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Commit({Log(2, 3, {Put(4, "cart", "2")})}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Commit({Log(2, 5, {Put(4, "cart", "2"), Put(4, "desk", "2")})}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Commit({Log(2, 1, {})}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(BodyOf(Ref("cart")), "1");
  EXPECT_OK(Commit({Log(2, 9, {Put(4, "cart", "2")})}));
  EXPECT_EQ(state().allegiance().revision, 9u);
}

TEST_P(StateContract, AComparisonMovesTheRevisionOnlyWithItsLastPart) {
  HoldTwo();
  Receive part = Log(0, 0, {Put(7, "pump", "1")});
  part.comparison = Comparison::kPart;
  ASSERT_OK(Commit({part}));
  EXPECT_EQ(state().allegiance().revision, 2u);
  EXPECT_EQ(BodyOf(Ref("pump")), "1");
  Receive last = Log(0, 1, {});
  last.comparison = Comparison::kLast;
  EXPECT_THAT(Commit({last}), StatusIs(absl::StatusCode::kFailedPrecondition));
  last.to = 6;
  last.unclaimed = {Ref("desk"), Ref("never seen")};
  ASSERT_OK(Commit({last}));
  EXPECT_EQ(state().allegiance().revision, 6u);
  EXPECT_EQ(PhaseOf(Ref("desk")), EntryPhase::kUnclaimed);
  EXPECT_EQ(state().intent_digest().Root(), RootOf({Assigned("cart", "1"), Assigned("pump", "1")}));
  // The log from there brings the put again: it is not newer, and changes nothing.
  ASSERT_OK(Commit({Log(6, 8, {Put(7, "pump", "1"), Put(8, "desk", "2")})}));
  EXPECT_EQ(PhaseOf(Ref("desk")), EntryPhase::kLive);
  EXPECT_EQ(BodyOf(Ref("desk")), "2");
}

TEST_P(StateContract, AnOlderPutNeverReplacesANewerOne) {
  HoldTwo();
  Receive part = Log(0, 0, {Put(1, "desk", "older")});
  part.comparison = Comparison::kPart;
  ASSERT_OK(Commit({part}));
  EXPECT_EQ(BodyOf(Ref("desk")), "1");
  part.changes = {Put(1, "desk", "older namesake", 2)};
  ASSERT_OK(Commit({part}));
  EXPECT_EQ(PhaseOf(Ref("desk")), EntryPhase::kLive);
  EXPECT_THAT(state().Find(Ref("desk", 2)), StatusIs(absl::StatusCode::kNotFound));
  part.changes = {Delete(1, "desk")};
  ASSERT_OK(Commit({part}));
  EXPECT_EQ(PhaseOf(Ref("desk")), EntryPhase::kLive);
}

TEST_P(StateContract, ATombstoneEndsExactlyItsUidAndOnlyWhenCarriedOut) {
  HoldTwo();
  ASSERT_OK(Commit({PutInventory{Ref("cart"), {{"", "ConfigMap", "a", "b"}, "u", "h"}}}));
  ASSERT_OK(Commit({Log(2, 3, {Delete(3, "cart", 1, intent::DeletionPolicy::kOrphan)})}));
  EXPECT_EQ(PhaseOf(Ref("cart")), EntryPhase::kDeleting);
  EXPECT_EQ(BodyOf(Ref("cart")), "1");
  ASSERT_OK_AND_ASSIGN(const Entry entry, state().Find(Ref("cart")));
  EXPECT_EQ(entry.policy, intent::DeletionPolicy::kOrphan);
  EXPECT_EQ(state().intent_digest().Root(), RootOf({Assigned("desk", "1")}));
  twin_->Reopen();
  EXPECT_EQ(PhaseOf(Ref("cart")), EntryPhase::kDeleting);
  EXPECT_THAT(state().Inventory(Ref("cart")), IsOkAndHolds(::testing::SizeIs(1)));
  ASSERT_OK(Commit({FinishDeletion{Ref("cart")}, PutStatus{Status("cart", "gone")}}));
  EXPECT_THAT(state().Find(Ref("cart")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(state().Inventory(Ref("cart")), IsOkAndHolds(IsEmpty()));
  EXPECT_OK(Commit({FinishDeletion{Ref("cart")}}));
}

TEST_P(StateContract, AnEntryWithoutATombstoneCannotEnd) {
  HoldTwo();
  EXPECT_THAT(Commit({FinishDeletion{Ref("cart")}}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(PhaseOf(Ref("cart")), EntryPhase::kLive);
}

TEST_P(StateContract, ATombstoneOfSomethingUnknownIsKeptUntilCarriedOut) {
  HoldTwo();
  ASSERT_OK(Commit({Log(2, 3, {Delete(3, "pump", 7)})}));
  EXPECT_EQ(PhaseOf(Ref("pump", 7)), EntryPhase::kDeleting);
  EXPECT_EQ(BodyOf(Ref("pump", 7)), "(none)");
  twin_->Reopen();
  EXPECT_EQ(PhaseOf(Ref("pump", 7)), EntryPhase::kDeleting);
  EXPECT_EQ(state().intent_digest().count(), 2u);
}

TEST_P(StateContract, ARecreatedNamesakeLivesBesideTheOldOnesTombstone) {
  HoldTwo();
  ASSERT_OK(Commit({Log(2, 4, {Delete(3, "cart"), Put(4, "cart", "new", 2)})}));
  EXPECT_EQ(PhaseOf(Ref("cart", 1)), EntryPhase::kDeleting);
  EXPECT_EQ(PhaseOf(Ref("cart", 2)), EntryPhase::kLive);
  EXPECT_THAT(state().HeadsOf(Key("cart")), IsOkAndHolds(::testing::SizeIs(2)));
  ASSERT_OK(Commit({FinishDeletion{Ref("cart", 1)}}));
  EXPECT_EQ(BodyOf(Ref("cart", 2)), "new");
}

TEST_P(StateContract, ANamesakeThatComesWithoutATombstoneLeavesTheOldOneUnclaimed) {
  HoldTwo();
  ASSERT_OK(Commit({PutInventory{Ref("cart"), {{"", "ConfigMap", "a", "b"}, "u", "h"}}}));
  ASSERT_OK(Commit({Log(2, 3, {Put(3, "cart", "new", 2)})}));
  EXPECT_EQ(PhaseOf(Ref("cart", 1)), EntryPhase::kUnclaimed);
  EXPECT_EQ(PhaseOf(Ref("cart", 2)), EntryPhase::kLive);
  EXPECT_THAT(state().Inventory(Ref("cart", 1)), IsOkAndHolds(::testing::SizeIs(1)));
  EXPECT_EQ(state().intent_digest().count(), 2u);
  ASSERT_OK(Commit({Log(3, 4, {Delete(4, "cart", 1)})}));
  EXPECT_EQ(PhaseOf(Ref("cart", 1)), EntryPhase::kDeleting);
}

TEST_P(StateContract, AUidThatIsBeingDeletedDoesNotComeBack) {
  HoldTwo();
  ASSERT_OK(Commit({Log(2, 4, {Delete(3, "cart"), Put(4, "cart", "again")})}));
  EXPECT_EQ(PhaseOf(Ref("cart")), EntryPhase::kDeleting);
  EXPECT_EQ(state().intent_digest().count(), 1u);
}

TEST_P(StateContract, BucketsListTheirLiveEntries) {
  HoldTwo();
  ASSERT_OK(Commit({Log(2, 3, {Delete(3, "cart")})}));
  const uint8_t desk = proof::BucketOf(Key("desk"));
  ASSERT_OK_AND_ASSIGN(const std::vector<EntryHead> heads, state().LiveInBucket(desk));
  ASSERT_EQ(heads.size(), 1u);
  EXPECT_EQ(heads[0].ref, Ref("desk"));
  EXPECT_THAT(state().LiveInBucket(proof::BucketOf(Key("cart"))), IsOkAndHolds(IsEmpty()));
}

TEST_P(StateContract, AppliedCountsOnlyTheCurrentElement) {
  HoldTwo();
  const object::Sha256 one = proof::ElementOf(Assigned("cart", "1"));
  const object::Sha256 two = proof::ElementOf(Assigned("cart", "2"));
  ASSERT_OK(Commit({MarkApplied{Ref("cart"), one}}));
  EXPECT_EQ(state().applied_digest().Root(), RootOf({Assigned("cart", "1")}));
  ASSERT_OK(Commit({Log(2, 3, {Put(3, "cart", "2")})}));
  EXPECT_EQ(state().applied_digest().count(), 0u);
  ASSERT_OK(Commit({MarkApplied{Ref("cart"), one}}));
  EXPECT_EQ(state().applied_digest().count(), 0u);
  ASSERT_OK(Commit({MarkApplied{Ref("cart"), two}}));
  twin_->Reopen();
  EXPECT_EQ(state().applied_digest().Root(), RootOf({Assigned("cart", "2")}));
  ASSERT_OK(Commit({MarkApplied{Ref("cart"), {}}}));
  EXPECT_EQ(state().applied_digest().count(), 0u);
  EXPECT_OK(Commit({MarkApplied{Ref("never seen"), two}}));
}

TEST_P(StateContract, ANoteStaysWithItsEntryUntilItEnds) {
  HoldTwo();
  ASSERT_OK(
      Commit({PutNote{Ref("cart"), std::string("n\0x", 3)}, PutNote{Ref("never seen"), "n"}}));
  ASSERT_OK(Commit({Log(2, 3, {Put(3, "cart", "2")})}));
  twin_->Reopen();
  EXPECT_EQ(state().Find(Ref("cart"))->note, std::string("n\0x", 3));
  EXPECT_EQ(state().Find(Ref("desk"))->note, "");
  ASSERT_OK(Commit({PutNote{Ref("cart"), ""}}));
  EXPECT_EQ(state().Find(Ref("cart"))->note, "");
}

TEST_P(StateContract, InventoryIsReplacedByObjectAndHandedOverInOneTransaction) {
  HoldTwo();
  const object::ObjectKey object{"", "ConfigMap", "a", "b"};
  ASSERT_OK(Commit({PutInventory{Ref("cart"), {object, "u1", "h1"}}}));
  ASSERT_OK(Commit({PutInventory{Ref("cart"), {object, "u2", std::string("h\0", 2)}}}));
  EXPECT_THAT(state().Inventory(Ref("cart")),
              IsOkAndHolds(ElementsAre(InventoryItem{object, "u2", std::string("h\0", 2)})));
  ASSERT_OK(Commit(
      {RemoveInventory{Ref("cart"), object}, PutInventory{Ref("desk"), {object, "u2", "h2"}}}));
  EXPECT_THAT(state().Inventory(Ref("cart")), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(state().Inventory(Ref("desk")), IsOkAndHolds(::testing::SizeIs(1)));
  EXPECT_THAT(Commit({PutInventory{Ref("never seen"), {object, "", ""}}}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_OK(Commit({RemoveInventory{Ref("never seen"), object}}));
}

TEST_P(StateContract, StatusesAreMergedAndWaitUntilTheNewestIsAcknowledged) {
  HoldTwo();
  ASSERT_OK(Commit({PutStatus{Status("cart", "1")}, PutStatus{Status("desk", "1")}}));
  ASSERT_OK(Commit({PutStatus{Status("cart", "2")}}));
  EXPECT_EQ(state().statuses_waiting(), 2u);
  ASSERT_OK_AND_ASSIGN(std::vector<NumberedStatus> waiting, state().StatusesWaiting(0, 10));
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[0].status.key, Key("desk"));
  EXPECT_EQ(waiting[1].status.message, "2");
  EXPECT_LT(waiting[0].number, waiting[1].number);
  EXPECT_THAT(state().StatusesWaiting(waiting[0].number, 10),
              IsOkAndHolds(ElementsAre(waiting[1])));
  EXPECT_THAT(state().StatusesWaiting(0, 1), IsOkAndHolds(ElementsAre(waiting[0])));
  ASSERT_OK(
      Commit({PutStatus{Status("cart", "3")}, AcknowledgeStatus{Ref("cart"), waiting[1].number},
              AcknowledgeStatus{Ref("desk"), waiting[0].number}}));
  twin_->Reopen();
  ASSERT_OK_AND_ASSIGN(waiting, state().StatusesWaiting(0, 10));
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].status, Status("cart", "3"));
  EXPECT_THAT(state().FindStatus(Ref("desk")), IsOkAndHolds(Status("desk", "1")));
}

TEST_P(StateContract, ANumberIsNeverGivenTwice) {
  HoldTwo();
  ASSERT_OK(Commit({PutStatus{Status("cart", "1")}}));
  ASSERT_OK_AND_ASSIGN(const std::vector<NumberedStatus> first, state().StatusesWaiting(0, 10));
  ASSERT_OK(Commit({AcknowledgeStatus{Ref("cart"), first.at(0).number}}));
  twin_->Reopen();
  ASSERT_OK(Commit({PutStatus{Status("cart", "2")}}));
  ASSERT_OK_AND_ASSIGN(const std::vector<NumberedStatus> second, state().StatusesWaiting(0, 10));
  EXPECT_GT(second.at(0).number, first.at(0).number);
}

TEST_P(StateContract, AnAcknowledgedStatusOfAnEndedEntryIsForgotten) {
  HoldTwo();
  intent::EntryStatus gone = Status("cart", "");
  gone.gone = true;
  ASSERT_OK(Commit({PutStatus{gone}, PutStatus{Status("desk", "1")}}));
  proof::StatusDigest both;
  both.Add(proof::StatusElementOf(gone));
  both.Add(proof::StatusElementOf(Status("desk", "1")));
  EXPECT_EQ(state().status_digest(), both.Root());
  ASSERT_OK_AND_ASSIGN(const std::vector<NumberedStatus> waiting, state().StatusesWaiting(0, 10));
  for (const NumberedStatus& status : waiting) {
    ASSERT_OK(Commit({AcknowledgeStatus{{status.status.key, status.status.uid}, status.number}}));
  }
  EXPECT_EQ(state().statuses_waiting(), 0u);
  EXPECT_THAT(state().FindStatus(Ref("cart")), StatusIs(absl::StatusCode::kNotFound));
  both.Remove(proof::StatusElementOf(gone));
  EXPECT_EQ(state().status_digest(), both.Root());
  ASSERT_OK(Commit({ReportAllStatus{}}));
  EXPECT_EQ(state().statuses_waiting(), 1u);
}

TEST_P(StateContract, StatusesOfEndedEntriesAreBounded) {
  Transaction transaction;
  for (size_t i = 0; i < State::kGoneStatusesMax + 3; ++i) {
    intent::EntryStatus gone = Status(absl::StrCat("app-", i), "");
    gone.gone = true;
    transaction.push_back(PutStatus{gone});
  }
  ASSERT_OK(Commit(std::move(transaction)));
  EXPECT_EQ(state().statuses_waiting(), State::kGoneStatusesMax);
  EXPECT_THAT(state().FindStatus(Ref("app-2")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(state().FindStatus(Ref("app-3")).status());
}

TEST_P(StateContract, OperationsAreReplacedRemovedAndBounded) {
  ASSERT_OK(Commit({Obey{kHub, 1}}));
  OperationRecord operation{.id = OperationId({9}),
                            .entry = Ref("cart"),
                            .kind = OperationKind::kRefresh,
                            .parameters = R"({"a":1})",
                            .expires = absl::FromUnixSeconds(1'800'000'000)};
  ASSERT_OK(Commit({PutOperation{operation}}));
  operation.state = OperationState::kFailed;
  operation.message = "why";
  ASSERT_OK(Commit({PutOperation{operation}}));
  twin_->Reopen();
  EXPECT_THAT(state().Operations(), IsOkAndHolds(ElementsAre(operation)));
  ASSERT_OK(Commit({RemoveOperation{operation.id}, RemoveOperation{operation.id}}));
  EXPECT_THAT(state().Operations(), IsOkAndHolds(IsEmpty()));
  Transaction many;
  for (size_t i = 0; i < State::kOperationsMax; ++i) {
    operation.id = OperationId({static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i), 1});
    many.push_back(PutOperation{operation});
  }
  ASSERT_OK(Commit(std::move(many)));
  operation.id = OperationId({1, 1, 2});
  EXPECT_THAT(Commit({PutOperation{operation}}), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_P(StateContract, ContentIsKeptByItsDigestAndDroppedWhenNotWanted) {
  const std::string bytes("a\0b", 3);
  const object::Sha256 digest = object::Sha256::Of(bytes);
  EXPECT_THAT(state().HasContent(digest), IsOkAndHolds(false));
  EXPECT_THAT(state().GetContent(digest),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(digest.Hex())));
  ASSERT_OK(Run([&](State::Done done) { state().PutContent(digest, bytes, std::move(done)); }));
  ASSERT_OK(Run([&](State::Done done) {
    state().PutContent(object::Sha256::Of("c"), "c", std::move(done));
  }));
  EXPECT_THAT(Run([&](State::Done done) { state().PutContent(digest, "other", std::move(done)); }),
              StatusIs(absl::StatusCode::kInvalidArgument));
  twin_->Reopen();
  EXPECT_THAT(state().GetContent(digest), IsOkAndHolds(bytes));
  bool dropped = false;
  state().DropContentExcept({object::Sha256::Of("c")}, [&](absl::Status status) {
    EXPECT_OK(status);
    dropped = true;
  });
  ASSERT_OK(Run([&](State::Done done) {
    state().PutContent(object::Sha256::Of("d"), "d", std::move(done));
  }));
  EXPECT_TRUE(dropped);
  EXPECT_THAT(state().HasContent(digest), IsOkAndHolds(false));
  EXPECT_THAT(state().HasContent(object::Sha256::Of("c")), IsOkAndHolds(true));
  EXPECT_THAT(state().HasContent(object::Sha256::Of("d")), IsOkAndHolds(true));
}

class RecordingObserver final : public StateObserver {
 public:
  explicit RecordingObserver(State& state) : state_(state) {}
  void OnEntryChanged(const EntryRef& entry) override {
    const absl::StatusOr<Entry> found = state_.Find(entry);
    seen.push_back(absl::StrCat(entry.key.name, "/", entry.uid.bytes()[0], "=",
                                found.ok() ? static_cast<int>(found->head.phase) : 0));
  }
  void OnOperationChanged(const OperationId& id) override {
    seen.push_back(absl::StrCat("op ", id.bytes()[0]));
  }
  void OnStatusWaiting() override { seen.push_back("status"); }

  std::vector<std::string> seen;

 private:
  State& state_;
};

TEST_P(StateContract, ObserversHearOfChangesBeforeTheCompletionAndSeeThem) {
  RecordingObserver observer(state());
  state().AddObserver(&observer);
  std::vector<std::string> at_completion;
  bool done = false;
  state().Commit({Obey{kHub, 1}, Log(0, 2, {Put(1, "cart", "1"), Put(2, "cart", "2", 2)}),
                  PutStatus{Status("cart", "m")},
                  PutOperation{{.id = OperationId({9}), .entry = Ref("cart")}}},
                 [&](absl::Status status) {
                   EXPECT_OK(status);
                   at_completion = observer.seen;
                   done = true;
                 });
  EXPECT_THAT(observer.seen, IsEmpty());
  ASSERT_TRUE(twin_->RunUntil([&] { return done; }));
  EXPECT_THAT(at_completion, ::testing::UnorderedElementsAre("leidang/cart/1=3", "leidang/cart/2=1",
                                                             "status", "op 9"));
  observer.seen.clear();
  EXPECT_FALSE(Commit({FinishDeletion{Ref("cart", 2)}}).ok());
  EXPECT_THAT(observer.seen, IsEmpty());
  state().RemoveObserver(&observer);
  ASSERT_OK(Commit({Log(2, 3, {Delete(3, "cart", 1)})}));
  EXPECT_THAT(observer.seen, IsEmpty());
}

TEST_P(StateContract, EndingTheObjectDropsCompletions) {
  ASSERT_OK(Commit({Obey{kHub, 1}}));
  auto ran = std::make_shared<bool>(false);
  state().Commit({Log(0, 1, {Put(1, "cart", "1")})}, [ran](absl::Status) { *ran = true; });
  twin_->Reopen();
  // Whether it took effect is open; the state is whole in either case.
  ASSERT_OK_AND_ASSIGN(const std::vector<EntryHead> heads, state().Heads());
  EXPECT_EQ(state().allegiance().revision, heads.size());
  EXPECT_OK(Commit({PutStatus{Status("cart", "m")}}));
  EXPECT_FALSE(*ran);
}

}  // namespace leidang::agent
