#include "agent/apply/ignore_rules.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/apply/jq_deletion.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;
using ::testing::HasSubstr;
using testing::StatusIs;

Value Parsed(absl::string_view text) {
  absl::StatusOr<Value> value = object::ParseJson(text);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *std::move(value) : Value();
}

const ObjectKey kKey{"apps", "Deployment", "shop", "cart"};

std::string Stripped(absl::string_view rules, absl::string_view object,
                     const Value* live = nullptr) {
  absl::StatusOr<IgnoreRules> parsed = IgnoreRules::Parse(Parsed(rules));
  if (!parsed.ok()) return std::string(parsed.status().message());
  Value value = Parsed(object);
  const absl::Status stripped = parsed->Strip(kKey, live, DeleteByJq, value);
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
  EXPECT_THAT(Stripped(R"([{"group":"apps","kind":"Deployment","jqPathExpressions":[".a["]}])",
                       R"({"a":7})"),
              HasSubstr("jq expression \".a[\" cannot be read"));
}

TEST(IgnoreRules, JqReachesNeitherFilesNorEnvironment) {
  EXPECT_THAT(DeleteByJq(".a) | $__prog_args | (.b", Parsed("{}")),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DeleteByJq("include \"x\"; .", Parsed("{}")),
              StatusIs(absl::StatusCode::kInvalidArgument));
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
