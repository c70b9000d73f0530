// The laws of the change log, against a model, with random changes, acknowledgements and kills.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/store/memory_store.h"
#include "hub/store/store_contract.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using Id = std::pair<intent::EntryKey, intent::Uid>;

// What an agent holds: deletes only by tombstone, and never changes what it was not told.
struct Holdings {
  intent::Revision revision = 0;
  std::map<Id, std::string> entries;  // To the body.

  void Take(const ChangePage& page) {
    intent::Revision last = page.from;
    for (const intent::Change& change : page.changes) {
      ASSERT_GT(change.revision, last) << "revisions ascend";
      last = change.revision;
      if (const auto* put = std::get_if<intent::Assignment>(&change.what)) {
        entries[{put->key, put->uid}] = put->body;
      } else {
        entries.erase({change.key(), change.uid()});
      }
    }
    revision = page.to;
  }
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    Open();
    WriteBatch batch;
    batch.OpenLog(kCluster, TestAuthority(epoch_));
    Commit(std::move(batch));
  }

  void Step() {
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2:
        return Change();
      case 3:
        return Acknowledge();
      case 4:
        return ReportGone();
      case 5:
        if (random_.Chance(1, 4)) Kill();
        return;
      case 6:
        if (random_.Chance(1, 20)) PassToNewerAuthority();
        return;
      default:
        return Change();
    }
  }

  void Check() {
    const ClusterLog log = *store_->Log(kCluster);
    ASSERT_EQ(log.live, live_.size());
    proof::BucketedDigest digest;
    for (const auto& [key, assignment] : live_) digest.Add(key, proof::ElementOf(assignment));
    ASSERT_EQ(*store_->Root(kCluster), digest.Root());
    ASSERT_EQ(store_->Assignments(kCluster, {})->items.size(), live_.size());
    for (const Holdings& past : past_) CheckResume(past, log);
    // One that holds nothing may always start at 0.
    CheckResume(Holdings(), log);
  }

 private:
  static constexpr int kKeys = 6;

  void Open() {
    auto store = OpenMemoryStore(&disk_, &loop_);
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  void Commit(WriteBatch batch) {
    bool done = false;
    store_->Commit(std::move(batch), &loop_, [&done](const CommitResult& result) {
      EXPECT_OK(result.status);
      done = true;
    });
    loop_.RunUntilIdle();
    EXPECT_TRUE(done);
  }

  void Change() {
    WriteBatch batch;
    for (uint64_t n = 1 + random_.Below(4); n > 0; --n) {
      const std::string name = absl::StrCat("app", random_.Below(kKeys));
      const auto it = live_.find(AppKey(name));
      if (it != live_.end() && random_.Chance(1, 3)) {
        batch.Delete(kCluster, {it->first, it->second.uid, intent::DeletionPolicy::kForeground});
        live_.erase(it);
        ++deletions_[name];
        continue;
      }
      intent::Assignment assignment =
          TestAssignment(name, absl::StrCat(random_.Below(5)), deletions_[name]);
      live_.insert_or_assign(assignment.key, assignment);
      batch.Put(kCluster, std::move(assignment));
    }
    Commit(std::move(batch));
  }

  // The agent takes a part of what it lacks and acknowledges it.
  void Acknowledge() {
    ASSERT_OK_AND_ASSIGN(const ChangePage page,
                         store_->ChangesAfter(kCluster, agent_.revision, random_.Below(2000)));
    agent_.Take(page);
    past_.push_back(agent_);
    if (past_.size() > 40) past_.erase(past_.begin());
    WriteBatch batch;
    batch.AckedThrough(kCluster, TestAuthority(epoch_), agent_.revision);
    Commit(std::move(batch));
  }

  void ReportGone() {
    ASSERT_OK_AND_ASSIGN(const auto pending, store_->Tombstones(kCluster));
    WriteBatch batch;
    for (const PendingTombstone& one : pending) {
      const Id id(one.tombstone.key, one.tombstone.uid);
      // An agent that never held it says so, too, possibly before it acknowledges.
      if (agent_.entries.contains(id) || random_.Chance(1, 2)) continue;
      batch.ReportedGone(kCluster, id.first, id.second);
    }
    if (!batch.empty()) Commit(std::move(batch));
  }

  void Kill() {
    if (random_.Chance(1, 2)) {
      // With a change under way, of which nothing may be seen afterwards.
      WriteBatch batch;
      batch.Put(kCluster, TestAssignment("lost", "1"));
      store_->Commit(std::move(batch), &loop_, [](const CommitResult&) { ADD_FAILURE(); });
    }
    const ClusterLog before = *store_->Log(kCluster);
    store_.reset();
    disk_.DropUnsynced();
    loop_.RunUntilIdle();
    Open();
    const ClusterLog after = *store_->Log(kCluster);
    EXPECT_EQ(after.head, before.head);
    EXPECT_EQ(after.acked, before.acked);
    EXPECT_EQ(after.resumable_from, before.resumable_from);
  }

  void PassToNewerAuthority() {
    ++epoch_;
    WriteBatch batch;
    batch.OpenLog(kCluster, TestAuthority(epoch_));
    Commit(std::move(batch));
  }

  void CheckResume(Holdings holdings, const ClusterLog& log) {
    const bool holds_nothing = holdings.entries.empty() && holdings.revision == 0;
    if (holdings.revision < log.resumable_from && !holds_nothing) return;
    ASSERT_OK_AND_ASSIGN(const ChangePage page,
                         store_->ChangesAfter(kCluster, holdings.revision, 1 << 30));
    ASSERT_EQ(page.to, log.head);
    ASSERT_FALSE(page.more);
    holdings.Take(page);
    ASSERT_EQ(holdings.entries.size(), live_.size());
    for (const auto& [key, assignment] : live_) {
      const auto held = holdings.entries.find({key, assignment.uid});
      ASSERT_NE(held, holdings.entries.end()) << key.ToString();
      ASSERT_EQ(held->second, assignment.body);
    }
  }

  const intent::ClusterId kCluster = TestCluster(1);
  SeededRandom random_;
  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Store> store_;
  uint64_t epoch_ = 1;
  std::map<intent::EntryKey, intent::Assignment> live_;
  std::map<std::string, uint64_t> deletions_;
  Holdings agent_;
  std::vector<Holdings> past_;  // At every revision that it acknowledged lately.
};

TEST(ChangeLogProperty, WhatFollowsAnyAcknowledgedRevisionIsExactlyWhatIsMissing) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World world(seed);
    for (int step = 0; step < 120; ++step) {
      ASSERT_NO_FATAL_FAILURE(world.Step());
      ASSERT_NO_FATAL_FAILURE(world.Check());
    }
  }
}

}  // namespace
}  // namespace leidang::hub
