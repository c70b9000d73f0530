#include "agent/cluster/cluster_contract.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"

#include "common/manifest/manifest.h"
#include "common/manifest/tracking.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::SizeIs;
using testing::StatusIs;
using ::testing::UnorderedElementsAre;

constexpr absl::string_view kApp = "leidang/cart";

ObjectKey ConfigKey(absl::string_view name) { return {"", "ConfigMap", "shop", std::string(name)}; }

Value Config(absl::string_view name, absl::string_view colour) {
  absl::StatusOr<Value> value = object::ParseJson(
      absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name,
                   R"(","namespace":"shop"},"data":{"colour":")", colour, R"("}})"));
  EXPECT_THAT(value, IsOk());
  return *value;
}

Value Tracked(absl::string_view name, absl::string_view colour, absl::string_view app = kApp) {
  Value value = Config(name, colour);
  manifest::Track(value, app, ConfigKey(name));
  return value;
}

// Calls that wait for their answer.
class Calls {
 public:
  explicit Calls(ClusterUnderTest& cluster) : cluster_(cluster) {}

  absl::StatusOr<Applied> Apply(absl::string_view name, Value value,
                                std::optional<std::string> if_version = std::nullopt) {
    std::optional<absl::StatusOr<Applied>> answer;
    cluster_.client().Apply({ConfigKey(name), std::move(value), std::move(if_version)},
                            [&answer](absl::StatusOr<Applied> a) { answer = std::move(a); });
    return Wait(answer);
  }
  absl::StatusOr<Deleted> Delete(DeleteRequest request) {
    std::optional<absl::StatusOr<Deleted>> answer;
    cluster_.client().Delete(std::move(request),
                             [&answer](absl::StatusOr<Deleted> a) { answer = std::move(a); });
    return Wait(answer);
  }
  std::vector<LiveObject> Read(Selection selection) {
    std::optional<absl::StatusOr<std::vector<LiveObject>>> answer;
    cluster_.client().Read(std::move(selection), [&answer](auto a) { answer = std::move(a); });
    absl::StatusOr<std::vector<LiveObject>> objects = Wait(answer);
    EXPECT_THAT(objects, IsOk());
    return objects.ok() ? *std::move(objects) : std::vector<LiveObject>();
  }
  absl::StatusOr<Value> ReadWhole(absl::string_view name) {
    std::optional<absl::StatusOr<Value>> answer;
    cluster_.client().ReadWhole(ConfigKey(name), [&answer](auto a) { answer = std::move(a); });
    cluster_.Settle();
    return answer.has_value() ? *answer : absl::InternalError("no answer");
  }
  absl::StatusOr<Value> Preview(absl::string_view name, Value value) {
    std::optional<absl::StatusOr<Value>> answer;
    cluster_.client().Preview({ConfigKey(name), std::move(value), std::nullopt},
                              [&answer](auto a) { answer = std::move(a); });
    cluster_.Settle();
    return answer.has_value() ? *answer : absl::InternalError("no answer");
  }
  std::vector<LiveObject> OfApp() { return Read({.app = std::string(kApp)}); }
  LiveObject One(absl::string_view name) {
    std::vector<LiveObject> objects = Read({.keys = {ConfigKey(name)}});
    EXPECT_THAT(objects, SizeIs(1));
    return objects.empty() ? LiveObject() : objects[0];
  }

 private:
  template <typename Answer>
  Answer Wait(std::optional<Answer>& answer) {
    EXPECT_FALSE(answer.has_value()) << "completed inside the call";
    cluster_.Settle();
    EXPECT_TRUE(answer.has_value()) << "never completed";
    return answer.has_value() ? *std::move(answer) : Answer(absl::InternalError("no answer"));
  }

  ClusterUnderTest& cluster_;
};

TEST_P(ClusterContractTest, AnAppliedObjectIsReadByItsApplicationAndByItsKey) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  ASSERT_OK_AND_ASSIGN(const Applied applied, calls.Apply("a", Tracked("a", "red")));
  EXPECT_EQ(applied.effect, Applied::Effect::kCreated);
  ASSERT_OK(calls.Apply("b", Tracked("b", "red", "leidang/other")));

  const std::vector<LiveObject> mine = calls.OfApp();
  ASSERT_THAT(mine, SizeIs(1));
  EXPECT_EQ(mine[0].key, ConfigKey("a"));
  EXPECT_EQ(mine[0].owner, kApp);
  EXPECT_EQ(mine[0].hash, applied.hash);
  EXPECT_EQ(mine[0].version, applied.version);
  EXPECT_EQ(mine[0].uid, applied.uid);
  EXPECT_EQ(calls.One("b").owner, "leidang/other");
  EXPECT_THAT(calls.Read({.keys = {ConfigKey("nothing")}}), IsEmpty());
}

