#include "agent/reconcile/ignored_differences.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::AllOf;
using ::testing::HasSubstr;

Value Parsed(absl::string_view text) {
  absl::StatusOr<Value> value = object::ParseJson(text);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *std::move(value) : Value();
}

// `live` with `ours` owned by us and `theirs` by somebody else.
std::string Restored(absl::string_view live, absl::string_view stripped, absl::string_view desired,
                     absl::string_view target, absl::string_view ours,
                     absl::string_view theirs = "{}") {
  Value object = Parsed(live);
  object.get_object()["metadata"] = Parsed(
      absl::StrCat(R"({"managedFields":[{"manager":"leidang","operation":"Apply","fieldsV1":)",
                   ours, R"(},{"manager":"hpa","operation":"Update","fieldsV1":)", theirs, "}]}"));
  Value result = Parsed(target);
  RestoreIgnored(object, Parsed(stripped), Parsed(desired), result);
  return object::CanonicalJson(result);
}

TEST(RestoreIgnored, WhatOnlyWeOwnKeepsItsLiveValue) {
  EXPECT_EQ(Restored(R"({"spec":{"a":1,"replicas":5}})", R"({"spec":{"a":1}})",
                     R"({"spec":{"a":2,"replicas":3}})", R"({"spec":{"a":2}})",
                     R"({"f:spec":{"f:a":{},"f:replicas":{}}})"),
            R"({"spec":{"a":2,"replicas":5}})");
}

TEST(RestoreIgnored, WhatOthersOwnOrNobodyIsLeftOut) {
  const std::string left = R"({"spec":{"a":2}})";
  EXPECT_EQ(Restored(R"({"spec":{"a":1,"replicas":5}})", R"({"spec":{"a":1}})",
                     R"({"spec":{"a":2,"replicas":3}})", left,
                     R"({"f:spec":{"f:a":{},"f:replicas":{}}})", R"({"f:spec":{"f:replicas":{}}})"),
            left);
  EXPECT_EQ(Restored(R"({"spec":{"a":1,"replicas":5}})", R"({"spec":{"a":1}})",
                     R"({"spec":{"a":2,"replicas":3}})", left, R"({"f:spec":{"f:a":{}}})"),
            left);
}

TEST(RestoreIgnored, ItemsOfKeyedListsComeBackWhereTheyStood) {
  EXPECT_EQ(Restored(R"({"l":[{"name":"a","v":1},{"name":"b","v":7},{"name":"c","v":3}]})",
                     R"({"l":[{"name":"b"},{"name":"c","v":3}]})",
                     R"({"l":[{"name":"a","v":9},{"name":"b","v":9},{"name":"c","v":4}]})",
                     R"({"l":[{"name":"b"},{"name":"c","v":4}]})",
                     R"({"f:l":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:v":{}},
                          "k:{\"name\":\"b\"}":{".":{},"f:name":{},"f:v":{}},
                          "k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:v":{}}}})"),
            R"({"l":[{"name":"a","v":1},{"name":"b","v":7},{"name":"c","v":4}]})");
}

TEST(RestoreIgnored, AListOwnedAsAWholeIsTheLiveOneUnlessTheSourceChangedIt) {
  EXPECT_EQ(Restored(R"({"l":[1,2,3]})", R"({"l":[1,3]})", R"({"l":[1,9,3]})", R"({"l":[1,3]})",
                     R"({"f:l":{}})"),
            R"({"l":[1,2,3]})");
  EXPECT_EQ(Restored(R"({"l":[1,2,3]})", R"({"l":[1,3]})", R"({"l":[5,9,3]})", R"({"l":[5,3]})",
                     R"({"f:l":{}})"),
            R"({"l":[5,9,3]})");
}

TEST(RestoreIgnored, WhereNobodyKeepsAccountOfOwnersEverythingIgnoredStays) {
  Value target = Parsed(R"({"data":{"a":"2"}})");
  EXPECT_TRUE(RestoreIgnored(Parsed(R"({"data":{"a":"1","b":"theirs"}})"),
                             Parsed(R"({"data":{"a":"1"}})"),
                             Parsed(R"({"data":{"a":"2","b":"ours"}})"), target));
  EXPECT_EQ(object::CanonicalJson(target), R"({"data":{"a":"2","b":"theirs"}})");
}

constexpr char kCart[] = "leidang/cart";
constexpr char kAutomated[] = R"("automated":{"prune":true,"selfHeal":true})";

