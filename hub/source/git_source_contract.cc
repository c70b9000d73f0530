#include "hub/source/git_source_contract.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kMegabyte = 1 << 20;

SourceWorld::Files Sample() {
  return {{"README.md", {"hello\n"}},
          {"apps/a/deploy.yaml", {"kind: Deployment\n"}},
          {"apps/a/run.sh", {"#!/bin/sh\n", FileMode::kExecutable}},
          {"apps/a.b/x", {"x"}},
          {"apps/link", {"a", FileMode::kSymlink}},
          {"file-link", {"./apps/link/../a/deploy.yaml", FileMode::kSymlink}},
          {"modules/sub", {"1111111111111111111111111111111111111111", FileMode::kSubmodule}}};
}

std::vector<std::string> Names(const std::vector<TreeEntry>& entries) {
  std::vector<std::string> names;
  for (const TreeEntry& entry : entries) names.push_back(entry.name);
  return names;
}

}  // namespace

std::shared_ptr<const GitTree> GitSourceContractTest::FetchTree(const SourceWorld::Files& files) {
  const GitId commit = world_->Commit("main", files, "files");
  EXPECT_OK(Fetch());
  auto tree = source().Open(world_->url(), commit);
  EXPECT_OK(tree);
  return tree.ok() ? *tree : nullptr;
}

TEST_P(GitSourceContractTest, BeforeTheFirstFetchNothingCanBeRead) {
  world_->Commit("main", Sample(), "first");
  const auto resolved = Resolve("main");
  EXPECT_EQ(SourceReasonOf(resolved.status()), SourceReason::kRepositoryUnreachable);
  EXPECT_THAT(resolved,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("has not been fetched")));
  EXPECT_FALSE(source().Refs(world_->url()).ok());
  EXPECT_FALSE(source().Open(world_->url(), GitId()).ok());
}

TEST_P(GitSourceContractTest, AFetchBringsBranchesTagsAndHead) {
  const GitId first = world_->Commit("main", Sample(), "first");
  const GitId second = world_->Commit("dev", Sample(), "second");
  world_->Tag("v1", first, TagKind::kPlain);
  ASSERT_OK_AND_ASSIGN(const FetchResult result, Fetch());
  EXPECT_EQ(result.changed, RefsChanged::kYes);
  EXPECT_EQ(result.default_branch, "main");
  ASSERT_OK_AND_ASSIGN(const RefMap refs, source().Refs(world_->url()));
  EXPECT_THAT(refs, UnorderedElementsAre(std::pair("refs/heads/main", first),
                                         std::pair("refs/heads/dev", second),
                                         std::pair("refs/tags/v1", first)));
}

TEST_P(GitSourceContractTest, ASecondFetchWithoutNewsSaysSo) {
  world_->Commit("main", Sample(), "first");
  ASSERT_OK(Fetch());
  ASSERT_OK_AND_ASSIGN(const FetchResult again, Fetch());
  EXPECT_EQ(again.changed, RefsChanged::kNo);
  EXPECT_EQ(again.default_branch, "main");
}

TEST_P(GitSourceContractTest, TheMirrorStaysAtItsStateUntilTheNextFetch) {
  const GitId first = world_->Commit("main", Sample(), "first");
  ASSERT_OK(Fetch());
  const GitId second = world_->Commit("main", {{"a", {"2"}}}, "second");
  EXPECT_EQ(Resolve("main")->commit, first);
  ASSERT_OK_AND_ASSIGN(const FetchResult result, Fetch());
  EXPECT_EQ(result.changed, RefsChanged::kYes);
  EXPECT_EQ(Resolve("main")->commit, second);
}

TEST_P(GitSourceContractTest, RevisionsResolveToCommits) {
  const GitId first = world_->Commit("main", Sample(), "first");
  world_->Tag("1.0.0", first, TagKind::kPlain);
  const GitId second = world_->Commit("main", {{"a", {"2"}}}, "second");
  world_->Tag("v1.2.0", second, TagKind::kAnnotated);
  ASSERT_OK(Fetch());
  for (const std::string& revision :
       {std::string(), std::string("HEAD"), std::string("main"), std::string("refs/heads/main"),
        std::string("1.x"), std::string("v1.2.0"), std::string("*"), second.Hex(),
        second.Hex().substr(0, 12)}) {
    const auto resolved = Resolve(revision);
    ASSERT_OK(resolved) << revision;
    EXPECT_EQ(resolved->commit, second) << revision;
  }
  EXPECT_EQ(Resolve("~1.0")->commit, first);
  EXPECT_EQ(Resolve("~1.0")->reference, "refs/tags/1.0.0");
  EXPECT_EQ(Resolve("")->reference, "refs/heads/main");
  EXPECT_EQ(Resolve(first.Hex())->reference, "");
}

