#include "tests/sim/shrink.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::set<size_t> UpTo(size_t count) {
  std::set<size_t> all;
  for (size_t i = 0; i < count; ++i) all.insert(i);
  return all;
}

TEST(ShrinkTest, FindsTheDeedsThatAreNeededTogether) {
  size_t runs = 0;
  const std::set<size_t> left = Shrink(
      UpTo(40),
      [](const std::set<size_t>& deeds) { return deeds.contains(3) && deeds.contains(31); }, &runs);
  EXPECT_THAT(left, ElementsAre(3, 31));
  EXPECT_LT(runs, 80u);
}

TEST(ShrinkTest, LeavesNothingOfWhatFailsByItself) {
  size_t runs = 0;
  EXPECT_THAT(Shrink(UpTo(24), [](const std::set<size_t>&) { return true; }, &runs), IsEmpty());
  EXPECT_EQ(runs, 1u);
}

TEST(ShrinkTest, KeepsAllOfAListThatIsNeededWhole) {
  size_t runs = 0;
  const std::set<size_t> left =
      Shrink(UpTo(5), [](const std::set<size_t>& deeds) { return deeds.size() == 5; }, &runs);
  EXPECT_THAT(left, ElementsAre(0, 1, 2, 3, 4));
}

TEST(ShrinkTest, LooksAgainAfterOneWasLeftOut) {
  // 0 can go only when 1 is gone.
  size_t runs = 0;
  const std::set<size_t> left = Shrink(
      UpTo(3),
      [](const std::set<size_t>& deeds) {
        return deeds.contains(2) && (deeds.contains(0) || !deeds.contains(1));
      },
      &runs);
  EXPECT_THAT(left, ElementsAre(2));
}

}  // namespace
}  // namespace leidang::sim
