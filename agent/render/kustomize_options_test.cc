#include "agent/render/kustomize_options.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/render/render_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using object::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Value Parse(absl::string_view json) {
  absl::StatusOr<Value> value = object::ParseJson(json);
  EXPECT_OK(value);
  return value.ok() ? *value : Value();
}

TEST(KustomizeOptions, BecomeEditsInArgoCdsOrder) {
  ASSERT_OK_AND_ASSIGN(const KustomizeOptions options, ReadKustomizeOptions(Parse(R"({
    "namespace": "shop", "namePrefix": "--help", "images": ["nginx=x:1", "y:2"],
    "replicas": [{"name": "web", "count": 3}, {"name": "db", "count": "0"}],
    "commonLabels": {"team": "$TEAM"}, "forceCommonLabels": true, "labelWithoutSelector": true,
    "commonAnnotations": {"a": "${TEAM}"},
    "patches": [{"path": "p.yaml"}], "components": ["../c"], "ignoreMissingComponents": true})"),
                                                                            {{"TEAM", "red"}}));
  EXPECT_THAT(options.edits, ElementsAre(ElementsAre("set", "nameprefix", "--", "--help"),
                                         ElementsAre("set", "image", "--", "nginx=x:1", "y:2"),
                                         ElementsAre("set", "replicas", "--", "web=3", "db=0"),
                                         ElementsAre("add", "label", "--force",
                                                     "--without-selector", "--", "team:red"),
                                         ElementsAre("add", "annotation", "--", "a:${TEAM}"),
                                         ElementsAre("set", "namespace", "--", "shop")));
  EXPECT_EQ(options.patches.size(), 1u);
  EXPECT_THAT(options.components, ElementsAre("../c"));
  EXPECT_EQ(options.missing, KustomizeOptions::MissingComponents::kAreLeftOut);
}

TEST(KustomizeOptions, NothingGivenIsNothingDone) {
  for (const absl::string_view json : {"null", "{}", R"({"namePrefix":"","images":[]})"}) {
    ASSERT_OK_AND_ASSIGN(const KustomizeOptions options, ReadKustomizeOptions(Parse(json), {}));
    EXPECT_TRUE(options.empty()) << json;
  }
}

TEST(KustomizeOptions, NameTheFieldThatIsWrong) {
  const struct {
    absl::string_view json;
    RenderReason reason;
    absl::string_view says;
  } cases[] = {
      {R"([])", RenderReason::kInvalidSpec, "is no map"},
      {R"({"version":"v4"})", RenderReason::kUnsupportedSource, "kustomize.version"},
      {R"({"namePrefix":7})", RenderReason::kInvalidSpec, "kustomize.namePrefix is not text"},
      {R"({"images":"x"})", RenderReason::kInvalidSpec, "kustomize.images is no list"},
      {R"({"images":[1]})", RenderReason::kInvalidSpec, "kustomize.images holds"},
      {R"({"replicas":[{"count":1}]})", RenderReason::kInvalidSpec, "without a name"},
      {R"({"replicas":[{"name":"a","count":-1}]})", RenderReason::kInvalidSpec, "for a"},
      {R"({"commonLabels":{"a":1}})", RenderReason::kInvalidSpec, "kustomize.commonLabels"},
      {R"({"forceCommonLabels":"x"})", RenderReason::kInvalidSpec, "kustomize.forceCommonLabels"},
      {R"({"patches":{}})", RenderReason::kInvalidSpec, "kustomize.patches is no list"},
  };
  for (const auto& c : cases) {
    const auto options = ReadKustomizeOptions(Parse(c.json), {});
    EXPECT_EQ(RenderReasonOf(options.status()), c.reason) << c.json;
    EXPECT_THAT(options.status().message(), HasSubstr(std::string(c.says)));
  }
}

TEST(ExpandVariables, FollowsGosRules) {
  const BuildEnvironment environment = {{"A", "1"}, {"A_B", "2"}};
  const struct {
    absl::string_view text;
    absl::string_view want;
  } cases[] = {
      {"plain", "plain"}, {"$A", "1"},     {"${A}x", "1x"}, {"$A_B-$A", "2-1"}, {"$$A", "$A"},
      {"$none.", "."},    {"${none}", ""}, {"a$", "a$"},    {"$ x", "$ x"},     {"${A", "A"},
      {"${}x", "x"},      {"$1A", "A"},    {"50$", "50$"},  {"$A$A_B", "12"},
  };
  for (const auto& c : cases) EXPECT_EQ(ExpandVariables(c.text, environment), c.want) << c.text;
}

}  // namespace
}  // namespace leidang::agent
