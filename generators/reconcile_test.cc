#include "generators/reconcile.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "generators/reconciling/jq_path.h"
#include "generators/reconciling/merge_patch.h"
#include "generators/testing_world.h"

namespace leidang::generators {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

object::Value Json(absl::string_view text) {
  absl::StatusOr<object::Value> value = object::ParseJson(text);
  EXPECT_TRUE(value.ok()) << text << value.status();
  return *value;
}

object::Value Application(const std::string& name, const std::string& path = "p") {
  return Json(
      R"({"metadata":{"name":")" + name +
      R"(","namespace":"argocd"},"spec":{"project":"default","source":{"repoURL":"u","path":")" +
      path + R"("},"destination":{"server":"https://one"}}})");
}

object::Value Owned(const std::string& name, const std::string& path = "p",
                    const std::string& owner = "set") {
  object::Value a = Application(name, path);
  a.get_object()["metadata"].get_object()["ownerReferences"] =
      Json(R"([{"kind":"ApplicationSet","name":")" + owner + R"(","controller":true}])");
  return a;
}

struct Fixture {
  Fixture(const std::string& spec = "generators: []") : set(SetOf(spec)) { fake.AddCluster("one"); }
  ReconcilePlan Plan(const std::vector<object::Value>& generated,
                     const std::vector<object::Value>& live, bool may_delete = true) {
    return PlanReconcile({set, fake.world, policy, generated, may_delete, live});
  }
  FakeWorld fake;
  ApplicationSet set;
  ServerPolicy policy;
};

TEST(ReconcileTest, CreatesUpdatesAndDeletes) {
  Fixture f;
  const ReconcilePlan plan =
      f.Plan({Application("new"), Application("changed", "q"), Application("same")},
             {Owned("changed"), Owned("same"), Owned("gone"), Owned("other", "p", "another-set")});
  EXPECT_THAT(plan.creates, SizeIs(1));
  ASSERT_THAT(plan.updates, SizeIs(1));
  EXPECT_EQ(object::FindString(plan.updates[0], {"spec", "source", "path"}), "q");
  EXPECT_THAT(plan.deletes, ElementsAre("gone"));
}

TEST(ReconcileTest, DeletesNothingAfterAFailure) {
  Fixture f;
  EXPECT_THAT(f.Plan({}, {Owned("gone")}, false).deletes, IsEmpty());
}

TEST(ReconcileTest, ADuplicateIsNeitherWrittenNorDeleted) {
  Fixture f;
  const ReconcilePlan plan =
      f.Plan({Application("a", "q"), Application("a", "r"), Application("b")}, {Owned("a")});
  EXPECT_THAT(plan.updates, IsEmpty());
  EXPECT_THAT(plan.deletes, IsEmpty());
  EXPECT_THAT(plan.creates, SizeIs(1));
  EXPECT_EQ(plan.validation.message,
            "ApplicationSet set contains applications with duplicate name: a");
}

TEST(ReconcileTest, APolicyForbidsWhatItForbids) {
  for (const char* policy : {"create-only", "create-update", "create-delete", "sync"}) {
    Fixture f(std::string("{generators: [], syncPolicy: {applicationsSync: ") + policy + "}}");
    const ReconcilePlan plan =
        f.Plan({Application("changed", "q")}, {Owned("changed"), Owned("gone")});
    const absl::string_view name = policy;
    EXPECT_EQ(plan.updates.size(), name == "create-update" || name == "sync" ? 1u : 0u) << policy;
    EXPECT_EQ(plan.deletes.size(), name == "create-delete" || name == "sync" ? 1u : 0u) << policy;
  }
}

TEST(ReconcileTest, TheServersPolicyWinsWithoutOverride) {
  Fixture f("{generators: [], syncPolicy: {applicationsSync: sync}}");
  f.policy.policy = ApplicationsSync::kCreateOnly;
  f.policy.override_enabled = false;
  EXPECT_THAT(f.Plan({}, {Owned("gone")}).deletes, IsEmpty());
}

