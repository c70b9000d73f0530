#include <utility>

#include "common/base/check.h"
#include "common/time/sim_loop.h"
#include "hub/store/memory_store.h"
#include "hub/store/store_contract.h"

namespace leidang::hub {
namespace {

class MemoryHarness final : public StoreHarness {
 public:
  MemoryHarness() { Open(); }

  Store& store() override { return *store_; }
  EventLoop* loop() override { return &loop_; }
  void Settle() override { loop_.RunUntilIdle(); }

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
    CHECK(loop_.RunUntil([&] { return results.size() == wanted; }, absl::Minutes(1)));
    return results;
  }

  // Nothing is committed before the loop runs.
  std::vector<CommitResult> CommitTogether(std::vector<WriteBatch> batches) override {
    return CommitAll(std::move(batches));
  }
  uint64_t syncs() const override { return disk_.syncs(); }

  void KillAndReopen() override {
    store_.reset();
    disk_.DropUnsynced();
    loop_.Clear();
    Open();
  }

 private:
  void Open() {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenMemoryStore(&disk_, &loop_);
    CHECK(store.ok());
    store_ = *std::move(store);
  }

  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Store> store_;
};

}  // namespace

std::vector<HarnessKind> HarnessKinds() {
  return {{"Memory", [] { return std::make_unique<MemoryHarness>(); }}};
}

}  // namespace leidang::hub
