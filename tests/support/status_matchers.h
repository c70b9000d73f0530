#pragma once

// Matchers for absl::Status and absl::StatusOr<T>:
//
//   EXPECT_THAT(store.Load(id), IsOk());
//   EXPECT_THAT(Parse(","), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 1")));
//   EXPECT_THAT(Count(), IsOkAndHolds(3));
//   ASSERT_OK_AND_ASSIGN(const Value value, ParseJson(text));

#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << "which is " << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P2(StatusIsImpl, code, message,
           "has code " + absl::StatusCodeToString(code) + " and a message that " +
               ::testing::DescribeMatcher<std::string>(message, negation)) {
  *result_listener << "which is " << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         ::testing::Matches(message)(std::string(StatusOf(arg).message()));
}

template <typename MessageMatcher>
auto StatusIs(absl::StatusCode code, MessageMatcher message) {
  return StatusIsImpl(code, ::testing::SafeMatcherCast<std::string>(message));
}

inline auto StatusIs(absl::StatusCode code) {
  return StatusIsImpl(code, ::testing::Matcher<std::string>(::testing::_));
}

MATCHER_P(IsOkAndHolds, value, "is OK and holds a value that matches") {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status().ToString();
    return false;
  }
  return ::testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace leidang::testing

#define EXPECT_OK(expr) EXPECT_THAT(expr, ::leidang::testing::IsOk())
#define ASSERT_OK(expr) ASSERT_THAT(expr, ::leidang::testing::IsOk())

#define LEIDANG_TEST_CONCAT_INNER(a, b) a##b
#define LEIDANG_TEST_CONCAT(a, b) LEIDANG_TEST_CONCAT_INNER(a, b)
#define LEIDANG_TEST_ASSIGN(tmp, lhs, expr) \
  auto tmp = (expr);                        \
  ASSERT_OK(tmp);                           \
  lhs = *std::move(tmp)
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  LEIDANG_TEST_ASSIGN(LEIDANG_TEST_CONCAT(test_result_, __LINE__), lhs, expr)
