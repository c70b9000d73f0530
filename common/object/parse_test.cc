#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "tests/support/status_matchers.h"

namespace leidang::object {
namespace {

using ::leidang::testing::IsOk;
using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

Value Parse(absl::string_view text) {
  auto value = ParseJson(text);
  EXPECT_THAT(value, IsOk()) << text;
  return value.ok() ? *value : Value();
}

void ExpectError(absl::string_view text, const std::string& message) {
  EXPECT_THAT(ParseJson(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)))
      << text;
}

TEST(ParseJsonTest, NumbersAreTheNearestDouble) {
  EXPECT_EQ(Parse("96.490850862168259").as_double(), 96.490850862168259);
  EXPECT_EQ(Parse("0.1").as_double(), 0.1);
  EXPECT_EQ(Parse("123456789012345.678e-20").as_double(), 123456789012345.678e-20);
  EXPECT_EQ(Parse("2.2250738585072011e-308").as_double(), 2.2250738585072011e-308);
  EXPECT_EQ(Parse("5e-324").as_double(), 5e-324);
  EXPECT_EQ(Parse("1.7976931348623157e308").as_double(), std::numeric_limits<double>::max());
  EXPECT_EQ(Parse("1E+2").as_double(), 100.0);
}

TEST(ParseJsonTest, IntegersKeepTheirExactValueUpTo64Bits) {
  EXPECT_EQ(Parse("9223372036854775807").as_int64(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Parse("-9223372036854775808").as_int64(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Parse("9223372036854775808").as_uint64(), 9223372036854775808u);
  EXPECT_EQ(Parse("18446744073709551615").as_uint64(), std::numeric_limits<uint64_t>::max());
}

TEST(ParseJsonTest, LargerIntegersBecomeDoubles) {
  EXPECT_EQ(Parse("18446744073709551616").as_double(), 0x1p64);
  EXPECT_EQ(Parse("-9223372036854775809").as_double(), -0x1p63);
  EXPECT_EQ(Parse("123456789012345678901234567890").as_double(), 123456789012345678901234567890.0);
}

TEST(ParseJsonTest, ZeroKeepsItsSignAndTinyNumbersBecomeZero) {
  EXPECT_TRUE(std::signbit(Parse("-0").as_double()));
  EXPECT_EQ(Parse("1e-400").as_double(), 0.0);
  EXPECT_TRUE(std::signbit(Parse("-1e-400").as_double()));
  EXPECT_EQ(Parse(absl::StrCat("0.", std::string(400, '0'), "1e5")).as_double(), 0.0);
  EXPECT_EQ(Parse("0").as_int64(), 0);
}

TEST(ParseJsonTest, ANumberTooLargeForADoubleIsAnError) {
  ExpectError("[1, 1e400]", "line 1, column");
  ExpectError("[1, 1e400]", "the number 1e400 is too large");
  ExpectError("-1e400", "too large");
  ExpectError("1e99999999999999999999", "too large");
  ExpectError(absl::StrCat("1", std::string(500, '0'), "e-100"), "too large");
}

TEST(ParseJsonTest, NumbersThatJsonDoesNotHaveAreErrors) {
  for (const char* text : {"01", "+1", ".5", "1.", "-", "1e", "0x10", "NaN", "Infinity", "1_000"}) {
    ExpectError(text, "line 1, column");
  }
}

TEST(ParseJsonTest, NestingIsLimited) {
  const auto nested = [](size_t levels) {
    return absl::StrCat(std::string(levels, '['), std::string(levels, ']'));
  };
  EXPECT_THAT(ParseJson(nested(kDepthMax)), IsOk());
  ExpectError(nested(kDepthMax + 1), "more than 1000 levels of nesting");
  EXPECT_THAT(ParseJson("[[1]]", {.depth_max = 1}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("more than 1 levels")));
}

TEST(ParseJsonTest, TheLastOfDuplicateKeysWinsUnlessTheyAreErrors) {
  EXPECT_EQ(ToJson(Parse(R"({"a":1,"b":2,"a":3})")), R"({"a":3,"b":2})");
  EXPECT_THAT(ParseJson("{\"a\":1,\n\"a\":3}", {.duplicates = Duplicates::kError}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::AllOf(HasSubstr("line 2"), HasSubstr("\"a\" is there twice"))));
  EXPECT_THAT(ParseJson(R"([{"a":1},{"a":3}])", {.duplicates = Duplicates::kError}), IsOk());
}

TEST(ParseJsonTest, StringsAreUnescaped) {
  EXPECT_EQ(Parse(R"("a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")").as_string(),
            "a\"\\/\b\f\n\r\t\u00e9\U0001F600");
  EXPECT_EQ(Parse("\"\xc3\xa9\"").as_string(), "\u00e9");
  const std::string long_text(100'000, 'x');
  EXPECT_EQ(Parse(absl::StrCat("\"", long_text, "\\n\"")).as_string(), long_text + "\n");
}

TEST(ParseJsonTest, TextThatIsNotUtf8IsAnError) {
  ExpectError("\"\xff\"", "line 1, column");
  ExpectError("\"\xc0\xaf\"", "line 1, column");
  ExpectError("\"\xed\xa0\x80\"", "line 1, column");
  ExpectError("{\"\xff\":1}", "line 1, column");
  ExpectError(R"("\ud800")", "line 1, column 8");
  ExpectError("\xef\xbb\xbf{}", "line 1, column 1");
}

TEST(ParseJsonTest, ErrorsNameLineColumnAndWhatWasFound) {
  ExpectError("{\n  \"a\": 1,\n  b: 2\n}", "line 3, column 3: unexpected 'b' in an object");
  ExpectError("[1,\n 2,\n]", "line 3, column 1: unexpected ']' in an array");
  ExpectError("{\"a\":1", "line 1, column 7: the text ends in an object");
  ExpectError("", "line 1, column 1: the text ends before the value does");
  ExpectError("  ", "the text ends");
  ExpectError("1 2", "line 1, column 3: unexpected '2' after the end of the value");
  ExpectError("{} // c", "column 4: unexpected '/'");
  ExpectError("\"a\nb\"", "line 1, column 3: unexpected the end of the line");
  ExpectError("'a'", "unexpected '''");
  ExpectError("tru", "the text ends");
}

TEST(ParseJsonTest, WhitespaceAroundTheDocumentIsFine) {
  EXPECT_EQ(ToJson(Parse(" \r\n\t{ \"a\" : [ ] } \n")), R"({"a":[]})");
}

}  // namespace
}  // namespace leidang::object
