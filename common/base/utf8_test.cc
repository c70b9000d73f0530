#include "common/base/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace leidang {
namespace {

TEST(Utf8Test, KnowsValidSequences) {
  EXPECT_TRUE(IsUtf8("a\u00e9\u20ac\U0010FFFF"));
  EXPECT_EQ(Utf8Length("\U0001F600x"), 4u);
  for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xe2\x82", "\xff"}) {
    EXPECT_FALSE(IsUtf8(bad));
    EXPECT_EQ(Utf8Length(bad), 0u);
  }
}

TEST(Utf8Test, BytesThatAreNotTextBecomeTheReplacementCharacter) {
  EXPECT_EQ(ToUtf8("a\xff\xc3(\xe2\x80"), "a\uFFFD\uFFFD(\uFFFD\uFFFD");
  EXPECT_EQ(ToUtf8("\u00e9"), "\u00e9");
}

TEST(Utf8Test, APrefixDoesNotEndWithinACharacter) {
  EXPECT_EQ(Utf8Prefix("abc", 3), "abc");
  EXPECT_EQ(Utf8Prefix("abc", 2), "ab");
  EXPECT_EQ(Utf8Prefix("a\u20acb", 4), "a\u20ac");
  EXPECT_EQ(Utf8Prefix("a\u20acb", 3), "a");
  EXPECT_EQ(Utf8Prefix("a\u20acb", 2), "a");
  EXPECT_EQ(Utf8Prefix("\u20ac", 2), "");
}

TEST(JsonStringTest, IsAppendedWithQuotesAndEscapes) {
  std::string out = "x";
  AppendJsonString("a\"\\\n\x01\xff\u2028", out);
  EXPECT_EQ(out, "x\"a\\\"\\\\\\n\\u0001\\ufffd\\u2028\"");
}

}  // namespace
}  // namespace leidang
