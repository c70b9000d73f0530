#include "agent/apply/brake.h"

#include "gtest/gtest.h"

namespace leidang::agent {
namespace {

constexpr intent::DeletionLimit::Kind kCount = intent::DeletionLimit::Kind::kCount;
constexpr intent::DeletionLimit::Kind kPercent = intent::DeletionLimit::Kind::kPercent;
constexpr intent::DeletionLimit::Kind kUnlimited = intent::DeletionLimit::Kind::kUnlimited;

TEST(Brake, HoldsWhatIsLargeAndLetsOrdinaryCommitsPass) {
  const struct {
    const char* name;
    BrakeQuestion question;
    bool held;
  } cases[] = {
      {"nothing", {0, 50, 60, {}}, false},
      {"one of many", {1, 0, 30, {}}, false},
      {"most of a few", {4, 0, 5, {}}, false},
      {"ten of eleven", {10, 0, 11, {}}, false},
      {"eleven of twelve", {11, 0, 12, {}}, true},
      {"eleven of twenty-two", {11, 0, 22, {}}, false},
      {"eleven of twenty-one", {11, 0, 21, {}}, true},
      {"all of two", {2, 0, 2, {}}, true},
      {"the only one", {1, 0, 1, {}}, false},
      {"small steps within the hour", {3, 9, 10, {}}, true},
      {"the last of many", {1, 5, 1, {}}, true},
      {"a count", {3, 0, 100, {kCount, 2}}, true},
      {"a count that suffices", {2, 0, 2, {kCount, 2}}, false},
      {"none at all", {1, 0, 100, {kCount, 0}}, true},
      {"a share", {26, 0, 100, {kPercent, 25}}, true},
      {"a share that suffices", {25, 0, 100, {kPercent, 25}}, false},
      {"unlimited", {100, 0, 100, {kUnlimited, 0}}, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(!HoldReason(c.question).empty(), c.held) << c.name << ": " << HoldReason(c.question);
  }
}

TEST(Brake, AnApprovalIsOfTheExactList) {
  const object::ObjectKey a{"", "ConfigMap", "x", "a"};
  const object::ObjectKey b{"", "ConfigMap", "x", "b"};
  EXPECT_EQ(DeletionListDigest({a, b}), DeletionListDigest({b, a}));
  EXPECT_NE(DeletionListDigest({a, b}), DeletionListDigest({a}));
  EXPECT_NE(DeletionListDigest({{"", "ConfigMap", "xa", ""}}),
            DeletionListDigest({{"", "ConfigMap", "x", "a"}}));
}

}  // namespace
}  // namespace leidang::agent
