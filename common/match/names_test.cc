#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/match/pattern_list.h"
#include "common/match/regexp.h"
#include "common/match/runes.h"
#include "common/match/selector.h"

namespace leidang::match {
namespace {

using ::testing::ElementsAre;

absl::StatusOr<Selector> Parse(absl::string_view json,
                               Selector::Rules rules = Selector::Rules::kLabels) {
  return Selector::Parse(*object::ParseJson(json), rules);
}

using Labels = std::map<std::string, std::string>;

TEST(SelectorTest, NothingSelectsNoLabelsButAllParameters) {
  EXPECT_FALSE(Parse("null")->Matches(Labels{}));
  EXPECT_TRUE(Parse("null", Selector::Rules::kParameters)->Matches(Labels{}));
  EXPECT_TRUE(Parse("{}")->Matches(Labels{{"a", "b"}}));
}

TEST(SelectorTest, AnAbsentKeySatisfiesNotInAndDoesNotExist) {
  EXPECT_TRUE(Parse(R"({"matchExpressions":[{"key":"env","operator":"NotIn","values":["x"]}]})")
                  ->Matches(Labels{}));
  EXPECT_TRUE(Parse(R"({"matchExpressions":[{"key":"env","operator":"DoesNotExist"}]})")
                  ->Matches(Labels{}));
  EXPECT_FALSE(Parse(R"({"matchExpressions":[{"key":"env","operator":"In","values":[""]}]})")
                   ->Matches(Labels{}));
}

TEST(SelectorTest, EveryRequirementMustHold) {
  const auto s = Parse(
      R"({"matchLabels":{"env":"prod"},"matchExpressions":[{"key":"tier","operator":"Exists"}]})");
  EXPECT_TRUE(s->Matches(Labels{{"env", "prod"}, {"tier", ""}}));
  EXPECT_FALSE(s->Matches(Labels{{"env", "prod"}}));
}

TEST(SelectorTest, ValuesOfParametersAreFree) {
  constexpr char kUrl[] = R"({"matchLabels":{"server":"https://a"}})";
  EXPECT_FALSE(Parse(kUrl).ok());
  EXPECT_TRUE(Parse(kUrl, Selector::Rules::kParameters)->Matches(Labels{{"server", "https://a"}}));
}

TEST(SelectorTest, RefusesInTheWordsOfKubernetes) {
  EXPECT_EQ(Parse(R"({"matchExpressions":[{"key":"a","operator":"Gt","values":["1"]}]})")
                .status()
                .message(),
            "\"Gt\" is not a valid label selector operator");
  EXPECT_EQ(Parse(R"({"matchExpressions":[{"key":"a","operator":"In"}]})").status().message(),
            "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty");
  EXPECT_FALSE(Parse(R"({"matchLabels":{"a/b/c":"x"}})").ok());
}

TEST(SelectorTest, NamesTheFieldOfTheWrongType) {
  EXPECT_EQ(Parse("[]").status().message(), "selector: expected an object");
  EXPECT_EQ(Parse(R"({"matchLabels":{"a":1}})").status().message(), "matchLabels.a: expected text");
  EXPECT_EQ(Parse(R"({"matchExpressions":{}})").status().message(),
            "matchExpressions: expected a list");
}

TEST(PatternListTest, RegularExpressionsStandBetweenSlashes) {
  const auto list =
      PatternList::Compile({"argocd", "team-*", "/^((?!kube).)*-x$/"}, PatternList::Mode::kRegexp);
  EXPECT_TRUE(list.Matches("team-a"));
  EXPECT_TRUE(list.Matches("prod-x"));
  EXPECT_FALSE(list.Matches("kube-x"));
  EXPECT_FALSE(PatternList::Compile({"team-*"}, PatternList::Mode::kExact).Matches("team-a"));
}

TEST(PatternListTest, AnEntryThatCannotBeReadMatchesNothingAndIsNamed) {
  const auto list = PatternList::Compile({"/", "/[/", "["}, PatternList::Mode::kRegexp);
  EXPECT_FALSE(list.Matches("/"));
  EXPECT_EQ(list.problems().size(), 3u);
  EXPECT_EQ(list.problems()[0], "entry /: a regular expression stands between two slashes");
}

TEST(RegexpTest, GoPatternsAreNotAnchored) {
  EXPECT_TRUE(GoRegexp::Compile("b.d")->Matches("abcde"));
  EXPECT_TRUE(GoRegexp::Compile("(?<year>\\d+)")->Matches("in 2024"));
  EXPECT_EQ(GoRegexp::Compile("(a").status().message(),
            "error parsing regexp: missing closing ): `(a`");
  EXPECT_EQ(GoRegexp::Compile("a**").status().message(),
            "error parsing regexp: invalid nested repetition operator: `**`");
}

TEST(RegexpTest, AnExponentialSearchEnds) {
  EXPECT_FALSE(LookaroundRegexp::Compile("^(a+)+$")->Matches(std::string(200, 'a') + "b"));
}

TEST(RunesTest, InvalidBytesAreOneRuneEach) {
  EXPECT_EQ(RuneCount("a\xC3\xA9\xFF\xE2\x82"), 5u);
  EXPECT_EQ(DecodeRune("\xED\xA0\x80").width, 1u);
  std::string out;
  AppendRune(0x1F600, &out);
  EXPECT_EQ(DecodeRune(out).value, 0x1F600u);
}

}  // namespace
}  // namespace leidang::match
