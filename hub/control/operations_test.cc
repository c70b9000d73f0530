#include "hub/control/operations.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/memory_rows.h"
#include "hub/store/memory_store.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::IsOk;
using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kCart[] = "leidang/cart";

// Control loop, ledger and store in one simulated thread; sessions are what `connected` says.
class OperationsTest : public ::testing::Test {
 protected:
  OperationsTest() {
    Open();
    cluster_.id = *intent::ClusterId::FromRaw("cluster-cluster-");
    cluster_.name = "one";
    cluster_.server = "https://one.leidang.invalid";
    cluster_.log = {records_->hub(), 1, 7};
    Write({change::PutCluster{cluster_}});
    DerivedApplication application;
    application.key = kCart;
    application.uid = intent::ComputeUid(records_->hub(), Key(), 0);
    application.cluster = cluster_.id;
    application.manifest = "{}";
    WriteBatch batch;
    batch.PutApplication(application);
    store_->Commit(std::move(batch), &loop_,
                   [](const CommitResult& result) { EXPECT_OK(result.status); });
    loop_.RunFor(absl::Milliseconds(100));  // Operations look again and again: it is never idle.
  }

  static intent::EntryKey Key() { return {intent::EntryKind::kApplication, kCart}; }

  // A hub that starts on what is in the ledger.
  void Open() {
    operations_.reset();
    records_.reset();
    ledger_ = *OpenLedger(&ledger_rows_, &loop_);
    if (store_ == nullptr) store_ = *OpenMemoryStore(&store_rows_, &loop_);
    records_ = std::make_unique<FleetRecords>(loop_, *ledger_, log_);
    records_->Load(*intent::HubId::FromRaw("hub-hub-hub-hub-"),
                   [](const absl::Status& status) { EXPECT_OK(status); });
    loop_.RunFor(absl::Seconds(1));
    operations_ = std::make_unique<Operations>(Operations::Ports{
        loop_, *records_, *store_, random_,
        [this](const intent::ClusterId&, const OperationRequest& request,
               const std::function<void(absl::Status)>& answer) {
          if (connected_) sent_.push_back(request);
          loop_.Post([answer, connected = connected_] {
            answer(connected ? absl::OkStatus() : absl::UnavailableError("no session"));
          });
        },
        [this](const intent::ClusterId&, const OperationId& id) { acknowledged_.push_back(id); }});
    operations_->Start();
  }

  void Write(FleetRecords::Changes changes) {
    records_->Write(std::move(changes), [](const absl::Status& status) { EXPECT_OK(status); });
    loop_.RunFor(absl::Milliseconds(100));
  }

  absl::StatusOr<OperationRecord> Ask(Operations::Asked asked = {.application = kCart}) {
    std::optional<absl::StatusOr<OperationRecord>> answer;
    operations_->Request(asked, {"admin", ""},
                         [&](absl::StatusOr<OperationRecord> a) { answer = std::move(a); });
    loop_.RunFor(absl::Milliseconds(100));
    return answer.value_or(absl::UnknownError("no answer"));
  }
  void Report(const OperationId& id, OperationState state, const std::string& message = "") {
    operations_->OnUpdate(cluster_.id, id, state, message);
    loop_.RunFor(absl::Milliseconds(100));
  }
  OperationState StateOf(const OperationId& id) { return operations_->Find(id)->state; }

  SimLoop loop_;
  SeededRandom random_{1};
  NoLog log_;
  MemoryRows ledger_rows_;
  MemoryRows store_rows_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<FleetRecords> records_;
  std::unique_ptr<Operations> operations_;
  ClusterRegistration cluster_;
  bool connected_ = true;
  std::vector<OperationRequest> sent_;
  std::vector<OperationId> acknowledged_;
};

