#include "hub/source/mirror_git_source.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <poll.h>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>

#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "hub/source/git_source_contract.h"
#include "hub/source/source_error.h"
#include "tests/support/git/git_repository.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::hub {
namespace {

namespace fs = std::filesystem;
using ::leidang::testing::GitRepository;
using ::leidang::testing::ReadFile;
using ::leidang::testing::StatusIs;
using ::leidang::testing::TempDir;
using ::leidang::testing::WriteFile;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<MirrorGitSource> MakeSource(const TempDir& directory, const Clock& clock) {
  MirrorSettings settings;
  settings.directory = directory / "mirrors";
  auto source = MirrorGitSource::Create(settings, clock);
  EXPECT_OK(source);
  return *std::move(source);
}

class MirrorWorld final : public SourceWorld {
 public:
  MirrorWorld() : repository_(directory_.path()), source_(MakeSource(directory_, clock_)) {}

  GitSource& source() override { return *source_; }
  std::string url() const override { return "file://" + repository_.path(); }
  GitId Commit(const std::string& branch, const Files& files, const std::string& message) override {
    return repository_.Commit(branch, files, message);
  }
  void Tag(const std::string& name, const GitId& commit, TagKind kind) override {
    repository_.Tag(name, commit, kind);
  }
  void DeleteBranch(const std::string& branch) override {
    repository_.Git({"update-ref", "-d", "refs/heads/" + branch});
  }
  void SetDefaultBranch(const std::string& branch) override {
    repository_.Git({"symbolic-ref", "HEAD", "refs/heads/" + branch});
  }
  void RemoveRemote() override { fs::remove_all(repository_.path()); }

 private:
  RealClock clock_;
  TempDir directory_;
  GitRepository repository_;
  std::unique_ptr<MirrorGitSource> source_;
};

std::unique_ptr<SourceWorld> MakeMirrorWorld() { return std::make_unique<MirrorWorld>(); }

INSTANTIATE_TEST_SUITE_P(Mirror, GitSourceContractTest, ::testing::Values(&MakeMirrorWorld));

class MirrorGitSourceTest : public ::testing::Test {
 protected:
  MirrorGitSourceTest() : repository_(directory_.path()), source_(MakeSource(directory_, clock_)) {}

  std::string Url() const { return repository_.path(); }
  std::string MirrorPath() const { return source_->MirrorPath(Url()); }

  // Makes every later fetch go through `script` instead of git: it gets git's arguments.
  void ReplaceGit(const std::string& script) {
    const std::string program = directory_ / "fake-git";
    WriteFile(program, absl::StrCat("#!/bin/sh\n", script, "\n"));
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
    MirrorSettings settings;
    settings.directory = directory_ / "mirrors";
    settings.git = program;
    source_ = *MirrorGitSource::Create(settings, clock_);
  }

  // A server that sends the start of a pack and then nothing: git's own upload-pack, cut off and
  // held open.
  void FallSilentInMidPack() {
    const std::string programs = directory_ / "git-core";
    fs::create_directories(programs);
    for (const auto& program : fs::directory_iterator(repository_.Git({"--exec-path"}))) {
      fs::create_symlink(program.path(), programs + "/" + program.path().filename().string());
    }
    const std::string server = programs + "/git-upload-pack";
    const std::string real = fs::read_symlink(server).string();
    fs::remove(server);
    WriteFile(server, absl::StrCat("#!/bin/sh\necho $$ >", directory_ / "server.pid", "\n", real,
                                   " \"$@\" | { head -c 5000; sleep 1000; }\n"));
    ASSERT_EQ(::chmod(server.c_str(), 0755), 0);
    MirrorSettings settings;
    settings.directory = directory_ / "mirrors";
    settings.extra_environment = {"GIT_EXEC_PATH=" + programs};
    source_ = *MirrorGitSource::Create(settings, clock_);
  }

  // True if the process whose id is in the file is still there after a few seconds.
  bool IsAlive(const std::string& pid_file) const {
    const std::string pid = ReadFile(pid_file);
    EXPECT_FALSE(pid.empty()) << pid_file;
    for (int tries = 0; tries < 500; ++tries) {
      const std::string stat =
          ReadFile(absl::StrCat("/proc/", absl::StripSuffix(pid, "\n"), "/stat"));
      if (stat.empty() || stat.find(") Z ") != std::string::npos) return false;
      ::poll(nullptr, 0, 10);
    }
    return true;
  }