TEST_P(GitSourceContractTest, AnUnknownRevisionIsNotFound) {
  world_->Commit("main", Sample(), "first");
  ASSERT_OK(Fetch());
  for (const char* revision :
       {"nope", "9.x", "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "deadbee"}) {
    const auto resolved = Resolve(revision);
    EXPECT_EQ(SourceReasonOf(resolved.status()), SourceReason::kRevisionNotFound) << revision;
    EXPECT_THAT(resolved, StatusIs(absl::StatusCode::kNotFound, HasSubstr(revision)));
  }
  const auto tree = source().Open(world_->url(), *GitId::FromHex(std::string(40, 'e')));
  EXPECT_EQ(SourceReasonOf(tree.status()), SourceReason::kRevisionNotFound);
}

TEST_P(GitSourceContractTest, ABranchThatWasDeletedIsGoneAfterTheFetch) {
  const GitId first = world_->Commit("main", Sample(), "first");
  world_->Commit("topic", Sample(), "topic");
  ASSERT_OK(Fetch());
  ASSERT_OK(Resolve("topic"));
  world_->DeleteBranch("topic");
  ASSERT_OK_AND_ASSIGN(const FetchResult result, Fetch());
  EXPECT_EQ(result.changed, RefsChanged::kYes);
  EXPECT_EQ(SourceReasonOf(Resolve("topic").status()), SourceReason::kRevisionNotFound);
  EXPECT_EQ(Resolve("main")->commit, first);
}

TEST_P(GitSourceContractTest, ABranchMayTakeThePlaceOfAFolderOfBranches) {
  world_->Commit("main", Sample(), "first");
  world_->Commit("topic", Sample(), "topic");
  ASSERT_OK(Fetch());
  world_->DeleteBranch("topic");
  const GitId below = world_->Commit("topic/one", Sample(), "below");
  ASSERT_OK(Fetch());
  EXPECT_EQ(Resolve("topic/one")->commit, below);
  world_->DeleteBranch("topic/one");
  const GitId above = world_->Commit("topic", {{"z", {"z"}}}, "above");
  ASSERT_OK(Fetch());
  EXPECT_EQ(Resolve("topic")->commit, above);
}

TEST_P(GitSourceContractTest, HeadFollowsTheRemotesDefaultBranch) {
  world_->Commit("main", Sample(), "first");
  const GitId trunk = world_->Commit("trunk", {{"t", {"t"}}}, "trunk");
  ASSERT_OK(Fetch());
  world_->SetDefaultBranch("trunk");
  ASSERT_OK_AND_ASSIGN(const FetchResult result, Fetch());
  EXPECT_EQ(result.default_branch, "trunk");
  EXPECT_EQ(Resolve("")->commit, trunk);
  EXPECT_EQ(Resolve("HEAD")->reference, "refs/heads/trunk");
}

TEST_P(GitSourceContractTest, AHeadThatNamesNoBranchIsAnErrorForHeadOnly) {
  const GitId first = world_->Commit("main", Sample(), "first");
  world_->SetDefaultBranch("missing");
  ASSERT_OK_AND_ASSIGN(const FetchResult result, Fetch());
  EXPECT_EQ(result.default_branch, "");
  EXPECT_EQ(SourceReasonOf(Resolve("").status()), SourceReason::kRevisionNotFound);
  EXPECT_EQ(Resolve("main")->commit, first);
}

TEST_P(GitSourceContractTest, ARemoteThatVanishesLeavesTheLastGoodState) {
  const GitId first = world_->Commit("main", Sample(), "first");
  ASSERT_OK(Fetch());
  world_->RemoveRemote();
  const auto result = Fetch();
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kRepositoryUnreachable);
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kUnavailable, HasSubstr(world_->url())));
  EXPECT_EQ(Resolve("main")->commit, first);
  EXPECT_OK(source().Open(world_->url(), first));
}