TEST_F(OperationsTest, IsDurableBeforeItIsSentAndEndsOnce) {
  const auto asked = Ask({.application = kCart, .parameters = R"({"prune":true})"});
  ASSERT_OK(asked);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].id, asked->id);
  EXPECT_EQ(sent_[0].parameters, R"({"prune":true})");
  EXPECT_EQ(sent_[0].kind, v1::Operation::SYNC);
  Report(asked->id, OperationState::kRunning);
  EXPECT_EQ(StateOf(asked->id), OperationState::kRunning);
  EXPECT_TRUE(acknowledged_.empty());
  Report(asked->id, OperationState::kSucceeded);
  EXPECT_THAT(acknowledged_, ElementsAre(asked->id));
  // An agent that did not hear the acknowledgement, or one that changed its mind.
  Report(asked->id, OperationState::kFailed, "no");
  EXPECT_EQ(StateOf(asked->id), OperationState::kSucceeded);
  EXPECT_EQ(acknowledged_.size(), 2u);
}

TEST_F(OperationsTest, IsSentAgainInEverySessionUntilItHasEndedAlsoAfterARestartOfTheHub) {
  connected_ = false;
  const auto asked = Ask();
  ASSERT_OK(asked);
  connected_ = true;
  operations_->OnSessionLive(cluster_.id);
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(sent_.size(), 2u);
  Open();
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(sent_.size(), 3u);
  Report(asked->id, OperationState::kFailed, "the source cannot be rendered");
  EXPECT_EQ(operations_->Find(asked->id)->message, "the source cannot be rendered");
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(sent_.size(), 3u);
}

TEST_F(OperationsTest, ExpiresIfTheClusterNeverCame) {
  connected_ = false;
  const auto asked = Ask({.application = kCart, .lifetime = absl::Minutes(1)});
  ASSERT_OK(asked);
  loop_.RunFor(absl::Minutes(2));
  EXPECT_EQ(StateOf(asked->id), OperationState::kExpired);
  connected_ = true;
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(sent_.empty());
}

TEST_F(OperationsTest, ExpiresInTimeIfItWasNeverSentAlsoAfterARestartOfTheHub) {
  connected_ = false;
  const auto asked = Ask({.application = kCart, .lifetime = absl::Minutes(1)});
  ASSERT_OK(asked);
  EXPECT_EQ(operations_->Find(asked->id)->delivery, Delivery::kNotSent)
      << "the attempt without a session is taken back";
  Open();
  EXPECT_EQ(StateOf(asked->id), OperationState::kPending);
  loop_.RunFor(absl::Minutes(2));
  EXPECT_EQ(StateOf(asked->id), OperationState::kExpired);
  EXPECT_THAT(operations_->Find(asked->id)->message, HasSubstr("never sent"));
  connected_ = true;
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(sent_.empty());
}

TEST_F(OperationsTest, ThatItMayBeSentIsDurableBeforeItIs) {
  const auto asked = Ask();
  ASSERT_OK(asked);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(operations_->Find(asked->id)->delivery, Delivery::kSent);
  // A session that comes and goes while the note is being written.
  connected_ = false;
  const auto other = Ask({.application = kCart, .kind = OperationKind::kRefresh});
  ASSERT_OK(other);
  operations_->OnSessionLive(cluster_.id);
  connected_ = true;
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(std::any_of(sent_.begin(), sent_.end(),
                          [&](const auto& sent) { return sent.id == other->id; }));
  EXPECT_EQ(operations_->Find(other->id)->delivery, Delivery::kSent);
  connected_ = false;
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(operations_->Find(other->id)->delivery, Delivery::kSent)
      << "what was sent once is not taken back";
}

TEST_F(OperationsTest, WithoutAnAnswerItIsShownAsExpiredUntilTheAgentTells) {
  const auto asked = Ask({.application = kCart, .lifetime = absl::Minutes(1)});
  ASSERT_OK(asked);
  Report(asked->id, OperationState::kAccepted);
  Open();
  loop_.RunFor(absl::Minutes(2));
  EXPECT_EQ(StateOf(asked->id), OperationState::kExpired);
  EXPECT_THAT(operations_->Find(asked->id)->message, HasSubstr("may have carried it out"));
  loop_.RunFor(absl::Hours(48));
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(sent_.back().id, asked->id);
  EXPECT_EQ(sent_.back().lifetime, absl::ZeroDuration());

  Report(asked->id, OperationState::kRunning);
  EXPECT_EQ(StateOf(asked->id), OperationState::kExpired) << "only an outcome replaces it";
  Report(asked->id, OperationState::kSucceeded, "done");
  EXPECT_EQ(StateOf(asked->id), OperationState::kSucceeded);
  EXPECT_EQ(operations_->Find(asked->id)->message,
            "done (reported after it had been shown as expired)");
  EXPECT_THAT(acknowledged_, ElementsAre(asked->id));
  Report(asked->id, OperationState::kFailed, "no");
  EXPECT_EQ(StateOf(asked->id), OperationState::kSucceeded) << "it is corrected once";
  operations_->OnSessionLive(cluster_.id);
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(sent_.size(), 2u);
}

