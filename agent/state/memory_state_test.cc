#include "agent/state/memory_state.h"

#include <memory>

#include "agent/state/state_contract.h"
#include "common/time/sim_loop.h"

namespace leidang::agent {
namespace {

class MemoryStateUnderTest final : public StateUnderTest {
 public:
  MemoryStateUnderTest() { Reopen(); }
  State& state() override { return *state_; }
  void Reopen() override {
    state_.reset();
    state_ = std::make_unique<MemoryState>(loop_, disk_);
  }
  bool RunUntil(const std::function<bool()>& done) override {
    return loop_.RunUntil(done, absl::Hours(1));
  }

 private:
  SimLoop loop_;
  MemoryDisk disk_;
  std::unique_ptr<MemoryState> state_;
};

std::unique_ptr<StateUnderTest> NewMemoryStateUnderTest() {
  return std::make_unique<MemoryStateUnderTest>();
}

INSTANTIATE_TEST_SUITE_P(Memory, StateContract, ::testing::Values(&NewMemoryStateUnderTest));

TEST(MemoryStateTest, NothingIsVisibleBeforeTheDiskHasIt) {
  SimLoop loop;
  MemoryDisk disk;
  MemoryState state(loop, disk,
                    {.sync_delay = [] { return absl::Milliseconds(10); }, .sync_fault = nullptr});
  bool done = false;
  state.Commit({Obey{{intent::HubId({1}), 1, 1}, 1}}, [&](absl::Status) { done = true; });
  loop.RunFor(absl::Milliseconds(9));
  EXPECT_EQ(state.allegiance(), Allegiance());
  EXPECT_FALSE(done);
  loop.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(state.allegiance().session_epoch, 1u);
  EXPECT_TRUE(done);
}

TEST(MemoryStateTest, ADiskThatFailsWritesNothing) {
  SimLoop loop;
  MemoryDisk disk;
  MemoryState state(loop, disk, {.sync_delay = nullptr, .sync_fault = [] {
                                   return absl::ResourceExhaustedError("disk full");
                                 }});
  absl::Status result;
  state.Commit({Obey{{intent::HubId({1}), 1, 1}, 1}},
               [&](absl::Status status) { result = status; });
  loop.RunUntilIdle();
  EXPECT_EQ(result.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(state.allegiance(), Allegiance());
}

}  // namespace
}  // namespace leidang::agent
