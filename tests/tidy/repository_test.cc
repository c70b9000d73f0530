// The repository itself obeys its rules; the other tests here show each rule a planted example that
// breaks it.

#include "tests/tidy/repository.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/tidy/planted.h"
#include "tests/tidy/rules.h"

namespace leidang::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

bool IsBashScript(const File& file) {
  return absl::StartsWith(file.text, "#!/usr/bin/env bash") ||
         absl::StartsWith(file.text, "#!/bin/bash") || absl::EndsWith(file.path, ".sh");
}

// What `bash -n` says about each script, one a line.
std::vector<std::string> BrokenScripts(const std::string& root) {
  const auto repository = ReadRepository(root);
  if (!repository.ok()) return {std::string(repository.status().message())};
  std::vector<std::string> broken;
  for (const File& file : *repository) {
    if (!IsBashScript(file)) continue;
    const std::string command = absl::StrCat("bash -n '", root, "/", file.path, "'");
    if (std::system(command.c_str()) != 0) broken.push_back(file.path);
  }
  return broken;
}

class Folders : public ::testing::Test {
 protected:
  Folders() : root_(std::filesystem::path(::testing::TempDir()) / "tidy_repository_test") {
    std::filesystem::remove_all(root_);
  }
  ~Folders() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  const std::filesystem::path root_;
};

TEST(Repository, ObeysItsRules) {
  const auto repository = ReadRepository(".");
  ASSERT_TRUE(repository.ok()) << repository.status();
  ASSERT_NE(FindFile(*repository, "tests/tidy/rooms.cc"), nullptr)
      << "not run at the root of the sources";
  std::vector<std::string> findings;
  for (const Finding& finding : CheckRepository(*repository)) findings.push_back(finding.Text());
  EXPECT_THAT(findings, IsEmpty()) << absl::StrJoin(findings, "\n");
}

TEST(Repository, HasNoScriptWithASyntaxError) { EXPECT_THAT(BrokenScripts("."), IsEmpty()); }

TEST_F(Folders, AScriptWithASyntaxErrorIsFound) {
  Write("good", "#!/usr/bin/env bash\necho a\n");
  Write("bad", "#!/usr/bin/env bash\nif true; then\n");
  Write("notes", "if only\n");
  EXPECT_THAT(BrokenScripts(root_.string()), ElementsAre("bad"));
}

TEST_F(Folders, BuildTreesAndFoldersOfToolsAreNotRead) {
  Write("hub/a.cc", "int a;\n");
  Write("build/dev/b.cc", "int b;\n");
  Write("hub/build/c.cc", "int c;\n");
  Write(".git/config", "x");
  Write(".ci/run", "y");
  const auto repository = ReadRepository(root_.string());
  ASSERT_TRUE(repository.ok());
  std::vector<std::string> paths;
  for (const File& file : *repository) paths.push_back(file.path);
  EXPECT_THAT(paths, ElementsAre(".ci/run", "hub/a.cc", "hub/build/c.cc"));
}

TEST_F(Folders, RulesRunOverAllThatIsRead) {
  Write("hub/store/a.cc", "#include \"agent/link/b.h\"\nauto t = absl::Now();\n");
  Write("agent/link/b.h", "int b;\n");
  Write("README.md", std::string("see /wor") + "k/x\n");
  const auto repository = ReadRepository(root_.string());
  ASSERT_TRUE(repository.ok());
  EXPECT_THAT(Found(CheckRepository(*repository)),
              ElementsAre("1: places", "1: pragma-once", "1: rooms", "2: clock"));
}

TEST(Repository, ACorpusIsFilledEmptyOrMissing) {
  const Repository repository = {{"a/x", ""}, {"b/y", "text"}};
  EXPECT_EQ(FolderState(repository, "a"), Folder::kEmpty);
  EXPECT_EQ(FolderState(repository, "b"), Folder::kFilled);
  EXPECT_EQ(FolderState(repository, "c"), Folder::kMissing);
}

}  // namespace
}  // namespace leidang::tidy
