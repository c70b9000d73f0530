#include "agent/render/renderer.h"

#include <memory>
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

class RendererTest : public ::testing::Test {
 protected:
  static RenderRequest Request(SourceTree tree, intent::Tool tool) {
    RenderRequest request;
    request.app = "leidang/cart";
    request.ns = "shop";
    request.source.path = "app";
    request.source.tool = tool;
    request.source.commit = "0123456789012345678901234567890123456789";
    request.spec = object::Object();
    request.tree = std::make_shared<const SourceTree>(std::move(tree));
    return request;
  }
  absl::StatusOr<std::vector<Value>> Render(const RenderRequest& request) {
    const Kustomize kustomize({testing::KustomizeProgram(), temp_.path(), {}}, clock_, nullptr);
    return Renderer(kustomize).Render(request);
  }

  testing::TempDir temp_;
  RealClock clock_;
};

TEST_F(RendererTest, SaysWhichToolItDoesNotHave) {
  for (const intent::Tool tool :
       {intent::Tool::kHelm, intent::Tool::kJsonnet, intent::Tool::kPlugin}) {
    const auto objects = Render(Request(TreeOf({{"app/Chart.yaml", TextFile("")}}), tool));
    EXPECT_EQ(RenderReasonOf(objects.status()), RenderReason::kUnsupportedSource);
    EXPECT_THAT(std::string(objects.status().message()),
                ::testing::HasSubstr(std::string(intent::ToolName(tool))));
  }
}

TEST_F(RendererTest, MergesTheOverridesThatAreCommittedBesideTheManifests) {
  RenderRequest request =
      Request(TreeOf({
                  {"app/.argocd-source.yaml",
                   TextFile("path: elsewhere\nkustomize: {namePrefix: a-, nameSuffix: -z}\n")},
                  {"app/.argocd-source-cart.yaml", TextFile("kustomize: {namePrefix: b-}\n")},
                  {"app/.argocd-source-other.yaml", TextFile("kustomize: {namePrefix: c-}\n")},
                  {"app/kustomization.yaml", TextFile("resources: [a.yaml]\n")},
                  {"app/a.yaml", TextFile(ConfigMap("a"))},
              }),
              intent::Tool::kKustomize);
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> objects, Render(request));
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_EQ(object::FindString(objects[0], {"metadata", "name"}), "b-a-z");
}

TEST_F(RendererTest, ABrokenOverrideIsNamed) {
  const auto objects = Render(Request(TreeOf({{"app/.argocd-source.yaml", TextFile("[")},
                                              {"app/a.yaml", TextFile(ConfigMap("a"))}}),
                                      intent::Tool::kDirectory));
  EXPECT_EQ(RenderReasonOf(objects.status()), RenderReason::kInvalidYaml);
  EXPECT_THAT(std::string(objects.status().message()),
              ::testing::HasSubstr("app/.argocd-source.yaml"));
}

TEST_F(RendererTest, TheKeyTellsApartWhatRendersApart) {
  const RenderRequest one = Request(TreeOf({}), intent::Tool::kDirectory);
  EXPECT_EQ(RenderKey(one), RenderKey(Request(TreeOf({}), intent::Tool::kDirectory)));
  RenderRequest other = one;
  other.spec.as_object()["directory"] = {{"recurse", true}};
  EXPECT_NE(RenderKey(one), RenderKey(other));
  other = one;
  other.source.tree = object::Sha256::Of("x");
  EXPECT_NE(RenderKey(one), RenderKey(other));
}

}  // namespace
}  // namespace leidang::agent
