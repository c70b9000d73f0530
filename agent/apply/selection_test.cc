#include "agent/apply/selection.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

const object::ObjectKey kWeb{"apps", "Deployment", "shop", "web"};
const object::ObjectKey kConfig{"", "ConfigMap", "shop", "web-config"};

enum class Selected : uint8_t { kNo, kYes };

Selected By(const std::vector<std::string>& patterns, const object::ObjectKey& key) {
  const absl::StatusOr<SyncSelection> selection = SyncSelection::Parse(patterns);
  EXPECT_OK(selection);
  return selection.ok() && selection->Selects(key) ? Selected::kYes : Selected::kNo;
}

TEST(SyncSelection, GroupKindAndNameMustBeEqualAndTheNamespaceIfThereIsOne) {
  EXPECT_EQ(By({"apps:Deployment:web"}, kWeb), Selected::kYes);
  EXPECT_EQ(By({"apps:Deployment:shop/web"}, kWeb), Selected::kYes);
  EXPECT_EQ(By({"apps:Deployment:other/web"}, kWeb), Selected::kNo);
  EXPECT_EQ(By({":Deployment:web"}, kWeb), Selected::kNo);
  EXPECT_EQ(By({":ConfigMap:web-config"}, kConfig), Selected::kYes);
  EXPECT_EQ(By({"apps:Deployment:web", ":ConfigMap:web-config"}, kConfig), Selected::kYes);
}

TEST(SyncSelection, StarsStandForAnyText) {
  EXPECT_EQ(By({"*:*:*"}, kWeb), Selected::kYes);
  EXPECT_EQ(By({"*:*:shop/web*"}, kConfig), Selected::kYes);
  EXPECT_EQ(By({"*:Config*:*-config"}, kConfig), Selected::kYes);
  EXPECT_EQ(By({"*:*:*x"}, kConfig), Selected::kNo);
}

TEST(SyncSelection, AnExclamationMarkTakesOut) {
  EXPECT_EQ(By({"!apps:Deployment:*"}, kWeb), Selected::kNo);
  EXPECT_EQ(By({"!apps:Deployment:*"}, kConfig), Selected::kYes);
  EXPECT_EQ(By({"*:*:*", "!*:ConfigMap:*"}, kConfig), Selected::kNo);
}

TEST(SyncSelection, WhatIsNoPatternIsRefusedByName) {
  EXPECT_THAT(SyncSelection::Parse({"Deployment/web"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"Deployment/web\"")));
  EXPECT_THAT(SyncSelection::Parse({"a:b:*****"}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(SyncSelection::Parse({}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace leidang::agent
