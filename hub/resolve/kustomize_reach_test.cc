// What the closure of a kustomization holds is enough for the real kustomize: it renders the same
// from the closure alone as from the whole repository.

#include <filesystem>
#include <stdlib.h>
#include <string>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>

#include "common/process/child_process.h"
#include "common/time/real_clock.h"
#include "hub/resolve/closure.h"
#include "hub/source/fake_git_source.h"
#include "tests/support/kustomize_program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::hub {
namespace {

namespace fs = std::filesystem;
using ::leidang::testing::TempDir;
using ::leidang::testing::WriteFile;

using Files = FakeGitSource::Files;

constexpr char kUrl[] = "https://git.example.com/mono.git";
constexpr char kConfigMap[] =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

std::string Build(const std::string& kustomize, const std::string& root, const std::string& path) {
  RealClock clock;
  ChildCommand command;
  command.argv = {kustomize, "build", "--load-restrictor", "LoadRestrictionsNone", path};
  command.directory = root;
  command.environment = {"PATH=/usr/bin:/bin", "HOME=" + root};
  const auto result = RunChild(command, clock, nullptr);
  EXPECT_OK(result);
  if (!result.ok()) return "";
  EXPECT_TRUE(result->Succeeded()) << path << ": " << result->err;
  return result->out;
}

Files Repository() {
  Files files = {
      {"base/kustomization.yaml",
       {"resources: [a.yaml, ../lib]\nopenapi: {path: schema.json}\nconfigurations: "
        "[names.yaml]\n"}},
      {"base/a.yaml", {kConfigMap}},
      {"base/schema.json", {R"({"definitions":{}})"}},
      {"base/names.yaml", {"namePrefix:\n- path: metadata/name\n"}},
      {"lib/Kustomization", {"resources: [nested/deep]\nnamePrefix: lib-\n"}},
      {"lib/nested/deep/kustomization.yml", {"resources: [c.yaml]\n"}},
      {"lib/nested/deep/c.yaml",
       {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n"}},
      {"component/kustomization.yaml",
       {"apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: "
        "p.yaml}]\n"}},
      {"component/p.yaml",
       {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {from: component}\n"}},
      {"overlay/kustomization.yaml",
       {"resources: [../base, vendored]\ncomponents: [../component]\nnamespace: x\n"
        "patches:\n- path: merge.yaml\n"
        "- patch: '[{\"op\": \"add\", \"path\": \"/data/inline\", \"value\": \"1\"}]'\n  target: "
        "{kind: ConfigMap, "
        "name: a}\n"
        "configMapGenerator:\n- name: g\n  files: [k=files/f.txt, files/g.txt]\n  envs: [e.env]\n"
        "secretGenerator:\n- name: s\n  files: [files/f.txt]\n"
        "replacements:\n- path: replace.yaml\ngenerators: [generator.yaml]\n"
        "transformers: [transformer]\n"}},
      {"overlay/merge.yaml",
       {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {merged: yes-it-is}\n"}},
      {"overlay/files/f.txt", {"f"}},
      {"overlay/files/g.txt", {"g"}},
      {"overlay/e.env", {"E=1\n"}},
      {"overlay/replace.yaml",
       {"source: {kind: ConfigMap, name: a, fieldPath: data.k}\ntargets:\n"
        "- select: {kind: ConfigMap, name: a}\n  fieldPaths: [data.copied]\n"
        "  options: {create: true}\n"}},
      {"overlay/generator.yaml",
       {"apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\nname: made\n"
        "files: [plugin/data.txt]\n"}},
      {"overlay/plugin/data.txt", {"data"}},
      {"overlay/transformer/kustomization.yaml", {"resources: [label.yaml]\n"}},
      {"overlay/transformer/label.yaml",
       {"apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: l}\nlabels: {from: plugin}\n"
        "fieldSpecs: [{path: metadata/labels, create: true}]\n"}},
      {"overlay/vendored", {"../vendor/v2", FileMode::kSymlink}},
      {"vendor/v2/kustomization.yaml", {"resources: [v.yaml]\n"}},
      {"vendor/v2/v.yaml", {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\n"}},
      {"unrelated/kustomization.yaml", {"resources: [gone.yaml]\n"}},
  };
  return files;
}

void LayOut(const std::string& directory, const std::string& path, const std::string& content,
            FileMode mode) {
  if (mode != FileMode::kSymlink) return WriteFile(directory + "/" + path, content);
  fs::create_directories(fs::path(directory + "/" + path).parent_path());
  ASSERT_EQ(::symlink(content.c_str(), (directory + "/" + path).c_str()), 0);
}

TEST(KustomizeReachTest, TheClosureRendersAsTheWholeRepositoryDoes) {
  const std::string kustomize = ::leidang::testing::KustomizeProgram();
  FakeGitSource git;
  const GitId commit = git.Commit(kUrl, "main", Repository());
  ASSERT_OK(git.Fetch({.url = kUrl}, {}));
  const auto tree = *git.Open(kUrl, commit);
  TempDir whole;
  for (const auto& [path, file] : Repository()) {
    LayOut(whole.path(), path, file.content, file.mode);
  }
  Closures closures;
  for (const char* path : {"base", "lib", "overlay", "vendor/v2"}) {
    ASSERT_OK_AND_ASSIGN(const auto closure, closures.Compute(*tree, {.path = path}));
    TempDir part;
    for (const tree::TreeFile& file : closure->manifest.files) {
      LayOut(part.path(), file.path, *closure->Read(*tree, file),
             file.mode == tree::FileMode::kSymlink ? FileMode::kSymlink : FileMode::kRegular);
    }
    EXPECT_LT(closure->manifest.files.size(), Repository().size());
    const std::string want = Build(kustomize, whole.path(), path);
    EXPECT_THAT(want, ::testing::HasSubstr("kind: ConfigMap"));
    EXPECT_EQ(Build(kustomize, part.path(), path), want) << path;
  }
}

}  // namespace
}  // namespace leidang::hub
