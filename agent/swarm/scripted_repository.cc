#include "agent/swarm/scripted_repository.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/process/child_process.h"

namespace leidang::agent {
namespace {

std::string SearchPath() {
  const char* path = std::getenv("PATH");
  return path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
}

}  // namespace

ScriptedRepository::ScriptedRepository(const std::string& directory, const Clock& clock)
    : path_(absl::StrCat(directory, "/repo.git")), clock_(clock) {}

std::string ScriptedRepository::AppFolder(size_t app) {
  return absl::StrFormat("apps/app-%03d", app);
}

absl::StatusOr<std::string> ScriptedRepository::Git(
    const std::vector<std::string>& arguments) const {
  ChildCommand command;
  ASSIGN_OR_RETURN(const std::string git, FindProgram("git", SearchPath()));
  command.argv = {git, absl::StrCat("--git-dir=", path_)};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = {absl::StrCat("PATH=", SearchPath()),
                         absl::StrCat("HOME=", path_),
                         "GIT_CONFIG_NOSYSTEM=1",
                         "GIT_CONFIG_GLOBAL=/dev/null",
                         absl::StrCat("GIT_INDEX_FILE=", path_, "/swarm-index"),
                         "GIT_AUTHOR_NAME=swarm",
                         "GIT_AUTHOR_EMAIL=swarm@example.invalid",
                         "GIT_COMMITTER_NAME=swarm",
                         "GIT_COMMITTER_EMAIL=swarm@example.invalid"};
  ASSIGN_OR_RETURN(const ChildResult result, RunChild(command, clock_, nullptr));
  if (!result.Succeeded())
    return absl::UnavailableError(absl::StrCat("git ", arguments[0], " fails: ", result.err));
  absl::string_view out = result.out;
  absl::ConsumeSuffix(&out, "\n");
  return std::string(out);
}

absl::Status ScriptedRepository::Put(const std::string& path, const std::string& content) const {
  const std::string blob = path_ + "/swarm-blob";
  {
    std::ofstream file(blob, std::ios::trunc);
    file << content;
  }
  ASSIGN_OR_RETURN(const std::string id, Git({"hash-object", "-w", "--no-filters", blob}));
  return Git({"update-index", "--add", "--cacheinfo", absl::StrCat("100644,", id, ",", path)})
      .status();
}

absl::Status ScriptedRepository::PutFolder(const std::string& folder, uint64_t version) const {
  RETURN_IF_ERROR(Put(absl::StrCat(folder, "/kustomization.yaml"), "resources: [config.yaml]\n"));
  return Put(absl::StrCat(folder, "/config.yaml"),
             absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\n",
                          "data: {folder: ", folder, ", version: \"", version, "\"}\n"));
}

absl::Status ScriptedRepository::Commit(size_t apps, uint64_t version) {
  if (!std::filesystem::exists(path_))
    RETURN_IF_ERROR(Git({"init", "--quiet", "--bare", "--initial-branch=main"}).status());
  // The index keeps what was there.
  if (!std::filesystem::exists(path_ + "/swarm-index")) {
    for (size_t app = 0; app < apps; ++app) RETURN_IF_ERROR(PutFolder(AppFolder(app), 1));
  }
  RETURN_IF_ERROR(PutFolder(kProbeFolder, version));
  ASSIGN_OR_RETURN(const std::string tree, Git({"write-tree"}));
  ASSIGN_OR_RETURN(const std::string commit,
                   Git({"commit-tree", tree, "-m", absl::StrCat("version ", version)}));
  return Git({"update-ref", "refs/heads/main", commit}).status();
}

}  // namespace leidang::agent