TEST_P(ClusterContractTest, ReadsAreSortedByKeyAndNameEachObjectOnce) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  for (const absl::string_view name : {"c", "a", "b"}) {
    ASSERT_OK(calls.Apply(name, Tracked(name, "red")));
  }
  const std::vector<LiveObject> all =
      calls.Read({std::string(kApp), {ConfigKey("b"), ConfigKey("a")}});
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].key, ConfigKey("a"));
  EXPECT_EQ(all[1].key, ConfigKey("b"));
  EXPECT_EQ(all[2].key, ConfigKey("c"));
}

TEST_P(ClusterContractTest, ApplyingTheSameAgainChangesNothing) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  ASSERT_OK_AND_ASSIGN(const Applied first, calls.Apply("a", Tracked("a", "red")));
  ASSERT_OK_AND_ASSIGN(const Applied second, calls.Apply("a", Tracked("a", "red")));
  EXPECT_EQ(second.effect, Applied::Effect::kUnchanged);
  EXPECT_EQ(second.version, first.version);
  EXPECT_EQ(second.hash, first.hash);
  ASSERT_OK_AND_ASSIGN(const Applied third, calls.Apply("a", Tracked("a", "blue")));
  EXPECT_EQ(third.effect, Applied::Effect::kChanged);
  EXPECT_NE(third.version, first.version);
  EXPECT_NE(third.hash, first.hash);
}

TEST_P(ClusterContractTest, AWriteHappensOnlyAtTheVersionThatItNames) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  ASSERT_OK_AND_ASSIGN(const Applied first, calls.Apply("a", Tracked("a", "red"), ""));
  EXPECT_THAT(calls.Apply("a", Tracked("a", "blue"), ""), StatusIs(absl::StatusCode::kAborted));
  ASSERT_OK(calls.Apply("a", Tracked("a", "blue"), first.version));
  EXPECT_THAT(calls.Apply("a", Tracked("a", "green"), first.version),
              StatusIs(absl::StatusCode::kAborted));
}

TEST_P(ClusterContractTest, AnObjectOfSomebodyElseIsNotCreatedOver) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  calls.OfApp();  // The client is up before the object appears.
  cluster->PutOutside(Config("a", "theirs"));
  EXPECT_THAT(calls.Apply("a", Tracked("a", "ours"), ""), StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(calls.One("a").owner, "");
  EXPECT_THAT(calls.OfApp(), IsEmpty());
}

TEST_P(ClusterContractTest, DeletingIsExactAndRepeatable) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  ASSERT_OK_AND_ASSIGN(const Applied applied, calls.Apply("a", Tracked("a", "red")));
  ASSERT_OK(calls.Apply("b", Tracked("b", "red")));
  EXPECT_THAT(calls.Delete({.key = ConfigKey("a"), .if_version = "7"}),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(calls.OfApp(), SizeIs(2));
  EXPECT_THAT(
      calls.Delete({.key = ConfigKey("a"), .uid = applied.uid, .if_version = applied.version}),
      IsOkAndHolds(Deleted::kGone));
  EXPECT_THAT(calls.Delete({.key = ConfigKey("a"), .if_version = applied.version}),
              IsOkAndHolds(Deleted::kGone));
  const std::vector<LiveObject> rest = calls.OfApp();
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_EQ(rest[0].key, ConfigKey("b"));
}

TEST_P(ClusterContractTest, ACopyOfATrackedObjectBelongsToNobody) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  calls.OfApp();
  Value copy = Config("copy", "red");
  manifest::Track(copy, kApp, ConfigKey("a"));
  cluster->PutOutside(copy);
  cluster->Settle();
  EXPECT_THAT(calls.OfApp(), IsEmpty());
  EXPECT_EQ(calls.One("copy").owner, "");
}

class Events {
 public:
  explicit Events(ClusterUnderTest& cluster) {
    cluster.client().Watch([this](const ObjectEvent& event) {
      EXPECT_EQ(event.app_label, manifest::AppLabel(kApp));
      seen_[event.key.name] += 1;
    });
  }
  std::vector<std::string> Take() {
    std::vector<std::string> names;
    for (const auto& [name, count] : std::exchange(seen_, {})) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, int> seen_;
};

TEST_P(ClusterContractTest, WhatOthersChangeIsReportedAndHasAnotherHash) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  Events events(*cluster);
  ASSERT_OK_AND_ASSIGN(const Applied a, calls.Apply("a", Tracked("a", "red")));
  ASSERT_OK_AND_ASSIGN(const Applied b, calls.Apply("b", Tracked("b", "red")));
  ASSERT_OK(calls.Apply("c", Tracked("c", "red")));
  cluster->Settle();
  EXPECT_THAT(events.Take(), IsEmpty()) << "own writes are no news";

