#include "common/manifest/manifest.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/manifest/tracking.h"
#include "tests/support/status_matchers.h"

namespace leidang::manifest {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::HasSubstr;
using testing::StatusIs;

Value Parse(absl::string_view json) {
  absl::StatusOr<Value> value = object::ParseJson(json);
  EXPECT_THAT(value, testing::IsOk());
  return value.ok() ? *value : Value();
}

Value Deployment() {
  return Parse(
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"cart","namespace":"shop"}})");
}

TEST(KeyOf, NamesGroupKindNamespaceAndName) {
  EXPECT_THAT(KeyOf(Deployment()),
              testing::IsOkAndHolds(ObjectKey{"apps", "Deployment", "shop", "cart"}));
}

TEST(KeyOf, RefusesWhatHasNoIdentity) {
  const struct {
    absl::string_view json;
    absl::string_view says;
  } cases[] = {
      {R"([1])", "no map"},
      {R"({"apiVersion":"v1","metadata":{"name":"x"}})", "no kind"},
      {R"({"kind":"Secret","metadata":{"name":"x"}})", "no apiVersion"},
      {R"({"apiVersion":"v1","kind":7,"metadata":{"name":"x"}})", "kind of an object is not text"},
      {R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":""}})", "empty metadata.name"},
      {R"({"apiVersion":"v1","kind":"Secret","metadata":"x"})", "no metadata.name (kind Secret)"},
      {R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"../x"}})", "the name of Secret"},
      {R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"x","namespace":".."}})",
       "the namespace of Secret"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(KeyOf(Parse(c.json)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(c.says))))
        << c.json;
  }
}

TEST(SyncOption, ReadsTheTrimmedListAndTheLastOneCounts) {
  Value manifest = Deployment();
  SetAnnotation(manifest, "argocd.argoproj.io/sync-options",
                " Prune=false, Replace=true ,Prune=confirm");
  EXPECT_EQ(SyncOption(manifest, "Prune"), "confirm");
  EXPECT_EQ(SyncOption(manifest, "Replace"), "true");
  EXPECT_EQ(SyncOption(manifest, "Force"), "");
}

TEST(Scope, KnowsBuiltInKindsAndCustomOnesByTheirDefinition) {
  EXPECT_EQ(KnownScope("", "Namespace"), Scope::kCluster);
  EXPECT_EQ(KnownScope("apps", "Deployment"), Scope::kNamespaced);
  EXPECT_EQ(KnownScope("example.com", "Widget"), std::nullopt);
  const std::optional<DefinedKind> defined = KindDefinedBy(
      Parse(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
                "spec":{"group":"example.com","scope":"Cluster","names":{"kind":"Widget"}}})"));
  ASSERT_TRUE(defined.has_value());
  EXPECT_EQ(defined->kind, "Widget");
  EXPECT_EQ(defined->scope, Scope::kCluster);
  EXPECT_EQ(KindDefinedBy(Deployment()), std::nullopt);
}

TEST(Tracking, MarksNameTheOwner) {
  Value manifest = Deployment();
  const ObjectKey key{"apps", "Deployment", "shop", "cart"};
  EXPECT_EQ(OwnerOf(manifest, key), std::nullopt);
  Track(manifest, "leidang/cart", key);
  EXPECT_EQ(Annotation(manifest, kTrackingIdAnnotation), "leidang/cart:apps/Deployment:shop/cart");
  EXPECT_EQ(Label(manifest, kAppLabel), AppLabel("leidang/cart"));
  EXPECT_EQ(AppLabel("leidang/cart").size(), 32u);
  EXPECT_EQ(OwnerOf(manifest, key), "leidang/cart");
}

TEST(Tracking, ACopyOfATrackedObjectHasNoOwner) {
  Value manifest = Deployment();
  Track(manifest, "leidang/cart", {"apps", "Deployment", "shop", "cart"});
  EXPECT_EQ(OwnerOf(manifest, {"apps", "Deployment", "shop", "copy"}), std::nullopt);
}

TEST(Tracking, IdsSurviveColonsInNamesAndTheCoreGroup) {
  for (const TrackingId& id :
       {TrackingId{"leidang/x", {"rbac.authorization.k8s.io", "ClusterRole", "", "system:x"}},
        TrackingId{"a/b", {"", "Namespace", "", "c"}}}) {
    EXPECT_EQ(TrackingId::Parse(id.ToString()), id) << id.ToString();
  }
  for (const absl::string_view text : {"", "a", "a:b:c", "a/b:/K:n", ":/K:n/m", "a/b:/:n/m"}) {
    EXPECT_EQ(TrackingId::Parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace leidang::manifest
