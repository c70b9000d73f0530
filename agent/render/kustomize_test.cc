// With the real kustomize.

#include "agent/render/kustomize.h"

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/render/render_error.h"
#include "agent/render/test_tree.h"
#include "common/time/real_clock.h"
#include "tests/support/kustomize_program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using object::Value;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

constexpr char kDeployment[] = R"(apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.0"}]}
)";

class KustomizeTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<Value>> Render(const SourceTree& tree, absl::string_view path,
                                            absl::string_view options = "null",
                                            ToolLimits limits = {}) {
    const Kustomize kustomize({testing::KustomizeProgram(), temp_.path(), limits}, clock_, nullptr);
    absl::StatusOr<Value> spec = object::ParseJson(options);
    EXPECT_OK(spec);
    absl::StatusOr<KustomizeOptions> read = ReadKustomizeOptions(*spec, {});
    EXPECT_OK(read);
    return kustomize.Render(tree, path, *read);
  }

  SourceTree Overlay() const {
    return TreeOf({
        {"base/kustomization.yaml", TextFile("resources: [web.yaml]\n")},
        {"base/web.yaml", TextFile(kDeployment)},
        {"overlays/prod/kustomization.yaml",
         TextFile(
             "resources: [../../base]\nnamePrefix: prod-\nreplicas: [{name: web, count: 3}]\n")},
        {"extra/kustomization.yaml",
         TextFile("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
                  "resources: [cm.yaml]\n")},
        {"extra/cm.yaml", TextFile(ConfigMap("from-component"))},
    });
  }

  testing::TempDir temp_;
  RealClock clock_;
};

TEST_F(KustomizeTest, BuildsAnOverlayWithItsBase) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> objects, Render(Overlay(), "overlays/prod"));
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_EQ(object::FindString(objects[0], {"metadata", "name"}), "prod-web");
  EXPECT_EQ(object::Find(objects[0], {"spec", "replicas"})->to_number<int>(), 3);
  EXPECT_TRUE(std::filesystem::is_empty(temp_.path())) << "the private copy is gone";
}

TEST_F(KustomizeTest, AppliesTheOptionsOfAnApplication) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> objects, Render(Overlay(), "overlays/prod", R"({
    "namePrefix": "my-", "nameSuffix": "-x", "images": ["nginx=registry.example/nginx:2.0"],
    "replicas": [{"name": "web", "count": 5}], "namespace": "shop",
    "commonLabels": {"team": "red"}, "commonAnnotations": {"note": "a: b"},
    "patches": [{"target": {"kind": "Deployment"},
                 "patch": "- op: add\n  path: /spec/paused\n  value: true"}],
    "components": ["../../extra", "../../missing"], "ignoreMissingComponents": true})"));
  ASSERT_EQ(objects.size(), 2u);
  const Value& web =
      object::FindString(objects[0], {"kind"}) == "Deployment" ? objects[0] : objects[1];
  EXPECT_EQ(object::FindString(web, {"metadata", "name"}), "my-web-x");
  EXPECT_EQ(object::FindString(web, {"metadata", "namespace"}), "shop");
  EXPECT_EQ(object::FindString(web, {"metadata", "labels", "team"}), "red");
  EXPECT_EQ(object::FindString(web, {"metadata", "annotations", "note"}), "a: b");
  EXPECT_EQ(object::Find(web, {"spec", "replicas"})->to_number<int>(), 5);
  EXPECT_TRUE(object::Find(web, {"spec", "paused"})->as_bool());
  EXPECT_THAT(object::ToJson(web), HasSubstr("registry.example/nginx:2.0"));
}

TEST_F(KustomizeTest, PassesOnItsOwnMessageWithoutOurPaths) {
  const SourceTree tree =
      TreeOf({{"app/kustomization.yaml", TextFile("resources: [missing.yaml]\n")}});
  const auto objects = Render(tree, "app");
  EXPECT_EQ(RenderReasonOf(objects.status()), RenderReason::kRenderFailed);
  EXPECT_THAT(std::string(objects.status().message()),
              AllOf(HasSubstr("app/missing.yaml"), Not(HasSubstr(temp_.path()))));
}

TEST_F(KustomizeTest, ReadsNothingOutsideItsTree) {
  testing::WriteFile(temp_ / "secret.yaml", ConfigMap("secret"));
  for (const std::string& resource : {std::string("../../../secret.yaml"), temp_ / "secret.yaml"}) {
    const SourceTree tree =
        TreeOf({{"app/kustomization.yaml", TextFile("resources: [\"" + resource + "\"]\n")}});
    EXPECT_EQ(RenderReasonOf(Render(tree, "app").status()), RenderReason::kRenderFailed)
        << resource;
  }
}

TEST_F(KustomizeTest, ARemoteBaseIsAnError) {
  const SourceTree tree =
      TreeOf({{"app/kustomization.yaml",
               TextFile("resources: [\"https://127.0.0.1:9/org/repo//base?ref=v1\"]\n")}});
  EXPECT_EQ(RenderReasonOf(Render(tree, "app").status()), RenderReason::kRenderFailed);
}

TEST_F(KustomizeTest, NeedsAKustomization) {
  EXPECT_THAT(Render(TreeOf({{"app/a.yaml", TextFile(ConfigMap("a"))}}), "app"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no kustomization.yaml")));
  EXPECT_EQ(RenderReasonOf(Render(Overlay(), "nothing").status()), RenderReason::kPathNotFound);
}

TEST_F(KustomizeTest, EndsAtItsLimits) {
  EXPECT_EQ(
      RenderReasonOf(
          Render(Overlay(), "overlays/prod", "null", {.deadline = absl::Nanoseconds(1)}).status()),
      RenderReason::kTooLarge);
  EXPECT_EQ(RenderReasonOf(
                Render(Overlay(), "overlays/prod", "null", {.output_bytes_max = 100}).status()),
            RenderReason::kTooLarge);
  EXPECT_EQ(
      RenderReasonOf(
          Render(Overlay(), "overlays/prod", "null", {.memory_bytes_max = 60 << 20}).status()),
      RenderReason::kTooLarge);
}

TEST_F(KustomizeTest, AMissingProgramIsUnavailable) {
  const Kustomize kustomize({temp_ / "no-kustomize", temp_.path(), {}}, clock_, nullptr);
  EXPECT_EQ(RenderReasonOf(kustomize.Render(Overlay(), "base", {}).status()),
            RenderReason::kToolUnavailable);
}

}  // namespace
}  // namespace leidang::agent