  RealClock clock_;
  TempDir directory_;
  GitRepository repository_;
  std::unique_ptr<MirrorGitSource> source_;
};

FetchOptions Within(absl::Duration deadline, absl::Duration silence_max) {
  FetchOptions options;
  options.limits.deadline = deadline;
  options.limits.silence_max = silence_max;
  return options;
}

TEST_F(MirrorGitSourceTest, TheMirrorIsBareAndNamedByTheUrl) {
  repository_.Commit("main", {{"a", {"1"}}}, "first");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  EXPECT_TRUE(fs::exists(MirrorPath() + "/HEAD"));
  EXPECT_FALSE(fs::exists(MirrorPath() + "/a"));
  EXPECT_EQ(MirrorPath().size(), (directory_ / "mirrors/").size() + 64 + 4);
  struct stat status;
  ASSERT_EQ(::stat((directory_ / "mirrors").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  EXPECT_TRUE(fs::is_empty(directory_ / "mirrors/tmp")) << "secrets must not stay";
}

TEST_F(MirrorGitSourceTest, ARestartReadsTheMirrorWithoutFetching) {
  const GitId commit = repository_.Commit("main", {{"a", {"1"}}}, "first");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  source_ = MakeSource(directory_, clock_);
  EXPECT_EQ(source_->Resolve(Url(), {"", ""})->commit, commit);
  EXPECT_EQ(source_->Resolve(Url(), {"", ""})->reference, "refs/heads/main");
  EXPECT_EQ(source_->Fetch({.url = Url()}, {})->changed, RefsChanged::kNo);
}

TEST_F(MirrorGitSourceTest, AnEmptyRepositoryIsFetchedAndHasNoHead) {
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  EXPECT_TRUE(source_->Refs(Url())->empty());
  EXPECT_EQ(SourceReasonOf(source_->Resolve(Url(), {"", ""}).status()),
            SourceReason::kRevisionNotFound);
}

TEST_F(MirrorGitSourceTest, ARewrittenBranchIsFollowed) {
  const GitId base = repository_.Commit("main", {{"a", {"1"}}}, "first");
  repository_.Commit("main", {{"a", {"2"}}}, "second");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  repository_.Git({"update-ref", "refs/heads/main", base.Hex()});
  const GitId other = repository_.Commit("main", {{"a", {"3"}}}, "third");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  EXPECT_EQ(source_->Resolve(Url(), {"main", ""})->commit, other);
}

TEST_F(MirrorGitSourceTest, ACommitThatNoBranchHoldsIsFetchedWhenAskedFor) {
  repository_.Commit("main", {{"a", {"1"}}}, "first");
  const GitId hidden = repository_.Commit("topic", {{"a", {"2"}}}, "hidden");
  repository_.Git({"update-ref", "-d", "refs/heads/topic"});
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  EXPECT_FALSE(source_->Resolve(Url(), {hidden.Hex(), ""}).ok());
  FetchOptions options;
  options.commits = {hidden.Hex(), "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "no id"};
  ASSERT_OK(source_->Fetch({.url = Url()}, options));
  EXPECT_EQ(source_->Resolve(Url(), {hidden.Hex(), ""})->commit, hidden);
  EXPECT_EQ(source_->Refs(Url())->size(), 1u) << "what is pinned is no branch";
}

TEST_F(MirrorGitSourceTest, LocksAndHalfPacksOfAKilledFetchAreInNobodysWay) {
  repository_.Commit("main", {{"a", {"1"}}}, "first");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  for (const char* name : {"packed-refs.lock", "HEAD.lock", "refs/heads/main.lock", "config.lock",
                           "objects/pack/tmp_pack_Ab12", "refs/leidang/head.lock"}) {
    WriteFile(MirrorPath() + "/" + name, "");
  }
  const GitId second = repository_.Commit("main", {{"a", {"2"}}}, "second");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  EXPECT_EQ(source_->Resolve(Url(), {"main", ""})->commit, second);
  EXPECT_FALSE(fs::exists(MirrorPath() + "/objects/pack/tmp_pack_Ab12"));
}

TEST_F(MirrorGitSourceTest, AServerThatFallsSilentInMidPackIsGivenUp) {
  const GitId first = repository_.Commit("main", {{"a", {"1"}}}, "first");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  std::string noise;
  uint64_t state = 1;
  while (noise.size() < 200'000) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    noise += static_cast<char>(state >> 56);
  }
  repository_.Commit("main", {{"noise", {noise}}}, "large");
  FallSilentInMidPack();
  const absl::Duration started = clock_.Monotonic();
  const auto result = source_->Fetch({.url = Url()}, Within(absl::Minutes(2), absl::Seconds(1)));
  EXPECT_LT(clock_.Monotonic() - started, absl::Seconds(20));
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kRepositoryUnreachable);
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("sent nothing for 1s")));
  EXPECT_FALSE(IsAlive(directory_ / "server.pid"));
  EXPECT_EQ(source_->Resolve(Url(), {"main", ""})->commit, first);
  for (const auto& file : fs::directory_iterator(MirrorPath() + "/objects/pack")) {
    EXPECT_THAT(file.path().filename().string(), Not(::testing::StartsWith("tmp_")));
  }
}

TEST_F(MirrorGitSourceTest, AFetchEndsByItsDeadline) {
  const GitId first = repository_.Commit("main", {{"a", {"1"}}}, "first");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  // Lively, and never done; it does not listen to SIGTERM either.
  ReplaceGit(absl::StrCat("echo $$ >", directory_ / "server.pid",
                          "; trap '' TERM; while :; do echo working >&2; sleep 0.1; done"));
  const auto result = source_->Fetch({.url = Url()}, Within(absl::Seconds(1), absl::Minutes(1)));
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kRepositoryUnreachable);
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not done within 1s")));
  EXPECT_FALSE(IsAlive(directory_ / "server.pid"));
  EXPECT_EQ(source_->Resolve(Url(), {"main", ""})->commit, first);
}

