// What becomes of a fleet whose hub lost its disk: with its identity and Git, from a backup, and
// where a foreign hub takes its place. Real programs throughout.

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/git/git_repository.h"
#include "tests/support/program/running_fleet.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Minutes(2);
using Apps = std::map<std::string, std::string>;

// A set that brings every folder below apps/ to every cluster.
std::string SetFor(const std::string& repository) {
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

std::string AppOf(const std::string& name, const std::string& value) {
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

class RecoveryTest : public ::testing::Test {
 protected:
  void StartWith(const Apps& apps, const std::vector<std::string>& clusters) {
    repository_.Commit(apps);
    fleet_ = std::make_unique<RunningFleet>(repository_.Flags());
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

TEST_F(RecoveryTest, TwentyClustersSurviveAHubThatLostItsDiskButNotItsIdentity) {
  const Apps apps = {{"cart", "one"}, {"shop", "two"}, {"mail", "three"}};
  std::vector<std::string> clusters;
  for (int i = 0; i < 20; ++i) clusters.push_back(absl::StrCat("c", i));
  ASSERT_NO_FATAL_FAILURE(StartWith(apps, clusters));
  const std::string bundle = fleet_->folder() + "/identity.sealed";
  const auto exported = fleet_->LeidangHub({"identity", "export", bundle});
  ASSERT_EQ(exported.code, 0) << exported.err;
  // What the bundle does not know: Applications that were deleted and made again.
  ASSERT_NO_FATAL_FAILURE(Become({{"cart", "one"}, {"shop", "two"}}));
  ASSERT_NO_FATAL_FAILURE(Become(apps));
  const auto before = fleet_->Files();
  EXPECT_GE(before.size(), 3 * clusters.size());

  LoseHub();
  const auto imported = fleet_->LeidangHub({"identity", "import", bundle});
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("with 20 clusters"));
  fleet_->StartHub();
  const auto shown = Recovering(": adopt application:leidang/mail-", clusters.size());
  for (const char* other : {": add ", ": change ", ": remove ", ": keep "})
    EXPECT_THAT(shown.out, Not(HasSubstr(other)));
  EXPECT_EQ(ChangedSince(before), "") << "before a person has seen it";

  const auto accepted = fleet_->Leidang({"recover", "--accept"});
  ASSERT_EQ(accepted.code, 0) << accepted.err;
  EXPECT_THAT(accepted.out, HasSubstr("20 clusters go on"));
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "") << "no deletes, no rewrites";
  WaitForRecovery();

  // And the fleet works on, with those that were adopted.
  ASSERT_NO_FATAL_FAILURE(Become({{"cart", "four"}, {"shop", "two"}}));
  const auto check = fleet_->LeidangHub({"check"});
  EXPECT_EQ(check.code, 0) << check.out << check.err;
}

TEST_F(RecoveryTest, ARestoredBackupGoesOnByItselfWhereNothingDiffersAndWaitsElsewhere) {
  ASSERT_NO_FATAL_FAILURE(StartWith({{"cart", "one"}, {"shop", "two"}}, {"east", "west"}));
  const std::string backups = fleet_->folder() + "/backups";
  const auto backup = fleet_->LeidangHub({"backup", "--to", backups});
  ASSERT_EQ(backup.code, 0) << backup.err;
  EXPECT_THAT(backup.out, HasSubstr("backup 1 in " + backups));
  EXPECT_THAT(fleet_->LeidangHub({"backups", "--in", backups}).out, HasSubstr("\n1  "));

  // The agents learn more than the backup has: other content, and one that ends.
  ASSERT_NO_FATAL_FAILURE(Become({{"cart", "changed"}}));
  const auto before = fleet_->Files();
  LoseHub();
  const auto restored = fleet_->LeidangHub({"restore", "--from", backups});
  ASSERT_EQ(restored.code, 0) << restored.err;
  fleet_->StartHub();
  // Git says what the agents hold, so that nothing differs once the sets have been expanded again.
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "");
  EXPECT_THAT(fleet_->HubLog(), HasSubstr("a cluster has recovered"));

  // The same once more, but Git went on while the hub was away.
  LoseHub();
  ASSERT_EQ(fleet_->LeidangHub({"restore", "--from", backups, "--id", "1"}).code, 0);
  const Apps newer = {{"cart", "newer"}, {"extra", "new"}};
  repository_.Commit(newer);
  fleet_->StartHub();
  Recovering(": add application:leidang/extra-", 2);
  Recovering(": change application:leidang/cart-", 2);
  EXPECT_THAT(fleet_->Leidang({"get", "clusters"}).out, HasSubstr("recovering"));
  EXPECT_EQ(ChangedSince(before), "") << "held back";
  ASSERT_EQ(fleet_->Leidang({"recover", "--accept", "--cluster", "east"}).code, 0);
  ASSERT_TRUE(WaitUntil(
      [&] { return absl::StrContains(ReadFile(PathOf("east", "cart")), "newer"); }, kPatience));
  EXPECT_THAT(ReadFile(PathOf("west", "cart")), HasSubstr("changed"));
  ASSERT_EQ(fleet_->Leidang({"recover", "--accept"}).code, 0);
  WaitForApps(newer);
}

TEST_F(RecoveryTest, AForeignHubChangesNothingUntilAPersonAtTheClusterTrustsIt) {
  ASSERT_NO_FATAL_FAILURE(StartWith({{"cart", "one"}}, {"east"}));
  const auto before = fleet_->Files();
  LoseHub();
  fleet_->StartHub();  // A new one, with another identity and authority.
  ASSERT_TRUE(WaitUntil(
      [&] { return absl::StrContains(fleet_->AgentLog("east"), "not connected"); }, kPatience));
  const auto registered = fleet_->Leidang({"cluster", "register", "east", "-o", "json"});
  ASSERT_EQ(registered.code, 0) << registered.err;
  const auto word = [&registered](const std::string& key) {
    const std::string begin = absl::StrCat("\"", key, "\": \"");
    const size_t at = registered.out.find(begin) + begin.size();
    return registered.out.substr(at, registered.out.find('"', at) - at);
  };
  const std::string log = fleet_->HubLog();
  const std::string hub = log.substr(log.rfind(" hub=") + 5, 32);
  const std::vector<std::string> trust = {"trust-hub",
                                          hub,
                                          "--rejoin",
                                          "--data-dir",
                                          fleet_->AgentDirectory("east"),
                                          "--hub",
                                          fleet_->hub_address(),
                                          "--join-token",
                                          word("token"),
                                          "--ca-pin",
                                          word("caPin")};
  const auto running = fleet_->LeidangAgent(trust);
  EXPECT_EQ(running.code, 4);
  EXPECT_THAT(running.err, HasSubstr("stop it to join another hub"));
  EXPECT_EQ(ChangedSince(before), "");

  fleet_->agent("east").Kill();
  const auto trusted = fleet_->LeidangAgent(trust);
  ASSERT_EQ(trusted.code, 0) << trusted.err;
  fleet_->agent("east").Start();
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "") << "the same content is not written again";
  ASSERT_NO_FATAL_FAILURE(Become({{"cart", "two"}}));

  const auto nonsense = fleet_->LeidangAgent({"trust-hub", "nonsense"});
  EXPECT_EQ(nonsense.code, 64);
  EXPECT_THAT(nonsense.err, HasSubstr("\"nonsense\" is no hub id"));
}

