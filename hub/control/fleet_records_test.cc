#include "hub/control/fleet_records.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/log/memory_log.h"
#include "common/time/sim_loop.h"
#include "hub/ledger/records.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/memory_rows.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::IsOk;
using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

intent::HubId Hub() { return *intent::HubId::FromRaw("hub-hub-hub-hub-"); }
intent::ClusterId Cluster(char c) { return *intent::ClusterId::FromRaw(std::string(16, c)); }
intent::EntryKey Entry(const std::string& key) { return {intent::EntryKind::kApplication, key}; }

WrittenObject Set(const std::string& name, const std::string& manifest = "{}") {
  WrittenObject object;
  object.key = absl::StrCat("leidang/", name);
  object.manifest = manifest;
  return object;
}

ClusterRegistration Registration(char c, const std::string& name) {
  ClusterRegistration cluster;
  cluster.id = Cluster(c);
  cluster.name = name;
  cluster.server = absl::StrCat("https://", name, ".leidang.invalid");
  cluster.log = {Hub(), 1, 7};
  return cluster;
}

PendingDeletion End(char cluster, const std::string& key, uint64_t n = 0) {
  PendingDeletion deletion;
  deletion.cluster = Cluster(cluster);
  deletion.key = Entry(key);
  deletion.uid = intent::ComputeUid(Hub(), Entry(key), n);
  deletion.reason = "no longer wanted";
  return deletion;
}

// Counts how often the disk is waited for.
class CountedRows final : public Rows {
 public:
  explicit CountedRows(MemoryRows& rows) : rows_(rows) {}

  absl::Status Persist(RowBatch batch, Durability durability) override {
    if (durability == Durability::kSynced) ++syncs_;
    return rows_.Persist(std::move(batch), durability);
  }
  std::shared_ptr<const RowView> Reveal(std::shared_ptr<const RowView> previous) override {
    return rows_.Reveal(std::move(previous));
  }
  int syncs() const { return syncs_; }

 private:
  MemoryRows& rows_;
  int syncs_ = 0;
};

class FleetRecordsTest : public ::testing::Test {
 protected:
  FleetRecordsTest() { EXPECT_OK(Open()); }

  // Opens what is on the disk, as a start of the program does.
  absl::Status Open() {
    records_.reset();
    ledger_.reset();
    ledger_ = *OpenLedger(&rows_, &loop_, {.commit_delay = absl::Milliseconds(1)});
    records_ = std::make_unique<FleetRecords>(loop_, *ledger_, log_);
    std::optional<absl::Status> loaded;
    records_->Load(Hub(), [&loaded](absl::Status status) { loaded = std::move(status); });
    loop_.RunUntilIdle();
    return loaded.value_or(absl::DeadlineExceededError("not loaded"));
  }

  absl::Status Write(FleetRecords::Changes changes) {
    std::optional<absl::Status> written;
    records_->Write(std::move(changes),
                    [&written](absl::Status status) { written = std::move(status); });
    loop_.RunUntilIdle();
    return written.value_or(absl::DeadlineExceededError("not written"));
  }

  SimLoop loop_;
  MemoryLog log_;
  MemoryRows disk_;
  CountedRows rows_{disk_};
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<FleetRecords> records_;
};

TEST_F(FleetRecordsTest, ANewLedgerHasAnIdentityAndTheDefaultProject) {
  EXPECT_EQ(records_->hub(), Hub());
  const WrittenObject* project = records_->Object(WrittenKind::kAppProject, "default");
  ASSERT_NE(project, nullptr);
  EXPECT_THAT(project->manifest, HasSubstr("sourceRepos"));
  EXPECT_EQ(records_->snapshot()->projects.count("default"), 1u);
}

