#include "common/match/glob.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace leidang::match {
namespace {

struct Row {
  std::string name;
  std::string pattern;
  std::string text;
  std::string separators;
  Glob::Outcome outcome;
};

constexpr auto kNo = Glob::Outcome::kNo;
constexpr auto kYes = Glob::Outcome::kYes;

TEST(GlobTest, MatchesAsTheOriginalIncludingItsDefects) {
  const std::vector<Row> rows = {
      {"star crosses all without separators", "*", "a/b", "", kYes},
      {"star stops at a separator", "*", "a/b", "/", kNo},
      {"double star never stops", "a/**", "a/b/c", "/", kYes},
      {"question mark takes one character", "?", "\xC3\xA9", "", kYes},
      {"alternatives", "{prod,dev}-eu", "dev-eu", "", kYes},
      {"negated class", "[!a]b", "cb", "", kYes},
      {"caret is an ordinary character of a class", "[^a]", "^", "", kYes},
      {"wildcard in braces beside text is short", "team-{a*,b}", "team-abc", "", kNo},
      {"wildcard in braces alone works", "{team-*,ops}", "team-abc", "", kYes},
      {"prefix and suffix overlap", "prod-*-prod", "prod-prod", "", kYes},
      {"lone question mark takes nothing", "?", "", "", kYes},
      {"unclosed brace is accepted", "{a,b", "b", "", kYes},
      {"escaped star", "a\\*", "a*", "", kYes},
      {"the original crashes", "a{}", "a", "", Glob::Outcome::kUndecided},
  };
  for (const Row& row : rows) {
    const absl::StatusOr<Glob> glob = Glob::Compile(row.pattern, row.separators);
    ASSERT_TRUE(glob.ok()) << row.name << ": " << glob.status();
    EXPECT_EQ(glob->Try(row.text), row.outcome) << row.name;
  }
}

TEST(GlobTest, UndecidedIsNeverAMatch) { EXPECT_FALSE(Glob::Compile("a{}")->Matches("a")); }

TEST(GlobTest, RefusesMalformedPatternsWithTheirReason) {
  EXPECT_EQ(Glob::Compile("[").status().message(), "unexpected end of input");
  EXPECT_EQ(Glob::Compile("[]").status().message(), "could not parse range");
  EXPECT_EQ(Glob::Compile("[b-a]").status().message(),
            "hi character 'a' should be greater than lo 'b'");
  EXPECT_EQ(Glob::Compile("\xFF").status().message(), "could not read rune");
}

TEST(GlobTest, RefusesPatternsThatAreTooLong) {
  const absl::StatusOr<Glob> glob = Glob::Compile(std::string(Glob::kPatternBytesMax + 1, 'a'));
  EXPECT_EQ(glob.status().message(), "glob of 1025 bytes: at most 1024 are supported");
}

TEST(GlobTest, GivesUpInsteadOfSearchingForEver) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "{a*,*b}?";
  const absl::StatusOr<Glob> glob = Glob::Compile(pattern);
  ASSERT_TRUE(glob.ok());
  EXPECT_FALSE(glob->Matches(std::string(400, 'c')));
}

}  // namespace
}  // namespace leidang::match