TEST_F(RecoveryTest, WhatCannotBeDoneToADataDirectoryIsSaid) {
  ASSERT_NO_FATAL_FAILURE(StartWith({{"cart", "one"}}, {"east"}));
  const std::string bundle = fleet_->folder() + "/identity.sealed";
  const std::string backups = fleet_->folder() + "/backups";
  ASSERT_EQ(fleet_->LeidangHub({"identity", "export", bundle}).code, 0);
  ASSERT_EQ(fleet_->LeidangHub({"backup", "--to", backups}).code, 0);

  // Under a running hub.
  EXPECT_EQ(fleet_->LeidangHub({"check"}).code, 0);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"restore", "--from", backups},
        {"identity", "import", bundle},
        {"rebuild"}}) {
    const auto refused = fleet_->LeidangHub(command);
    EXPECT_EQ(refused.code, 4) << command[0];
    EXPECT_THAT(refused.err, HasSubstr(fleet_->hub_directory())) << command[0];
  }
  // On what is there already.
  fleet_->KillHub();
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"restore", "--from", backups}, {"identity", "import", bundle}}) {
    const auto refused = fleet_->LeidangHub(command);
    EXPECT_EQ(refused.code, 4) << command[0];
    EXPECT_THAT(refused.err, HasSubstr("exists: move it away")) << command[0];
  }
  EXPECT_EQ(fleet_->LeidangHub({"check"}).code, 0) << "and without a hub";
  EXPECT_EQ(fleet_->LeidangHub({"backup", "--to", backups}).code, 0);
  EXPECT_EQ(fleet_->LeidangHub({"rebuild"}).code, 0);
  const auto before = fleet_->Files();
  fleet_->StartHub();
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "");

  // On nothing, and of nothing.
  LoseHub();
  EXPECT_EQ(fleet_->LeidangHub({"check"}).code, 3);
  EXPECT_FALSE(std::filesystem::exists(fleet_->hub_directory())) << "looking makes nothing";
  EXPECT_EQ(fleet_->LeidangHub({"restore", "--from", fleet_->folder() + "/nothing"}).code, 3);
  EXPECT_EQ(fleet_->LeidangHub({"restore", "--from", backups, "--id", "99"}).code, 3);
  EXPECT_EQ(fleet_->LeidangHub({"identity", "import", fleet_->folder() + "/nothing"}).code, 3);
  const std::string wrong = fleet_->Write("passphrase", "wrong horse battery\n");
  const auto closed =
      fleet_->LeidangHub({"identity", "import", bundle, "--passphrase-file", wrong});
  EXPECT_EQ(closed.code, 4) << closed.err;
  EXPECT_THAT(closed.err, HasSubstr("passphrase"));
  EXPECT_EQ(fleet_->LeidangHub({"restore"}).code, 64);
  EXPECT_EQ(fleet_->LeidangHub({"backup", "--keep", "0"}).code, 64);
  ASSERT_EQ(fleet_->LeidangHub({"identity", "import", bundle}).code, 0);
  fleet_->StartHub();
  WaitForRecovery();
  EXPECT_EQ(ChangedSince(before), "");
}

}  // namespace
}  // namespace leidang::testing
