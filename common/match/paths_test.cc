#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/match/doublestar.h"
#include "common/match/path_match.h"
#include "common/match/pathspec.h"
#include "common/match/work_tree.h"

namespace leidang::match {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PathMatchTest, StopsAtSlashesAndKnowsNoBraces) {
  EXPECT_TRUE(*PathMatch("apps/*", "apps/web"));
  EXPECT_FALSE(*PathMatch("apps/*", "apps/web/base"));
  EXPECT_FALSE(*PathMatch("**", "a/b"));
  EXPECT_FALSE(*PathMatch("{a,b}", "a"));
  EXPECT_TRUE(*PathMatch("[^a]", "/"));
  EXPECT_TRUE(*PathMatch("[!a]", "!"));
  EXPECT_TRUE(*PathMatch("a\\*", "a*"));
}

TEST(PathMatchTest, FindsAMalformedPatternBehindADifference) {
  EXPECT_EQ(PathMatch("x*[", "abc").status().message(), "syntax error in pattern");
  EXPECT_EQ(PathMatch("[]a]", "a").status().message(), "syntax error in pattern");
}

TEST(DoublestarTest, CrossesDirectoriesOnlyBetweenSlashes) {
  EXPECT_TRUE(*DoublestarMatch("**/x", "x"));
  EXPECT_TRUE(*DoublestarMatch("**/x", "a/b/x"));
  EXPECT_FALSE(*DoublestarMatch("a**x", "a/x"));
  EXPECT_TRUE(*DoublestarMatch("a/**", "a"));
  EXPECT_TRUE(*DoublestarMatch("{a,b/**}/x", "b/c/d/x"));
  EXPECT_EQ(DoublestarMatch("{a", "a").status().message(), "syntax error in pattern");
}

TEST(DoublestarTest, TooManyAlternativesAreAnError) {
  std::string pattern;
  std::string text;
  for (int i = 0; i < 25; ++i) pattern += "*{a,b}";
  for (int i = 0; i < 60; ++i) text += "ab";
  EXPECT_EQ(DoublestarMatch(pattern, text + "c").status().code(),
            absl::StatusCode::kResourceExhausted);
}

WorkTree Example() {
  WorkTree tree;
  tree.AddFile("apps/web/config.json");
  tree.AddFile("apps/db/config.json");
  tree.AddFile("config.json");
  tree.AddSymlink("link", "apps/web");
  tree.AddSymlink("out", "../elsewhere");
  tree.AddSymlink("absolute", "/etc/hostname");
  tree.Finish();
  return tree;
}

TEST(DoublestarGlobTest, SelectsFilesAndDirectories) {
  EXPECT_THAT(*DoublestarGlob("apps/*", Example()), ElementsAre("apps/db", "apps/web"));
  EXPECT_THAT(*DoublestarGlob("/apps/*/config.json", Example()),
              ElementsAre("apps/db/config.json", "apps/web/config.json"));
  EXPECT_THAT(*DoublestarGlob("", Example()), ElementsAre("."));
}

TEST(DoublestarGlobTest, FollowsLinksInsideAndDropsThoseThatLeaveTheTree) {
  EXPECT_THAT(*DoublestarGlob("link/*", Example()), ElementsAre("link/config.json"));
  EXPECT_THAT(*DoublestarGlob("{out,absolute}", Example()), IsEmpty());
  EXPECT_THAT(*DoublestarGlob("../*", Example()), IsEmpty());
}

TEST(DoublestarGlobTest, ALinkThatLeadsNowhereIsAnError) {
  WorkTree tree = Example();
  tree.AddSymlink("broken", "gone");
  tree.Finish();
  EXPECT_EQ(DoublestarGlob("bro*", tree).status().message(), "symbolic link broken leads nowhere");
}

TEST(DoublestarGlobTest, ALinkToADirectoryAboveItselfEnds) {
  WorkTree tree;
  tree.AddFile("a/x");
  tree.AddSymlink("a/up", "..");
  tree.Finish();
  const auto found = DoublestarGlob("**/x", tree);
  EXPECT_TRUE(found.ok() || found.status().code() == absl::StatusCode::kResourceExhausted);
}

TEST(WorkTreeTest, ResolvesAsTheFileSystemDoes) {
  const WorkTree tree = Example();
  EXPECT_EQ(tree.Resolve("link/config.json").path, "apps/web/config.json");
  EXPECT_EQ(tree.Resolve("apps/../config.json").path, "config.json");
  EXPECT_EQ(tree.Resolve("config.json/x").where, WorkTree::Where::kMissing);
  EXPECT_EQ(tree.Resolve("out/x").where, WorkTree::Where::kOutside);
  EXPECT_EQ(tree.Resolve("..").where, WorkTree::Where::kOutside);
}

TEST(PathspecTest, StarsCrossDirectoriesUnlessToldOtherwise) {
  EXPECT_TRUE(Pathspec::Parse("apps/*/x")->Matches("apps/a/b/x"));
  EXPECT_FALSE(Pathspec::Parse("**/x")->Matches("x"));
  EXPECT_TRUE(Pathspec::Parse(":(glob)**/x")->Matches("x"));
  EXPECT_FALSE(Pathspec::Parse(":(glob)apps/*/x")->Matches("apps/a/b/x"));
  EXPECT_TRUE(Pathspec::Parse("apps")->Matches("apps/a"));
  EXPECT_FALSE(Pathspec::Parse("apps/")->Matches("apps"));
  EXPECT_TRUE(Pathspec::Parse("./apps/./a")->Matches("apps/a"));
  EXPECT_TRUE(Pathspec::Parse(":(icase)APPS/A")->Matches("apps/a"));
  EXPECT_TRUE(Pathspec::Parse(":!apps")->Matches("x"));
  EXPECT_FALSE(Pathspec::Parse(":!apps")->Matches("apps/x"));
  EXPECT_TRUE(Pathspec::Parse(":(literal)a*")->Matches("a*"));
  EXPECT_TRUE(Pathspec::Parse("")->Matches("anything"));
}

TEST(PathspecTest, RefusesWhatGitRefuses) {
  EXPECT_EQ(Pathspec::Parse("/apps").status().message(), "/apps: '/apps' is outside repository");
  EXPECT_EQ(Pathspec::Parse("../x").status().message(), "../x: '../x' is outside repository");
  EXPECT_EQ(Pathspec::Parse(":(foo)x").status().message(),
            "Invalid pathspec magic 'foo' in ':(foo)x'");
  EXPECT_EQ(Pathspec::Parse(":(glob").status().message(),
            "Missing ')' at the end of pathspec magic in ':(glob'");
  EXPECT_EQ(Pathspec::Parse(":-x").status().message(), "Unimplemented pathspec magic '-' in ':-x'");
  EXPECT_EQ(Pathspec::Parse(":(attr:a)x").status().code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace leidang::match