// An agent and a server that keeps account of field owners.
class IgnoredDifferencesTest : public ::testing::Test {
 protected:
  IgnoredDifferencesTest() {
    agent_.target = TestAgent::Target::kApiServer;
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.Restart();
  }

  static std::string Config(absl::string_view colour, absl::string_view size) {
    return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {colour: ",
                        colour, ", size: \"", size, "\"}\n");
  }
  static TestApp App(absl::string_view colour, absl::string_view ignored,
                     absl::string_view options = "[]") {
    TestApp app;
    app.name = kCart;
    app.files["app/a.yaml"] = Config(colour, "1");
    app.ignored = std::string(ignored);
    app.sync_policy = absl::StrCat("{", kAutomated, R"(,"syncOptions":)", options, "}");
    return app;
  }
  std::string Data(absl::string_view field) {
    const Value* found = agent_.api.Find(kKey);
    return found == nullptr ? "" : std::string(object::FindString(*found, {"data", field}));
  }
  void Set(absl::string_view field, absl::string_view value, const std::string& manager) {
    Value edited = *agent_.api.Find(kKey);
    edited.at("data").as_object()[{field.data(), field.size()}] =
        boost::json::string_view(value.data(), value.size());
    agent_.api.UpdateOutside(edited, manager);
    agent_.Settle();
  }
  size_t Writes() const {
    size_t writes = 0;
    for (const std::string& request : agent_.api.requests()) {
      if (absl::StartsWith(request, "PATCH") && !absl::StrContains(request, "dryRun")) ++writes;
    }
    return writes;
  }

  const ObjectKey kKey{"", "ConfigMap", "shop", "a"};
  TestAgent agent_;
};

constexpr char kPointer[] = R"([{"kind":"ConfigMap","jsonPointers":["/data/size"]}])";
constexpr char kJq[] = R"([{"kind":"ConfigMap","jqPathExpressions":[".data.size"]}])";
constexpr char kManager[] = R"([{"kind":"*","managedFieldsManagers":["scaler"]}])";

TEST_F(IgnoredDifferencesTest, WhatIsIgnoredIsNoDriftByAnyOfTheThreeWays) {
  for (const absl::string_view rules : {kPointer, kJq, kManager}) {
    SCOPED_TRACE(rules);
    agent_.Put(App("red", rules));
    agent_.Settle();
    const size_t writes = Writes();
    Set("size", absl::StrCat("7", rules.size()), "scaler");
    EXPECT_EQ(Data("size"), absl::StrCat("7", rules.size()));
    EXPECT_TRUE(agent_.Applied(kCart));
    EXPECT_EQ(agent_.Status(kCart).sync, intent::SyncState::kSynced);
    EXPECT_EQ(agent_.Status(kCart).drift_corrections, 0u);
    EXPECT_EQ(Writes(), writes);
    EXPECT_TRUE(agent_.Status(kCart).conditions.empty());
  }
}

TEST_F(IgnoredDifferencesTest, AManagerThatIsNotNamedIsCorrected) {
  agent_.Put(App("red", kManager));
  agent_.Settle();
  Set("size", "7", "somebody");
  EXPECT_EQ(Data("size"), "1");
}

TEST_F(IgnoredDifferencesTest, OtherFieldsOfTheSameObjectAreCorrectedAndTakeTheIgnoredOnesAlong) {
  agent_.Put(App("red", kPointer));
  agent_.Settle();
  Set("size", "7", "scaler");
  Set("colour", "pink", "somebody");
  EXPECT_EQ(Data("colour"), "red");
  EXPECT_EQ(Data("size"), "1") << "an apply sends what the source says";
}

TEST_F(IgnoredDifferencesTest, WithRespectIgnoreDifferencesNoApplyTouchesThem) {
  const char kRespect[] = R"(["RespectIgnoreDifferences=true"])";
  for (const absl::string_view rules : {kPointer, kJq, kManager}) {
    SCOPED_TRACE(rules);
    agent_.Put(App("red", rules, kRespect));
    agent_.Settle();
    const std::string size = absl::StrCat("7", rules.size());
    Set("size", size, "scaler");
    Set("colour", "pink", "somebody");
    EXPECT_EQ(Data("colour"), "red") << "drift is corrected";
    EXPECT_EQ(Data("size"), size);
    agent_.Put(App("blue", rules, kRespect));
    agent_.Settle();
    EXPECT_EQ(Data("colour"), "blue") << "and so is a new commit applied";
    EXPECT_EQ(Data("size"), size);
    EXPECT_TRUE(agent_.Applied(kCart));
    Set("size", absl::StrCat(size, "0"), "scaler");
    EXPECT_EQ(Data("size"), absl::StrCat(size, "0"));
    EXPECT_TRUE(agent_.Applied(kCart));
  }
}

