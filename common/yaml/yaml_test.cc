#include "common/yaml/yaml.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::yaml {
namespace {

using ::leidang::testing::IsOk;
using ::leidang::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string AsJson(absl::string_view text, const ParseOptions& options = {}) {
  const auto value = ParseYaml(text, "f.yaml", options);
  return value.ok() ? object::ToJson(*value) : std::string(value.status().message());
}

void ExpectError(absl::string_view text, const std::string& place, const std::string& words,
                 const ParseOptions& options = {}) {
  EXPECT_THAT(ParseYaml(text, "f.yaml", options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(StartsWith(absl::StrCat("f.yaml:", place)), HasSubstr(words))))
      << text.substr(0, 200);
}

TEST(ParseYamlTest, ACommaAloneIsAnErrorAndEnds) { ExpectError(",", "1:1", "did not find"); }

TEST(ParseYamlTest, AQuoteLeftOpenAtTheEndIsAnError) {
  ExpectError("a: \"x", "1:6", "unexpected end of stream");
  ExpectError("a: 'x\n", "2:1", "while scanning a quoted scalar that begins in line 1");
  ExpectError("- b\n- \"", "2:4", "unexpected end of stream");
}

TEST(ParseYamlTest, BracketsLeftOpenAreErrors) {
  ExpectError("a: [1, 2", "2:1", "did not find expected ',' or ']'");
  ExpectError("{a: 1", "2:1", "did not find expected ',' or '}'");
}

TEST(ParseYamlTest, ATabThatIndentsIsNamed) {
  ExpectError("a:\n\tb: 1\n", "2:1", "the line is indented with a tab: use spaces");
  ExpectError("a:\n  b: 1\n \tc: 2\n", "3:", "use spaces");
}

TEST(ParseYamlTest, OrdinaryMistakesNameTheirPlace) {
  ExpectError("a: b: c\n", "1:5", "mapping values are not allowed");
  ExpectError("a: 1\n b: 2\n", "2:3", "mapping values are not allowed");
  ExpectError("a: 1\nb\n", "3:1", "could not find expected ':'");
  ExpectError("a: *x\n", "1:4", "no anchor &x stands before its alias");
  ExpectError("a: @x\n", "1:4", "cannot start any token");
  ExpectError("name: {{ path }}\n", "1:8", "quote text that begins with {");
  ExpectError("[1]: 2\na: {[1]: 2}", "1:", "");
  ExpectError("a: {~: 1}", "1:5", "a key cannot be null");
  ExpectError("a: !!int x", "1:4", "the text \"x\" is tagged !!int but is text");
  ExpectError("a: !!binary '*'", "1:4", "not base64");
  ExpectError("%YAML 1.2\n---\na: 1\n", "1:1", "remove the directive");
}

TEST(ParseYamlTest, BytesThatAreNotTextNameTheirPlace) {
  ExpectError("a: 1\nb: \xff\n", "2:4", "0xFF");
  ExpectError("a: \xc3\xa9\x01\n", "1:5", "control characters are not allowed");
  ExpectError(absl::string_view("a: \0b", 5), "1:4", "control characters");
  ExpectError("a: \"\\ud83d\\ude00\"", "1:", "Unicode character escape");
}

TEST(ParseYamlTest, WhatJsonCannotCarryIsAnError) {
  ExpectError("a: .inf", "1:4", "JSON has no number for .inf");
  ExpectError("a: -.INF", "1:4", "JSON has no number");
  ExpectError("a: .nan", "1:4", "JSON has no number");
}

TEST(ParseYamlTest, BooleansAreYaml11EvenAsKeys) {
  EXPECT_EQ(AsJson("y: n\non: [yes, Off, y]\n\"no\": 'no'\n"),
            R"({"true":[true,false,true],"no":"no"})");
}

TEST(ParseYamlTest, NumbersOfAllBases) {
  EXPECT_EQ(AsJson("[0755, 0o17, 0x1f, 0b11, 1_000, +12, -0x10, 08, 1e3, 1.0, 2.50]"),
            "[493,15,31,3,1000,12,-16,8,1000,1,2.5]");
  EXPECT_EQ(AsJson("[9223372036854775807, 18446744073709551615, 123456789012345678901]"),
            "[9223372036854775807,18446744073709551615,123456789012345680000]");
  EXPECT_EQ(AsJson("96.490850862168259"), "96.49085086216826");
  EXPECT_EQ(AsJson("[1e400, 1:30, 2024-01-01, 1.2.3, 0x, 0o8]"),
            R"(["1e400","1:30","2024-01-01","1.2.3","0x","0o8"])");
}

TEST(ParseYamlTest, BlockScalarsKeepOrFoldLines) {
  EXPECT_EQ(AsJson("a: |\n  x\n   y\n\nb: >-\n  x\n  y\n\n  z\nc: |+\n  x\n\n"),
            R"({"a":"x\n y\n","b":"x y\nz","c":"x\n\n"})");
}

TEST(ParseYamlTest, AByteOrderMarkIsIgnored) {
  EXPECT_EQ(AsJson("\xef\xbb\xbf"
                   "a: 1"),
            R"({"a":1})");
}

TEST(ParseYamlTest, AMergeOverridesWhatStandsBeforeItAndIsOverriddenByWhatFollows) {
  constexpr char kText[] =
      "base: &base {a: 1, b: 1, c: 1}\n"
      "more: &more {c: 2}\n"
      "x:\n  a: 0\n  <<: [*more, *base]\n  b: 3\n";
  EXPECT_EQ(AsJson(kText),
            R"({"base":{"a":1,"b":1,"c":1},"more":{"c":2},"x":{"a":1,"b":3,"c":2}})");
  EXPECT_EQ(AsJson(kText, {.duplicates = object::Duplicates::kError}), AsJson(kText));
  ExpectError("a: &a [1]\nb: {<<: *a}", "2:9", "wants a map");
  ExpectError("a: &a 1\nb: {<<: [*a]}", "2:10", "wants a map");
}

TEST(ParseYamlTest, AnAnchorIsTheLastOneOfItsName) {
  EXPECT_EQ(AsJson("[&a 1, *a, &a 2, *a]"), "[1,1,2,2]");
}

TEST(ParseYamlTest, AnAnchorInsideItselfIsAnError) {
  ExpectError("&a [*a]", "1:5", "contains its own alias");
  ExpectError("a: &a {b: {c: *a}}", "1:15", "contains its own alias");
  ExpectError("a: &a\n  <<: *a\n", "2:7", "contains its own alias");
}

TEST(ParseYamlTest, DuplicateKeysAreLastWinsOrErrors) {
  EXPECT_EQ(AsJson("a: 1\nb: 2\na: 3"), R"({"a":3,"b":2})");
  const ParseOptions strict = {.duplicates = object::Duplicates::kError};
  ExpectError("a: 1\nb: 2\na: 3", "3:1", "the key \"a\" is there twice, first in line 1", strict);
  ExpectError("x: {y: 1, true: 2}", "1:11", "\"true\" is there twice", strict);
  EXPECT_EQ(AsJson("[{a: 1}, {a: 2}]", strict), R"([{"a":1},{"a":2}])");
}

TEST(ParseYamlTest, BillionLaughsIsAnErrorAndQuick) {
  std::string text = "a0: &a0 lol\n";
  for (int i = 1; i < 12; ++i) {
    absl::StrAppend(&text, "a", i, ": &a", i, " [");
    for (int n = 0; n < 10; ++n) absl::StrAppend(&text, n == 0 ? "*a" : ", *a", i - 1);
    text += "]\n";
  }
  ExpectError(text, "", "the aliases of this document expand to more than 400000 nodes");
}

TEST(ParseYamlTest, AliasesOfALargeTextAreLimitedByBytes) {
  std::string text = absl::StrCat("a: &a ", std::string(100'000, 'x'), "\nb: [");
  for (int i = 0; i < 400; ++i) text += "*a, ";
  text += "]\n";
  EXPECT_THAT(ParseYaml(text, "f.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expand to more than")));
}

TEST(ParseYamlTest, NestingIsLimited) {
  const auto nested = [](int levels) {
    return absl::StrCat(std::string(levels, '['), std::string(levels, ']'));
  };
  EXPECT_THAT(ParseYaml(nested(1000), "f.yaml"), IsOk());
  ExpectError(nested(1001), "1:1001", "more than 1000 levels of nesting");
  ExpectError(std::string(100'000, '['), "1:1001", "more than 1000 levels");
  std::string dashes;
  for (int i = 0; i < 5000; ++i) dashes += "- ";
  ExpectError(dashes, "1:", "more than 1000 levels");
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i <= 1001; ++i) absl::StrAppend(&chain, "a", i, ": &a", i, " [*a", i - 1, "]\n");
  EXPECT_THAT(ParseYaml(chain, "f.yaml"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ParseYamlTest, SizeIsLimited) {
  ExpectError("a: 12345", "1:1", "the text has 8 bytes; at most 5 are read",
              {.limits = {.size_max = 5}});
}

TEST(ParseYamlTest, OnlyTheFirstDocumentIsLookedAt) {
  EXPECT_EQ(AsJson("---\na: 1\n---\nb: [\n"), R"({"a":1})");
  EXPECT_EQ(AsJson(""), "null");
  EXPECT_EQ(AsJson("# only a comment\n"), "null");
}

TEST(ParseYamlTest, ExactlyOneDocumentMayBeAskedFor) {
  const ParseOptions one = {.documents = Documents::kExactlyOne};
  EXPECT_EQ(AsJson("---\na: 1\n", one), R"({"a":1})");
  ExpectError("a: 1\n---\nb: 2\n", "3:1", "a second document begins here", one);
  ExpectError("# c\n", "1:1", "holds no YAML document", one);
  ExpectError("a: 1\n---\nb: [\n", "4:1", "did not find", one);
}

TEST(ParseYamlStreamTest, GivesEveryDocumentWithItsLine) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Document> documents,
                       ParseYamlStream("# c\na: 1\n---\n# d\nb: &x 2\n---\n---\n[]\n", "f.yaml"));
  ASSERT_EQ(documents.size(), 4u);
  EXPECT_EQ(object::ToJson(documents[0].value), R"({"a":1})");
  EXPECT_EQ(documents[0].line, 2u);
  EXPECT_EQ(documents[1].line, 5u);
  EXPECT_TRUE(documents[2].value.is_null());
  EXPECT_EQ(object::ToJson(documents[3].value), "[]");
  EXPECT_EQ(documents[3].line, 8u);
}

TEST(ParseYamlStreamTest, AnErrorInAnyDocumentFailsTheStream) {
  EXPECT_THAT(ParseYamlStream("a: 1\n---\nb: *x\n", "f.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("f.yaml:3:4: no anchor")));
  EXPECT_THAT(ParseYamlStream("a: &x 1\n---\nb: *x\n", "f.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no anchor &x")));
}

TEST(ParseYamlStreamTest, TextWithoutADocumentGivesNone) {
  for (const char* text : {"", "\n\n", "# c\n", "\xef\xbb\xbf"}) {
    const auto documents = ParseYamlStream(text, "f.yaml");
    ASSERT_OK(documents);
    EXPECT_THAT(*documents, IsEmpty()) << text;
  }
}

TEST(ParseYamlTest, RewritesAreLimited) {
  std::string text = "[";
  for (int i = 0; i < 101; ++i) text += "x:, ";
  ExpectError(text + "]", "1:", "found unexpected ':'");
}

TEST(ParseYamlTest, ReadsEscapesAndQuestionMarksAsGoDoes) {
  EXPECT_EQ(AsJson("[\"it\\'s\", \"\\'\"]"), R"(["it's","'"])");
  EXPECT_EQ(AsJson("[x:, {y:}]"), R"(["x:",{"y:":null}])");
  ExpectError("a: \"x\ny\\/\"", "2:4", "unknown escape character");
  ExpectError("a: [http://x/?y]", "1:", "did not find expected ',' or ']'");
  ExpectError("a: [{b?c: d}]", "1:", "did not find expected ',' or '}'");
  EXPECT_EQ(AsJson("a: http://x/?y\nb: [?c]"), R"({"a":"http://x/?y","b":[{"c":null}]})");
}

// libyaml is stricter, or more lenient, than its Go port in few places. These are all that a
// comparison over several hundred thousand random texts left; each is an error here.
TEST(ParseYamlTest, KnownDifferencesFromGo) {
  ExpectError("a: !,x 1", "1:", "did not find expected");  // Go: 1 as text
  ExpectError("[]: 1", "1:1", "cannot be a key");          // Go: [], the rest unread
}

}  // namespace
}  // namespace leidang::yaml
