#include "agent/render/source_tree.h"

#include <filesystem>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/render/test_tree.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

TEST(SourceTree, FollowsLinksToFilesAndDirectories) {
  const SourceTree tree = TreeOf({{"a/real.yaml", TextFile("x")},
                                  {"b/link.yaml", Link("../a/real.yaml")},
                                  {"c", Link("a")},
                                  {"d", Link("./c/../b")}});
  EXPECT_EQ(tree.Resolve("b/link.yaml"), "a/real.yaml");
  EXPECT_EQ(tree.Resolve("c/real.yaml"), "a/real.yaml");
  EXPECT_EQ(tree.Resolve("d/link.yaml"), "a/real.yaml");
  EXPECT_EQ(tree.Resolve("."), "");
  ASSERT_NE(tree.Find("d/link.yaml"), nullptr);
  EXPECT_EQ(*tree.Find("d/link.yaml"), "x");
  EXPECT_TRUE(tree.HasDirectory("c"));
  EXPECT_FALSE(tree.HasDirectory("a/real.yaml"));
}

TEST(SourceTree, NothingLeadsOutOfIt) {
  const SourceTree tree = TreeOf({{"abs", Link("/etc/hostname")},
                                  {"out", Link("../x")},
                                  {"loop", Link("loop")},
                                  {"a/b/c/up", Link("../..")},
                                  // Counting segments alone would let this one pass.
                                  {"a/escape", Link("b/c/up/../../etc")}});
  for (const absl::string_view path : {"abs", "out", "loop", "../x", "a/escape"}) {
    EXPECT_EQ(tree.Resolve(path), std::nullopt) << path;
    EXPECT_EQ(tree.Find(path), nullptr) << path;
  }
}

TEST(SourceTree, IsLaidOutWithModesAndLinks) {
  testing::TempDir temp;
  const SourceTree tree = TreeOf({{"a/run.sh", TextFile("x", tree::FileMode::kExecutable)},
                                  {"a/text", TextFile("y")},
                                  {"link", Link("a/text")}});
  ASSERT_OK(tree.LayOut(temp.path()));
  EXPECT_EQ(testing::ReadFile(temp / "link"), "y");
  EXPECT_EQ(std::filesystem::status(temp / "a/run.sh").permissions(),
            std::filesystem::perms::owner_all);
}

TEST(SourceTree, IsNotLaidOutWithALinkThatLeadsOut) {
  testing::TempDir temp;
  EXPECT_THAT(TreeOf({{"out", Link("../../etc/passwd")}}).LayOut(temp.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("out -> ../../etc/passwd")));
}

}  // namespace
}  // namespace leidang::agent
