// What every Store must do, whatever it is kept in.

#include "hub/store/store_contract.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

class StoreContract : public ::testing::TestWithParam<HarnessKind> {
 protected:
  StoreContract() : harness_(GetParam().make()) {
    Do([&](WriteBatch& b) { b.OpenLog(kOne, TestAuthority()); });
  }

  Store& store() { return harness_->store(); }

  CommitResult Try(const std::function<void(WriteBatch&)>& fill) {
    WriteBatch batch;
    fill(batch);
    return harness_->Commit(std::move(batch));
  }
  CommitResult Do(const std::function<void(WriteBatch&)>& fill) {
    CommitResult result = Try(fill);
    EXPECT_OK(result.status);
    return result;
  }
  CommitResult Put(const std::string& name, const std::string& value, uint64_t deletions = 0) {
    return Do([&](WriteBatch& b) { b.Put(kOne, TestAssignment(name, value, deletions)); });
  }
  CommitResult Delete(const std::string& name, uint64_t deletions = 0) {
    return Do([&](WriteBatch& b) { b.Delete(kOne, TestTombstone(name, deletions)); });
  }
  CommitResult Ack(intent::Revision through) {
    return Do([&](WriteBatch& b) { b.AckedThrough(kOne, TestAuthority(), through); });
  }
  CommitResult Gone(const std::string& name, uint64_t deletions = 0) {
    return Do([&](WriteBatch& b) { b.ReportedGone(kOne, AppKey(name), TestUid(name, deletions)); });
  }

  // "1:put cart 3:delete pay": what follows `from`, with uids told apart by '#n'.
  std::string After(intent::Revision from, size_t bytes_max = 1 << 20) {
    const absl::StatusOr<ChangePage> page = store().ChangesAfter(kOne, from, bytes_max);
    if (!page.ok()) return page.status().ToString();
    std::string text;
    for (const intent::Change& change : page->changes) {
      if (!text.empty()) text += ' ';
      const bool put = std::holds_alternative<intent::Assignment>(change.what);
      text += std::to_string(change.revision) + (put ? ":put " : ":delete ");
      const std::string name = change.key().name.substr(8);
      text += name;
      if (change.uid() != TestUid(name, 0)) text += "#1";
    }
    return text + (page->more ? " …" : "");
  }
  intent::Revision Head() { return store().Log(kOne)->head; }

  const intent::ClusterId kOne = TestCluster(1);
  const intent::ClusterId kTwo = TestCluster(2);
  std::unique_ptr<StoreHarness> harness_;
};

TEST_P(StoreContract, RevisionsAreConsecutiveInTheOrderOfBatches) {
  std::vector<WriteBatch> batches(3);
  batches[0].Put(kOne, TestAssignment("a", "1"));
  batches[0].Put(kOne, TestAssignment("b", "1"));
  batches[1].Put(kOne, TestAssignment("c", "1"));
  batches[2].Delete(kOne, TestTombstone("a"));
  const std::vector<CommitResult> results = harness_->CommitAll(std::move(batches));
  EXPECT_EQ(results[0].heads.at(kOne), 2u);
  EXPECT_EQ(results[1].heads.at(kOne), 3u);
  EXPECT_EQ(results[2].heads.at(kOne), 4u);
  EXPECT_EQ(After(0), "2:put b 3:put c 4:delete a");
}

TEST_P(StoreContract, WhatWaitsTogetherSharesASync) {
  constexpr int kBatches = 500;
  std::vector<WriteBatch> batches(kBatches);
  for (int i = 0; i < kBatches; ++i)
    batches[i].Put(kOne, TestAssignment("app" + std::to_string(i), "1"));
  const uint64_t before = harness_->syncs();
  const std::vector<CommitResult> results = harness_->CommitTogether(std::move(batches));
  const uint64_t syncs = harness_->syncs() - before;
  EXPECT_GE(syncs, 1u) << "nothing was made durable";
  EXPECT_LE(syncs, 3u) << "for " << kBatches << " commits";
  for (int i = 0; i < kBatches; ++i)
    EXPECT_EQ(results[i].heads.at(kOne), static_cast<intent::Revision>(i + 1));
  Put("alone", "1");
  EXPECT_EQ(harness_->syncs() - before, syncs + 1) << "and what comes alone has its own";
  harness_->KillAndReopen();
  EXPECT_EQ(store().Log(kOne)->live, kBatches + 1u);
}

