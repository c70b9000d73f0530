#include "tests/support/git/git_repository.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

#include "common/process/child_process.h"

namespace leidang::testing {

using hub::FileMode;
using hub::GitId;

GitRepository::GitRepository(const std::string& directory)
    : work_(directory + "/work"), path_(directory + "/repo.git") {
  std::filesystem::create_directories(work_);
  Git({"init", "--quiet", "--bare", "--initial-branch=main"});
}

std::string GitRepository::Git(const std::vector<std::string>& arguments) const {
  ChildCommand command;
  command.argv = {FindProgram("git", "/usr/local/bin:/usr/bin:/bin").value_or("/usr/bin/git"),
                  "--git-dir=" + path_};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = {"PATH=/usr/local/bin:/usr/bin:/bin",
                         "HOME=" + work_,
                         "GIT_CONFIG_NOSYSTEM=1",
                         "GIT_CONFIG_GLOBAL=/dev/null",
                         "GIT_INDEX_FILE=" + path_ + "/test-index",
                         "GIT_AUTHOR_NAME=Test",
                         "GIT_AUTHOR_EMAIL=test@example.invalid",
                         "GIT_COMMITTER_NAME=Test",
                         "GIT_COMMITTER_EMAIL=test@example.invalid"};
  command.directory = work_;
  const auto result = RunChild(command, clock_, nullptr);
  if (!result.ok() || !result->Succeeded()) {
    ADD_FAILURE() << "git " << arguments[0] << ": "
                  << (result.ok() ? result->err : result.status().ToString());
    return "";
  }
  absl::string_view out = result->out;
  absl::ConsumeSuffix(&out, "\n");
  return std::string(out);
}

GitId GitRepository::Commit(const std::string& branch, const Files& files,
                            const std::string& message) {
  std::error_code ignored;
  std::filesystem::remove(path_ + "/test-index", ignored);
  for (const auto& [path, file] : files) {
    std::string mode = "100644";
    if (file.mode == FileMode::kExecutable) mode = "100755";
    if (file.mode == FileMode::kSymlink) mode = "120000";
    if (file.mode == FileMode::kSubmodule) mode = "160000";
    std::string id = file.content;
    if (file.mode != FileMode::kSubmodule) {
      const std::string blob = path_ + "/test-blob";
      WriteFile(blob, file.content);
      id = Git({"hash-object", "-w", "--no-filters", blob});
    }
    Git({"update-index", "--add", "--cacheinfo", absl::StrCat(mode, ",", id, ",", path)});
  }
  std::vector<std::string> arguments = {"commit-tree", Git({"write-tree"}), "-m", message};
  const std::string reference = "refs/heads/" + branch;
  const std::string parent = Git({"for-each-ref", "--format=%(objectname)", reference});
  if (!parent.empty()) arguments.insert(arguments.end(), {"-p", parent});
  const std::string commit = Git(arguments);
  Git({"update-ref", reference, commit});
  return GitId::FromHex(commit).value_or(GitId());
}

void GitRepository::Tag(const std::string& name, const GitId& commit, TagKind kind) {
  if (kind == TagKind::kPlain) {
    Git({"update-ref", "refs/tags/" + name, commit.Hex()});
  } else {
    Git({"tag", "--annotate", "-m", "release", name, commit.Hex()});
  }
}

}  // namespace leidang::testing
