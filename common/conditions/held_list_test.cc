#include "common/conditions/held_list.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::conditions {
namespace {

TEST(HeldList, IsReadAsItWasWritten) {
  HeldList list{
      "20 of 31 objects would go", std::string(64, 'a'), 20, {"ConfigMap shop/a", "Job b"}};
  EXPECT_EQ(HeldListText(list), "20 of 31 objects would go; waits for approval of list " +
                                    std::string(64, 'a') + ": ConfigMap shop/a, Job b and 18 more");
  EXPECT_EQ(ReadHeldList(HeldListText(list)), list);
  list.objects = 2;
  EXPECT_EQ(ReadHeldList(HeldListText(list)), list);
  list = {"", std::string(64, '0'), 1, {"ConfigMap a"}};
  EXPECT_EQ(ReadHeldList(HeldListText(list)), list);
}

TEST(HeldList, AnotherFormIsNone) {
  for (const std::string& text :
       {std::string(), std::string("held"), std::string("x; waits for approval of list "),
        "x; waits for approval of list " + std::string(64, 'g') + ": a",
        "x; waits for approval of list " + std::string(63, 'a') + ": a",
        "x; waits for approval of list " + std::string(64, 'a')})
    EXPECT_EQ(ReadHeldList(text), std::nullopt) << text;
  EXPECT_EQ(
      ReadHeldList("x; waits for approval of list " + std::string(64, 'a') + ": a and many more")
          ->objects,
      1u);
}

}  // namespace
}  // namespace leidang::conditions