TEST_P(StoreContract, AnIdenticalPutIsNoChange) {
  Put("a", "1");
  EXPECT_TRUE(Put("a", "1").heads.empty());
  EXPECT_EQ(Head(), 1u);
  Put("a", "2");
  EXPECT_EQ(After(0), "2:put a");
}

TEST_P(StoreContract, OnlyTheNewestOfAKeyAndUidStays) {
  for (int i = 0; i < 5; ++i) Put("a", std::to_string(i));
  Put("b", "1");
  EXPECT_EQ(After(0), "5:put a 6:put b");
  EXPECT_EQ(After(5), "6:put b");
  EXPECT_EQ(After(6), "");
  EXPECT_EQ(After(99), "");
}

TEST_P(StoreContract, ARecreatedNamesakeDoesNotOverwriteTheOldTombstone) {
  Put("a", "1");
  Do([&](WriteBatch& b) {
    b.Delete(kOne, TestTombstone("a", 0));
    b.Put(kOne, TestAssignment("a", "1", 1));
  });
  EXPECT_EQ(After(0), "2:delete a 3:put a#1");
  EXPECT_EQ(store().Log(kOne)->tombstones, 1u);
  EXPECT_EQ(store().Assignment(kOne, AppKey("a"))->assignment.uid, TestUid("a", 1));
}

