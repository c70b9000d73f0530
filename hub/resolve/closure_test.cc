#include "hub/resolve/closure.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "hub/source/fake_git_source.h"
#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Files = FakeGitSource::Files;

constexpr char kUrl[] = "https://git.example.com/mono.git";

// A monorepo with bases, overlays, components, and files of every kind that a kustomization can
// name.
Files Monorepo() {
  return {
      {"README.md", {"hello\n"}},
      {"plain/a.yaml", {"kind: A\n"}},
      {"plain/sub/b.yaml", {"kind: B\n"}},
      {"shop/base/kustomization.yaml",
       {"resources:\n- deployment.yaml\n- ../../lib/service\ncrds:\n- crd.json\n"
        "openapi:\n  path: schema.json\n"}},
      {"shop/base/deployment.yaml", {"kind: Deployment\n"}},
      {"shop/base/crd.json", {"{}"}},
      {"shop/base/schema.json", {"{}"}},
      {"shop/base/notes.txt", {"not named by anything"}},
      {"shop/overlays/prod/kustomization.yaml",
       {"resources:\n  - ../../base\n  - namespace.yaml\ncomponents: [../../../lib/component]\n"
        "patches:\n- path: patch.yaml\n- patch: |-\n    - op: remove\n      path: /x\n"
        "patchesStrategicMerge:\n- merge.yaml\n- |-\n  kind: Deployment\n"
        "patchesJson6902:\n- path: json.yaml\n  target: {kind: A, name: a}\n"
        "configMapGenerator:\n- name: c\n  files: [app.conf=../../../shared/app.conf, plain.txt]\n"
        "  envs: [a.env]\n  env: b.env\nsecretGenerator:\n- name: s\n  files: [secret.txt]\n"
        "configurations: [names.yaml]\nreplacements:\n- path: replace.yaml\n"}},
      {"shop/overlays/prod/namespace.yaml", {"kind: Namespace\n"}},
      {"shop/overlays/prod/patch.yaml", {"kind: Deployment\n"}},
      {"shop/overlays/prod/merge.yaml", {"kind: Deployment\n"}},
      {"shop/overlays/prod/json.yaml", {"[]"}},
      {"shop/overlays/prod/plain.txt", {"x"}},
      {"shop/overlays/prod/a.env", {"A=1"}},
      {"shop/overlays/prod/b.env", {"B=1"}},
      {"shop/overlays/prod/secret.txt", {"s"}},
      {"shop/overlays/prod/names.yaml", {"{}"}},
      {"shop/overlays/prod/replace.yaml", {"{}"}},
      {"shop/overlays/dev/kustomization.yaml", {"resources: [../../base]\n"}},
      {"lib/service/kustomization.yml", {"resources: [service.yaml]\n"}},
      {"lib/service/service.yaml", {"kind: Service\n"}},
      {"lib/component/Kustomization", {"kind: Component\ngenerators: [plugin.yaml]\n"}},
      {"lib/component/plugin.yaml", {"kind: ConfigMapGenerator\nfiles: [data/x]\n"}},
      {"lib/component/data/x", {"x"}},
      {"shared/app.conf", {"conf"}},
      {"shared/other.conf", {"conf"}},
  };
}

class ClosureTest : public ::testing::Test {
 protected:
  std::shared_ptr<const GitTree> Tree(const Files& files) {
    const GitId commit = git_.Commit(kUrl, "main", files);
    EXPECT_OK(git_.Fetch({.url = kUrl}, {}));
    return *git_.Open(kUrl, commit);
  }

  absl::StatusOr<std::shared_ptr<const Closure>> Compute(const Files& files,
                                                         const std::string& path) {
    return closures_.Compute(*Tree(files), {.path = path});
  }

  std::vector<std::string> Paths(const Files& files, const std::string& path) {
    const auto closure = Compute(files, path);
    EXPECT_OK(closure);
    std::vector<std::string> paths;
    if (!closure.ok()) return paths;
    for (const tree::TreeFile& file : (*closure)->manifest.files) paths.push_back(file.path);
    return paths;
  }

