#include <set>
#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/conditions/condition_list.h"
#include "common/conditions/reason.h"

namespace leidang::conditions {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

struct TestCondition {
  std::string type;
  int status = 1;
  std::string reason;
  std::string message;
  absl::Time since;
};

const absl::Time kOne = absl::FromUnixSeconds(1);
const absl::Time kTwo = absl::FromUnixSeconds(2);

TEST(ReasonTest, EveryReasonReadsBackAndHasATextOfItsOwn) {
  std::set<std::string> texts;
  for (const Reason reason : AllReasons()) {
    EXPECT_EQ(ReasonFromString(ToString(reason)), reason);
    texts.emplace(ToString(reason));
  }
  EXPECT_EQ(texts.size(), AllReasons().size());
  EXPECT_EQ(static_cast<size_t>(AllReasons().back()) + 1, AllReasons().size());
}

TEST(ReasonTest, AnUnknownTextIsNoReason) {
  EXPECT_EQ(ReasonFromString("NameConflicts"), std::nullopt);
  EXPECT_EQ(ReasonFromString(""), std::nullopt);
}

TEST(ConditionListTest, IsSortedByType) {
  std::vector<TestCondition> list;
  EXPECT_TRUE(SetCondition(list, {.type = "b"}));
  EXPECT_TRUE(SetCondition(list, {.type = "a"}));
  EXPECT_TRUE(SetCondition(list, {.type = "c"}));
  EXPECT_THAT(list, ElementsAre(Field(&TestCondition::type, "a"), Field(&TestCondition::type, "b"),
                                Field(&TestCondition::type, "c")));
}

TEST(ConditionListTest, SinceStaysWhileStatusAndReasonStay) {
  std::vector<TestCondition> list;
  SetCondition(list, {.type = "a", .reason = "r", .message = "old", .since = kOne});
  EXPECT_FALSE(SetCondition(list, {.type = "a", .reason = "r", .message = "old", .since = kTwo}));
  EXPECT_TRUE(SetCondition(list, {.type = "a", .reason = "r", .message = "new", .since = kTwo}));
  EXPECT_EQ(FindCondition(list, "a")->message, "new");
  EXPECT_EQ(FindCondition(list, "a")->since, kOne);
}

TEST(ConditionListTest, SinceMovesWithStatusOrReason) {
  std::vector<TestCondition> list;
  SetCondition(list, {.type = "a", .status = 1, .reason = "r", .since = kOne});
  EXPECT_TRUE(SetCondition(list, {.type = "a", .status = 2, .reason = "r", .since = kTwo}));
  EXPECT_EQ(FindCondition(list, "a")->since, kTwo);
  EXPECT_TRUE(SetCondition(list, {.type = "a", .status = 2, .reason = "s", .since = kOne}));
  EXPECT_EQ(FindCondition(list, "a")->since, kOne);
}

TEST(ConditionListTest, WorksWithoutAStatus) {
  struct Bare {
    std::string type;
    std::string reason;
    std::string message;
    absl::Time since;
  };
  std::vector<Bare> list;
  EXPECT_TRUE(SetCondition(list, {"a", "r", "m", kOne}));
  EXPECT_FALSE(SetCondition(list, {"a", "r", "m", kTwo}));
  EXPECT_TRUE(SetCondition(list, {"a", "s", "m", kTwo}));
  EXPECT_EQ(list[0].since, kTwo);
}

TEST(ConditionListTest, RemovesByType) {
  std::vector<TestCondition> list;
  SetCondition(list, {.type = "a"});
  EXPECT_FALSE(RemoveCondition(list, "b"));
  EXPECT_TRUE(RemoveCondition(list, "a"));
  EXPECT_EQ(FindCondition(list, "a"), nullptr);
}

}  // namespace
}  // namespace leidang::conditions
