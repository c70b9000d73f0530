#include "agent/render/manifest_files.h"

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
using ::testing::IsEmpty;
using testing::IsOkAndHolds;
using testing::StatusIs;

std::vector<std::string> Kinds(const absl::StatusOr<std::vector<Value>>& objects) {
  EXPECT_OK(objects);
  std::vector<std::string> kinds;
  if (!objects.ok()) return kinds;
  for (const Value& value : *objects) {
    kinds.emplace_back(object::FindString(value, {"kind"}));
  }
  return kinds;
}

TEST(ParseManifests, ReadsEveryDocumentAndSkipsEmptyOnes) {
  EXPECT_THAT(Kinds(ParseManifests("---\n# nothing\n---\nkind: A\n---\n---\nkind: B\n", "x.yaml")),
              ElementsAre("A", "B"));
}

TEST(ParseManifests, PassesOverYamlThatIsNoManifest) {
  for (const absl::string_view text : {"replicas: 3\n", "- a\n- b\n", "a: [broken\n", "", "text"}) {
    EXPECT_THAT(Kinds(ParseManifests(text, "values.yaml")), IsEmpty()) << text;
  }
}

TEST(ParseManifests, RefusesWhatWasMeantAsAManifest) {
  const struct {
    absl::string_view text;
    absl::string_view says;
  } cases[] = {
      {"apiVersion: v1\nkind: A\nmetadata:\n  name: [x\n", "x.yaml:"},
      {"kind: A\n---\nno: kind\n", "x.yaml:3: not a Kubernetes object"},
      {"apiVersion: v1\nKind: A\nmetadata: {}\n# kind: is lower case\n", "has no kind"},
  };
  for (const auto& c : cases) {
    const auto objects = ParseManifests(c.text, "x.yaml");
    EXPECT_THAT(objects,
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(c.says))));
    EXPECT_EQ(RenderReasonOf(objects.status()), RenderReason::kInvalidYaml) << c.text;
  }
}

TEST(ParseJsonManifest, IsOneObject) {
  EXPECT_OK(ParseJsonManifest(R"({"kind":"A"})", "x.json"));
  EXPECT_THAT(ParseJsonManifest(R"([{"kind":"A"}])", "x.json"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("x.json: not a Kubernetes")));
  EXPECT_THAT(ParseJsonManifest(R"({"kind":"A"} {})", "x.json"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("x.json: ")));
}

TEST(ExpandLists, GivesTheirItems) {
  absl::StatusOr<std::vector<Value>> objects = ParseManifests(
      "kind: List\nitems:\n- kind: A\n- kind: B\n---\nkind: ThingList\nitems: null\n---\n"
      "kind: C\nspec: {}\nitems: null\n",
      "x.yaml");
  ASSERT_OK(objects);
  EXPECT_THAT(Kinds(ExpandLists(*std::move(objects))), ElementsAre("A", "B", "C"));
}

}  // namespace
}  // namespace leidang::agent