  // The error of a kustomization in app/ with that text, and beside it `more`.
  absl::Status ErrorOf(const std::string& kustomization, Files more = {}) {
    more["app/kustomization.yaml"] = {kustomization};
    return Compute(more, "app").status();
  }

  FakeGitSource git_;
  Closures closures_;
};

TEST_F(ClosureTest, APlainDirectoryIsItsSubtree) {
  EXPECT_THAT(Paths(Monorepo(), "plain"), ElementsAre("plain/a.yaml", "plain/sub/b.yaml"));
  EXPECT_EQ((*Compute(Monorepo(), "plain"))->tool, intent::Tool::kDirectory);
}

TEST_F(ClosureTest, TheRootIsTheWholeRepository) {
  EXPECT_EQ(Paths(Monorepo(), ".").size(), Monorepo().size());
}

TEST_F(ClosureTest, AKustomizationBringsAllThatItReaches) {
  EXPECT_THAT(Paths(Monorepo(), "shop/overlays/prod"),
              ElementsAre("lib/component/Kustomization", "lib/component/data/x",
                          "lib/component/plugin.yaml", "lib/service/kustomization.yml",
                          "lib/service/service.yaml", "shared/app.conf", "shop/base/crd.json",
                          "shop/base/deployment.yaml", "shop/base/kustomization.yaml",
                          "shop/base/schema.json", "shop/overlays/prod/a.env",
                          "shop/overlays/prod/b.env", "shop/overlays/prod/json.yaml",
                          "shop/overlays/prod/kustomization.yaml", "shop/overlays/prod/merge.yaml",
                          "shop/overlays/prod/names.yaml", "shop/overlays/prod/namespace.yaml",
                          "shop/overlays/prod/patch.yaml", "shop/overlays/prod/plain.txt",
                          "shop/overlays/prod/replace.yaml", "shop/overlays/prod/secret.txt"));
  EXPECT_EQ((*Compute(Monorepo(), "shop/overlays/prod"))->tool, intent::Tool::kKustomize);
}

TEST_F(ClosureTest, ACommitThatTouchesOtherPathsChangesNothing) {
  const auto before = *Compute(Monorepo(), "shop/overlays/prod");
  Files files = Monorepo();
  files["README.md"] = {"changed"};
  files["shop/base/notes.txt"] = {"changed"};
  files["shop/overlays/dev/kustomization.yaml"] = {"resources: [../../base] # changed\n"};
  files["shared/other.conf"] = {"changed"};
  files["new/file"] = {"new"};
  const auto after = *Compute(files, "shop/overlays/prod");
  EXPECT_EQ(before->digest, after->digest);
  Closures fresh;
  EXPECT_EQ((*fresh.Compute(*Tree(files), {.path = "shop/overlays/prod"}))->digest, before->digest);
}

TEST_F(ClosureTest, AChangeOfAnythingReachedChangesTheDigest) {
  const auto before = *Compute(Monorepo(), "shop/overlays/prod");
  for (const tree::TreeFile& file : before->manifest.files) {
    Files files = Monorepo();
    files[file.path].content += "# changed\n";
    const auto after = Compute(files, "shop/overlays/prod");
    ASSERT_OK(after) << file.path;
    EXPECT_NE((*after)->digest, before->digest) << file.path;
  }
  Files files = Monorepo();
  files["shop/overlays/prod/patch.yaml"].mode = FileMode::kExecutable;
  EXPECT_NE((*Compute(files, "shop/overlays/prod"))->digest, before->digest);
}

TEST_F(ClosureTest, AnUnchangedClosureIsAnsweredFromMemory) {
  Files files = Monorepo();
  const auto before = *Compute(files, "plain");
  files["README.md"] = {"changed"};
  EXPECT_EQ(*Compute(files, "plain"), before) << "the same object";
  EXPECT_EQ(closures_.hits(), 1u);
  files["plain/a.yaml"] = {"kind: C\n"};
  EXPECT_NE(*Compute(files, "plain"), before);
  EXPECT_EQ(closures_.hits(), 1u);
}

