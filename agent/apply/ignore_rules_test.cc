#include "agent/apply/ignore_rules.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/apply/selected_paths.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::HasSubstr;

Value Parsed(absl::string_view text) {
  absl::StatusOr<Value> value = object::ParseJson(text);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *std::move(value) : Value();
}

const ObjectKey kKey{"apps", "Deployment", "shop", "cart"};

// Knows three expressions: agent/scripts has jq itself.
absl::StatusOr<object::Array> SelectByJq(const std::string& expression, const Value&) {
  if (expression == ".l[] | select(.n == \"a\")") return Parsed(R"([["l",0]])").as_array();
  if (expression == ".a[") return absl::InvalidArgumentError("it cannot be read: unfinished");
  return absl::FailedPreconditionError("it failed: Cannot iterate over number");
}

std::string Stripped(absl::string_view rules, absl::string_view object,
                     const Value* live = nullptr) {
  absl::StatusOr<IgnoreRules> parsed = IgnoreRules::Parse(Parsed(rules));
  if (!parsed.ok()) return std::string(parsed.status().message());
  Value value = Parsed(object);
  const absl::Status stripped = parsed->Strip(kKey, live, SelectByJq, value);
  return stripped.ok() ? object::ToJson(value) : std::string(stripped.message());
}

TEST(IgnoreRules, PointersReachKeysWithSlashesAndListItems) {
  EXPECT_EQ(
      Stripped(R"([{"group":"apps","kind":"*","jsonPointers":["/a/b~1c","/l/1","/l/9","x"]}])",
               R"({"a":{"b/c":1,"d":2},"l":[1,2,3]})"),
      R"({"a":{"d":2},"l":[1,3]})");
}

TEST(IgnoreRules, AnEmptyGroupIsTheCoreGroupOnly) {
  EXPECT_EQ(Stripped(R"([{"kind":"Deployment","jsonPointers":["/a"]}])", R"({"a":1})"),
            R"({"a":1})");
}

TEST(IgnoreRules, NamesAndNamespacesAreLiteral) {
  EXPECT_EQ(Stripped(R"([{"group":"apps","kind":"Deployment","name":"c*","jsonPointers":["/a"]}])",
                     R"({"a":1})"),
            R"({"a":1})");
  EXPECT_EQ(Stripped(R"([{"group":"apps","kind":"Deployment","name":"cart","namespace":"shop",
                          "jsonPointers":["/a"]}])",
                     R"({"a":1})"),
            "{}");
}

TEST(IgnoreRules, JqSelectsWhatGoes) {
  EXPECT_EQ(Stripped(R"j([{"group":"apps","kind":"Deployment",
                          "jqPathExpressions":[".l[] | select(.n == \"a\")"]}])j",
                     R"({"l":[{"n":"a"},{"n":"b"}]})"),
            R"({"l":[{"n":"b"}]})");
}

TEST(IgnoreRules, AJqExpressionThatDoesNotFitTheObjectDoesNothing) {
  EXPECT_EQ(Stripped(R"([{"group":"apps","kind":"Deployment","jqPathExpressions":[".a[].b"]}])",
                     R"({"a":7})"),
            R"({"a":7})");
}

TEST(IgnoreRules, AJqExpressionThatIsNoneIsAnError) {
  EXPECT_EQ(Stripped(R"([{"group":"apps","kind":"Deployment","jqPathExpressions":[".a["]}])",
                     R"({"a":7})"),
            "jq expression \".a[\": it cannot be read: unfinished");
}

TEST(IgnoreRules, ExpressionsAreThoseOfTheRulesAboutAnObject) {
  const IgnoreRules rules = *IgnoreRules::Parse(Parsed(
      R"([{"group":"apps","kind":"*","jqPathExpressions":[".a",".b"]},
          {"group":"apps","kind":"DaemonSet","jqPathExpressions":[".c"]},
          {"group":"apps","kind":"Deployment","jqPathExpressions":[".d"]}])"));
  EXPECT_THAT(rules.Expressions(kKey), ::testing::ElementsAre(".a", ".b", ".d"));
}

std::string Without(absl::string_view object, absl::string_view paths) {
  Value value = Parsed(object);
  RemoveAtPaths(value, Parsed(paths).as_array());
  return object::ToJson(value);
}

TEST(SelectedPaths, TheLastGoesFirst) {
  EXPECT_EQ(Without(R"({"l":[0,1,2,3]})", R"([["l",0],["l",2]])"), R"({"l":[1,3]})");
  EXPECT_EQ(Without(R"({"a":{"b":1,"c":2}})", R"([["a"],["a","b"]])"), "{}");
}

TEST(SelectedPaths, NegativeIndexesAndSlicesCountAsJqDoes) {
  EXPECT_EQ(Without(R"({"l":[0,1,2,3]})", R"([["l",-1]])"), R"({"l":[0,1,2]})");
  EXPECT_EQ(Without(R"({"l":[0,1,2,3]})", R"([["l",{"start":1,"end":3}]])"), R"({"l":[0,3]})");
  EXPECT_EQ(Without(R"({"l":[0,1,2,3]})", R"([["l",{"start":-2,"end":null}]])"), R"({"l":[0,1]})");
}

TEST(SelectedPaths, WhatIsNotThereOrIsNoPathIsLeft) {
  EXPECT_EQ(Without(R"({"l":[0],"a":7})",
                    R"([["l",9],["l",-9],["x","y"],["a","b"],["l","k"],["a",0],7,["l",true]])"),
            R"({"l":[0],"a":7})");
  EXPECT_EQ(Without(R"({"a":1})", "[[]]"), "null");
}

TEST(IgnoreRules, WhatAManagerOwnsIsLeftToIt) {
  const Value live = Parsed(R"({"metadata":{"managedFields":[
      {"manager":"scaler","fieldsV1":{"f:spec":{"f:replicas":{},
        "f:l":{"k:{\"name\":\"a\"}":{"f:v":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{}}},
        "f:s":{"v:\"x\"":{}}}}},
      {"manager":"other","fieldsV1":{"f:spec":{"f:paused":{}}}}]}})");
  EXPECT_EQ(Stripped(R"([{"group":"apps","kind":"Deployment","managedFieldsManagers":["scaler"]}])",
                     R"({"spec":{"replicas":3,"paused":true,"l":[{"name":"a","v":1},{"name":"b"}],
                        "s":["x","y"]}})",
                     &live),
            R"({"spec":{"paused":true,"l":[{"name":"a"}],"s":["y"]}})");
}

TEST(IgnoreRules, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(Stripped(R"([{"kind":"X","jsonPointers":"/a"}])", "{}"),
            "spec.ignoreDifferences[0].jsonPointers is no list of texts");
  EXPECT_THAT(Stripped(R"([{"kind":"[a","jsonPointers":[]}])", "{}"),
              HasSubstr("spec.ignoreDifferences[0].kind is no pattern"));
  EXPECT_EQ(Stripped(R"({})", "{}"), "spec.ignoreDifferences is no list");
}

}  // namespace
}  // namespace leidang::agent
