#include "hub/control/application_brakes.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/conditions/held_list.h"
#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/memory_rows.h"
#include "hub/store/memory_store.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kCart[] = "leidang/cart";
constexpr char kPay[] = "leidang/pay";

// Two Applications of one cluster that is away; what it reported last is in the store.
class ApplicationBrakesTest : public ::testing::Test {
 protected:
  ApplicationBrakesTest() : store_(*OpenMemoryStore(&store_rows_, &loop_)) {
    ledger_ = *OpenLedger(&ledger_rows_, &loop_);
    records_ = std::make_unique<FleetRecords>(loop_, *ledger_, log_);
    records_->Load(*intent::HubId::FromRaw("hub-hub-hub-hub-"),
                   [](const absl::Status& status) { EXPECT_OK(status); });
    loop_.RunFor(absl::Seconds(1));
    operations_ = std::make_unique<Operations>(
        Operations::Ports{loop_, *records_, *store_, random_,
                          [](const intent::ClusterId&, const OperationRequest&,
                             const std::function<void(absl::Status)>& sent) {
                            sent(absl::UnavailableError("no session"));
                          },
                          [](const intent::ClusterId&, const OperationId&) {}});
    brakes_ = std::make_unique<ApplicationBrakes>(*records_, *store_, *operations_);
    ClusterRegistration cluster;
    cluster.id = cluster_;
    cluster.name = "one";
    cluster.server = "https://one.leidang.invalid";
    records_->Write({change::PutCluster{cluster}},
                    [](const absl::Status& status) { EXPECT_OK(status); });
    WriteBatch batch;
    batch.OpenLog(cluster_, {*intent::HubId::FromRaw("hub-hub-hub-hub-"), 1, 1});
    for (const char* key : {kCart, kPay}) {
      DerivedApplication application;
      application.key = key;
      application.uid = UidOf(key);
      application.cluster = cluster_;
      application.manifest = "{}";
      batch.PutApplication(std::move(application));
    }
    Commit(std::move(batch));
  }

  static intent::Uid UidOf(const std::string& key) {
    return intent::ComputeUid(*intent::HubId::FromRaw("hub-hub-hub-hub-"),
                              {intent::EntryKind::kApplication, key}, 0);
  }
  void Commit(WriteBatch batch) {
    store_->Commit(std::move(batch), &loop_,
                   [](const CommitResult& result) { EXPECT_OK(result.status); });
    loop_.RunFor(absl::Seconds(1));
  }
  // `digit`: what the digest of the list consists of; 0: nothing is held.
  void Report(const std::string& key, char digit, const std::string& message = "") {
    intent::EntryStatus status;
    status.key = {intent::EntryKind::kApplication, key};
    status.uid = UidOf(key);
    if (digit != 0) {
      const conditions::HeldList list{
          "20 of 31 objects would go", std::string(64, digit), 20, {"ConfigMap shop/a"}};
      status.conditions.push_back({"DeletionsHeld", "DeletionsHeld",
                                   message.empty() ? conditions::HeldListText(list) : message,
                                   absl::FromUnixSeconds(1'800'000'000)});
    }
    WriteBatch batch;
    batch.PutStatus(cluster_, std::move(status));
    Commit(std::move(batch));
  }
  std::vector<ApplicationBrakes::Held> List() {
    auto held = brakes_->List(100);
    EXPECT_OK(held);
    return *std::move(held);
  }
  absl::Status Approve(const std::string& digest) {
    const auto held = brakes_->Find(digest);
    if (!held.ok()) return held.status();
    std::optional<absl::Status> answer;
    brakes_->Approve(*held, {"admin", ""}, [&](const absl::Status& status) { answer = status; });
    loop_.RunFor(absl::Seconds(1));
    return answer.value_or(absl::UnknownError("no answer"));
  }

  SimLoop loop_;
  SeededRandom random_{1};
  NoLog log_;
  MemoryRows ledger_rows_;
  MemoryRows store_rows_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<FleetRecords> records_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<ApplicationBrakes> brakes_;
  const intent::ClusterId cluster_ = *intent::ClusterId::FromRaw("cluster-cluster-");
};

TEST_F(ApplicationBrakesTest, ListsWhatAgentsHoldUntilTheyReportThatTheyDoNot) {
  EXPECT_THAT(List(), IsEmpty());
  Report(kCart, 'a');
  Report(kPay, 'a');
  std::vector<ApplicationBrakes::Held> held = List();
  ASSERT_THAT(held, SizeIs(2));
  EXPECT_EQ(BrakeText(held[0]), "application leidang/cart on one");
  EXPECT_EQ(held[0].objects, 20u);
  EXPECT_THAT(held[0].names, ElementsAre("ConfigMap shop/a"));
  EXPECT_EQ(held[0].why, "20 of 31 objects would go");
  EXPECT_EQ(held[0].since, absl::FromUnixSeconds(1'800'000'000));
  EXPECT_NE(held[0].digest, held[1].digest) << "each is approved by itself";
  EXPECT_EQ(brakes_->List(1)->size(), 1u);
  Report(kCart, 0);
  held = List();
  ASSERT_THAT(held, SizeIs(1));
  EXPECT_EQ(held[0].application, kPay);
  Report(kPay, 'a', "held, says an agent of another version");
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(ApplicationBrakesTest, AnApprovalIsADurableSyncWithTheAgentsDigest) {
  Report(kCart, 'a');
  const std::string digest = List()[0].digest;
  EXPECT_OK(Approve(digest.substr(0, 12)));
  const std::vector<OperationRecord> operations = operations_->OfApplication(kCart);
  ASSERT_THAT(operations, SizeIs(1));
  EXPECT_EQ(operations[0].kind, OperationKind::kSync);
  EXPECT_EQ(operations[0].requested_by, "admin");
  EXPECT_THAT(operations[0].parameters,
              HasSubstr(absl::StrCat("\"approveDeletions\":\"", std::string(64, 'a'), "\"")));
  EXPECT_THAT(Approve(digest),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("under way")));
}

TEST_F(ApplicationBrakesTest, OnlyTheListThatIsHeldCanBeApproved) {
  Report(kCart, 'a');
  const std::string digest = List()[0].digest;
  EXPECT_THAT(Approve(digest.substr(0, 11)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Approve(std::string(64, 'a')), StatusIs(absl::StatusCode::kNotFound))
      << "the agent's digest alone does not say where";
  Report(kCart, 'b');
  EXPECT_THAT(Approve(digest),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("may have changed")));
  EXPECT_THAT(operations_->OfApplication(kCart), IsEmpty());
}

}  // namespace
}  // namespace leidang::hub