TEST_F(ClosureTest, AFileThatAppearsWhereOneWasMissingIsNoticed) {
  Files files = {{"app/kustomization.yaml", {"patchesStrategicMerge:\n- \"kind: X\"\n"}},
                 {"base/a.yaml", {"a"}}};
  const auto before = *Compute(files, "app");
  files["base/b.yaml"] = {"b"};
  EXPECT_EQ(*Compute(files, "app"), before);
  files["app/kind: X"] = {"a file after all"};
  EXPECT_NE((*Compute(files, "app"))->digest, before->digest);
}

TEST_F(ClosureTest, FilesCanBeReadThroughTheClosure) {
  const auto tree = Tree(Monorepo());
  ASSERT_OK_AND_ASSIGN(const auto closure, closures_.Compute(*tree, {.path = "shop/overlays/dev"}));
  for (const tree::TreeFile& file : closure->manifest.files) {
    ASSERT_OK_AND_ASSIGN(const std::string content, closure->Read(*tree, file));
    EXPECT_OK(tree::VerifyContent(file, content));
    EXPECT_EQ(content, Monorepo().at(file.path).content);
  }
  EXPECT_FALSE(closure->Read(*tree, {.path = "README.md"}).ok());
}

TEST_F(ClosureTest, RemoteBasesAreAnErrorThatNamesTheLine) {
  for (const char* remote : {"https://github.com/org/repo//base?ref=v1", "github.com/org/repo/base",
                             "git@github.com:org/repo.git", "git::https://h/r.git//x",
                             "ssh://git@h/r", "https://h/a.yaml", "org.example.com/a/b?ref=1"}) {
    const absl::Status status =
        ErrorOf(absl::StrCat("# ", remote, "\nresources:\n- a.yaml\n- ", remote, "\n"),
                {{"app/a.yaml", {"a"}}});
    EXPECT_EQ(SourceReasonOf(status), SourceReason::kRemoteBase) << remote << ": " << status;
    EXPECT_THAT(status.ToString(), HasSubstr("app/kustomization.yaml:4: resources[1]"));
    EXPECT_THAT(status.ToString(), HasSubstr("git.example.com/mono.git at "));
  }
  const absl::Status secret = ErrorOf("bases: ['https://u:secret@h/r.git']\n");
  EXPECT_EQ(SourceReasonOf(secret), SourceReason::kRemoteBase);
  EXPECT_THAT(secret.ToString(), ::testing::Not(HasSubstr("secret")));
}

TEST_F(ClosureTest, ErrorsSayWhatAndWhere) {
  const struct {
    const char* name;
    const char* kustomization;
    SourceReason reason;
    const char* says;
  } kCases[] = {
      {"missing file", "resources:\n- gone.yaml\n", SourceReason::kPathNotFound,
       "app/kustomization.yaml:2: resources[0]: \"gone.yaml\""},
      {"missing base", "resources: [../gone]\n", SourceReason::kPathNotFound, "\"../gone\""},
      {"directory without kustomization", "resources: [dir]\n", SourceReason::kPathNotFound,
       "has no kustomization.yaml"},
      {"leads out", "resources: [../../x]\n", SourceReason::kInvalidSource,
       "leads out of the repository"},
      {"absolute", "resources: [/etc/passwd]\n", SourceReason::kInvalidSource, "absolute"},
      {"not YAML", "resources: [\n", SourceReason::kInvalidYaml, "app/kustomization.yaml:"},
      {"no map", "- a\n", SourceReason::kInvalidSource, "is a map"},
      {"no list", "resources: a.yaml\n", SourceReason::kInvalidSource, "expected a list"},
      {"no text", "resources: [{a: 1}]\n", SourceReason::kInvalidSource,
       "resources[0]: expected text"},
      {"empty entry", "resources: ['']\n", SourceReason::kInvalidSource, "is empty"},
      {"component that is a file", "components: [a.yaml]\n", SourceReason::kInvalidSource,
       "a directory is needed"},
      {"patch that is a directory", "patches: [{path: dir}]\n", SourceReason::kInvalidSource,
       "a file is needed"},
      {"charts", "helmCharts:\n- name: x\n", SourceReason::kUnsupportedSource, ":1: helmCharts"},
      {"submodule", "resources: [sub/x.yaml]\n", SourceReason::kPathNotFound, "submodule"},
      {"submodule itself", "resources: [sub]\n", SourceReason::kPathNotFound, "submodule"},
      {"link out", "resources: [out]\n", SourceReason::kInvalidSource, "app/out"},
      {"encrypted", "secretGenerator: [{name: s, files: [enc.yaml]}]\n",
       SourceReason::kUnsupportedSource, "enc.yaml\" is encrypted with SOPS"},
      {"missing generator file", "configMapGenerator: [{name: s, files: [k=gone]}]\n",
       SourceReason::kPathNotFound, "configMapGenerator[0]: \"gone\""},
  };
  for (const auto& c : kCases) {
    Files files = {
        {"app/a.yaml", {"a"}},
        {"app/dir/x.yaml", {"x"}},
        {"app/sub", {std::string(40, '1'), FileMode::kSubmodule}},
        {"app/enc.yaml", {"a: ENC[AES256_GCM,data:x]\nsops:\n  mac: ENC[AES256_GCM,x]\n"}}};
    if (std::string(c.name) == "link out") files["app/out"] = {"/etc/passwd", FileMode::kSymlink};
    const absl::Status status = ErrorOf(c.kustomization, files);
    EXPECT_EQ(SourceReasonOf(status), c.reason) << c.name << ": " << status;
    EXPECT_THAT(status.ToString(), HasSubstr(c.says)) << c.name;
  }
}

