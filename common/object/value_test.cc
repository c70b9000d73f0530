#include "common/object/value.h"

#include "gtest/gtest.h"

#include "common/object/key.h"

namespace leidang::object {
namespace {

TEST(EqualTest, IgnoresKeyOrderButNotOrderInLists) {
  EXPECT_TRUE(Equal(Value{{"a", 1}, {"b", 2}}, Value{{"b", 2}, {"a", 1}}));
  EXPECT_FALSE(Equal(Value{{"a", 1}}, Value{{"a", 1}, {"b", 2}}));
  EXPECT_FALSE(Equal(Value{{"a", 1}, {"c", 2}}, Value{{"a", 1}, {"b", 2}}));
  EXPECT_FALSE(Equal(Value(Array{1, 2}), Value(Array{2, 1})));
  EXPECT_FALSE(Equal(Value(Array{1, 2}), Value(Array{1})));
}

TEST(EqualTest, ComparesNumbersByExactValue) {
  EXPECT_TRUE(Equal(Value(1), Value(1.0)));
  EXPECT_TRUE(Equal(Value(int64_t{5}), Value(uint64_t{5})));
  EXPECT_TRUE(Equal(Value(-0.0), Value(0)));
  EXPECT_FALSE(Equal(Value(int64_t{9007199254740993}), Value(9007199254740992.0)));
  EXPECT_FALSE(Equal(Value(-1), Value(~uint64_t{0})));
  EXPECT_FALSE(Equal(Value(1), Value(1.5)));
  EXPECT_FALSE(Equal(Value(1e300), Value(2e300)));
}

TEST(EqualTest, DistinguishesKinds) {
  EXPECT_FALSE(Equal(Value(nullptr), Value(false)));
  EXPECT_FALSE(Equal(Value(0), Value(false)));
  EXPECT_FALSE(Equal(Value("1"), Value(1)));
  EXPECT_FALSE(Equal(Value(Object()), Value(Array())));
  EXPECT_TRUE(Equal(Value(nullptr), Value(nullptr)));
  EXPECT_TRUE(Equal(Value("x"), Value("x")));
}

TEST(FindTest, WalksObjectKeys) {
  const Value value = {{"metadata", Value{{"name", "cart"}, {"n", 1}}}};
  EXPECT_EQ(FindString(value, {"metadata", "name"}), "cart");
  EXPECT_EQ(FindString(value, {"metadata", "n"}), "");
  EXPECT_EQ(Find(value, {"metadata", "missing"}), nullptr);
  EXPECT_EQ(Find(value, {"metadata", "name", "deeper"}), nullptr);
  EXPECT_EQ(Find(value, {}), &value);
}

TEST(StableEraseTest, KeepsTheOrderOfTheOthers) {
  Value value = {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}};
  EXPECT_TRUE(StableErase(value.as_object(), "b"));
  EXPECT_FALSE(StableErase(value.as_object(), "b"));
  EXPECT_EQ(ToJson(value), R"({"a":1,"c":3,"d":4})");
}

TEST(ObjectKeyTest, ReadsAsKindAndName) {
  EXPECT_EQ((ObjectKey{"apps", "Deployment", "shop", "cart"}).ToString(),
            "apps/Deployment shop/cart");
  EXPECT_EQ((ObjectKey{"", "Namespace", "", "shop"}).ToString(), "Namespace shop");
}

}  // namespace
}  // namespace leidang::object