TEST_F(MirrorGitSourceTest, ShutdownEndsARunningFetch) {
  repository_.Commit("main", {{"a", {"1"}}}, "first");
  ReplaceGit(absl::StrCat("echo $$ >", directory_ / "server.pid", "; sleep 1000"));
  ThreadLoop loop("stopper");
  std::function<void()> stop_when_started = [&] {
    if (fs::exists(directory_ / "server.pid")) return source_->Shutdown();
    loop.After(absl::Milliseconds(20), stop_when_started);
  };
  loop.Post(stop_when_started);
  EXPECT_THAT(source_->Fetch({.url = Url()}, {}), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_FALSE(IsAlive(directory_ / "server.pid"));
}

TEST_F(MirrorGitSourceTest, AMirrorDoesNotGrowBeyondItsLimit) {
  std::string noise;
  uint64_t state = 7;
  while (noise.size() < 4'000'000) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    noise += static_cast<char>(state >> 56);
  }
  repository_.Commit("main", {{"noise", {noise}}}, "large");
  FetchOptions options;
  options.limits.mirror_bytes_max = 1'500'000;
  const auto result = source_->Fetch({.url = Url()}, options);
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kTooLarge) << result.status();
  EXPECT_LT(fs::exists(MirrorPath() + "/objects/pack")
                ? std::distance(fs::directory_iterator(MirrorPath() + "/objects/pack"), {})
                : 0,
            1);
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
}

TEST_F(MirrorGitSourceTest, ConfigurationOfTheMachineAndTheUserHasNoSay) {
  repository_.Commit("main", {{"a", {"1"}}}, "first");
  ReplaceGit(absl::StrCat("env >", directory_ / "env", "; exec /usr/bin/git \"$@\""));
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  const std::string environment = ReadFile(directory_ / "env");
  EXPECT_THAT(environment, HasSubstr("GIT_CONFIG_NOSYSTEM=1"));
  EXPECT_THAT(environment, HasSubstr("GIT_TERMINAL_PROMPT=0"));
  EXPECT_THAT(environment, HasSubstr("GIT_ALLOW_PROTOCOL=file:https:ssh\n"));
  EXPECT_THAT(environment, Not(HasSubstr("USER=")));
}

TEST_F(MirrorGitSourceTest, PlainHttpNeedsPermission) {
  const auto result = source_->Fetch({.url = "http://127.0.0.1:1/a.git"}, {});
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kInvalidRepository);
  const auto allowed =
      source_->Fetch({.url = "http://127.0.0.1:1/a.git", .plain_http = PlainHttp::kAllowed}, {});
  EXPECT_EQ(SourceReasonOf(allowed.status()), SourceReason::kRepositoryUnreachable);
}

TEST_F(MirrorGitSourceTest, SshNeedsAKeyAndKnownHosts) {
  const auto no_hosts = source_->Fetch({.url = "git@127.0.0.1:a.git"}, {});
  EXPECT_THAT(no_hosts, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ssh-keyscan")));
  const auto no_key = source_->Fetch(
      {.url = "git@127.0.0.1:a.git", .credentials = {.ssh_known_hosts = "127.0.0.1 x"}}, {});
  EXPECT_THAT(no_key, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no ssh key")));
}

TEST_F(MirrorGitSourceTest, ADamagedMirrorIsAnErrorAndNotAnEmptyTree) {
  const GitId commit = repository_.Commit("main", {{"a", {"1"}}}, "first");
  ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  ASSERT_OK_AND_ASSIGN(const auto tree, source_->Open(Url(), commit));
  for (const auto& file : fs::directory_iterator(MirrorPath() + "/objects/pack")) {
    fs::permissions(file.path(), fs::perms::owner_all);
    WriteFile(file.path().string(), "damaged");
  }
  source_ = MakeSource(directory_, clock_);
  EXPECT_FALSE(source_->Open(Url(), commit).ok());
}

TEST_F(MirrorGitSourceTest, GitThatIsNotInstalledIsSaidAtOnce) {
  MirrorSettings settings;
  settings.directory = directory_ / "other";
  settings.search_path = directory_ / "nowhere";
  EXPECT_THAT(MirrorGitSource::Create(settings, clock_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("install it")));
}

TEST_F(MirrorGitSourceTest, ManyFetchesLeaveFewPacks) {
  repository_.Git({"config", "gc.auto", "0"});
  for (int i = 0; i < 60; ++i) {
    repository_.Commit("main", {{"a", {absl::StrCat(i)}}}, "change");
    ASSERT_OK(source_->Fetch({.url = Url()}, {}));
  }
  size_t packs = 0;
  for (const auto& file : fs::directory_iterator(MirrorPath() + "/objects/pack")) {
    packs += file.path().extension() == ".pack" ? 1 : 0;
  }
  EXPECT_LE(packs, 52u);
  EXPECT_OK(source_->Resolve(Url(), {"", ""}));
}

}  // namespace
}  // namespace leidang::hub
