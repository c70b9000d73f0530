#include "agent/apply/desired.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/manifest/tracking.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

Value Parse(absl::string_view json) {
  absl::StatusOr<Value> value = object::ParseJson(json);
  EXPECT_OK(value);
  return value.ok() ? *value : Value();
}

Value Object(absl::string_view kind, absl::string_view name, absl::string_view metadata = "",
             absl::string_view api = "v1") {
  return Parse(absl::StrCat(R"({"apiVersion":")", api, R"(","kind":")", kind,
                            R"(","metadata":{"name":")", name, "\"", metadata, "}}"));
}

absl::StatusOr<DesiredSet> Make(std::vector<Value> objects, absl::string_view ns = "shop") {
  return MakeDesiredSet(std::move(objects), "leidang/cart", ns, manifest::KnownScope);
}

TEST(DesiredSet, FillsInNamespacesByScope) {
  ASSERT_OK_AND_ASSIGN(
      const DesiredSet set,
      Make({Object("ConfigMap", "a"), Object("ConfigMap", "b", R"(,"namespace":"other")"),
            Object("Namespace", "shop", R"(,"namespace":"wrong")"),
            Object("Widget", "w", "", "example.com/v1")}));
  std::vector<std::string> keys;
  for (const DesiredObject& desired : set.objects) keys.push_back(desired.key.ToString());
  EXPECT_THAT(keys, ElementsAre("ConfigMap other/b", "ConfigMap shop/a", "Namespace shop",
                                "example.com/Widget shop/w"));
  EXPECT_THAT(set.objects[1].manifest, HasSubstr(R"("namespace":"shop")"));
  EXPECT_THAT(set.objects[2].manifest, ::testing::Not(HasSubstr("wrong")));
}

TEST(DesiredSet, TakesTheScopeOfADefinitionThatComesWithIt) {
  ASSERT_OK_AND_ASSIGN(
      const DesiredSet set,
      Make({Object("Widget", "w", "", "example.com/v1"),
            Parse(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
                      "metadata":{"name":"widgets.example.com"},
                      "spec":{"group":"example.com","scope":"Cluster","names":{"kind":"Widget"}}})")}));
  EXPECT_EQ(set.objects[1].key, (ObjectKey{"example.com", "Widget", "", "w"}));
  EXPECT_EQ(set.objects[0].with_app, Pruning::kKeep) << "definitions outlive their Application";
}

TEST(DesiredSet, MarksEveryObjectAndDigestsTheResult) {
  ASSERT_OK_AND_ASSIGN(const DesiredSet set, Make({Object("ConfigMap", "a")}));
  const Value manifest = Parse(set.objects[0].manifest);
  EXPECT_EQ(manifest::OwnerOf(manifest, set.objects[0].key), "leidang/cart");
  EXPECT_EQ(set.objects[0].digest, object::Sha256::Of(set.objects[0].manifest));
}

TEST(DesiredSet, TheLastOfRepeatedObjectsCounts) {
  ASSERT_OK_AND_ASSIGN(
      const DesiredSet set,
      Make({Object("ConfigMap", "a", R"(,"labels":{"n":"1"})"),
            Object("ConfigMap", "a", R"(,"labels":{"n":"2"},"namespace":"shop")")}));
  ASSERT_EQ(set.objects.size(), 1u);
  EXPECT_THAT(set.objects[0].manifest, HasSubstr(R"("n":"2")"));
  EXPECT_THAT(set.repeated, ElementsAre(ObjectKey{"", "ConfigMap", "shop", "a"}));
}

TEST(DesiredSet, LeavesHooksOut) {
  ASSERT_OK_AND_ASSIGN(
      const DesiredSet set,
      Make({Object("Job", "pre", R"(,"annotations":{"argocd.argoproj.io/hook":"PreSync"})"),
            Parse(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"generateName":"gen-",
                      "annotations":{"helm.sh/hook":"post-install"}}})"),
            Object("ConfigMap", "crd", R"(,"annotations":{"helm.sh/hook":"crd-install"})")}));
  EXPECT_EQ(set.objects.size(), 1u);
  EXPECT_EQ(set.hooks.size(), 2u);
  EXPECT_EQ(set.hooks[1].key.name, "gen-");
  EXPECT_EQ(set.hooks[1].when, DesiredHook::When::kSync);
}

TEST(DesiredSet, ReadsOptionsOfObjects) {
  ASSERT_OK_AND_ASSIGN(const DesiredSet set, Make({Object("ConfigMap", "a", R"(,"annotations":{
              "argocd.argoproj.io/sync-options":"Prune=false,Delete=false",
              "argocd.argoproj.io/sync-wave":"-5","leidang.dev/adopt":"true"})")}));
  EXPECT_EQ(set.objects[0].pruning, Pruning::kKeep);
  EXPECT_EQ(set.objects[0].with_app, Pruning::kKeep);
  EXPECT_EQ(set.objects[0].adoption, Adoption::kYes);
  EXPECT_EQ(set.objects[0].wave, -5);
}

TEST(DesiredSet, NamesTheObjectThatCannotBe) {
  EXPECT_THAT(
      Make({Object("ConfigMap", "a")}, ""),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ConfigMap a has no namespace")));
  EXPECT_THAT(Make({Object("ConfigMap", "a/b")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ConfigMap a/b")));
}

TEST(SyncWave, IsReadAsGosAtoiReadsIt) {
  const struct {
    absl::string_view text;
    int64_t wave;
  } cases[] = {{"+2", 2}, {"007", 7}, {"-3", -3}, {" 1", 9}, {"1.5", 9}, {"0x1", 9}, {"-", 9}};
  for (const auto& c : cases) {
    Value object = Object("ConfigMap", "a");
    manifest::SetAnnotation(object, "argocd.argoproj.io/sync-wave", c.text);
    manifest::SetAnnotation(object, "helm.sh/hook-weight", "9");
    EXPECT_EQ(SyncWaveOf(object), c.wave) << c.text;
  }
}

TEST(KindRank, PutsWhatOthersNeedFirst) {
  EXPECT_LT(KindRank("Namespace"), KindRank("Secret"));
  EXPECT_LT(KindRank("CustomResourceDefinition"), KindRank("Deployment"));
  EXPECT_LT(KindRank("APIService"), KindRank("Widget"));
}

}  // namespace
}  // namespace leidang::agent
