#include "common/intent/deletion_limit.h"

#include <string>

#include "gtest/gtest.h"

namespace leidang::intent {
namespace {

using Kind = DeletionLimit::Kind;

TEST(DeletionLimit, IsACountAShareOrUnlimited) {
  EXPECT_EQ(*ParseDeletionLimit("10"), (DeletionLimit{Kind::kCount, 10}));
  EXPECT_EQ(*ParseDeletionLimit(" 0 "), (DeletionLimit{Kind::kCount, 0}));
  EXPECT_EQ(*ParseDeletionLimit("4000000000"), (DeletionLimit{Kind::kCount, 4'000'000'000}));
  EXPECT_EQ(*ParseDeletionLimit("100%"), (DeletionLimit{Kind::kPercent, 100}));
  EXPECT_EQ(*ParseDeletionLimit("unlimited"), (DeletionLimit{Kind::kUnlimited, 0}));
}

TEST(DeletionLimit, AnythingElseIsRefusedWithWhatIsAllowed) {
  for (const char* bad : {"", " ", "%", "101%", "-1", "+1", "1.5", "5 %", "5%%", "all", "Unlimited",
                          "99999999999999999999"}) {
    const auto limit = ParseDeletionLimit(bad);
    ASSERT_FALSE(limit.ok()) << bad;
    EXPECT_NE(limit.status().message().find("leidang.dev/max-deletions"), std::string::npos) << bad;
    EXPECT_NE(limit.status().message().find("a percentage such as 25%"), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace leidang::intent
