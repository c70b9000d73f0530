#include "hub/auth/sealed_box.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::IsOkAndHolds;
using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kPassphrase[] = "correct horse battery";

TEST(SealedBoxTest, OpensWithItsPassphraseOnly) {
  SeededRandom random(1);
  const std::string content("a key\0and more", 14);
  ASSERT_OK_AND_ASSIGN(const std::string box, SealBox(kPassphrase, content, random));
  EXPECT_EQ(box.find("a key"), std::string::npos);
  EXPECT_THAT(OpenBox(kPassphrase, box), IsOkAndHolds(content));
  EXPECT_THAT(OpenBox("correct horse batterz", box),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("passphrase is wrong")));
  ASSERT_OK_AND_ASSIGN(const std::string again, SealBox(kPassphrase, content, random));
  EXPECT_NE(box, again) << "salt and nonce are drawn anew";
}

TEST(SealedBoxTest, EveryAlteredPartIsNoticed) {
  SeededRandom random(2);
  ASSERT_OK_AND_ASSIGN(const std::string box, SealBox(kPassphrase, "content", random));
  for (const size_t at :
       {size_t{0}, size_t{14}, size_t{20}, size_t{35}, size_t{45}, box.size() - 1}) {
    std::string altered = box;
    altered[at] ^= 1;
    EXPECT_FALSE(OpenBox(kPassphrase, altered).ok()) << at;
  }
  EXPECT_FALSE(OpenBox(kPassphrase, box.substr(0, box.size() - 1)).ok());
  EXPECT_THAT(OpenBox(kPassphrase, "leidang"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no sealed file")));
}

TEST(SealedBoxTest, ALaterVersionIsNamed) {
  SeededRandom random(3);
  std::string box = *SealBox(kPassphrase, "", random);
  EXPECT_THAT(OpenBox(kPassphrase, box), IsOkAndHolds(""));
  box[14] = 2;
  EXPECT_THAT(OpenBox(kPassphrase, box),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("version 2")));
}

TEST(SealedBoxTest, AShortPassphraseIsRefused) {
  SeededRandom random(4);
  EXPECT_THAT(SealBox("short", "content", random),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least 12")));
}

}  // namespace
}  // namespace leidang::hub
