#include "hub/control/name_claims.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "hub/control/first_looks.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

OwnerKey Set(const std::string& name) { return {WrittenKind::kApplicationSet, name}; }

// By name.
class NameClaimsTest : public ::testing::Test {
 protected:
  NameClaims claims_{[](const OwnerKey& a, const OwnerKey& b) { return a < b; }};
};

TEST_F(NameClaimsTest, AHolderKeepsItsNameAgainstABetterClaim) {
  claims_.Hold("x", Set("b"));
  EXPECT_THAT(claims_.Against("x", Set("a")), Optional(Set("b")));
  EXPECT_EQ(claims_.Against("x", Set("b")), std::nullopt);
  EXPECT_TRUE(claims_.Holds(Set("b"), "x"));
  EXPECT_FALSE(claims_.Holds(Set("a"), "x"));
}

TEST_F(NameClaimsTest, AFreeNameGoesToTheBestOfThoseWhoWait) {
  claims_.Hold("x", Set("holder"));
  claims_.SetWaiting(Set("a"), {"x"});
  claims_.SetWaiting(Set("b"), {"x"});
  EXPECT_THAT(claims_.Release("x", Set("holder")), ElementsAre(Set("a"), Set("b")));
  EXPECT_THAT(claims_.Against("x", Set("b")), Optional(Set("a")));
  EXPECT_EQ(claims_.Against("x", Set("a")), std::nullopt);
  EXPECT_THAT(claims_.SetWaiting(Set("a"), {}), ElementsAre(Set("b"))) << "it is b's turn";
  EXPECT_EQ(claims_.Against("x", Set("b")), std::nullopt);
}

TEST_F(NameClaimsTest, OnlyItsHolderFreesAName) {
  claims_.Hold("x", Set("b"));
  EXPECT_THAT(claims_.Release("x", Set("a")), IsEmpty());
  EXPECT_TRUE(claims_.Holds(Set("b"), "x"));
}

TEST_F(NameClaimsTest, KnowsWhichNamesAreHeldAgainstTheOrder) {
  claims_.Hold("x", Set("b"));
  claims_.SetWaiting(Set("c"), {"x"});
  EXPECT_FALSE(claims_.HeldAgainstOrder("x"));
  claims_.SetWaiting(Set("a"), {"x"});
  EXPECT_TRUE(claims_.HeldAgainstOrder("x"));
  claims_.SetWaiting(Set("a"), {"y"});
  EXPECT_FALSE(claims_.HeldAgainstOrder("x"));
  EXPECT_FALSE(claims_.HeldAgainstOrder("y")) << "nobody holds it";
}

TEST(FirstLooks, OlderOwnersComeFirstThenNames) {
  const absl::Time then = absl::FromUnixSeconds(1'700'000'000);
  FirstLooks looks;
  looks.Expect(Set("b"), then);
  looks.Expect(Set("c"), then - absl::Seconds(1));
  looks.Expect(Set("a"), then);
  const auto none = [](const OwnerKey&) { return false; };
  EXPECT_FALSE(looks.MustWait(Set("c"), none));
  EXPECT_TRUE(looks.MustWait(Set("a"), none));
  EXPECT_FALSE(looks.MustWait(Set("a"), [](const OwnerKey& o) { return o == Set("c"); }));
  EXPECT_TRUE(looks.Seen(Set("c")));
  EXPECT_FALSE(looks.Seen(Set("c"))) << "once";
  EXPECT_FALSE(looks.MustWait(Set("a"), none));
  EXPECT_TRUE(looks.MustWait(Set("b"), none));
  looks.Expect(Set("c"), then - absl::Seconds(1));
  EXPECT_FALSE(looks.MustWait(Set("a"), none)) << "it has been seen";
}

TEST(FirstLooks, ANamesakeOfOneThatIsGoneHasAFirstLookOfItsOwn) {
  FirstLooks looks;
  looks.Expect(Set("a"), absl::UnixEpoch());
  looks.Forget(Set("a"));
  looks.Expect(Set("a"), absl::UnixEpoch());
  EXPECT_TRUE(looks.Seen(Set("a")));
}

TEST(OwnerKey, IsReadAsItIsWritten) {
  for (const OwnerKey& key : {Set("leidang/shop"), OwnerKey{WrittenKind::kApplication, "a/b"}})
    EXPECT_THAT(OwnerKey::FromString(key.ToString()), Optional(key));
  EXPECT_EQ(OwnerKey::FromString("config"), std::nullopt);
}

}  // namespace
}  // namespace leidang::hub