TEST_P(GitSourceContractTest, AnUnusableUrlIsRefused) {
  const auto result = source().Fetch({.url = "ext::sh -c id"}, {});
  EXPECT_EQ(SourceReasonOf(result.status()), SourceReason::kInvalidRepository);
}

TEST_P(GitSourceContractTest, ACommitSaysWhoAndWhat) {
  const GitId commit = world_->Commit("main", Sample(), "first line\n\nmore");
  ASSERT_OK(Fetch());
  ASSERT_OK_AND_ASSIGN(const CommitInfo info, source().Describe(world_->url(), commit));
  EXPECT_EQ(info.commit, commit);
  EXPECT_EQ(info.subject, "first line");
  EXPECT_THAT(info.author, HasSubstr("<test@example.invalid>"));
  EXPECT_GT(info.time, absl::FromUnixSeconds(1'000'000'000));
}

TEST_P(GitSourceContractTest, AForgottenMirrorCanBeFetchedAgain) {
  const GitId first = world_->Commit("main", Sample(), "first");
  ASSERT_OK(Fetch());
  ASSERT_OK(source().Forget(world_->url()));
  EXPECT_EQ(SourceReasonOf(Resolve("main").status()), SourceReason::kRepositoryUnreachable);
  ASSERT_OK(Fetch());
  EXPECT_EQ(Resolve("main")->commit, first);
}

TEST_P(GitSourceContractTest, AfterShutdownNothingIsFetched) {
  world_->Commit("main", Sample(), "first");
  source().Shutdown();
  EXPECT_THAT(Fetch(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_P(GitSourceContractTest, DirectoriesAreListedByNameWithTheirModes) {
  const auto tree = FetchTree(Sample());
  ASSERT_OK_AND_ASSIGN(const auto root, tree->List("."));
  EXPECT_THAT(Names(root), ElementsAre("README.md", "apps", "file-link", "modules"));
  EXPECT_EQ(root[1].mode, FileMode::kDirectory);
  EXPECT_EQ(root[2].mode, FileMode::kSymlink);
  ASSERT_OK_AND_ASSIGN(const auto apps, tree->List("apps/"));
  EXPECT_THAT(Names(apps), ElementsAre("a", "a.b", "link"));
  ASSERT_OK_AND_ASSIGN(const auto a, tree->List("apps/a"));
  EXPECT_EQ(a[0].mode, FileMode::kRegular);
  EXPECT_EQ(a[1].mode, FileMode::kExecutable);
}

TEST_P(GitSourceContractTest, FilesAreReadUpToTheirLimit) {
  const auto tree = FetchTree(Sample());
  EXPECT_EQ(*tree->Read("apps/a/deploy.yaml", kMegabyte), "kind: Deployment\n");
  EXPECT_EQ(*tree->Read("./README.md", 6), "hello\n");
  const auto big = tree->Read("README.md", 5);
  EXPECT_EQ(SourceReasonOf(big.status()), SourceReason::kTooLarge);
  EXPECT_THAT(big, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("README.md")));
  ASSERT_OK_AND_ASSIGN(const TreeEntry entry, tree->Find("README.md"));
  EXPECT_EQ(*tree->Size(entry.id), 6u);
}

TEST_P(GitSourceContractTest, APathThatIsNotThereIsNamed) {
  const auto tree = FetchTree(Sample());
  for (const char* path : {"nope", "apps/nope", "README.md/x", "../x", "/apps"}) {
    const auto entry = tree->Find(path);
    EXPECT_EQ(SourceReasonOf(entry.status()), SourceReason::kPathNotFound) << path;
    EXPECT_THAT(entry.status().ToString(), HasSubstr(path));
  }
  EXPECT_FALSE(tree->List("README.md").ok());
  EXPECT_FALSE(tree->Read("apps", kMegabyte).ok());
}

TEST_P(GitSourceContractTest, SymbolicLinksAreFollowedWithinTheRepository) {
  const auto tree = FetchTree(Sample());
  EXPECT_EQ(*tree->Read("apps/link/deploy.yaml", kMegabyte), "kind: Deployment\n");
  EXPECT_EQ(*tree->Read("file-link", kMegabyte), "kind: Deployment\n");
  EXPECT_EQ(*tree->Resolve("file-link"), "apps/a/deploy.yaml");
  EXPECT_EQ(*tree->Resolve("apps/link/run.sh"), "apps/a/run.sh");
  EXPECT_THAT(Names(*tree->List("apps/link")), ElementsAre("deploy.yaml", "run.sh"));
  EXPECT_EQ(tree->FindLink("apps/link")->mode, FileMode::kSymlink);
  EXPECT_EQ(tree->Find("apps/link")->mode, FileMode::kDirectory);
  EXPECT_EQ(*tree->ReadLink("apps/link"), "a");
}

TEST_P(GitSourceContractTest, SymbolicLinksNeverLeadOut) {
  const auto tree = FetchTree({{"absolute", {"/etc/passwd", FileMode::kSymlink}},
                               {"up", {"../x", FileMode::kSymlink}},
                               {"d/up", {"../../x", FileMode::kSymlink}},
                               {"dangling", {"nowhere", FileMode::kSymlink}},
                               {"loop-a", {"loop-b", FileMode::kSymlink}},
                               {"loop-b", {"loop-a", FileMode::kSymlink}},
                               // Harmless by its text, but not by where `d/deep` leads.
                               {"d/deep", {"..", FileMode::kSymlink}},
                               {"d/trick", {"deep/../x", FileMode::kSymlink}},
                               {"d/file", {"x"}}});
  for (const char* path :
       {"absolute", "up", "d/up", "dangling", "loop-a", "d/trick", "absolute/x"}) {
    const auto content = tree->Read(path, kMegabyte);
    EXPECT_EQ(SourceReasonOf(content.status()), SourceReason::kPathNotFound) << path;
  }
  EXPECT_EQ(*tree->Read("d/deep/d/file", kMegabyte), "x");
}

TEST_P(GitSourceContractTest, SubmodulesAreShownAndNotEntered) {
  const auto tree = FetchTree(Sample());
  ASSERT_OK_AND_ASSIGN(const TreeEntry entry, tree->Find("modules/sub"));
  EXPECT_EQ(entry.mode, FileMode::kSubmodule);
  EXPECT_EQ(entry.id.Hex(), std::string(40, '1'));
  for (const auto& status :
       {tree->Find("modules/sub/x").status(), tree->List("modules/sub").status()}) {
    EXPECT_EQ(SourceReasonOf(status), SourceReason::kPathNotFound);
    EXPECT_THAT(status.ToString(), HasSubstr("submodule"));
  }
}

TEST_P(GitSourceContractTest, AnUnchangedDirectoryKeepsItsId) {
  SourceWorld::Files files = Sample();
  const auto before = FetchTree(files);
  files["README.md"].content = "changed\n";
  const auto after = FetchTree(files);
  EXPECT_NE(before->commit(), after->commit());
  EXPECT_NE(before->root(), after->root());
  EXPECT_EQ(before->Find("apps")->id, after->Find("apps")->id);
  EXPECT_EQ(*before->Read("README.md", kMegabyte), "hello\n");
}

TEST_P(GitSourceContractTest, AWalkShowsEverythingInOrderOfPaths) {
  const auto tree = FetchTree(Sample());
  std::vector<std::string> paths;
  ASSERT_OK(tree->Walk("", {}, [&](const std::string& path, const TreeEntry&) {
    paths.push_back(path);
    return path == "modules" ? WalkStep::kSkipDirectory : WalkStep::kContinue;
  }));
  EXPECT_THAT(paths, ElementsAre("README.md", "apps", "apps/a.b", "apps/a.b/x", "apps/a",
                                 "apps/a/deploy.yaml", "apps/a/run.sh", "apps/link", "file-link",
                                 "modules"));
  const auto few = tree->Walk("", {.entries_max = 3}, [](const std::string&, const TreeEntry&) {
    return WalkStep::kContinue;
  });
  EXPECT_EQ(SourceReasonOf(few), SourceReason::kTooLarge);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GitSourceContractTest);

}  // namespace leidang::hub
