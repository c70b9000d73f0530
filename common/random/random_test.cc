#include "common/random/random.h"

#include <set>

#include "gtest/gtest.h"

namespace leidang {
namespace {

TEST(SeededRandomTest, ASeedRepeatsTheSameNumbersOnEveryMachine) {
  // xoshiro256** from the splitmix64 state of seed 0: the reference implementation gives these.
  SeededRandom random(0);
  EXPECT_EQ(random.Next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random.Next(), 0xbf6e1f784956452au);
  EXPECT_EQ(random.Next(), 0x1a5f849d4933e6e0u);
}

TEST(SeededRandomTest, DifferentSeedsDiffer) {
  SeededRandom a(1);
  SeededRandom b(2);
  EXPECT_NE(a.Next(), b.Next());
}

TEST(RandomTest, BelowStaysBelowAndReachesEverything) {
  SeededRandom random(7);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.Below(10));
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(*seen.rbegin(), 9u);
  EXPECT_EQ(random.Below(1), 0u);
  for (int i = 0; i < 100; ++i) EXPECT_LT(random.Below(uint64_t{1} << 63), uint64_t{1} << 63);
}

TEST(RandomTest, ChanceIsNeverForZeroAndAlwaysForAll) {
  SeededRandom random(7);
  int hits = 0;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.Chance(0, 5));
    EXPECT_TRUE(random.Chance(5, 5));
    if (random.Chance(1, 4)) ++hits;
  }
  EXPECT_GT(hits, 180);
  EXPECT_LT(hits, 320);
}

TEST(RandomTest, UnitIsAtLeastZeroAndBelowOne) {
  SeededRandom random(7);
  for (int i = 0; i < 1000; ++i) {
    const double u = random.Unit();
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
  }
}

TEST(RandomTest, BytesHasExactlyTheCountAskedFor) {
  SeededRandom random(7);
  for (const size_t count : {0, 1, 7, 8, 9, 100}) EXPECT_EQ(random.Bytes(count).size(), count);
}

TEST(SystemRandomTest, NumbersDiffer) {
  SystemRandom random;
  std::set<uint64_t> seen;
  for (int i = 0; i < 100; ++i) seen.insert(random.Next());
  EXPECT_EQ(seen.size(), 100u);
}

}  // namespace
}  // namespace leidang