TEST(ReconcileTest, AnotherSetsApplicationIsNotTaken) {
  Fixture f;
  const ReconcilePlan plan =
      f.Plan({Application("a", "q")}, {Owned("a", "p", "other"), Owned("gone")});
  EXPECT_THAT(plan.status.message(),
              HasSubstr("already owned by another ApplicationSet controller other"));
  EXPECT_THAT(plan.deletes, IsEmpty());
}

TEST(ReconcileTest, PreservedLabelsAndHookFinalizersStay) {
  Fixture f("{generators: [], preservedFields: {labels: [keep]}}");
  object::Value live = Owned("a");
  object::Object& metadata = live.get_object()["metadata"].get_object();
  metadata["labels"] = Json(R"({"keep":"1","mine":"2"})");
  metadata["annotations"] = Json(R"({"argocd.argoproj.io/refresh":"hard","note":"x"})");
  metadata["finalizers"] = Json(R"(["post-delete-finalizer.argocd.argoproj.io/cleanup","other"])");
  const auto updated = UpdatedManifest(f.set, f.policy, Application("a"), live);
  ASSERT_TRUE(updated.ok() && updated->has_value());
  const object::Value* after = object::Find(**updated, {"metadata"});
  EXPECT_TRUE(object::Equal(*object::Find(*after, {"labels"}), Json(R"({"keep":"1"})")));
  EXPECT_TRUE(object::Equal(*object::Find(*after, {"annotations"}),
                            Json(R"({"argocd.argoproj.io/refresh":"hard"})")));
  EXPECT_TRUE(object::Equal(*object::Find(*after, {"finalizers"}),
                            Json(R"(["post-delete-finalizer.argocd.argoproj.io/cleanup"])")));
}

TEST(ReconcileTest, EmptyBlocksAreNoDifference) {
  Fixture f;
  object::Value live = Owned("a");
  object::Object& spec = live.get_object()["spec"].get_object();
  spec["syncPolicy"] = object::Object();
  spec["source"].get_object()["helm"] = object::Object();
  const auto updated = UpdatedManifest(f.set, f.policy, Application("a"), live);
  ASSERT_TRUE(updated.ok());
  EXPECT_FALSE(updated->has_value());
}

TEST(ReconcileTest, AnIgnoredFieldKeepsItsLiveValue) {
  Fixture f(
      "{generators: [], ignoreApplicationDifferences: [{jsonPointers: [/spec/source/path]}]}");
  const auto updated =
      UpdatedManifest(f.set, f.policy, Application("a", "generated"), Owned("a", "live"));
  ASSERT_TRUE(updated.ok());
  EXPECT_FALSE(updated->has_value());
}

TEST(ReconcileTest, AnIgnoreRuleThatCannotBeReadIsAnError) {
  Fixture f("{generators: [], ignoreApplicationDifferences: [{jqPathExpressions: ['.spec[']}]}");
  EXPECT_THAT(
      UpdatedManifest(f.set, f.policy, Application("a", "q"), Owned("a")).status().message(),
      HasSubstr("spec.ignoreApplicationDifferences: jq expression .spec["));
}

