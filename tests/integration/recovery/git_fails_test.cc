// Git breaks under a fleet that runs: what is deployed stays as it is, people are told, and with
// Git mended the fleet goes on. Real programs throughout.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/integration/recovery/recovery_fixture_test.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;

class GitFailsTest : public ::testing::Test {
 protected:
  GitFailsTest() : git_(git_folder_.path()) { Commit({{"cart", "one"}, {"shop", "one"}}); }

  void Commit(const Apps& apps) {
    GitRepository::Files files;
    for (const auto& [name, value] : apps)
      files[absl::StrCat("apps/", name, "/", name, ".yaml")] = {AppOf(name, value)};
    git_.Commit("main", files, "apps");
  }
  // A fleet with the set of the repository at `url`.
  void StartFleet(const std::string& url) {
    fleet_ = std::make_unique<RunningFleet>();
    for (const char* cluster : {"east", "west"}) fleet_->AddCluster(cluster);
    const auto applied = fleet_->Leidang({"apply", "-f", fleet_->Write("set.yaml", SetFor(url))});
    ASSERT_EQ(applied.code, 0) << applied.err;
    WaitForValue("one");
  }
  std::string PathOf(const std::string& cluster, const std::string& app) const {
    return absl::StrCat(fleet_->Directory(cluster), "/", app, ".configmap.core.", app, ".yaml");
  }
  void WaitForValue(const std::string& value) {
    for (const char* cluster : {"east", "west"}) {
      for (const char* app : {"cart", "shop"}) {
        const std::string path = PathOf(cluster, app);
        EXPECT_TRUE(WaitUntil(
            [&] {
              return std::filesystem::exists(path) && absl::StrContains(ReadFile(path), value);
            },
            kPatience))
            << path << " has not \"" << value << "\"";
      }
    }
  }
  std::string Shown() const { return fleet_->Leidang({"get", "applicationset", "apps"}).out; }

  // `breaks` what the fleet reads; `mends` it.
  void BreakAndMend(const std::function<void()>& breaks, const std::function<void()>& mends) {
    const std::map<std::string, FileFacts> before = fleet_->Files();
    EXPECT_GE(before.size(), 4u);
    breaks();
    EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(Shown(), "ErrorOccurred"); }, kPatience))
        << Shown();
    // Nor when it is looked at again, by everybody.
    fleet_->Leidang({"refresh", "apps"});
    for (const char* cluster : {"east", "west"}) {
      fleet_->agent(cluster).Kill();
      fleet_->agent(cluster).Start();
    }
    fleet_->WaitForProof(kPatience);
    EXPECT_TRUE(fleet_->Files() == before) << "files were touched";
    EXPECT_THAT(Shown(), HasSubstr("ErrorOccurred"));
    EXPECT_THAT(fleet_->Leidang({"get", "applications", "-o", "name"}).out,
                HasSubstr("application/shop-west"));

    mends();
    Commit({{"cart", "two"}, {"shop", "two"}});
    WaitForValue("two");
    EXPECT_TRUE(WaitUntil([&] { return !absl::StrContains(Shown(), "ErrorOccurred"); }, kPatience))
        << Shown();
    Commit({{"cart", "two"}});
    EXPECT_TRUE(
        WaitUntil([&] { return !std::filesystem::exists(PathOf("west", "shop")); }, kPatience))
        << "what Git says is carried out again, deletions too";
  }

  TempDir git_folder_;
  GitRepository git_;
  std::unique_ptr<RunningFleet> fleet_;
};

TEST_F(GitFailsTest, ARepositoryThatCannotBeReadEndsNothing) {
  ASSERT_NO_FATAL_FAILURE(StartFleet(git_.path()));
  const std::string away = git_.path() + ".away";
  BreakAndMend([&] { std::filesystem::rename(git_.path(), away); },
               [&] { std::filesystem::rename(away, git_.path()); });
}

TEST_F(GitFailsTest, ABranchThatIsGoneEndsNothing) {
  ASSERT_NO_FATAL_FAILURE(StartFleet(git_.path()));
  const std::string commit = git_.Git({"rev-parse", "refs/heads/main"});
  BreakAndMend([&] { git_.Git({"update-ref", "-d", "refs/heads/main"}); },
               [&] { git_.Git({"update-ref", "refs/heads/main", commit}); });
}

}  // namespace
}  // namespace leidang::testing