TEST_F(FleetRecordsTest, EverythingIsThereAgainAfterAStart) {
  ClusterRegistration cluster = Registration('1', "staging");
  cluster.labels = {{"env", "staging"}};
  const GitId commit = *GitId::FromHex(std::string(40, 'a'));
  ASSERT_OK(Write({change::PutObject{Set("shop")}, change::PutCluster{cluster},
                   change::Decide{End('1', "leidang/a")},
                   change::PutPin{{"https://git/x", "main"}, {commit, absl::UnixEpoch()}},
                   change::PutHolding{{"leidang/b", "set leidang/shop", std::nullopt}}}));
  ASSERT_OK(Open());
  EXPECT_EQ(records_->Object(WrittenKind::kApplicationSet, "leidang/shop")->manifest, "{}");
  ASSERT_NE(records_->ClusterNamed("staging"), nullptr);
  EXPECT_EQ(*records_->ClusterNamed("staging"), cluster);
  EXPECT_EQ(records_->pending_deletions().size(), 1u);
  EXPECT_EQ(records_->Deletions(Cluster('2'), Entry("leidang/a")), 1u);
  EXPECT_EQ(records_->pins().at({"https://git/x", "main"}).commit, commit);
  EXPECT_EQ(records_->holdings().at("leidang/b").owner, "set leidang/shop");
}

TEST_F(FleetRecordsTest, AnotherIdentityIsNotTakenOnceThereIsOne) {
  ASSERT_OK(Open());
  records_ = std::make_unique<FleetRecords>(loop_, *ledger_, log_);
  records_->Load(*intent::HubId::FromRaw("another-another-"), [](const absl::Status&) {});
  loop_.RunUntilIdle();
  EXPECT_EQ(records_->hub(), Hub());
}

TEST_F(FleetRecordsTest, ADamagedRecordStopsTheStartAndIsNamed) {
  ASSERT_OK(Write({change::PutObject{Set("shop")}}));
  LedgerTxn txn;
  txn.Put(ObjectKeyOf(WrittenKind::kApplicationSet, "leidang/shop"), "\xff\xff");
  ledger_->Commit(std::move(txn), &loop_, [](const absl::StatusOr<LedgerRevision>&) {});
  loop_.RunUntilIdle();
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("leidang/shop")));
}