TEST_F(ClosureTest, ACircleEnds) {
  EXPECT_THAT(Paths({{"a/kustomization.yaml", {"resources: [../b]"}},
                     {"b/kustomization.yaml", {"resources: [../a, .]"}}},
                    "a"),
              ElementsAre("a/kustomization.yaml", "b/kustomization.yaml"));
}

TEST_F(ClosureTest, LinksComeWithWhatTheyLeadTo) {
  const Files files = {{"app/link.yaml", {"../shared/first", FileMode::kSymlink}},
                       {"app/dir", {"../shared/d", FileMode::kSymlink}},
                       {"app/nowhere", {"gone", FileMode::kSymlink}},
                       {"current", {"app", FileMode::kSymlink}},
                       {"shared/first", {"second", FileMode::kSymlink}},
                       {"shared/second", {"text"}},
                       {"shared/d/back", {"../../app", FileMode::kSymlink}},
                       {"shared/d/x", {"x"}},
                       {"shared/unused", {"x"}}};
  const auto paths = ElementsAre("app/dir", "app/link.yaml", "app/nowhere", "shared/d/back",
                                 "shared/d/x", "shared/first", "shared/second");
  EXPECT_THAT(Paths(files, "app"), paths);
  std::vector<std::string> through_link = Paths(files, "current");
  EXPECT_THAT(through_link, ::testing::Contains("current"));
  EXPECT_EQ(through_link.size(), 8u);
}

TEST_F(ClosureTest, AKustomizationReachesThroughLinks) {
  const Files files = {{"app/kustomization.yaml", {"resources: [base, ../lib/a.yaml]"}},
                       {"app/base", {"../bases/v2", FileMode::kSymlink}},
                       {"bases/v2/kustomization.yaml", {"resources: [../common.yaml]"}},
                       {"bases/common.yaml", {"x"}},
                       {"lib", {"vendor/lib", FileMode::kSymlink}},
                       {"vendor/lib/a.yaml", {"x"}}};
  EXPECT_THAT(Paths(files, "app"),
              ElementsAre("app/base", "app/kustomization.yaml", "bases/common.yaml",
                          "bases/v2/kustomization.yaml", "lib", "vendor/lib/a.yaml"));
}

TEST_F(ClosureTest, ALinkOutOfTheRepositoryIsRefused) {
  const auto closure = Compute({{"app/a.yaml", {"../../etc/passwd", FileMode::kSymlink}}}, "app");
  EXPECT_EQ(SourceReasonOf(closure.status()), SourceReason::kInvalidSource);
  EXPECT_THAT(closure.status().ToString(), HasSubstr("app/a.yaml"));
  EXPECT_OK(Compute({{"app/a.yaml", {"x"}}, {"other/l", {"/etc", FileMode::kSymlink}}}, "app"))
      << "one elsewhere is nobody's business";
}

