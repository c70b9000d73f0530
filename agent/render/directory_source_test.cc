#include "agent/render/directory_source.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/render/render_error.h"
#include "agent/render/test_tree.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using object::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StatusIs;

Value Options(absl::string_view json) {
  absl::StatusOr<Value> value = object::ParseJson(json);
  EXPECT_OK(value);
  return value.ok() ? *value : Value();
}

std::vector<std::string> Names(const absl::StatusOr<std::vector<Value>>& objects) {
  EXPECT_OK(objects);
  std::vector<std::string> names;
  if (!objects.ok()) return names;
  for (const Value& value : *objects) {
    names.emplace_back(object::FindString(value, {"metadata", "name"}));
  }
  return names;
}

SourceTree Sample() {
  return TreeOf({
      {"app/b.yml", TextFile(ConfigMap("b"))},
      {"app/a.yaml", TextFile(ConfigMap("a"))},
      {"app/c.json", TextFile(R"({"apiVersion":"v1","kind":"X","metadata":{"name":"c"}})")},
      {"app/README.md", TextFile("kind: no manifest")},
      {"app/skip.yaml", TextFile("# +argocd:skip-file-rendering\n" + ConfigMap("skip"))},
      {"app/deep/d.yaml", TextFile(ConfigMap("d"))},
      {"app-two/e.yaml", TextFile(ConfigMap("e"))},
      {"app/link.yaml", Link("../app-two/e.yaml")},
  });
}

TEST(RenderDirectory, ReadsManifestsOfTheDirectoryItself) {
  EXPECT_THAT(Names(RenderDirectory(Sample(), "app", {})), ElementsAre("a", "b", "c", "e"));
}

TEST(RenderDirectory, RecursesIfTold) {
  EXPECT_THAT(Names(RenderDirectory(Sample(), "app", Options(R"({"recurse":true})"))),
              ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Names(RenderDirectory(Sample(), ".", Options(R"({"recurse":true})"))),
              ElementsAre("a", "b", "c", "d", "e", "e"));
}

TEST(RenderDirectory, IncludesAndExcludesByGlobsThatCrossSlashes) {
  const SourceTree tree = Sample();
  const auto names = [&tree](absl::string_view options) {
    return Names(RenderDirectory(tree, "app", Options(options)));
  };
  EXPECT_THAT(names(R"({"include":"*.yaml"})"), ElementsAre("a", "e"));
  EXPECT_THAT(names(R"({"recurse":true,"include":"*.yaml","exclude":"{a,link}*"})"),
              ElementsAre("d"));
  EXPECT_THAT(names(R"({"exclude":"*"})"), IsEmpty());
}

TEST(RenderDirectory, NamesWhatIsWrong) {
  const struct {
    absl::string_view path;
    absl::string_view options;
    RenderReason reason;
    absl::string_view says;
  } cases[] = {
      {"nothing", "null", RenderReason::kPathNotFound, "no directory nothing"},
      {"app/a.yaml", "null", RenderReason::kPathNotFound, "no directory app/a.yaml"},
      {"app", R"({"recurse":"yes"})", RenderReason::kInvalidSpec, "directory.recurse"},
      {"app", R"({"include":["x"]})", RenderReason::kInvalidSpec, "directory.include is not text"},
      {"app", R"({"include":"[a"})", RenderReason::kInvalidSpec, "directory.include is no glob"},
      {"app", R"([])", RenderReason::kInvalidSpec, "spec.source.directory is no map"},
      {"app", R"({"jsonnet":{"libs":["x"]}})", RenderReason::kUnsupportedSource, "Jsonnet"},
  };
  for (const auto& c : cases) {
    const auto objects = RenderDirectory(Sample(), c.path, Options(c.options));
    EXPECT_THAT(objects.status().message(), HasSubstr(std::string(c.says)));
    EXPECT_EQ(RenderReasonOf(objects.status()), c.reason) << c.says;
  }
}

TEST(RenderDirectory, RefusesJsonnetAndDanglingLinks) {
  EXPECT_EQ(
      RenderReasonOf(RenderDirectory(TreeOf({{"a.jsonnet", TextFile("{}")}}), ".", {}).status()),
      RenderReason::kUnsupportedSource);
  EXPECT_THAT(RenderDirectory(TreeOf({{"a.yaml", Link("gone.yaml")}}), ".", {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("a.yaml is a link")));
}

TEST(RenderDirectory, HasALimitOnSize) {
  const std::string big = ConfigMap("a") + "# " + std::string(6 << 20, 'x') + "\n";
  const auto objects =
      RenderDirectory(TreeOf({{"a.yaml", TextFile(big)}, {"b.yaml", TextFile(big)}}), ".", {});
  EXPECT_EQ(RenderReasonOf(objects.status()), RenderReason::kTooLarge);
}

}  // namespace
}  // namespace leidang::agent
