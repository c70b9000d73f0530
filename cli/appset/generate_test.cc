#include "cli/appset/generate.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class GenerateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) /
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    Write("world/clusters.yaml",
          "- {name: one, server: 'https://one.example.com', labels: {env: prod}}\n");
    Write("world/repos/conf/apps/a/x.yaml", "k: v\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::string Path(const std::string& path) const { return (root_ / path).string(); }

  void WriteSet(const std::string& generators, const std::string& name = "'{{.name}}'") {
    Write("set.yaml",
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n---\n"
          "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s, namespace: "
          "argocd}\n"
          "spec:\n  goTemplate: true\n  goTemplateOptions: ['missingkey=error']\n  generators: " +
              generators + "\n  template:\n    metadata: {name: " + name +
              "}\n    spec: {project: default, destination: {server: '{{.server}}'}}\n");
  }

  GenerateResult Run(const std::string& output = "name") {
    GenerateRequest request;
    request.file = Path("set.yaml");
    request.world = Path("world");
    request.output = output;
    return GenerateApplications(request);
  }

  fs::path root_;
};

TEST_F(GenerateTest, PrintsWhatTheGeneratorsGive) {
  WriteSet("[{clusters: {}}]");
  const GenerateResult result = Run();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "argocd/one\nargocd/in-cluster\n");
  EXPECT_THAT(Run("yaml").out, StartsWith("apiVersion: argoproj.io/v1alpha1\nkind: Application\n"));
  EXPECT_THAT(Run("json").out, StartsWith("[\n{\n"));
}

TEST_F(GenerateTest, PrintsTheOthersWhenOneFailsAndSaysSo) {
  WriteSet("[{list: {elements: [{name: a, server: s}, {name: b}]}}]");
  const GenerateResult result = Run();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "argocd/a\n");
  EXPECT_THAT(result.err, HasSubstr("spec.generators[0].list, parameter set 1, "
                                    "spec.template.spec.destination.server: "));
  EXPECT_THAT(result.err, HasSubstr("(parameters: {\"name\":\"b\"})"));
}

TEST_F(GenerateTest, ReadsAWorkingCopyInsteadOfARepository) {
  WriteSet("[{git: {repoURL: 'https://x/y.git', directories: [{path: 'apps/*'}]}}]",
           "'{{.path.basename}}'");
  std::ofstream(root_ / "set.yaml", std::ios::app);
  GenerateRequest request;
  request.file = Path("set.yaml");
  request.repositories = {"https://x/y.git=" + Path("world/repos/conf")};
  request.output = "name";
  const GenerateResult result = GenerateApplications(request);
  EXPECT_THAT(result.err, HasSubstr("map has no entry for key \"server\""));
}

TEST_F(GenerateTest, ExplainsOneApplication) {
  WriteSet("[{clusters: {}}]");
  GenerateRequest request;
  request.file = Path("set.yaml");
  request.world = Path("world");
  request.explain = "one";
  const GenerateResult result = GenerateApplications(request);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("generator      spec.generators[0].clusters"));
  EXPECT_THAT(result.out, HasSubstr("    {{.server}}\n    = https://one.example.com\n"));
  request.explain = "nope";
  EXPECT_EQ(GenerateApplications(request).exit_code, 1);
}

TEST_F(GenerateTest, AWrongRequestIsAnErrorOfUsage) {
  WriteSet("[{clusters: {}}]");
  EXPECT_EQ(Run("toml").exit_code, 64);
  GenerateRequest request;
  request.file = Path("missing.yaml");
  EXPECT_EQ(GenerateApplications(request).exit_code, 64);
  request.file = Path("set.yaml");
  request.world = Path("nowhere");
  EXPECT_THAT(GenerateApplications(request).err, HasSubstr("nowhere: no such folder"));
  request.world.reset();
  request.repositories = {"no-equals-sign"};
  EXPECT_THAT(GenerateApplications(request).err, HasSubstr("expected URL=path"));
}

TEST_F(GenerateTest, AFileWithoutASetOrWithABadOneFails) {
  Write("set.yaml", "kind: ConfigMap\n");
  EXPECT_THAT(Run().err, HasSubstr("holds no ApplicationSet"));
  Write("set.yaml", "kind: ApplicationSet\nspec: {generators: {}}\n");
  EXPECT_THAT(Run().err, HasSubstr("spec.generators: expected a list, found an object"));
  EXPECT_EQ(Run().exit_code, 1);
}

TEST_F(GenerateTest, AMistakeInTheWorldNamesItsFile) {
  WriteSet("[{clusters: {}}]");
  Write("world/clusters.yaml", "- {name: 7}\n");
  const GenerateResult result = Run();
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err,
              HasSubstr("clusters.yaml.clusters[0].name: expected text, found a number"));
}

}  // namespace
}  // namespace leidang::cli