TEST_F(FleetRecordsTest, ALongCallIsSplitIntoTransactionsThatTheLedgerTakes) {
  FleetRecords::Changes changes;
  for (int i = 0; i < 500; ++i) changes.push_back(change::Decide{End('1', absl::StrCat("a/", i))});
  changes.push_back(change::PutObject{Set("large", std::string(700'000, 'x'))});
  changes.push_back(change::PutObject{Set("larger", std::string(700'000, 'x'))});
  ASSERT_OK(Write(std::move(changes)));
  EXPECT_EQ(records_->pending_deletions().size(), 500u);
  ASSERT_OK(Open());
  EXPECT_EQ(records_->pending_deletions().size(), 500u);
  EXPECT_EQ(records_->Deletions({}, Entry("a/499")), 1u);
  EXPECT_EQ(records_->Objects(WrittenKind::kApplicationSet).size(), 2u);
}

TEST_F(FleetRecordsTest, ACrashBetweenTransactionsLeavesAPrefix) {
  FleetRecords::Changes changes;
  for (int i = 0; i < 300; ++i)
    changes.push_back(change::Decide{End('1', absl::StrCat("a/", 1000 + i))});
  std::optional<absl::Status> done;
  records_->Write(std::move(changes), [&done](absl::Status status) { done = std::move(status); });
  ASSERT_TRUE(
      loop_.RunUntil([this] { return !records_->pending_deletions().empty(); }, absl::Seconds(1)));
  EXPECT_FALSE(done.has_value());
  ASSERT_OK(Open());
  const size_t kept = records_->pending_deletions().size();
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, 300u);
  for (size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(records_->Deletions({}, Entry(absl::StrCat("a/", 1000 + i))), i < kept ? 1u : 0u);
  }
  EXPECT_FALSE(done.has_value()) << "nobody was told";
}

TEST_F(FleetRecordsTest, AfterAFailedTransactionTheTablesStandAtWhatWasCommitted) {
  disk_.FailNextPersist(absl::ResourceExhaustedError("the disk is full"));
  EXPECT_THAT(Write({change::PutObject{Set("shop")}}),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(records_->Object(WrittenKind::kApplicationSet, "leidang/shop"), nullptr);
}

TEST_F(FleetRecordsTest, AnObjectThatTheLedgerCannotTakeIsRefusedByItself) {
  EXPECT_THAT(Write({change::PutObject{Set("small")},
                     change::PutObject{Set("huge", std::string(2 << 20, 'x'))}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("split it")));
  EXPECT_NE(records_->Object(WrittenKind::kApplicationSet, "leidang/small"), nullptr);
  EXPECT_OK(Write({change::PutObject{Set("next")}}));
}

TEST_F(FleetRecordsTest, DecidingTheSameTwiceCountsOnce) {
  ASSERT_OK(Write({change::Decide{End('1', "a/b")}, change::Decide{End('1', "a/b")}}));
  ASSERT_OK(Write({change::Decide{End('1', "a/b")}}));
  EXPECT_EQ(records_->Deletions({}, Entry("a/b")), 1u);
  EXPECT_EQ(records_->pending_deletions().size(), 1u);
  ASSERT_OK(Write({change::Decide{End('2', "a/b", 1)}}));
  EXPECT_EQ(records_->Deletions({}, Entry("a/b")), 2u);
  ASSERT_OK(Open());
  EXPECT_EQ(records_->Deletions({}, Entry("a/b")), 2u);
}

TEST_F(FleetRecordsTest, DeletionsOfProjectsAreCountedForEachCluster) {
  PendingDeletion deletion = End('1', "default");
  deletion.key.kind = intent::EntryKind::kProject;
  ASSERT_OK(Write({change::Decide{deletion}}));
  EXPECT_EQ(records_->Deletions(Cluster('1'), deletion.key), 1u);
  EXPECT_EQ(records_->Deletions(Cluster('2'), deletion.key), 0u);
}

TEST_F(FleetRecordsTest, ASettledDeletionIsForgottenAndItsCountStays) {
  const PendingDeletion end = End('1', "a/b");
  ASSERT_OK(Write({change::Decide{end}}));
  ASSERT_OK(Write({change::Settle{end.cluster, end.key, end.uid}}));
  ASSERT_OK(Write({change::Settle{end.cluster, end.key, end.uid}})) << "settling again is no error";
  ASSERT_OK(Open());
  EXPECT_TRUE(records_->pending_deletions().empty());
  EXPECT_EQ(records_->Deletions({}, end.key), 1u);
}

TEST_F(FleetRecordsTest, AnUpdateSeesWhatEarlierCallsWrote) {
  std::vector<std::string> seen;
  records_->Write({change::PutObject{Set("shop", "1")}}, [](const absl::Status&) {});
  records_->Update(
      [&]() -> absl::StatusOr<FleetRecords::Changes> {
        const WrittenObject* shop = records_->Object(WrittenKind::kApplicationSet, "leidang/shop");
        seen.push_back(shop == nullptr ? "none" : shop->manifest);
        return FleetRecords::Changes{change::PutObject{Set("shop", "2")}};
      },
      [](const absl::Status&) {});
  std::optional<absl::Status> refused;
  records_->Update(
      [&]() -> absl::StatusOr<FleetRecords::Changes> {
        seen.push_back(records_->Object(WrittenKind::kApplicationSet, "leidang/shop")->manifest);
        return absl::FailedPreconditionError("no");
      },
      [&refused](absl::Status status) { refused = std::move(status); });
  loop_.RunUntilIdle();
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "2"}));
  EXPECT_THAT(*refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(records_->Object(WrittenKind::kApplicationSet, "leidang/shop")->manifest, "2");
}

TEST_F(FleetRecordsTest, NamesAndServersOfClustersAreUniqueInTheLedgerItself) {
  ASSERT_OK(Write({change::PutCluster{Registration('1', "staging")}}));
  EXPECT_THAT(Write({change::PutCluster{Registration('2', "staging")}}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(records_->clusters().size(), 1u);
  ASSERT_OK(Write({change::EraseCluster{Cluster('1')}}));
  EXPECT_OK(Write({change::PutCluster{Registration('2', "staging")}}));
}

TEST_F(FleetRecordsTest, ASnapshotIsTheSameUntilClustersOrProjectsChange) {
  const auto before = records_->snapshot();
  ASSERT_OK(Write({change::PutObject{Set("shop")}}));
  EXPECT_EQ(records_->snapshot(), before);
  ClusterRegistration cluster = Registration('1', "staging");
  cluster.labels = {{"env", "staging"}};
  ASSERT_OK(Write({change::PutCluster{cluster}}));
  ASSERT_EQ(records_->snapshot()->clusters.size(), 1u);
  const generators::Cluster& facts = records_->snapshot()->clusters[0];
  EXPECT_EQ(facts.labels.at("env"), "staging");
  EXPECT_EQ(facts.labels.at("argocd.argoproj.io/secret-type"), "cluster");
  cluster.deleting = intent::DeletionPolicy::kOrphan;
  ASSERT_OK(Write({change::PutCluster{cluster}}));
  EXPECT_TRUE(records_->snapshot()->clusters.empty()) << "what is being removed gets nothing more";
}

class CommitTogetherTest : public FleetRecordsTest {
 protected:
  // Asks for it; the answer is noted under the name.
  void Begin(const std::string& name, FleetRecords::Changes changes) {
    records_->Write(std::move(changes), Noting(name));
  }
  void Begin(const std::string& name, FleetRecords::Make make) {
    records_->Update(std::move(make), Noting(name));
  }
  FleetRecords::Done Noting(const std::string& name) {
    return [this, name](const absl::Status& status) {
      answers_.push_back(absl::StrCat(name, status.ok() ? "" : " refused"));
    };
  }
  std::vector<std::string> Answers() {
    loop_.RunUntilIdle();
    return std::exchange(answers_, {});
  }
  // As a registration of the API writes it.
  FleetRecords::Changes Registering(int i) const {
    ClusterRegistration cluster = Registration('0', absl::StrCat("cluster-", i));
    cluster.id = *intent::ClusterId::FromRaw(absl::StrFormat("%016d", i));
    JoinToken token;
    token.hash = object::Sha256::Of(absl::StrCat("token ", i));
    token.cluster = cluster.id;
    return {change::PutCluster{cluster}, change::PutJoinToken{token}};
  }
  // Another hub on the same ledger has the name.
  void TakeName(const std::string& name) {
    LedgerTxn txn;
    txn.Put(ClusterNameKey(name), Cluster('9').Hex());
    ledger_->Commit(std::move(txn), &loop_, [](const absl::StatusOr<LedgerRevision>&) {});
    loop_.RunUntilIdle();
  }

  std::vector<std::string> answers_;
};

TEST_F(CommitTogetherTest, RegistrationsThatWaitShareTheirSyncs) {
  const int before = rows_.syncs();
  int registered = 0;
  int joined = 0;
  for (int i = 0; i < 1000; ++i) {
    records_->Write(Registering(i), [&](const absl::Status& status) { registered += status.ok(); });
  }
  loop_.RunUntilIdle();
  EXPECT_EQ(registered, 1000);
  // Four records each, ninety in a transaction.
  EXPECT_LE(rows_.syncs() - before, 46);
  const int between = rows_.syncs();
  for (int i = 0; i < 1000; ++i) {
    records_->MarkJoined(*intent::ClusterId::FromRaw(absl::StrFormat("%016d", i)),
                         loop_.clock().Now(),
                         [&](const absl::Status& status) { joined += status.ok(); });
  }
  loop_.RunUntilIdle();
  EXPECT_EQ(joined, 1000);
  EXPECT_LE(rows_.syncs() - between, 12);
  ASSERT_OK(Open());
  EXPECT_EQ(records_->clusters().size(), 1000u);
  EXPECT_TRUE(records_->ClusterNamed("cluster-999")->joined());
}

TEST_F(CommitTogetherTest, OneThatFailsDoesNotFailTheOthersAndAllAreAnsweredInOrder) {
  TakeName("taken");
  int seen = 0;
  Begin("a", {change::PutObject{Set("a")}});
  Begin("b", {change::PutCluster{Registration('b', "taken")}});
  // It was made for a cluster that does not come to be.
  Begin("c", [&]() -> absl::StatusOr<FleetRecords::Changes> {
    ++seen;
    const ClusterRegistration* taken = records_->ClusterNamed("taken");
    if (taken == nullptr) return absl::NotFoundError("no cluster");
    return FleetRecords::Changes{change::PutCluster{*taken}};
  });
  Begin("d", {change::PutObject{Set("d")}});
  EXPECT_THAT(Answers(), ElementsAre("a", "b refused", "c refused", "d"));
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(records_->clusters().empty());
  ASSERT_OK(Open());
  EXPECT_TRUE(records_->clusters().empty());
  EXPECT_EQ(records_->Objects(WrittenKind::kApplicationSet).size(), 2u);
  // And they share again afterwards.
  const int before = rows_.syncs();
  for (int i = 0; i < 4; ++i) Begin("e", Registering(i));
  EXPECT_THAT(Answers(), ElementsAre("e", "e", "e", "e"));
  EXPECT_EQ(rows_.syncs() - before, 1);
}

TEST_F(CommitTogetherTest, OneThatIsRefusedOrWritesNothingIsAnsweredInItsTurn) {
  const int before = rows_.syncs();
  Begin("refused", []() -> absl::StatusOr<FleetRecords::Changes> {
    return absl::FailedPreconditionError("no");
  });
  Begin("nothing", FleetRecords::Changes());
  Begin("a", {change::PutObject{Set("a")}});
  Begin("no", []() -> absl::StatusOr<FleetRecords::Changes> {
    return absl::FailedPreconditionError("no");
  });
  Begin("huge", {change::PutObject{Set("huge", std::string(2 << 20, 'x'))}});
  Begin("b", {change::PutObject{Set("b")}});
  EXPECT_THAT(Answers(),
              ElementsAre("refused refused", "nothing", "a", "no refused", "huge refused", "b"));
  EXPECT_EQ(rows_.syncs() - before, 1);
  Begin("nothing", FleetRecords::Changes());
  EXPECT_THAT(Answers(), ElementsAre("nothing"));
}

TEST_F(CommitTogetherTest, TheLastOfSeveralThatWriteTheSameCounts) {
  const int before = rows_.syncs();
  for (const std::string version : {"1", "2", "3"})
    Begin(version, {change::PutObject{Set("a", version)}});
  for (int i = 0; i < 2; ++i) Begin("end", {change::Decide{End('1', "a/b", i)}});
  EXPECT_THAT(Answers(), ElementsAre("1", "2", "3", "end", "end"));
  EXPECT_EQ(rows_.syncs() - before, 1);
  ASSERT_OK(Open());
  EXPECT_EQ(records_->Object(WrittenKind::kApplicationSet, "leidang/a")->manifest, "3");
  EXPECT_EQ(records_->Deletions({}, Entry("a/b")), 2u);
  Begin("put", {change::PutObject{Set("b")}});
  Begin("erase", {change::EraseObject{WrittenKind::kApplicationSet, "leidang/b"}});
  EXPECT_THAT(Answers(), ElementsAre("put", "erase"));
  ASSERT_OK(Open());
  EXPECT_EQ(records_->Object(WrittenKind::kApplicationSet, "leidang/b"), nullptr);
}

TEST_F(CommitTogetherTest, ANameThatIsJustFreedCanBeTaken) {
  ASSERT_OK(Write({change::PutCluster{Registration('1', "staging")}}));
  Begin("erase", {change::EraseCluster{Cluster('1')}});
  Begin("again", {change::PutCluster{Registration('2', "staging")}});
  EXPECT_THAT(Answers(), ElementsAre("erase", "again"));
  ASSERT_OK(Open());
  EXPECT_EQ(records_->ClusterNamed("staging")->id, Cluster('2'));
  EXPECT_EQ(records_->ClusterWithServer("https://staging.leidang.invalid")->id, Cluster('2'));
}

TEST_F(CommitTogetherTest, ALongCallSharesItsLastTransactionOnly) {
  FleetRecords::Changes changes;
  for (int i = 0; i < 100; ++i) changes.push_back(change::Decide{End('1', absl::StrCat("a/", i))});
  const int before = rows_.syncs();
  Begin("first", {change::PutObject{Set("a")}});
  Begin("long", std::move(changes));
  Begin("last", {change::PutObject{Set("b")}});
  EXPECT_THAT(Answers(), ElementsAre("first", "long", "last"));
  // One; 90, 90, and 20 of 200 records with the last.
  EXPECT_EQ(rows_.syncs() - before, 4);
}

TEST_F(CommitTogetherTest, NobodyElseSeesWhatIsNotDurable) {
  WrittenObject project = Set("project");
  project.kind = WrittenKind::kAppProject;
  OperationRecord old;
  old.id = *OperationId::FromRaw("operation-number");
  Brake brake;
  brake.id = {BrakeScope::kSet, "leidang/shop"};
  ASSERT_OK(Write({change::PutObject{Set("shop", "1")}, change::PutObject{project},
                   change::PutCluster{Registration('1', "staging")},
                   change::Decide{End('1', "a/b")}, change::PutPin{{"https://git/x", "main"}, {}},
                   change::PutHolding{{"leidang/b", "set leidang/shop", std::nullopt}},
                   change::PutBrake{brake}, change::PutOperation{old}}));
  const auto snapshot = records_->snapshot();
  const auto clusters = records_->clusters();
  const auto pending = records_->pending_deletions();
  const PendingDeletion end = End('1', "a/b");

  Begin("all",
        {change::PutObject{Set("shop", "2")}, change::PutObject{Set("new")},
         change::EraseObject{WrittenKind::kAppProject, project.key},
         change::PutCluster{Registration('2', "production")}, change::EraseCluster{Cluster('1')},
         change::Decide{End('2', "a/c")}, change::DecideUnclaimed{End('2', "a/d")},
         change::Settle{end.cluster, end.key, end.uid},
         change::RaiseDeletions{Cluster('1'), Entry("a/e"), 7},
         change::PutPin{{"https://git/y", "main"}, {}}, change::ErasePin{{"https://git/x", "main"}},
         change::EraseHolding{"leidang/b"},
         change::PutHolding{{"leidang/c", "set leidang/new", std::nullopt}},
         change::EraseBrake{brake.id}, change::PutUserToken{UserToken{}},
         change::EraseOperation{old.id}});
  bool seen = false;
  Begin("look", [&]() -> absl::StatusOr<FleetRecords::Changes> {
    seen = true;
    EXPECT_EQ(records_->Object(WrittenKind::kApplicationSet, "leidang/shop")->manifest, "2");
    EXPECT_EQ(records_->ClusterNamed("staging"), nullptr);
    EXPECT_NE(records_->ClusterNamed("production"), nullptr);
    EXPECT_EQ(records_->snapshot()->cluster_ids.count("production"), 1u);
    EXPECT_EQ(records_->pending_deletions().size(), 2u);
    EXPECT_EQ(records_->Deletions({}, Entry("a/e")), 7u);
    EXPECT_TRUE(records_->operations().empty());
    return FleetRecords::Changes();
  });
  ASSERT_TRUE(loop_.RunUntil([&seen] { return seen; }, absl::Seconds(1)));
  EXPECT_TRUE(answers_.empty());
  EXPECT_EQ(records_->snapshot(), snapshot);
  EXPECT_EQ(records_->clusters(), clusters);
  EXPECT_EQ(records_->pending_deletions(), pending);
  EXPECT_EQ(records_->Object(WrittenKind::kApplicationSet, "leidang/shop")->manifest, "1");
  EXPECT_EQ(records_->Object(WrittenKind::kApplicationSet, "leidang/new"), nullptr);
  EXPECT_NE(records_->Object(WrittenKind::kAppProject, project.key), nullptr);
  EXPECT_NE(records_->ClusterNamed("staging"), nullptr);
  EXPECT_EQ(records_->ClusterNamed("production"), nullptr);
  EXPECT_EQ(records_->Deletions({}, Entry("a/c")), 0u);
  EXPECT_EQ(records_->Deletions({}, Entry("a/e")), 0u);
  EXPECT_EQ(records_->pins().size(), 1u);
  EXPECT_EQ(records_->pins().count({"https://git/x", "main"}), 1u);
  EXPECT_EQ(records_->holdings().count("leidang/b"), 1u);
  EXPECT_EQ(records_->holdings().size(), 1u);
  EXPECT_EQ(records_->brakes().size(), 1u);
  EXPECT_EQ(records_->operations().size(), 1u);
  EXPECT_TRUE(records_->user_tokens().empty());

  EXPECT_THAT(Answers(), ElementsAre("all", "look"));
  EXPECT_EQ(records_->ClusterNamed("staging"), nullptr);
  EXPECT_EQ(records_->user_tokens().size(), 1u);
  EXPECT_EQ(records_->Deletions({}, Entry("a/e")), 7u);
  EXPECT_TRUE(records_->brakes().empty());
}

TEST_F(CommitTogetherTest, AnAnswerMayEndItAll) {
  records_->Write({change::PutObject{Set("a")}}, [this](const absl::Status&) { records_.reset(); });
  Begin("b", {change::PutObject{Set("b")}});
  EXPECT_THAT(Answers(), IsEmpty());
  ASSERT_OK(Open());
  EXPECT_NE(records_->Object(WrittenKind::kApplicationSet, "leidang/b"), nullptr)
      << "it was durable with the other";
}

class TokensTest : public FleetRecordsTest {
 protected:
  absl::StatusOr<JoinToken> Spend(const std::string& text) {
    absl::StatusOr<JoinToken> spent = absl::DeadlineExceededError("no answer");
    records_->SpendToken(object::Sha256::Of(text), loop_.clock().Now(),
                         [&spent](absl::StatusOr<JoinToken> token) { spent = std::move(token); });
    loop_.RunUntilIdle();
    return spent;
  }
  void Put(const std::string& text) {
    JoinToken token;
    token.hash = object::Sha256::Of(text);
    token.cluster = Cluster('1');
    token.expires_at = loop_.clock().Now() + absl::Hours(1);
    ASSERT_OK(Write({change::PutJoinToken{token}}));
  }
};

TEST_F(TokensTest, ATokenIsSpentOnce) {
  Put("secret");
  ASSERT_OK_AND_ASSIGN(const JoinToken token, Spend("secret"));
  EXPECT_EQ(token.cluster, Cluster('1'));
  EXPECT_THAT(Spend("secret"),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("used already")));
  ASSERT_OK(Open());
  EXPECT_THAT(Spend("secret"), Not(IsOk()));
}

TEST_F(TokensTest, OfTwoThatSpendATokenAtOnceOneSucceeds) {
  Put("secret");
  int won = 0;
  int lost = 0;
  for (int i = 0; i < 2; ++i) {
    records_->SpendToken(object::Sha256::Of("secret"), loop_.clock().Now(),
                         [&](const absl::StatusOr<JoinToken>& token) {
                           if (token.ok()) {
                             ++won;
                             return;
                           }
                           ++lost;
                           EXPECT_THAT(token, StatusIs(absl::StatusCode::kUnauthenticated));
                         });
  }
  loop_.RunUntilIdle();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 1);
}

TEST_F(TokensTest, UnknownAndExpiredTokensSayWhatToDo) {
  EXPECT_THAT(Spend("guessed"),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("register the cluster")));
  Put("secret");
  loop_.RunFor(absl::Hours(2));
  EXPECT_THAT(Spend("secret"), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(TokensTest, JoiningKeepsWhatWasChangedMeanwhileAndNeedsARegistration) {
  ASSERT_OK(Write({change::PutCluster{Registration('1', "staging")}}));
  ClusterRegistration labelled = Registration('1', "staging");
  labelled.labels = {{"env", "staging"}};
  std::optional<absl::Status> joined;
  records_->Write({change::PutCluster{labelled}}, [](const absl::Status&) {});
  records_->MarkJoined(Cluster('1'), loop_.clock().Now(),
                       [&joined](absl::Status status) { joined = std::move(status); });
  loop_.RunUntilIdle();
  EXPECT_OK(*joined);
  EXPECT_TRUE(records_->ClusterNamed("staging")->joined());
  EXPECT_EQ(records_->ClusterNamed("staging")->labels.at("env"), "staging");

  labelled.deleting = intent::DeletionPolicy::kOrphan;
  ASSERT_OK(Write({change::PutCluster{labelled}}));
  records_->MarkJoined(Cluster('1'), loop_.clock().Now(),
                       [&joined](absl::Status status) { joined = std::move(status); });
  loop_.RunUntilIdle();
  EXPECT_THAT(*joined, StatusIs(absl::StatusCode::kUnauthenticated));
}

}  // namespace
}  // namespace leidang::hub
