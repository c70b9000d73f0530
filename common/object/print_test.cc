#include <cmath>
#include <limits>
#include <string>

#include "gtest/gtest.h"

#include "common/object/number.h"
#include "common/object/value.h"
#include "tests/support/status_matchers.h"

namespace leidang::object {
namespace {

TEST(FormatFloatTest, IsGosShortestText) {
  const struct {
    double d;
    const char* text;
  } kCases[] = {
      {0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {-1.5, "-1.5"},
      {100, "100"},
      {0.1, "0.1"},
      {0.000001, "0.000001"},
      {0.0000012, "0.0000012"},
      {1e-7, "1e-7"},
      {-1.25e-9, "-1.25e-9"},
      {1e-10, "1e-10"},
      {1e20, "100000000000000000000"},
      {1e21, "1e+21"},
      {1.5e300, "1.5e+300"},
      {123456789012345678901.0, "123456789012345680000"},
      {0x1p70, "1.1805916207174113e+21"},
      {0x1p60, "1152921504606847000"},
      {96.490850862168259, "96.49085086216826"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {2.5e-308, "2.5e-308"},
  };
  for (const auto& c : kCases) EXPECT_EQ(FormatFloat(c.d), c.text);
}

TEST(ToJsonTest, KeepsTheOrderOfKeys) {
  const Value value = {{"b", 1}, {"a", {1, 2.5, nullptr, true}}, {"c", Object()}, {"d", Array()}};
  EXPECT_EQ(ToJson(value), R"({"b":1,"a":[1,2.5,null,true],"c":{},"d":[]})");
}

TEST(ToJsonTest, EscapesAsGoWithoutHtml) {
  EXPECT_EQ(ToJson(Value("<a href=\"x\">&'\\/\b\f\n\r\t\x01\x1f\x7f\u00e9\U0001F600")),
            "\"<a href=\\\"x\\\">&'\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\u00e9\U0001F600\"");
  EXPECT_EQ(ToJson(Value("\u2028\u2029\u202a")), "\"\\u2028\\u2029\u202a\"");
}

TEST(ToJsonTest, IsValidJsonWhateverTheTreeHolds) {
  EXPECT_EQ(ToJson(Value("a\xff\xc3(\xe2\x80")), R"("a\ufffd\ufffd(\ufffd\ufffd")");
  EXPECT_EQ(ToJson(Value(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(ToJson(Value(std::nan(""))), "null");
}

TEST(CanonicalJsonTest, SortsKeysByBytesAtEveryLevel) {
  const Value value = {{"b", Value{{"z", 1}, {"Z", 2}}}, {"\u00e9", 1}, {"a", 2}};
  EXPECT_EQ(CanonicalJson(value), "{\"a\":2,\"b\":{\"Z\":2,\"z\":1},\"\u00e9\":1}");
}

TEST(CanonicalJsonTest, EqualNumbersHaveEqualText) {
  EXPECT_EQ(CanonicalJson(Value(1.0)), "1");
  EXPECT_EQ(CanonicalJson(Value(-0.0)), "0");
  EXPECT_EQ(CanonicalJson(Value(1e15)), "1000000000000000");
  EXPECT_EQ(CanonicalJson(Value(0x1p60)), CanonicalJson(Value(int64_t{1} << 60)));
  EXPECT_EQ(CanonicalJson(Value(-0x1p63)), "-9223372036854775808");
  EXPECT_EQ(CanonicalJson(Value(0x1p64)), "18446744073709552000");
  EXPECT_EQ(CanonicalJson(Value(uint64_t{7})), CanonicalJson(Value(int64_t{7})));
  EXPECT_EQ(CanonicalJson(Value(0.5)), "0.5");
}

TEST(PrettyJsonTest, IndentsByTwoSpaces) {
  const Value value = {{"a", {1, Value{{"b", "x"}}}}, {"c", Object()}, {"d", Array()}};
  EXPECT_EQ(PrettyJson(value),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\"\n    }\n  ],\n"
            "  \"c\": {},\n  \"d\": []\n}");
  EXPECT_EQ(PrettyJson(Value("x")), "\"x\"");
}

TEST(WholeNumberTest, IsExactAtTheBounds) {
  EXPECT_EQ(AsWholeNumber(Value(-0x1p63)),
            AsWholeNumber(Value(std::numeric_limits<int64_t>::min())));
  EXPECT_EQ(AsWholeNumber(Value(0x1p64)), std::nullopt);
  EXPECT_EQ(AsWholeNumber(Value(0.5)), std::nullopt);
  EXPECT_EQ(AsWholeNumber(Value(std::nan(""))), std::nullopt);
  EXPECT_EQ(AsWholeNumber(Value("1")), std::nullopt);
}

}  // namespace
}  // namespace leidang::object
