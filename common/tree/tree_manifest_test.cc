#include "common/tree/tree_manifest.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/random/random.h"
#include "tests/support/status_matchers.h"

namespace leidang::tree {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;

TreeFile File(std::string path, absl::string_view content, FileMode mode = FileMode::kRegular) {
  return {std::move(path), mode, content.size(), object::Sha256::Of(content)};
}

TEST(TreeManifest, EncodesToTheBytesOfTheFormatDocument) {
  ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode({{File("a/b.yaml", "x: 1\n")}}));
  EXPECT_EQ(absl::BytesToHexString(bytes),
            "000000000000000f6c656964616e672e747265652e7631"
            "0000000000000001"
            "0000000000000008612f622e79616d6c"
            "01"
            "0000000000000005" +
                object::Sha256::Of("x: 1\n").Hex());
}

TEST(TreeManifest, SurvivesEncodingInAnyOrder) {
  const TreeManifest sorted{{File("a", "1"), File("a-b/c", "2", FileMode::kExecutable),
                             File("b/c", "../a", FileMode::kSymlink)}};
  TreeManifest shuffled = sorted;
  std::swap(shuffled.files[0], shuffled.files[2]);
  ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode(shuffled));
  EXPECT_THAT(Parse(bytes), IsOkAndHolds(sorted));
  EXPECT_THAT(Encode(sorted), IsOkAndHolds(bytes));
}

TEST(TreeManifest, TheEmptyTreeIsATree) {
  ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode({}));
  EXPECT_THAT(Parse(bytes), IsOkAndHolds(TreeManifest()));
}

TEST(TreeManifest, RefusesPathsThatAreNotSafeToLayOut) {
  for (const std::string& path :
       {std::string(), std::string("/etc/passwd"), std::string("a//b"), std::string("a/"),
        std::string("../x"), std::string("a/../b"), std::string("./a"), std::string("a\0b", 3),
        std::string(256, 'x'), std::string(5000, 'x')}) {
    EXPECT_THAT(Encode({{File(path, "")}}), StatusIs(absl::StatusCode::kInvalidArgument))
        << absl::CHexEscape(path);
  }
}

TEST(TreeManifest, RefusesAFileBelowAFile) {
  EXPECT_THAT(Encode({{File("a", ""), File("a-b", ""), File("a/b", "")}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("lies below another file")));
}

TEST(TreeManifest, RefusesTheSamePathTwice) {
  EXPECT_THAT(Encode({{File("a", "1"), File("a", "2")}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("occurs twice")));
}

TEST(TreeManifest, RefusesEveryCutAndEveryTail) {
  ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode({{File("a", "1"), File("b/c", "2")}}));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(Parse(absl::string_view(bytes).substr(0, size)),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(Parse(bytes + "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("follow")));
}

TEST(TreeManifest, AcceptsOnlyCanonicalBytes) {
  ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode({{File("a", "1"), File("b/c", "2")}}));
  SeededRandom random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    damaged[random.Below(damaged.size())] = static_cast<char>(random.Next());
    const absl::StatusOr<TreeManifest> parsed = Parse(damaged);
    if (!parsed.ok()) continue;
    EXPECT_THAT(Encode(*parsed), IsOkAndHolds(damaged));
  }
}

TEST(TreeManifest, FindsFilesAndDirectories) {
  const TreeManifest tree{{File("a-b", ""), File("a/b/c", ""), File("d", "")}};
  EXPECT_NE(tree.Find("a/b/c"), nullptr);
  EXPECT_EQ(tree.Find("a/b"), nullptr);
  EXPECT_TRUE(tree.HasDirectory("."));
  EXPECT_TRUE(tree.HasDirectory("a"));
  EXPECT_TRUE(tree.HasDirectory("a/b"));
  EXPECT_FALSE(tree.HasDirectory("a/b/c"));
  EXPECT_FALSE(tree.HasDirectory("a-"));
  EXPECT_FALSE(TreeManifest().HasDirectory("."));
}

TEST(Symlinks, MustStayInsideTheTree) {
  EXPECT_THAT(CheckSymlink("a/b/link", "../../c"), IsOk());
  EXPECT_THAT(CheckSymlink("link", "c/../d"), IsOk());
  for (const absl::string_view target : {"", "/etc/hostname", "../x", "c/../../x"}) {
    EXPECT_THAT(CheckSymlink("link", target), StatusIs(absl::StatusCode::kInvalidArgument))
        << target;
  }
}

TEST(VerifyContent, NamesTheFileWhoseContentDiffers) {
  EXPECT_THAT(VerifyContent(File("a", "1"), "1"), IsOk());
  EXPECT_THAT(VerifyContent(File("a/b", "1"), "2"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("content of a/b")));
}

}  // namespace
}  // namespace leidang::tree
