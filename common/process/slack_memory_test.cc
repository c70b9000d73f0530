#include "common/process/slack_memory.h"

#include <cstddef>

#include "gtest/gtest.h"

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

}  // namespace
}  // namespace leidang
