#include "cli/line_diff.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace leidang::cli {
namespace {

TEST(LineDiff, EqualTextsHaveNone) {
  EXPECT_EQ(LineDiff("", ""), "");
  EXPECT_EQ(LineDiff("a\nb\n", "a\nb\n"), "");
}

TEST(LineDiff, AChangedLineIsShownBetweenThreeOthersOnEachSide) {
  EXPECT_EQ(LineDiff("1\n2\n3\n4\nold\n5\n6\n7\n8\n", "1\n2\n3\n4\nnew\n5\n6\n7\n8\n"),
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-old\n+new\n 5\n 6\n 7\n");
}

TEST(LineDiff, WhatIsOnlyOnOneSideIsAddedOrRemovedAsAWhole) {
  EXPECT_EQ(LineDiff("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(LineDiff("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
}

TEST(LineDiff, ChangesFarApartAreHunksOfTheirOwn) {
  std::string before;
  std::string after;
  for (int i = 0; i < 20; ++i) {
    absl::StrAppend(&before, i, "\n");
    absl::StrAppend(&after, i == 2 || i == 15 ? "x" : absl::StrCat(i), "\n");
  }
  EXPECT_EQ(LineDiff(before, after),
            "@@ -1,6 +1,6 @@\n 0\n 1\n-2\n+x\n 3\n 4\n 5\n"
            "@@ -13,7 +13,7 @@\n 12\n 13\n 14\n-15\n+x\n 16\n 17\n 18\n");
}

TEST(LineDiff, ChangesCloseTogetherShareAHunk) {
  EXPECT_EQ(LineDiff("a\nb\nc\nd\n", "a\nx\nc\ny\n"), "@@ -1,4 +1,4 @@\n a\n-b\n+x\n c\n-d\n+y\n");
}

TEST(LineDiff, HugeTextsAreStillCompared) {
  std::string before = "same\n";
  std::string after = "same\n";
  for (int i = 0; i < 5000; ++i) {
    absl::StrAppend(&before, "a", i, "\n");
    absl::StrAppend(&after, "b", i, "\n");
  }
  EXPECT_EQ(LineDiff(before, after).substr(0, 31), "@@ -1,5001 +1,5001 @@\n same\n-a0");
}

}  // namespace
}  // namespace leidang::cli
