#include "tests/support/golden.h"

#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/temp_dir.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;

TEST(GoldenTest, ComparesAndNamesTheFirstDifference) {
  const TempDir dir;
  WriteFile(dir / "want", "a\nb\n");
  EXPECT_TRUE(MatchesGolden(dir / "want", "a\nb\n"));
  const auto result = MatchesGolden(dir / "want", "a\nc\n");
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message(), HasSubstr("line 2\n  want: b\n  got:  c"));
  EXPECT_THAT(MatchesGolden(dir / "none", "a").message(), HasSubstr("is missing or empty"));
}

TEST(GoldenTest, WritesWhenAsked) {
  const TempDir dir;
  ::setenv("UPDATE_GOLDEN", "1", 1);
  EXPECT_TRUE(MatchesGolden(dir / "new/want", "a\n"));
  ::unsetenv("UPDATE_GOLDEN");
  EXPECT_EQ(ReadFile(dir / "new/want"), "a\n");
}

}  // namespace
}  // namespace leidang::testing