TEST(ValidatorTest, SaysWhatIsWrongWithADestination) {
  Fixture f;
  f.fake.AddCluster("two");
  f.fake.world.clusters.push_back(f.fake.world.clusters.back());
  ApplicationValidator validator(f.set, f.fake.world);
  object::Value a = Application("a");
  const auto destination = [&](const char* json) {
    a.get_object()["metadata"].get_object()["name"] = std::string(json);
    a.get_object()["spec"].get_object()["destination"] = Json(json);
    return std::string(validator.Check(a).message());
  };
  EXPECT_THAT(destination(R"({"server":"https://nowhere"})"),
              HasSubstr("cluster \"https://nowhere\" not found"));
  EXPECT_THAT(destination(R"({"name":"nobody"})"),
              HasSubstr("there are no clusters with this name: nobody"));
  EXPECT_THAT(destination(R"({"name":"two"})"),
              HasSubstr("there are 2 clusters with the same name"));
  EXPECT_THAT(destination(R"({"name":"one","server":"https://one"})"),
              HasSubstr("both name and server"));
  EXPECT_THAT(destination("{}"), HasSubstr("Destination server missing from app spec"));
  EXPECT_EQ(destination(R"({"name":"one"})"), "");
  EXPECT_EQ(validator.Finish().rejected.size(), 5u);
  EXPECT_THAT(validator.Finish().message, HasSubstr("(and 4 more)"));
}

struct JqRow {
  const char* expression;
  const char* before;
  const char* after;
};

TEST(JqPathTest, DeletesWhatItSelects) {
  const std::vector<JqRow> rows = {
      {".a.b", R"({"a":{"b":1,"c":2}})", R"({"a":{"c":2}})"},
      {".a[1]", R"({"a":[1,2,3]})", R"({"a":[1,3]})"},
      {R"(.["a"]["b c"])", R"({"a":{"b c":1}})", R"({"a":{}})"},
      {R"(.l[] | select(.name == "x"))", R"({"l":[{"name":"x"},{"name":"y"},{"name":"x"}]})",
       R"({"l":[{"name":"y"}]})"},
      {R"(.l[] | select(.n > 1 and (.n < 3)) | .v)", R"({"l":[{"n":1,"v":1},{"n":2,"v":1}]})",
       R"({"l":[{"n":1,"v":1},{"n":2}]})"},
      {".a, .b", R"({"a":1,"b":2,"c":3})", R"({"c":3})"},
      {".l[]?.x", R"({"l":null,"k":1})", R"({"l":null,"k":1})"},
      {".l[].x", R"({"l":null,"k":1})", R"({"l":null,"k":1})"},
      {R"(.. | select(type == "object" and has("secret")) | .secret)",
       R"({"a":{"secret":1},"b":[{"secret":2,"c":1}]})", R"({"a":{},"b":[{"c":1}]})"},
      {R"(.l[] | select(.i | test("^nginx:")))", R"({"l":[{"i":"nginx:1"},{"i":"redis:1"}]})",
       R"({"l":[{"i":"redis:1"}]})"},
      {".a // .b", R"({"b":1})", R"({})"},
  };
  for (const JqRow& row : rows) {
    const absl::StatusOr<JqPath> path = JqPath::Compile(row.expression);
    ASSERT_TRUE(path.ok()) << row.expression << path.status();
    EXPECT_EQ(object::CanonicalJson(path->Delete(Json(row.before))),
              object::CanonicalJson(Json(row.after)))
        << row.expression;
  }
}

TEST(JqPathTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(JqPath::Compile("input").status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(JqPath::Compile("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(JqPath::Compile(".a |").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(JqPath::Compile(std::string(5000, '(')).ok());
}

TEST(MergePatchTest, APatchMakesOneOfTheOther) {
  const std::vector<const char*> values = {R"({})", R"({"a":1})", R"({"a":{"b":[1,2]},"c":"x"})",
                                           R"({"a":{"b":[1],"d":{}},"e":true})",
                                           R"({"a":{"b":{"c":{"d":1}}}})"};
  for (const char* from : values) {
    for (const char* to : values) {
      const object::Value patch = MakeMergePatch(Json(from), Json(to));
      EXPECT_TRUE(object::Equal(ApplyMergePatch(Json(from), patch), Json(to))) << from << " " << to;
    }
  }
}

TEST(MergePatchTest, RemovesPointersAndIgnoresThoseToNothing) {
  object::Value value = Json(R"({"a/b":{"c~d":[1,2]},"e":1})");
  RemovePointer("/a~1b/c~0d/0", &value);
  RemovePointer("/nope/x", &value);
  RemovePointer("/e/x", &value);
  RemovePointer("e", &value);
  EXPECT_EQ(object::ToJson(value), R"({"a/b":{"c~d":[2]},"e":1})");
}

}  // namespace
}  // namespace leidang::generators
