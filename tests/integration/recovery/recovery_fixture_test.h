#pragma once

// What the tests of looking after a hub share: a running fleet whose set and apps come from a
// configuration repository.

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "tests/support/git/git_repository.h"
#include "tests/support/program/running_fleet.h"

namespace leidang::testing {

inline constexpr absl::Duration kPatience = absl::Minutes(2);
using Apps = std::map<std::string, std::string>;

// A set that brings every folder below apps/ to every cluster.
inline std::string SetFor(const std::string& repository) {
  return absl::StrCat(R"(apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: apps
  annotations: {leidang.dev/max-deletions: unlimited}
spec:
  generators:
    - matrix:
        generators:
          - clusters: {}
          - git:
              repoURL: )",
                      repository, R"(
              revision: main
              directories:
                - path: apps/*
  template:
    metadata:
      name: '{{path.basename}}-{{name}}'
    spec:
      project: default
      source:
        repoURL: )",
                      repository, R"(
        targetRevision: main
        path: '{{path}}'
      destination:
        name: '{{name}}'
        namespace: '{{path.basename}}'
      syncPolicy:
        automated: {prune: true, selfHeal: true}
)");
}

inline std::string AppOf(const std::string& name, const std::string& value) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                      "\ndata:\n  value: \"", value, "\"\n");
}

// A configuration repository that holds the set, and the apps that it finds.
class Repository {
 public:
  Repository() : git_(folder_.path()) {}

  void Commit(const Apps& apps) {
    GitRepository::Files files;
    for (const auto& [name, value] : apps)
      files[absl::StrCat("apps/", name, "/", name, ".yaml")] = {AppOf(name, value)};
    files["fleet/apps.yaml"] = {SetFor(git_.path())};
    git_.Commit("main", files, "apps");
  }
  std::vector<std::string> Flags() const {
    return {"--config-repo", git_.path(), "--config-path", "fleet", "--config-revision", "main"};
  }

 private:
  TempDir folder_;
  GitRepository git_;
};

class RecoveryFixture : public ::testing::Test {
 protected:
  void StartWith(const Apps& apps, const std::vector<std::string>& clusters,
                 const std::vector<std::string>& more_flags = {}) {
    repository_.Commit(apps);
    std::vector<std::string> flags = repository_.Flags();
    // A proof waits for one.
    flags.insert(flags.end(), {"--heartbeat", "1"});
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    fleet_ = std::make_unique<RunningFleet>(std::move(flags));
    clusters_ = clusters;
    for (const std::string& cluster : clusters) fleet_->AddCluster(cluster);
    WaitForApps(apps);
  }
  void Become(const Apps& apps) {
    repository_.Commit(apps);
    WaitForApps(apps);
  }
  // Every cluster has exactly these.
  void WaitForApps(const Apps& apps) {
    std::string why;
    ASSERT_TRUE(WaitUntil([&] { return HasApps(apps, &why); }, kPatience)) << why;
  }
  // No cluster is held any more.
  void WaitForRecovery() {
    RunningFleet::Answer answer;
    EXPECT_TRUE(WaitUntil(
        [&] {
          answer = fleet_->Leidang({"recover"});
          return absl::StrContains(answer.err, "no cluster is recovering");
        },
        kPatience))
        << answer.out << answer.err;
  }
  bool HasApps(const Apps& apps, std::string* why) const {
    for (const std::string& cluster : clusters_) {
      std::set<std::string> files;
      for (const auto& file : std::filesystem::directory_iterator(fleet_->Directory(cluster))) {
        const std::string name = file.path().filename().string();
        if (absl::StrContains(name, ".configmap.")) files.insert(name);
      }
      for (const auto& [app, value] : apps) {
        const std::string file = FileOf(app);
        if (files.erase(file) == 0 || !absl::StrContains(ReadFile(PathOf(cluster, app)), value)) {
          *why = absl::StrCat(cluster, "/", file, " is not there or not \"", value, "\"");
          return false;
        }
      }
      if (!files.empty()) {
        *why = absl::StrCat(cluster, " still has ", *files.begin());
        return false;
      }
    }
    return true;
  }
  static std::string FileOf(const std::string& app) {
    return absl::StrCat(app, ".configmap.core.", app, ".yaml");
  }
  std::string PathOf(const std::string& cluster, const std::string& app) const {
    return fleet_->Directory(cluster) + "/" + FileOf(app);
  }

  // The hub dies, and its data directory with it.
  void LoseHub() {
    fleet_->KillHub();
    std::filesystem::remove_all(fleet_->hub_directory());
  }
  // What became of files since `before`; "" if nothing.
  std::string ChangedSince(const std::map<std::string, FileFacts>& before) const {
    const std::map<std::string, FileFacts> after = fleet_->Files();
    std::string text;
    for (const auto& [path, facts] : before) {
      const auto it = after.find(path);
      if (it == after.end()) {
        absl::StrAppend(&text, "deleted ", path, "\n");
      } else if (!(it->second == facts)) {
        absl::StrAppend(&text, "rewritten ", path, "\n");
      }
    }
    for (const auto& [path, facts] : after) {
      if (!before.contains(path)) absl::StrAppend(&text, "new ", path, "\n");
    }
    return text;
  }
  // What `leidang recover` says once it has the text `what` so often.
  RunningFleet::Answer Recovering(const std::string& what, size_t often) {
    RunningFleet::Answer answer;
    EXPECT_TRUE(WaitUntil(
        [&] {
          answer = fleet_->Leidang({"recover"});
          size_t count = 0;
          for (size_t at = answer.out.find(what); at != std::string::npos;
               at = answer.out.find(what, at + 1))
            ++count;
          return count == often;
        },
        kPatience))
        << "not " << often << " times \"" << what << "\": " << answer.out << answer.err;
    return answer;
  }

  Repository repository_;
  std::unique_ptr<RunningFleet> fleet_;
  std::vector<std::string> clusters_;
};

}  // namespace leidang::testing
