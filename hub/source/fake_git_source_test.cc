#include "hub/source/fake_git_source.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

#include "hub/source/git_source_contract.h"
#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;

class FakeWorld final : public SourceWorld {
 public:
  FakeWorld() { source_.CreateRemote(url()); }

  GitSource& source() override { return source_; }
  std::string url() const override { return "https://git.example.com/repo.git"; }
  GitId Commit(const std::string& branch, const Files& files, const std::string& message) override {
    return source_.Commit(url(), branch, files, message);
  }
  void Tag(const std::string& name, const GitId& commit, TagKind /*kind*/) override {
    source_.SetRef(url(), "refs/tags/" + name, commit);
  }
  void DeleteBranch(const std::string& branch) override {
    source_.SetRef(url(), "refs/heads/" + branch, GitId());
  }
  void SetDefaultBranch(const std::string& branch) override {
    source_.SetDefaultBranch(url(), branch);
  }
  void RemoveRemote() override { source_.RemoveRemote(url()); }

 private:
  FakeGitSource source_;
};

std::unique_ptr<SourceWorld> MakeFakeWorld() { return std::make_unique<FakeWorld>(); }

INSTANTIATE_TEST_SUITE_P(Fake, GitSourceContractTest, ::testing::Values(&MakeFakeWorld));

TEST(FakeGitSourceTest, AnErrorThatWasSetFailsFetchesUntilItIsTakenBack) {
  FakeGitSource source;
  const std::string url = "https://git.example.com/repo.git";
  source.Commit(url, "main", {{"a", {"1"}}});
  source.SetFetchError(url, SourceError(SourceReason::kAuthenticationFailed, "no"));
  EXPECT_THAT(source.Fetch({.url = url}, {}), StatusIs(absl::StatusCode::kUnauthenticated));
  source.SetFetchError(url, absl::OkStatus());
  EXPECT_OK(source.Fetch({.url = url}, {}));
  EXPECT_EQ(source.FetchCount(url), 2u);
}

TEST(FakeGitSourceTest, EqualRunsGiveEqualIds) {
  const auto run = [] {
    FakeGitSource source;
    source.Commit("https://h/a", "main", {{"a", {"1"}}});
    return source.Commit("https://h/a", "main", {{"a", {"2"}}, {"b/c", {"3"}}});
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace leidang::hub