TEST_P(StoreContract, ALiveUidIsNotReplacedByAnotherWithoutATombstone) {
  Put("a", "1");
  const CommitResult result = Try([&](WriteBatch& b) {
    b.Put(kOne, TestAssignment("b", "1"));
    b.Put(kOne, TestAssignment("a", "1", 1));
  });
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is live")));
  EXPECT_EQ(After(0), "1:put a") << "the batch left something behind";
  EXPECT_THAT(store().Assignment(kOne, AppKey("b")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(StoreContract, ADeletedUidDoesNotComeBack) {
  Put("a", "1");
  Delete("a");
  EXPECT_THAT(Try([&](WriteBatch& b) { b.Put(kOne, TestAssignment("a", "1")); }).status,
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another uid")));
}

TEST_P(StoreContract, ATombstoneStaysUntilAcknowledgedAndGone) {
  Put("a", "1");
  Delete("a");
  Ack(1);
  EXPECT_EQ(After(1), "2:delete a");
  EXPECT_TRUE(Ack(2).forgotten.empty());
  EXPECT_EQ(store().Tombstones(kOne)->size(), 1u) << "visible as deleting until the agent is done";
  const CommitResult end = Gone("a");
  ASSERT_EQ(end.forgotten.size(), 1u);
  EXPECT_EQ(end.forgotten[0].uid, TestUid("a"));
  EXPECT_EQ(After(0), "");
  EXPECT_EQ(store().Log(kOne)->resumable_from, 2u);
  EXPECT_EQ(Head(), 2u);
}

TEST_P(StoreContract, GoneBeforeTheAcknowledgementIsRemembered) {
  Put("a", "1");
  Delete("a");
  EXPECT_TRUE(Gone("a").forgotten.empty());
  harness_->KillAndReopen();
  ASSERT_EQ(store().Tombstones(kOne)->size(), 1u);
  EXPECT_TRUE(store().Tombstones(kOne)->at(0).gone);
  EXPECT_EQ(Ack(2).forgotten.size(), 1u);
  EXPECT_TRUE(Gone("a").forgotten.empty()) << "told twice";
}

TEST_P(StoreContract, ATombstoneOfAProjectNeedsTheAcknowledgementOnly) {
  intent::Assignment project;
  project.key = {intent::EntryKind::kProject, "default"};
  project.uid = intent::ComputeUid(TestHub(), project.key, 0);
  project.body = "{}";
  Do([&](WriteBatch& b) {
    b.Put(kOne, project);
    b.Delete(kOne, {project.key, project.uid, intent::DeletionPolicy::kForeground});
  });
  EXPECT_EQ(Ack(2).forgotten.size(), 1u);
}

TEST_P(StoreContract, WhatIsUnclaimedCanBeDeletedByItsUid) {
  Delete("stray");
  EXPECT_EQ(After(0), "1:delete stray");
  EXPECT_TRUE(Delete("stray").heads.empty()) << "the same decision twice";
  Do([&](WriteBatch& b) {
    b.Delete(kOne, {AppKey("stray"), TestUid("stray"), intent::DeletionPolicy::kOrphan});
  });
  EXPECT_EQ(After(0), "2:delete stray");
  EXPECT_EQ(store().Tombstones(kOne)->at(0).tombstone.policy, intent::DeletionPolicy::kOrphan);
}

TEST_P(StoreContract, AnAcknowledgementOfAnotherAuthorityDoesNotCount) {
  Put("a", "1");
  Do([&](WriteBatch& b) { b.AckedThrough(kOne, TestAuthority(9), 1); });
  EXPECT_EQ(store().Log(kOne)->acked, 0u);
  EXPECT_THAT(Try([&](WriteBatch& b) { b.AckedThrough(kOne, TestAuthority(), 2); }).status,
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("the head of its log is 1")));
  Ack(1);
  Ack(0);
  EXPECT_EQ(store().Log(kOne)->acked, 1u);
}

TEST_P(StoreContract, ALogPassesToANewerAuthorityOnly) {
  Put("a", "1");
  Ack(1);
  EXPECT_THAT(Try([&](WriteBatch& b) { b.OpenLog(kOne, TestAuthority(0)); }).status,
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Try([&](WriteBatch& b) { b.OpenLog(kOne, {TestHub(), 1, 5}); }).status,
              StatusIs(absl::StatusCode::kFailedPrecondition));
  Do([&](WriteBatch& b) { b.OpenLog(kOne, TestAuthority(2)); });
  const ClusterLog log = *store().Log(kOne);
  EXPECT_EQ(log.authority, TestAuthority(2));
  EXPECT_EQ(log.acked, 0u);
  EXPECT_EQ(log.head, 1u);
  EXPECT_EQ(After(0), "1:put a");
}

TEST_P(StoreContract, WithoutALogNothingIsWritten) {
  EXPECT_THAT(Try([&](WriteBatch& b) { b.Put(kTwo, TestAssignment("a", "1")); }).status,
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no change log")));
  EXPECT_THAT(store().Log(kTwo), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store().ChangesAfter(kTwo, 0, 100), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(StoreContract, AMoveToAnotherClusterIsOneBatch) {
  Put("a", "1");
  const CommitResult result = Do([&](WriteBatch& b) {
    b.OpenLog(kTwo, TestAuthority());
    b.Delete(kOne, TestTombstone("a"));
    b.Put(kTwo, TestAssignment("a", "1", 1));
  });
  EXPECT_EQ(result.heads.at(kOne), 2u);
  EXPECT_EQ(result.heads.at(kTwo), 1u);
  EXPECT_EQ(After(0), "2:delete a");
  EXPECT_EQ(store().ChangesAfter(kTwo, 0, 1000)->changes.size(), 1u);
}

TEST_P(StoreContract, PagesOfChangesEndBeforeTheLimitAndGoOn) {
  for (const char* name : {"a", "b", "c"}) Put(name, "1");
  EXPECT_EQ(After(0, 1), "1:put a …");
  const ChangePage first = *store().ChangesAfter(kOne, 0, 1);
  EXPECT_EQ(first.to, 1u);
  EXPECT_EQ(first.head, 3u);
  EXPECT_EQ(After(first.to, 1 << 20), "2:put b 3:put c");
}

TEST_P(StoreContract, TheDigestIsThatOfTheLiveAssignments) {
  proof::BucketedDigest expected;
  EXPECT_EQ(*store().Root(kOne), expected.Root());
  Put("a", "1");
  Put("b", "1");
  Put("a", "2");
  Delete("b");
  expected.Add(AppKey("a"), proof::ElementOf(TestAssignment("a", "2")));
  EXPECT_EQ(store().Digest(kOne)->digest, expected);
  EXPECT_EQ(*store().Root(kOne), expected.Root());
  harness_->KillAndReopen();
  EXPECT_EQ(store().Digest(kOne)->digest, expected);
  EXPECT_EQ(store().Digest(kOne)->head, 4u);
}

TEST_P(StoreContract, EntriesOfABucketAreThoseOfItsKeys) {
  for (int i = 0; i < 40; ++i) Put("app" + std::to_string(i), "1");
  const uint8_t bucket = proof::BucketOf(AppKey("app7"));
  const LiveEntries some = *store().Entries(kOne, {bucket});
  EXPECT_EQ(some.head, 40u);
  bool found = false;
  for (const LiveEntry& entry : some.entries) {
    EXPECT_EQ(proof::BucketOf(entry.key), bucket);
    found = found || entry.key == AppKey("app7");
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(store().Entries(kOne, {})->entries.size(), 40u);
}

TEST_P(StoreContract, WhatWasCommittedSurvivesAKill) {
  Put("a", "1");
  Put("b", "1");
  Delete("a");
  Ack(2);
  const CommitResult epoch = Do([&](WriteBatch& b) { b.NextSessionEpoch(kOne, 0); });
  const ClusterLog before = *store().Log(kOne);
  harness_->KillAndReopen();
  const ClusterLog after = *store().Log(kOne);
  EXPECT_EQ(after.head, before.head);
  EXPECT_EQ(after.acked, 2u);
  EXPECT_EQ(after.session_epoch, epoch.session_epochs.at(kOne));
  EXPECT_EQ(after.live, 1u);
  EXPECT_EQ(after.tombstones, 1u);
  EXPECT_EQ(After(0), "2:put b 3:delete a");
  EXPECT_EQ(store().Assignment(kOne, AppKey("b"))->assignment, TestAssignment("b", "1"));
}

TEST_P(StoreContract, SessionEpochsOnlyGrow) {
  const auto next = [&](uint64_t above) {
    return Do([&](WriteBatch& b) { b.NextSessionEpoch(kOne, above); }).session_epochs.at(kOne);
  };
  EXPECT_EQ(next(0), 1u);
  EXPECT_EQ(next(0), 2u);
  EXPECT_EQ(next(40), 41u);
  EXPECT_EQ(next(3), 42u);
  EXPECT_THAT(
      Try([&](WriteBatch& b) { b.NextSessionEpoch(kOne, WriteBatch::kSessionEpochMax); }).status,
      StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_P(StoreContract, DroppingALogTakesAllOfItsClusterAndNothingElse) {
  Do([&](WriteBatch& b) {
    b.OpenLog(kTwo, TestAuthority());
    b.Put(kOne, TestAssignment("a", "1"));
    b.Put(kTwo, TestAssignment("b", "1"));
  });
  Do([&](WriteBatch& b) {
    b.Put(kOne, TestAssignment("c", "1"));  // Not yet written when the log is dropped.
    b.DropLog(kOne);
  });
  EXPECT_THAT(store().Log(kOne), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(store().Assignments(kOne, {})->items.size(), 0u);
  EXPECT_EQ(store().Assignments(kTwo, {})->items.size(), 1u);
  harness_->KillAndReopen();
  ASSERT_EQ(store().Logs().size(), 1u);
  EXPECT_EQ(store().Logs()[0].cluster, kTwo);
}

TEST_P(StoreContract, ApplicationsAreFoundByKeyAndBySet) {
  const auto app = [](const std::string& key, const std::string& set) {
    DerivedApplication a;
    a.key = key;
    a.set = set;
    a.manifest = "{\"metadata\":{}}";
    a.conditions.push_back({"ComparisonError", ConditionStatus::kTrue, "PathNotFound", "no path",
                            absl::FromUnixSeconds(1'700'000'000)});
    return a;
  };
  Do([&](WriteBatch& b) {
    b.PutApplication(app("leidang/a", "leidang/web"));
    b.PutApplication(app("leidang/b", "leidang/web"));
    b.PutApplication(app("leidang/c", ""));
    b.PutApplication(app("leidang/d", "leidang/web2"));
  });
  EXPECT_EQ(*store().Application("leidang/b"), app("leidang/b", "leidang/web"));
  EXPECT_EQ(store().CountApplications(), 4u);
  EXPECT_EQ(store().CountApplicationsOfSet("leidang/web"), 2u);
  EXPECT_EQ(store().ApplicationsOfSet("leidang/web", {})->items.size(), 2u);
  Do([&](WriteBatch& b) {
    b.PutApplication(app("leidang/b", "leidang/web2"));
    b.DeleteApplication("leidang/a");
    b.DeleteApplication("leidang/none");
  });
  harness_->KillAndReopen();
  EXPECT_EQ(store().CountApplicationsOfSet("leidang/web"), 0u);
  EXPECT_EQ(store().CountApplicationsOfSet("leidang/web2"), 2u);
  EXPECT_EQ(store().CountApplications(), 3u);
  EXPECT_THAT(store().Application("leidang/a"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(StoreContract, ListsComeInPagesInTheOrderOfKeys) {
  Do([&](WriteBatch& b) {
    for (int i = 0; i < 25; ++i) {
      b.Put(kOne, TestAssignment("app" + std::to_string(100 + i), "1"));
    }
  });
  PageRequest request;
  request.limit = 10;
  std::vector<std::string> names;
  for (int page = 0; page < 3; ++page) {
    const Page<LiveAssignment> got = *store().Assignments(kOne, request);
    for (const LiveAssignment& live : got.items) names.push_back(live.assignment.key.name);
    request.token = got.next;
    EXPECT_EQ(got.next.empty(), page == 2);
  }
  EXPECT_EQ(names.size(), 25u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  request.token = "nonsense";
  EXPECT_THAT(store().Assignments(kOne, request), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(StoreContract, SetStatesAreKept) {
  SetState state;
  state.key = "leidang/web";
  state.inputs = object::Sha256::Of("inputs");
  state.engine_level = 3;
  state.expanded_at = absl::FromUnixSeconds(1'700'000'000) + absl::Milliseconds(5);
  Do([&](WriteBatch& b) { b.PutSetState(state); });
  EXPECT_EQ(*store().SetState("leidang/web"), state);
  Do([&](WriteBatch& b) { b.DeleteSetState("leidang/web"); });
  EXPECT_THAT(store().SetState("leidang/web"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(StoreContract, DroppedTombstonesAreForgottenAndNobodyResumesOverThem) {
  for (const char* name : {"a", "b", "c", "d"}) Put(name, "1");
  Ack(4);
  Delete("a");
  Ack(5);
  Delete("b");
  Put("c", "2");
  const CommitResult end = Do([&](WriteBatch& b) {
    b.DropTombstones(kOne);
    b.DropTombstones(kTwo);  // No log.
  });
  ASSERT_EQ(end.forgotten.size(), 2u);
  EXPECT_EQ(end.forgotten[0].uid, TestUid("a"));
  EXPECT_EQ(end.forgotten[1].uid, TestUid("b"));
  EXPECT_TRUE(end.heads.empty());
  EXPECT_EQ(After(0), "4:put d 7:put c");
  harness_->KillAndReopen();
  const ClusterLog log = *store().Log(kOne);
  EXPECT_EQ(log.tombstones, 0u);
  EXPECT_EQ(log.resumable_from, 7u);
  EXPECT_EQ(log.head, 7u);
  EXPECT_EQ(log.acked, 5u);
  EXPECT_TRUE(Gone("a").forgotten.empty()) << "what it says late changes nothing";
  EXPECT_TRUE(Ack(7).forgotten.empty());
  // The log goes on.
  Delete("d");
  EXPECT_EQ(After(7), "8:delete d");
}

TEST_P(StoreContract, TheNewestOfEachLinkIsKeptApartFromStatuses) {
  EXPECT_TRUE(store().Links()->empty());
  LinkRecord link{.cluster = kOne,
                  .last_seen = absl::FromUnixSeconds(1'700'000'000),
                  .agent_version = "1.2.3",
                  .agent_revision = 4,
                  .status_backlog = 5,
                  .proof = Proof{object::Sha256::Of("b"), 4, absl::FromUnixSeconds(1'699'999'999)},
                  .applied_proof = Proof{object::Sha256::Of("a"), 3, absl::FromUnixSeconds(7),
                                         absl::FromUnixSeconds(8)}};
  intent::EntryStatus status;
  status.key = AppKey("a");
  status.uid = TestUid("a");
  WriteBatch batch;
  batch.PutLink({.cluster = kOne});
  batch.PutLink(link);
  batch.PutLink({.cluster = kTwo});
  batch.PutStatus(kOne, status);
  EXPECT_TRUE(batch.status_only());
  EXPECT_OK(harness_->Commit(std::move(batch)).status);
  const std::vector<LinkRecord> expected = {link};
  EXPECT_EQ(*store().Links(), expected) << "a cluster without a log is remembered, or none";
  EXPECT_EQ(store().StatusesOfCluster(kOne, {})->items.size(), 1u);
  Put("a", "1");  // Synced: what came before it is there now, too.
  harness_->KillAndReopen();
  EXPECT_EQ(*store().Links(), expected);
  EXPECT_EQ(store().StatusesOfCluster(kOne, {.token = "", .limit = 1})->items.size(), 1u);
  Do([&](WriteBatch& b) { b.DropLog(kOne); });
  EXPECT_TRUE(store().Links()->empty());
  Do([&](WriteBatch& b) { b.OpenLog(kOne, TestAuthority()); });
  EXPECT_TRUE(store().Links()->empty()) << "left behind by a log that was dropped";
}

TEST_P(StoreContract, TheNewestStatusOfEachUidIsKept) {
  intent::EntryStatus status;
  status.key = AppKey("a");
  status.uid = TestUid("a");
  status.received = 4;
  status.applied = 3;
  status.applied_element = object::Sha256::Of("content");
  status.sync = intent::SyncState::kOutOfSync;
  status.health = intent::HealthState::kProgressing;
  status.operation = intent::OperationPhase::kRunning;
  status.message = "applying";
  status.applied_commit = std::string(40, 'a');
  status.objects = 12;
  status.drift_corrections = 2;
  status.deleting = true;
  status.gone = true;
  status.unclaimed = true;
  status.body = R"({"spec":{}})";
  status.operation_started = absl::FromUnixMillis(1'700'000'000'001);
  status.operation_finished = absl::FromUnixMillis(1'700'000'000'002);
  status.operation_commit = std::string(40, 'b');
  status.observed_at = absl::FromUnixSeconds(1'700'000'000);
  status.conditions.push_back({"SyncError", "RenderFailed", "no", absl::FromUnixSeconds(5)});
  status.resources.push_back({.key = {"apps", "Deployment", "shop", "web"},
                              .sync = intent::SyncState::kOutOfSync,
                              .health = intent::HealthState::kDegraded,
                              .hook = "PreSync",
                              .operation = intent::OperationPhase::kFailed,
                              .message = "no"});
  status.resources.push_back({.key = {"", "ConfigMap", "shop", "web"}});
  intent::EntryStatus other = status;
  other.uid = TestUid("a", 1);
  other.operation_finished.reset();
  Do([&](WriteBatch& b) {
    b.PutStatus(kOne, status);
    b.PutStatus(kOne, other);
  });
  status.health = intent::HealthState::kHealthy;
  Do([&](WriteBatch& b) { b.PutStatus(kOne, status); });
  const std::vector<intent::EntryStatus> statuses = *store().Statuses(kOne, AppKey("a"));
  ASSERT_EQ(statuses.size(), 2u);
  EXPECT_TRUE(statuses[0] == status || statuses[1] == status);
  EXPECT_TRUE(statuses[0] == other || statuses[1] == other);
  EXPECT_EQ(store().StatusesOfCluster(kOne, {})->items.size(), 2u);
  Do([&](WriteBatch& b) { b.DeleteStatus(kOne, AppKey("a"), TestUid("a", 1)); });
  EXPECT_EQ(store().Statuses(kOne, AppKey("a"))->size(), 1u);
}

TEST_P(StoreContract, StatusesOfWhatIsNotAssignedAreBounded) {
  const auto status_of = [](const std::string& name, uint64_t deletions = 0) {
    intent::EntryStatus status;
    status.key = AppKey(name);
    status.uid = TestUid(name, deletions);
    return status;
  };
  const auto report = [&](const std::vector<intent::EntryStatus>& statuses) {
    const CommitResult result = Do([&](WriteBatch& b) {
      for (const intent::EntryStatus& status : statuses) b.PutStatus(kOne, status, 3);
    });
    std::string refused;
    for (const RefusedStatus& status : result.refused) refused += status.key.name.substr(8) + " ";
    return refused;
  };
  const auto unassigned = [&] {
    const uint64_t before = store().Log(kOne)->unassigned_statuses;
    harness_->KillAndReopen();
    EXPECT_EQ(store().Log(kOne)->unassigned_statuses, before) << "counted anew";
    return before;
  };
  const auto rows = [&] { return store().StatusesOfCluster(kOne, {})->items.size(); };
  Put("live", "1");
  Put("ending", "1");
  Delete("ending");
  EXPECT_EQ(report({status_of("s0"), status_of("s1"), status_of("s2"), status_of("s3"),
                    status_of("live"), status_of("live", 1), status_of("ending")}),
            "s3 live ");
  EXPECT_EQ(rows(), 5u);
  // Committed synced, so that a kill keeps the statuses.
  Put("other", "1");
  EXPECT_EQ(unassigned(), 3u);
  EXPECT_EQ(report({status_of("s1"), status_of("s4")}), "s4 ") << "one that is there is renewed";
  Put("s0", "1");
  EXPECT_EQ(unassigned(), 2u) << "adopted";
  Delete("s1");
  EXPECT_EQ(unassigned(), 1u) << "released";
  Do([&](WriteBatch& b) {
    b.DeleteStatus(kOne, AppKey("s2"), TestUid("s2"));
    b.DeleteStatus(kOne, AppKey("s2"), TestUid("s2"));
    b.DeleteStatus(kOne, AppKey("live"), TestUid("live"));
    b.Put(kOne, TestAssignment("other", "2"));
  });
  EXPECT_EQ(unassigned(), 0u);
  Ack(Head());
  Gone("ending");
  EXPECT_EQ(store().Statuses(kOne, AppKey("ending"))->size(), 0u)
      << "what was said of a uid ends with its tombstone";
  EXPECT_EQ(report({status_of("ending"), status_of("live", 1), status_of("s9")}), "");
  Put("other", "3");
  EXPECT_EQ(unassigned(), 3u);
  Do([&](WriteBatch& b) {
    b.DropLog(kOne);
    b.PutStatus(kOne, status_of("s1"));
    b.OpenLog(kOne, TestAuthority());
  });
  EXPECT_EQ(rows(), 0u) << "nothing is kept of a cluster without a log";
  EXPECT_EQ(unassigned(), 0u);
}

TEST_P(StoreContract, ContentIsReadByDigestOnly) {
  const std::string bytes("\0file\xff", 6);
  const object::Sha256 digest = object::Sha256::Of(bytes);
  Do([&](WriteBatch& b) { b.PutContent(digest, bytes); });
  EXPECT_EQ(*store().GetContent(digest), bytes);
  EXPECT_TRUE(*store().HasContent(digest));
  EXPECT_EQ(store().Content({})->items.size(), 1u);
  EXPECT_THAT(store().GetContent(object::Sha256::Of("other")),
              StatusIs(absl::StatusCode::kNotFound));
  const object::Sha256 wrong = object::Sha256::Of("what it should be");
  Do([&](WriteBatch& b) {
    b.PutContent(wrong, "what it is");
    b.DeleteContent(digest);
  });
  EXPECT_THAT(store().GetContent(wrong), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(*store().HasContent(digest));
}

TEST_P(StoreContract, ASubscriberHearsOfEachLogThatGrew) {
  std::vector<CommitResult> heard;
  const Store::SubscriptionId id = store().Subscribe(
      harness_->loop(), [&heard](const CommitResult& result) { heard.push_back(result); });
  Put("a", "1");
  Put("a", "1");
  harness_->Settle();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].heads.at(kOne), 1u);
  store().Unsubscribe(id);
  Put("a", "2");
  harness_->Settle();
  EXPECT_EQ(heard.size(), 1u);
}

TEST_P(StoreContract, ABatchAboveTheLimitIsRefused) {
  const CommitResult result =
      Try([&](WriteBatch& b) { b.PutContent(object::Sha256(), std::string(65 << 20, 'x')); });
  EXPECT_THAT(result.status,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("write it in parts")));
}

INSTANTIATE_TEST_SUITE_P(All, StoreContract, ::testing::ValuesIn(HarnessKinds()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace leidang::hub
