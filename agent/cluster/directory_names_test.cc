#include "agent/cluster/directory_names.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(FileName, IsFlatAndLowerCase) {
  EXPECT_THAT(FileName({"apps", "Deployment", "shop", "cart"}),
              IsOkAndHolds("shop.deployment.apps.cart.yaml"));
  EXPECT_THAT(FileName({"", "Namespace", "", "shop"}),
              IsOkAndHolds("_cluster.namespace.core.shop.yaml"));
  EXPECT_THAT(FileName({"rbac.authorization.k8s.io", "ClusterRole", "", "system:Aggregate"}),
              IsOkAndHolds("_cluster.clusterrole.rbac.authorization.k8s.io.system:aggregate.yaml"));
}

TEST(FileName, NamesTheObjectThatCannotBeAFile) {
  EXPECT_THAT(FileName({"", "ConfigMap", "shop", std::string(250, 'x')}),
              StatusIs(kInvalid, AllOf(HasSubstr("ConfigMap shop/xxx"), HasSubstr("at most 255"))));
  EXPECT_THAT(FileName({"", "ConfigMap", "shop", "a/b"}), StatusIs(kInvalid, HasSubstr("\"/\"")));
}

TEST(CheckFileNames, NamesBothObjectsOfOneFile) {
  EXPECT_THAT(
      CheckFileNames({{"rbac.authorization.k8s.io", "ClusterRole", "", "Admin"},
                      {"rbac.authorization.k8s.io", "ClusterRole", "", "admin"}}),
      StatusIs(kInvalid, AllOf(HasSubstr("ClusterRole Admin"), HasSubstr("ClusterRole admin"))));
  // The group ends where nobody can tell.
  EXPECT_THAT(CheckFileNames({{"", "Foo", "a", "x.y"}, {"core.x", "Foo", "a", "y"}}),
              StatusIs(kInvalid));
  EXPECT_THAT(CheckFileNames({{"", "Foo", "a", "x"}, {"", "Foo", "a", "x"}}), IsOk());
}

TEST(TemporaryNames, AreRecognised) {
  EXPECT_TRUE(IsTemporaryName(TemporaryName("7-1")));
  EXPECT_EQ(TemporaryName("7-1"), ".leidang-7-1.tmp");
  EXPECT_FALSE(IsTemporaryName("shop.configmap.core.a.yaml"));
  EXPECT_FALSE(IsTemporaryName(".leidang-notes"));
}

}  // namespace
}  // namespace leidang::agent
