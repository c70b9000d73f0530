#include "hub/resolve/resolve_source.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "hub/resolve/tool_choice.h"
#include "hub/source/fake_git_source.h"
#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::HasSubstr;

object::Value App(const std::string& spec) {
  return *object::ParseJson(absl::StrCat(R"({"kind":"Application","spec":)", spec, "}"));
}

TEST(ResolveSourceTest, ASourceIsRead) {
  const auto spec = ReadSource(App(
      R"({"source":{"repoURL":"https://h/r.git","path":"./apps/a/","targetRevision":"1.x",
          "tagPrefix":"a/","kustomize":{"namePrefix":"x-"}}})"));
  ASSERT_OK(spec);
  EXPECT_EQ(spec->repo_url, "https://h/r.git");
  EXPECT_EQ(spec->path, "apps/a");
  EXPECT_EQ(spec->revision.text, "1.x");
  EXPECT_EQ(spec->revision.tag_prefix, "a/");
  EXPECT_EQ(spec->tool, intent::Tool::kKustomize);
}

TEST(ResolveSourceTest, ASingleEntryOfSourcesIsASource) {
  const auto spec = ReadSource(App(R"({"sources":[{"repoURL":"https://h/r.git"}]})"));
  ASSERT_OK(spec);
  EXPECT_EQ(spec->path, ".");
  EXPECT_EQ(spec->tool, std::nullopt);
}

TEST(ResolveSourceTest, WhatCannotBeReadSaysWhy) {
  const struct {
    const char* spec;
    SourceReason reason;
    const char* says;
  } kCases[] = {
      {R"({})", SourceReason::kInvalidSpec, "spec.source is missing"},
      {R"({"source":[]})", SourceReason::kInvalidSpec, "expected a map"},
      {R"({"source":{"path":"a"}})", SourceReason::kInvalidSpec, "repoURL is missing"},
      {R"({"source":{"repoURL":"https://h/r","path":1}})", SourceReason::kInvalidSpec,
       "spec.source.path: expected text"},
      {R"({"source":{"repoURL":"https://h/r","path":"../a"}})", SourceReason::kInvalidSource,
       "leaves the repository"},
      {R"({"source":{"repoURL":"ext::x","path":"a"}})", SourceReason::kInvalidRepository, "ext::x"},
      {R"({"source":{"repoURL":"https://h/r","chart":"redis"}})", SourceReason::kUnsupportedSource,
       "spec.source.chart"},
      {R"({"source":{"repoURL":"oci://h/r"}})", SourceReason::kUnsupportedSource, "OCI"},
      {R"({"source":{"repoURL":"https://h/r","helm":{"releaseName":"x"}}})",
       SourceReason::kUnsupportedSource, "Helm"},
      {R"({"source":{"repoURL":"https://h/r","plugin":{"name":"x"}}})",
       SourceReason::kUnsupportedSource, "plugins"},
      {R"({"source":{"repoURL":"https://h/r","kustomize":{"a":1},"directory":{"recurse":true}}})",
       SourceReason::kInvalidSpec, "both kustomize and directory"},
      {R"({"source":{"repoURL":"https://h/r","kustomize":"x"}})", SourceReason::kInvalidSpec,
       "spec.source.kustomize: expected a map"},
      {R"({"sources":[{"repoURL":"https://h/r"},{"repoURL":"https://h/r"}]})",
       SourceReason::kUnsupportedSource, "spec.sources has 2"},
      {R"({"sources":[{"repoURL":"https://h/r","ref":"values"}]})",
       SourceReason::kUnsupportedSource, "spec.source.ref"},
      {R"({"sourceHydrator":{"drySource":{}}})", SourceReason::kUnsupportedSource,
       "sourceHydrator"},
  };
  for (const auto& c : kCases) {
    const auto spec = ReadSource(App(c.spec));
    EXPECT_EQ(SourceReasonOf(spec.status()), c.reason) << c.spec << ": " << spec.status();
    EXPECT_THAT(spec.status().ToString(), HasSubstr(c.says));
  }
}

TEST(ResolveSourceTest, AnEmptyToolBlockCountsAsAbsent) {
  EXPECT_EQ(*ExplicitTool(*object::ParseJson(R"({"helm":{},"kustomize":null})")), std::nullopt);
  EXPECT_EQ(*ExplicitTool(*object::ParseJson(R"({"helm":{},"directory":{"recurse":true}})")),
            intent::Tool::kDirectory);
}

TEST(ResolveSourceTest, TheFilesTellTheToolAndTheLastByNameCounts) {
  const auto detect = [](std::initializer_list<const char*> names) {
    std::vector<TreeEntry> entries;
    for (const char* name : names) entries.push_back({.name = name});
    return DetectTool(entries);
  };
  EXPECT_EQ(detect({"a.yaml"}), intent::Tool::kDirectory);
  EXPECT_EQ(detect({"kustomization.yaml"}), intent::Tool::kKustomize);
  EXPECT_EQ(detect({"kustomization.yml"}), intent::Tool::kKustomize);
  EXPECT_EQ(detect({"Kustomization"}), intent::Tool::kKustomize);
  EXPECT_EQ(detect({"Chart.yaml"}), intent::Tool::kHelm);
  EXPECT_EQ(detect({"Chart.yaml", "kustomization.yaml"}), intent::Tool::kKustomize);
  EXPECT_EQ(detect({"kustomization.yaml", "myChart.yaml"}), intent::Tool::kHelm);
  EXPECT_EQ(DetectTool({{.name = "Chart.yaml", .mode = FileMode::kDirectory}}),
            intent::Tool::kDirectory);
}

class PinSourceTest : public ::testing::Test {
 protected:
  absl::StatusOr<PinnedSource> Pin(const std::string& path, const std::string& more = "") {
    const std::string url = "https://u:secret@git.example.com/r.git";
    const GitId commit = git_.Commit(
        url, "main",
        {{"plain/a.yaml", {"a"}}, {"chart/Chart.yaml", {"x"}}, {"kust/kustomization.yaml", {""}}});
    EXPECT_OK(git_.Fetch({.url = url}, {}));
    const auto spec =
        ReadSource(App(absl::StrCat(R"({"source":{"repoURL":")", url, R"(","path":")", path,
                                    R"(","targetRevision":"main")", more, "}}")));
    EXPECT_OK(spec);
    commit_ = commit;
    return PinSource(*spec, **git_.Open(url, commit), &closures_);
  }

  FakeGitSource git_;
  Closures closures_;
  GitId commit_;
};

TEST_F(PinSourceTest, APinnedSourceNamesCommitToolAndTree) {
  const auto pinned = Pin("kust");
  ASSERT_OK(pinned);
  const intent::Source want{.repo_url = "https://u:***@git.example.com/r.git",
                            .target_revision = "main",
                            .commit = commit_.Hex(),
                            .path = "kust",
                            .tool = intent::Tool::kKustomize,
                            .tree = pinned->closure->digest};
  EXPECT_EQ(pinned->source, want);
}

TEST_F(PinSourceTest, ADirectoryBlockMakesAKustomizationAPlainDirectory) {
  const auto pinned = Pin("kust", R"(,"directory":{"recurse":true})");
  ASSERT_OK(pinned);
  EXPECT_EQ(pinned->source.tool, intent::Tool::kDirectory);
}

TEST_F(PinSourceTest, AChartIsUnsupportedAndNamesItsPath) {
  const auto pinned = Pin("chart");
  EXPECT_EQ(SourceReasonOf(pinned.status()), SourceReason::kUnsupportedSource);
  EXPECT_THAT(pinned.status().ToString(), HasSubstr("path \"chart\": Helm charts"));
}

}  // namespace
}  // namespace leidang::hub
