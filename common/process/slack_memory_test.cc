#include "common/process/slack_memory.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang {
namespace {

constexpr size_t kMb = size_t{1} << 20;

// How often it says so within so many looks at the same size.
int Times(SlackMemory& slack, size_t resident, int looks) {
  int times = 0;
  for (int i = 0; i < looks; ++i) times += slack.Look(resident) ? 1 : 0;
  return times;
}

TEST(SlackMemory, IsLeftWhereNothingHasGrown) {
  SlackMemory slack;
  EXPECT_EQ(Times(slack, 40 * kMb, 100), 0);
  EXPECT_EQ(Times(slack, 50 * kMb, 100), 0) << "too little to be worth it";
}

TEST(SlackMemory, IsGivenBackAfterGrowthHasComeToRestAndOnceMoreLater) {
  SlackMemory slack;
  EXPECT_FALSE(slack.Look(40 * kMb));
  for (size_t size = 100; size < 1'000; size += 100) EXPECT_FALSE(slack.Look(size * kMb));
  EXPECT_TRUE(slack.Look(901 * kMb));
  EXPECT_FALSE(slack.Look(700 * kMb));
  EXPECT_EQ(Times(slack, 700 * kMb, SlackMemory::kLooksBeforeAgain), 1);
  EXPECT_EQ(Times(slack, 650 * kMb, 100), 0);
}

TEST(SlackMemory, IsGivenBackAfterEachGrowth) {
  SlackMemory slack;
  EXPECT_FALSE(slack.Look(40 * kMb));
  EXPECT_EQ(Times(slack, 100 * kMb, 50), 2);
  EXPECT_EQ(Times(slack, 60 * kMb, 50), 0);
  EXPECT_EQ(Times(slack, 100 * kMb, 50), 2) << "from where it had fallen to";
}

// The sanitizers have a malloc of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(SlackMemory, WhatIsFreeBetweenBlocksInUseIsGivenBack) {
  std::vector<std::unique_ptr<std::vector<char>>> blocks;
  for (int i = 0; i < 40'000; ++i) {
    blocks.push_back(std::make_unique<std::vector<char>>(4'000, 'x'));
  }
  ASSERT_OK_AND_ASSIGN(const size_t full, ResidentBytes());
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i % 16 != 0) blocks[i].reset();
  }
  GiveBackFreeMemory();
  ASSERT_OK_AND_ASSIGN(const size_t after, ResidentBytes());
  EXPECT_LT(after + 50 * kMb, full);
}
#endif

}  // namespace
}  // namespace leidang