TEST_F(IgnoredDifferencesTest, WhatNobodyElseOwnsKeepsItsValueToo) {
  agent_.Put(App("red", "[]"));
  agent_.Settle();
  TestApp app = App("blue", kPointer, R"(["RespectIgnoreDifferences=true"])");
  app.files["app/a.yaml"] = Config("blue", "9");
  agent_.Put(app);
  agent_.Settle();
  EXPECT_EQ(Data("colour"), "blue");
  EXPECT_EQ(Data("size"), "1");
}

TEST_F(IgnoredDifferencesTest, ClearedManagedFieldsAreDriftWhateverIsIgnored) {
  agent_.Put(App("red", kPointer));
  agent_.Settle();
  const size_t writes = Writes();
  Value cleared = *agent_.api.Find(kKey);
  cleared.at("metadata").as_object()["managedFields"] = object::Array();
  agent_.api.RemoveOutside(kKey);
  agent_.api.PutOutside(cleared);
  agent_.Settle();
  EXPECT_GT(Writes(), writes);
}

TEST_F(IgnoredDifferencesTest, RulesThatEndMakeItDriftAgain) {
  agent_.Put(App("red", kPointer));
  agent_.Settle();
  Set("size", "7", "scaler");
  EXPECT_EQ(Data("size"), "7");
  agent_.Put(App("red", "[]"));
  agent_.Settle();
  EXPECT_EQ(Data("size"), "1");
}

TEST_F(IgnoredDifferencesTest, ARestartAsksAgainAndWritesNothing) {
  agent_.Put(App("red", kJq));
  agent_.Settle();
  Set("size", "7", "scaler");
  const size_t writes = Writes();
  agent_.Restart();
  agent_.Settle();
  EXPECT_EQ(Writes(), writes);
  EXPECT_EQ(Data("size"), "7");
  EXPECT_TRUE(agent_.Applied(kCart));
}

TEST_F(IgnoredDifferencesTest, AnExpressionThatCannotBeReadLeavesTheObjectAndSaysSo) {
  agent_.Put(App("red", R"([{"kind":"ConfigMap","jqPathExpressions":[".data["]}])"));
  agent_.Settle();
  Set("colour", "pink", "somebody");
  EXPECT_EQ(Data("colour"), "pink");
  EXPECT_THAT(agent_.Condition(kCart, "ComparisonError"),
              AllOf(HasSubstr(".data["), HasSubstr("ConfigMap shop/a")));
  EXPECT_FALSE(agent_.Applied(kCart));
  EXPECT_EQ(agent_.Status(kCart).sync, intent::SyncState::kOutOfSync);
}

TEST_F(IgnoredDifferencesTest, ARuleOfAWrongTypeIsAnInvalidSpec) {
  agent_.Put(App("red", R"([{"kind":"ConfigMap","jsonPointers":"/data"}])"));
  agent_.Settle();
  EXPECT_THAT(agent_.Condition(kCart, "InvalidSpecError"),
              HasSubstr("spec.ignoreDifferences[0].jsonPointers is no list of texts"));
}

// As a directory, which knows no owners.
TEST(IgnoredDifferencesOfFiles, AnIgnoredFieldIsNoDriftAndStaysWithRespect) {
  TestAgent agent;
  TestApp app;
  app.name = kCart;
  app.files["app/a.yaml"] = ConfigMapText("a", "red");
  app.ignored = R"([{"kind":"ConfigMap","jsonPointers":["/data/colour"]}])";
  app.sync_policy =
      absl::StrCat("{", kAutomated, R"(,"syncOptions":["RespectIgnoreDifferences=true"]})");
  agent.Put(app);
  agent.Settle();
  agent.Edit("a", "colour", "pink");
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "pink");
  EXPECT_TRUE(agent.Applied(kCart));
  app.files["app/a.yaml"] = ConfigMapText("a", "blue", "note: new");
  agent.Put(app);
  agent.Settle();
  EXPECT_EQ(agent.Data("a", "colour"), "pink");
  EXPECT_TRUE(agent.Applied(kCart));
}

}  // namespace
}  // namespace leidang::agent