  cluster->PutOutside(Tracked("a", "pink"));
  cluster->PutOutside(Config("b", "red"));  // Without its marks.
  cluster->RemoveOutside(ConfigKey("c"));
  cluster->PutOutside(Config("foreign", "red"));
  cluster->Settle();
  EXPECT_THAT(events.Take(), UnorderedElementsAre("a", "b", "c"));

  EXPECT_NE(calls.One("a").hash, a.hash);
  EXPECT_NE(calls.One("a").version, a.version);
  EXPECT_EQ(calls.One("b").owner, "");
  EXPECT_NE(calls.One("b").hash, b.hash);
  EXPECT_THAT(calls.OfApp(), SizeIs(1));

  ASSERT_OK_AND_ASSIGN(const Applied again, calls.Apply("a", Tracked("a", "red")));
  EXPECT_EQ(again.hash, a.hash);
  EXPECT_EQ(calls.One("a").hash, a.hash);
}

TEST_P(ClusterContractTest, WhatOthersChangeWhileAConnectionIsBrokenIsReportedAfterIt) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  Events events(*cluster);
  for (const absl::string_view name : {"a", "b", "c", "d"}) {
    ASSERT_OK(calls.Apply(name, Tracked(name, "red")));
  }
  cluster->Settle();
  EXPECT_THAT(events.Take(), IsEmpty());
  cluster->BreakWatches();
  cluster->PutOutside(Tracked("a", "pink"));
  cluster->PutOutside(Config("b", "red"));  // Without its marks.
  cluster->RemoveOutside(ConfigKey("c"));
  cluster->Settle();
  EXPECT_THAT(events.Take(), UnorderedElementsAre("a", "b", "c"));
  EXPECT_THAT(calls.OfApp(), SizeIs(2));
  EXPECT_EQ(calls.One("b").owner, "");
  cluster->BreakWatches();
  cluster->Settle();
  EXPECT_THAT(events.Take(), IsEmpty()) << "nothing was changed";
  ASSERT_OK(calls.Apply("a", Tracked("a", "red")));
  cluster->Settle();
  EXPECT_THAT(events.Take(), IsEmpty()) << "own writes are no news";
}

TEST_P(ClusterContractTest, AnotherClientFindsEverythingAsItWas) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  ASSERT_OK_AND_ASSIGN(const Applied a, calls.Apply("a", Tracked("a", "red")));
  ASSERT_OK(calls.Apply("b", Tracked("b", "red")));
  cluster->Restart();
  cluster->RemoveOutside(ConfigKey("b"));
  cluster->Settle();
  const std::vector<LiveObject> mine = calls.OfApp();
  ASSERT_THAT(mine, SizeIs(1));
  EXPECT_EQ(mine[0].hash, a.hash);
  EXPECT_EQ(mine[0].version, a.version);
}

TEST_P(ClusterContractTest, BuiltInKindsHaveAScope) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  EXPECT_EQ(cluster->client().ScopeOf("", "Namespace"), manifest::Scope::kCluster);
  EXPECT_EQ(cluster->client().ScopeOf("apps", "Deployment"), manifest::Scope::kNamespaced);
  EXPECT_EQ(cluster->client().ScopeOf("example.com", "Widget"), std::nullopt);
}

TEST_P(ClusterContractTest, ADestroyedClientCompletesNothing) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  bool completed = false;
  cluster->client().Read({.app = std::string(kApp)}, [&completed](auto) { completed = true; });
  cluster->Restart();
  cluster->Settle();
  EXPECT_FALSE(completed);
}

TEST_P(ClusterContractTest, AnObjectIsReadWithAllItsContent) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  ASSERT_OK(calls.Apply("a", Tracked("a", "red")));
  ASSERT_OK_AND_ASSIGN(const Value whole, calls.ReadWhole("a"));
  EXPECT_EQ(object::FindString(whole, {"data", "colour"}), "red");
  EXPECT_THAT(calls.ReadWhole("b"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ClusterContractTest, WhatAnApplyWouldGiveIsToldWithoutDoingIt) {
  const std::unique_ptr<ClusterUnderTest> cluster = GetParam().make();
  Calls calls(*cluster);
  ASSERT_OK_AND_ASSIGN(const Applied a, calls.Apply("a", Tracked("a", "red")));
  ASSERT_OK_AND_ASSIGN(const Value changed, calls.Preview("a", Tracked("a", "blue")));
  EXPECT_EQ(object::FindString(changed, {"data", "colour"}), "blue");
  ASSERT_OK_AND_ASSIGN(const Value made, calls.Preview("b", Tracked("b", "blue")));
  EXPECT_EQ(object::FindString(made, {"data", "colour"}), "blue");
  EXPECT_EQ(calls.One("a").version, a.version);
  EXPECT_THAT(calls.Read({.keys = {ConfigKey("b")}}), IsEmpty());
}

}  // namespace
}  // namespace leidang::agent