TEST_F(OperationsTest, TheAgentConfirmsThatItsTimeWasOver) {
  const auto asked = Ask({.application = kCart, .lifetime = absl::Minutes(1)});
  ASSERT_OK(asked);
  loop_.RunFor(absl::Minutes(2));
  Report(asked->id, OperationState::kExpired, "its time was over before it came here");
  EXPECT_EQ(operations_->Find(asked->id)->message, "its time was over before it came here");
  EXPECT_THAT(acknowledged_, ElementsAre(asked->id));
}

TEST_F(OperationsTest, WhatHasBegunGoesOnBeyondItsTime) {
  const auto asked = Ask({.application = kCart, .lifetime = absl::Minutes(1)});
  ASSERT_OK(asked);
  Report(asked->id, OperationState::kRunning);
  loop_.RunFor(absl::Hours(1));
  EXPECT_EQ(StateOf(asked->id), OperationState::kRunning);
  loop_.RunFor(absl::Hours(24 * 7));
  EXPECT_EQ(StateOf(asked->id), OperationState::kFailed);
  EXPECT_THAT(operations_->Find(asked->id)->message, HasSubstr("no outcome for a week"));
}

TEST_F(OperationsTest, ARecordOfAnEarlierVersionMayHaveBeenSent) {
  OperationRecord old;
  old.id = *OperationId::FromRaw("fedcba9876543210");
  old.cluster = cluster_.id;
  old.key = Key();
  old.uid = intent::ComputeUid(records_->hub(), Key(), 0);
  old.parameters = "{}";
  old.requested_at = loop_.clock().Now();
  old.expires_at = old.requested_at + absl::Minutes(1);
  old.delivery = Delivery::kUnknown;
  Write({change::PutOperation{old}});
  Open();
  loop_.RunFor(absl::Minutes(2));
  EXPECT_EQ(StateOf(old.id), OperationState::kExpired);
  EXPECT_THAT(operations_->Find(old.id)->message, HasSubstr("may have carried it out"));
  Report(old.id, OperationState::kSucceeded);
  EXPECT_EQ(StateOf(old.id), OperationState::kSucceeded);
}

TEST_F(OperationsTest, EndsWhenItsClusterIsRemoved) {
  const auto asked = Ask();
  ASSERT_OK(asked);
  Write({change::EraseCluster{cluster_.id}});
  loop_.RunFor(absl::Seconds(10));
  EXPECT_EQ(StateOf(asked->id), OperationState::kFailed);
  EXPECT_THAT(operations_->Find(asked->id)->message, HasSubstr("removed"));
}

TEST_F(OperationsTest, WhatEndedIsKeptForADay) {
  const auto asked = Ask();
  ASSERT_OK(asked);
  Report(asked->id, OperationState::kSucceeded);
  loop_.RunFor(absl::Hours(23));
  EXPECT_EQ(operations_->OfApplication(kCart).size(), 1u);
  loop_.RunFor(absl::Hours(2));
  EXPECT_TRUE(operations_->OfApplication(kCart).empty());
  EXPECT_THAT(operations_->Find(asked->id).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(asked->id.Hex())));
}

TEST_F(OperationsTest, RefusesWhatCannotBeDone) {
  EXPECT_THAT(Ask({.application = "leidang/none"}).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("leidang/none")));
  EXPECT_THAT(Ask({.application = kCart, .lifetime = absl::ZeroDuration()}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most")));
  ASSERT_OK(Ask());
  EXPECT_THAT(Ask().status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("under way")));
  EXPECT_OK(Ask({.application = kCart, .kind = OperationKind::kRefresh}));
}

}  // namespace
}  // namespace leidang::hub
