#include "hub/control/brake_limit.h"

#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using Kind = BrakeLimit::Kind;

TEST(BrakeLimit, ReadsANumberAPercentageOrUnlimited) {
  EXPECT_EQ(*ParseBrakeLimit("10"), (BrakeLimit{Kind::kNumber, 10}));
  EXPECT_EQ(*ParseBrakeLimit("25%"), (BrakeLimit{Kind::kPercent, 25}));
  EXPECT_EQ(*ParseBrakeLimit("0"), (BrakeLimit{Kind::kNumber, 0}));
  EXPECT_EQ(*ParseBrakeLimit("unlimited"), (BrakeLimit{Kind::kUnlimited, 0}));
}

TEST(BrakeLimit, RefusesEverythingElseAndSaysWhatIsAllowed) {
  for (const char* bad : {"", "%", "-1", "101%", "ten", "5 %%", "1.5"}) {
    const auto limit = ParseBrakeLimit(bad);
    ASSERT_FALSE(limit.ok()) << bad;
    EXPECT_NE(limit.status().message().find("a percentage such as 25%"), std::string::npos) << bad;
  }
}

TEST(BrakeLimit, OfASetIsMoreThanTenAndAFifthOrAllOfTwo) {
  const BrakeLimit limit{Kind::kSet, 0};
  EXPECT_FALSE(limit.Exceeds(10, 11));
  EXPECT_TRUE(limit.Exceeds(11, 54));
  EXPECT_FALSE(limit.Exceeds(11, 55));
  EXPECT_FALSE(limit.Exceeds(1, 1)) << "the only one may go";
  EXPECT_TRUE(limit.Exceeds(2, 2));
}

TEST(BrakeLimit, OfAClusterIsThreeAndMoreThanHalf) {
  const BrakeLimit limit{Kind::kCluster, 0};
  EXPECT_FALSE(limit.Exceeds(2, 2));
  EXPECT_FALSE(limit.Exceeds(3, 6));
  EXPECT_TRUE(limit.Exceeds(3, 5));
}

TEST(BrakeLimit, ChosenOnesCountExactly) {
  EXPECT_FALSE((BrakeLimit{Kind::kNumber, 3}).Exceeds(3, 3));
  EXPECT_TRUE((BrakeLimit{Kind::kNumber, 3}).Exceeds(4, 1000));
  EXPECT_TRUE((BrakeLimit{Kind::kNumber, 0}).Exceeds(1, 1000));
  EXPECT_FALSE((BrakeLimit{Kind::kPercent, 25}).Exceeds(1, 4));
  EXPECT_TRUE((BrakeLimit{Kind::kPercent, 25}).Exceeds(2, 4));
  EXPECT_FALSE((BrakeLimit{Kind::kUnlimited, 0}).Exceeds(1000, 1000));
}

}  // namespace
}  // namespace leidang::hub
