#include "agent/scripts/ignored_fields.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/scripts/inline_scripts.h"
#include "common/time/sim_loop.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::leidang::testing::StatusIs;
using object::Value;
using ::testing::AllOf;
using ::testing::HasSubstr;

Value Parsed(absl::string_view text) {
  absl::StatusOr<Value> value = object::ParseJson(text);
  EXPECT_OK(value);
  return value.ok() ? *std::move(value) : Value();
}

class AwayScripts final : public ScriptRunner {
 public:
  void Run(ScriptCall call, Done done) override {
    done(NamedError(call, absl::UnavailableError("away")));
  }
};

class IgnoredFieldsTest : public ::testing::Test {
 protected:
  absl::StatusOr<Value> Strip(ScriptRunner& scripts, absl::string_view rules,
                              absl::string_view object) {
    const absl::StatusOr<IgnoreRules> parsed = IgnoreRules::Parse(Parsed(rules));
    EXPECT_OK(parsed);
    std::optional<absl::StatusOr<Value>> answer;
    StripIgnored(*parsed, {"apps", "Deployment", "shop", "cart"}, nullptr, Parsed(object), scripts,
                 [&](absl::StatusOr<Value> got) { answer = std::move(got); });
    at_once_ = answer.has_value();
    loop_.RunUntilIdle();
    return answer.value_or(absl::InternalError("no answer"));
  }
  std::string Stripped(absl::string_view rules, absl::string_view object) {
    const absl::StatusOr<Value> value = Strip(inline_, rules, object);
    return value.ok() ? object::ToJson(*value) : std::string(value.status().message());
  }

  SimLoop loop_;
  InlineScripts inline_{loop_};
  bool at_once_ = false;
};

TEST_F(IgnoredFieldsTest, ExpressionsRunOneAfterTheOther) {
  EXPECT_EQ(Stripped(R"j([{"group":"apps","kind":"*","jsonPointers":["/a"],
                       "jqPathExpressions":[".l[0]",".l[] | select(. == 3)",".x[].y"]},
                       {"group":"apps","kind":"Deployment","jqPathExpressions":[".b"]}])j",
                     R"({"a":1,"b":2,"l":[1,2,3],"n":9007199254740993,"x":7})"),
            R"({"l":[2],"n":9007199254740993,"x":7})");
}

TEST_F(IgnoredFieldsTest, WithoutAnExpressionTheAnswerIsThereAtOnce) {
  EXPECT_EQ(Stripped(R"([{"group":"apps","kind":"*","jsonPointers":["/a"]}])", R"({"a":1,"b":2})"),
            R"({"b":2})");
  EXPECT_TRUE(at_once_);
}

TEST_F(IgnoredFieldsTest, AnExpressionThatCannotBeReadIsAnErrorThatNamesItAndTheObject) {
  EXPECT_THAT(Strip(inline_, R"([{"group":"apps","kind":"*","jqPathExpressions":[".a["]}])", "{}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the jq expression \".a[\" on apps/Deployment shop/cart: it "
                                 "cannot be read")));
}

TEST_F(IgnoredFieldsTest, WhatCouldNotBeRunIsAnErrorAndNotTakenForNothing) {
  AwayScripts away;
  EXPECT_THAT(Strip(away, R"([{"group":"apps","kind":"*","jqPathExpressions":[".a"]}])", "{}"),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr(".a"), HasSubstr("shop/cart"), HasSubstr("away"))));
}

}  // namespace
}  // namespace leidang::agent
