// Store and ledger used from several threads at once: for ThreadSanitizer, which finds nothing on
// one thread.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/time/thread_loop.h"
#include "hub/store/memory_store.h"
#include "hub/store/pumped_loop.h"
#include "hub/store/store_contract.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

constexpr int kWriters = 3;
constexpr int kBatches = 100;

// Commits one change after another to its own cluster, each when the one before is done.
class Writer {
 public:
  Writer(Store* store, int n, std::atomic<int>* done)
      : store_(store),
        cluster_(TestCluster(static_cast<uint8_t>(n))),
        done_(done),
        loop_("writer") {
    loop_.Post([this] {
      WriteBatch batch;
      batch.OpenLog(cluster_, TestAuthority());
      Commit(std::move(batch));
    });
  }
  void Stop() { loop_.Stop(); }

 private:
  void Commit(WriteBatch batch) {
    store_->Commit(std::move(batch), &loop_, [this](const CommitResult& result) {
      EXPECT_OK(result.status);
      Next();
    });
  }

  void Next() {
    if (step_ == kBatches) {
      done_->fetch_add(1);
      return;
    }
    ++step_;
    WriteBatch batch;
    batch.Put(cluster_, TestAssignment(absl::StrCat("app", step_ % 7), absl::StrCat(step_)));
    if (step_ % 10 == 0) {
      const intent::Revision head = store_->Log(cluster_)->head;
      batch.AckedThrough(cluster_, TestAuthority(), head);
    }
    Commit(std::move(batch));
  }

  Store* const store_;
  const intent::ClusterId cluster_;
  std::atomic<int>* const done_;
  int step_ = 0;
  ThreadLoop loop_;
};

TEST(StoreThreads, EachReadSeesOneState) {
  MemoryRows disk;
  ThreadLoop commits("commit");
  MemoryStoreOptions options;
  options.commit_delay = absl::ZeroDuration();
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Store> store, OpenMemoryStore(&disk, &commits, options));
  std::atomic<int> told = 0;
  ThreadLoop subscriber("subscriber");
  store->Subscribe(&subscriber, [&told](const CommitResult& result) {
    told.fetch_add(static_cast<int>(result.heads.size()));
  });
  std::atomic<int> done = 0;
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.push_back(std::make_unique<Writer>(store.get(), i, &done));
  }
  while (done.load() < kWriters) {
    for (const ClusterLog& log : store->Logs()) {
      ASSERT_OK_AND_ASSIGN(const ChangePage page, store->ChangesAfter(log.cluster, 0, 1 << 20));
      EXPECT_EQ(page.to, page.head);
      EXPECT_GE(page.head, log.head);
      ASSERT_OK_AND_ASSIGN(const LiveEntries entries, store->Entries(log.cluster, {}));
      EXPECT_LE(entries.entries.size(), 7u);
      EXPECT_OK(store->Root(log.cluster));
    }
  }
  for (const auto& writer : writers) writer->Stop();
  commits.Stop();
  subscriber.Stop();
  EXPECT_GT(told.load(), 0);
  for (const ClusterLog& log : store->Logs()) {
    EXPECT_EQ(log.head, static_cast<intent::Revision>(kBatches));
    EXPECT_EQ(log.live, 7u);
  }
}

TEST(StoreThreads, AStoreIsDestroyedWhileOthersStillWait) {
  for (int round = 0; round < 20; ++round) {
    MemoryRows disk;
    ThreadLoop commits("commit");
    PumpedLoop answers;
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<Store> store, OpenMemoryStore(&disk, &commits));
    for (int i = 0; i < 20; ++i) {
      WriteBatch batch;
      batch.OpenLog(TestCluster(static_cast<uint8_t>(i)), TestAuthority());
      store->Commit(std::move(batch), &answers, [](const CommitResult&) {});
    }
    store.reset();
  }
}

}  // namespace
}  // namespace leidang::hub
