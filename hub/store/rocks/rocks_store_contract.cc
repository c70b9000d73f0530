#include <atomic>
#include <future>
#include <utility>

#include "common/base/check.h"
#include "common/time/thread_loop.h"
#include "hub/store/pumped_loop.h"
#include "hub/store/rocks/rocks_database.h"
#include "hub/store/store_contract.h"
#include "tests/support/temp_dir.h"

namespace leidang::hub {
namespace {

class RocksHarness final : public StoreHarness {
 public:
  RocksHarness() { Open(); }
  ~RocksHarness() override { Close(); }

  Store& store() override { return *store_; }
  EventLoop* loop() override { return &loop_; }

  void Settle() override {
    // Behind everything that the commit loop posts now.
    bool reached = false;
    commits_->Post([this, &reached] { loop_.Post([&reached] { reached = true; }); });
    CHECK(loop_.RunUntil([&reached] { return reached; }));
  }

  CommitResult Commit(WriteBatch batch) override {
    std::vector<WriteBatch> batches;
    batches.push_back(std::move(batch));
    return CommitAll(std::move(batches))[0];
  }

  std::vector<CommitResult> CommitAll(std::vector<WriteBatch> batches) override {
    std::vector<CommitResult> results;
    const size_t wanted = batches.size();
    for (WriteBatch& batch : batches) {
      store_->Commit(std::move(batch), &loop_,
                     [&results](const CommitResult& result) { results.push_back(result); });
    }
    CHECK(loop_.RunUntil([&] { return results.size() == wanted; }));
    return results;
  }

  std::vector<CommitResult> CommitTogether(std::vector<WriteBatch> batches) override {
    std::vector<CommitResult> results;
    const size_t wanted = batches.size();
    std::promise<void> all_wait;
    commits_->Post([&all_wait] { all_wait.get_future().wait(); });
    for (WriteBatch& batch : batches) {
      store_->Commit(std::move(batch), &loop_,
                     [&results](const CommitResult& result) { results.push_back(result); });
    }
    all_wait.set_value();
    CHECK(loop_.RunUntil([&] { return results.size() == wanted; }));
    return results;
  }
  uint64_t syncs() const override { return syncs_; }

  void KillAndReopen() override {
    Close();
    loop_.Clear();
    Open();
  }

 private:
  void Open() {
    DatabaseOptions options;
    options.directory = directory_ / "store";
    options.new_hub_id = TestHub();
    options.sync_samples = 1;
    options.on_synced = [this](absl::Duration) { ++syncs_; };
    auto database = RocksDatabase::Open(options, loop_.clock());
    CHECK(database.ok());
    database_ = *std::move(database);
    commits_ = std::make_unique<ThreadLoop>("commit");
    auto store = OpenRocksStore(*database_, commits_.get());
    CHECK(store.ok());
    store_ = *std::move(store);
  }

  void Close() {
    commits_->Stop();
    store_.reset();
    commits_.reset();
    database_.reset();
  }

  ::leidang::testing::TempDir directory_;
  PumpedLoop loop_;
  std::atomic<uint64_t> syncs_{0};
  std::unique_ptr<RocksDatabase> database_;
  std::unique_ptr<ThreadLoop> commits_;
  std::unique_ptr<Store> store_;
};

}  // namespace

std::vector<HarnessKind> HarnessKinds() {
  return {{"RocksDb", [] { return std::make_unique<RocksHarness>(); }}};
}

}  // namespace leidang::hub
