#include "common/intent/authority.h"

#include "gtest/gtest.h"

namespace leidang::intent {
namespace {

HubId Hub(uint8_t n) {
  HubId::Bytes bytes{};
  bytes[0] = n;
  return HubId(bytes);
}

TEST(Authority, IsComparedWithinOneHubIdOnly) {
  const Authority held{Hub(1), 5, 77};
  EXPECT_EQ(Compare(Authority{}, held), Standing::kFirst);
  EXPECT_EQ(Compare(held, held), Standing::kSame);
  EXPECT_EQ(Compare(held, {Hub(1), 6, 1}), Standing::kNewer);
  EXPECT_EQ(Compare(held, {Hub(1), 4, 77}), Standing::kOlder);
  EXPECT_EQ(Compare(held, {Hub(1), 5, 78}), Standing::kForeign);
  EXPECT_EQ(Compare(held, {Hub(2), 9, 77}), Standing::kForeign);
}

TEST(Authority, IsObeyedUnlessOlderOrForeign) {
  EXPECT_TRUE(MayObey(Standing::kFirst));
  EXPECT_TRUE(MayObey(Standing::kSame));
  EXPECT_TRUE(MayObey(Standing::kNewer));
  EXPECT_FALSE(MayObey(Standing::kOlder));
  EXPECT_FALSE(MayObey(Standing::kForeign));
}

TEST(EntryKey, TextFormGoesBothWays) {
  for (const EntryKey& key :
       {EntryKey{EntryKind::kApplication, "leidang/cart"}, EntryKey{EntryKind::kProject, "default"},
        EntryKey{EntryKind::kSettings, "health"}}) {
    ASSERT_TRUE(EntryKey::FromString(key.ToString()).ok());
    EXPECT_EQ(*EntryKey::FromString(key.ToString()), key);
  }
  EXPECT_FALSE(EntryKey::FromString("cart").ok());
}

TEST(Uid, DependsOnHubKeyAndDeletionCount) {
  const EntryKey key{EntryKind::kApplication, "leidang/cart"};
  const Uid first = ComputeUid(Hub(1), key, 0);
  EXPECT_EQ(first, ComputeUid(Hub(1), key, 0));
  EXPECT_NE(first, ComputeUid(Hub(1), key, 1));
  EXPECT_NE(first, ComputeUid(Hub(2), key, 0));
  EXPECT_NE(first, ComputeUid(Hub(1), {EntryKind::kApplication, "leidang/cart2"}, 0));
}

}  // namespace
}  // namespace leidang::intent