TEST_F(ClosureTest, LongChainsOfLinkedDirectoriesAreNoTrouble) {
  Files files;
  for (int i = 0; i < 2000; ++i) {
    files[absl::StrCat("d", i, "/next")] = {absl::StrCat("../d", i + 1), FileMode::kSymlink};
  }
  files["d2000/end"] = {"x"};
  EXPECT_EQ(Paths(files, "d0").size(), 2001u);
}

TEST_F(ClosureTest, SubmodulesAreReported) {
  const auto closure = Compute({{"app/a.yaml", {"x"}},
                                {"app/sub", {std::string(40, 'a'), FileMode::kSubmodule}},
                                {"other/sub", {std::string(40, 'b'), FileMode::kSubmodule}}},
                               "app");
  ASSERT_OK(closure);
  EXPECT_EQ((*closure)->manifest.files.size(), 1u);
  ASSERT_EQ((*closure)->submodules.size(), 1u);
  EXPECT_EQ((*closure)->submodules[0].path, "app/sub");
  EXPECT_EQ((*closure)->submodules[0].commit.Hex(), std::string(40, 'a'));
}

TEST_F(ClosureTest, ThePathMustBeADirectoryThatIsThere) {
  for (const char* path : {"gone", "README.md", "../x", "plain/a.yaml"}) {
    EXPECT_EQ(SourceReasonOf(Compute(Monorepo(), path).status()), SourceReason::kPathNotFound)
        << path;
  }
}

TEST_F(ClosureTest, LimitsAreErrorsThatNameThePlace) {
  const auto tree = Tree({{"app/big.bin", {std::string(1000, 'x')}}, {"app/small", {"y"}}});
  Closures by_file({.file_bytes_max = 999});
  const auto file = by_file.Compute(*tree, {.path = "app"});
  EXPECT_EQ(SourceReasonOf(file.status()), SourceReason::kTooLarge);
  EXPECT_THAT(file.status().ToString(), HasSubstr("app/big.bin"));
  Closures by_total({.total_bytes_max = 1000});
  EXPECT_EQ(SourceReasonOf(by_total.Compute(*tree, {.path = "app"}).status()),
            SourceReason::kTooLarge);
  Files chain;
  for (int i = 0; i < 20; ++i) {
    chain[absl::StrCat("k", i, "/kustomization.yaml")] = {
        absl::StrCat("resources: [../k", i + 1, "]")};
  }
  chain["k20/kustomization.yaml"] = {""};
  Closures by_number({.kustomizations_max = 10});
  EXPECT_EQ(SourceReasonOf(by_number.Compute(*Tree(chain), {.path = "k0"}).status()),
            SourceReason::kTooLarge);
}

TEST_F(ClosureTest, WhatTheApplicationItselfNamesIsReached) {
  const Files files = {{"app/kustomization.yaml", {"resources: [a.yaml]"}},
                       {"app/a.yaml", {"a"}},
                       {"extra/component/kustomization.yaml", {"kind: Component"}},
                       {"extra/patch.yaml", {"x"}}};
  const auto tree = Tree(files);
  ClosureRequest request{.path = "app", .tool = intent::Tool::kKustomize};
  request.kustomize = *object::ParseJson(
      R"({"components":["../extra/component"],"patches":[{"path":"../extra/patch.yaml"}]})");
  ASSERT_OK_AND_ASSIGN(const auto closure, closures_.Compute(*tree, request));
  EXPECT_EQ(closure->manifest.files.size(), 4u);

  request.kustomize = *object::ParseJson(R"({"components":["../gone"]})");
  const auto missing = closures_.Compute(*tree, request);
  EXPECT_EQ(SourceReasonOf(missing.status()), SourceReason::kPathNotFound);
  EXPECT_THAT(missing.status().ToString(), HasSubstr("spec.source.kustomize.components[0]"));
  request.kustomize =
      *object::ParseJson(R"({"components":["../gone"],"ignoreMissingComponents":true})");
  EXPECT_OK(closures_.Compute(*tree, request));
}

}  // namespace
}  // namespace leidang::hub
