#include "common/yaml/yaml_writer.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"

#include "common/yaml/go_yaml.h"
#include "common/yaml/key_order.h"
#include "common/yaml/yaml.h"
#include "tests/support/random_value.h"
#include "tests/support/status_matchers.h"

namespace leidang::yaml {
namespace {

using object::Value;

Value Json(absl::string_view text) { return object::ParseJson(text).value(); }

TEST(ToYamlTest, LooksAsKubectlPrintsInTheOrderOfTheObject) {
  EXPECT_EQ(
      ToYaml(Json(R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","labels":{}},
                            "data":{"port":"8080","text":"a\nb\n"},"list":[{"b":1,"a":[1,[2]]},[],null]})")),
      "kind: ConfigMap\n"
      "apiVersion: v1\n"
      "metadata:\n"
      "  name: x\n"
      "  labels: {}\n"
      "data:\n"
      "  port: \"8080\"\n"
      "  text: |\n"
      "    a\n"
      "    b\n"
      "list:\n"
      "- b: 1\n"
      "  a:\n"
      "  - 1\n"
      "  - - 2\n"
      "- []\n"
      "- null\n");
}

TEST(MarshalYamlTest, SortsKeysWithNumbersByValue) {
  EXPECT_EQ(MarshalYaml(Json(R"({"b":1,"a10":1,"a2":1,"B":1,"_":1,"1":1})")),
            "_: 1\n\"1\": 1\nB: 1\na2: 1\na10: 1\nb: 1\n");
}

TEST(MarshalYamlTest, QuotesWhatWouldBeReadAsSomethingElse) {
  EXPECT_EQ(MarshalYaml(Json(R"(["y","No","null","~","","12","0x1f","1e3","2024-01-01","12:30:45",
                                 "a: b","# c"," x","-","{a}","it's","\"q\"","@x"])")),
            "- \"y\"\n- \"No\"\n- \"null\"\n- \"~\"\n- \"\"\n- \"12\"\n- \"0x1f\"\n- \"1e3\"\n"
            "- \"2024-01-01\"\n- \"12:30:45\"\n- 'a: b'\n- '# c'\n- ' x'\n- '-'\n- '{a}'\n- it's\n"
            "- '\"q\"'\n- '@x'\n");
}

TEST(MarshalYamlTest, ScalarsAtTheRootEndWithALineFeed) {
  EXPECT_EQ(MarshalYaml(Value(nullptr)), "null\n");
  EXPECT_EQ(MarshalYaml(Value("x")), "x\n");
  EXPECT_EQ(MarshalYaml(Value("x\ny")), "|-\n  x\n  y\n");
  EXPECT_EQ(MarshalYaml(Value(object::Object())), "{}\n");
}

TEST(MarshalYamlTest, WhatGoCannotWriteIsEscapedOrNull) {
  EXPECT_EQ(MarshalYaml(Value("a\x7f")), "\"a\\x7F\"\n");
  EXPECT_EQ(MarshalYaml(Value("a\xff")), "a\uFFFD\n");
  EXPECT_EQ(MarshalYaml(Value(std::numeric_limits<double>::infinity())), "null\n");
}

TEST(ToYamlTest, AMergeKeyThatIsNoMergeIsQuoted) {
  const Value value = Json(R"({"<<":{"a":1},"b":"<<"})");
  EXPECT_EQ(ToYaml(value), "\"<<\":\n  a: 1\nb: <<\n");
  ASSERT_OK_AND_ASSIGN(const Value again, ParseYaml(ToYaml(value), "text"));
  EXPECT_TRUE(object::Equal(again, value));
}

TEST(ToYamlTest, ReadsBackAsWhatJsonCarries) {
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    const Value value = testing::RandomValues(seed).Next();
    const std::string text = ToYaml(value);
    ASSERT_OK_AND_ASSIGN(const Value want, object::ParseJson(object::ToJson(value)));
    const auto again = ParseYaml(text, "text");
    ASSERT_OK(again) << "seed " << seed << ":\n" << text;
    ASSERT_TRUE(object::Equal(*again, want)) << "seed " << seed << ":\n" << text;
  }
}

TEST(MarshalYamlTest, TextIsTheSameWhateverTheOrderOfKeys) {
  EXPECT_EQ(MarshalYaml(Json(R"({"a":{"y":1,"x":2},"b":3})")),
            MarshalYaml(Json(R"({"b":3,"a":{"x":2,"y":1}})")));
}

TEST(KeyLessTest, LettersComeLastAndByCodePoint) {
  EXPECT_TRUE(KeyLess("1", "a"));
  EXPECT_TRUE(KeyLess("-", "a"));
  EXPECT_TRUE(KeyLess("Z", "a"));
  EXPECT_TRUE(KeyLess("z", "\u00e9"));
  EXPECT_TRUE(KeyLess("\u2028", "\u00e9"));
  EXPECT_TRUE(KeyLess("a", "ab"));
  EXPECT_TRUE(KeyLess("v1.9", "v1.10"));
  EXPECT_TRUE(KeyLess("a01", "a1") != KeyLess("a1", "a01"));
  EXPECT_FALSE(KeyLess("a", "a"));
}

}  // namespace
}  // namespace leidang::yaml
