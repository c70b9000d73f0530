#include "common/object/sha256.h"

#include "gtest/gtest.h"

namespace leidang::object {
namespace {

// FIPS 180-4 examples.
constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256Test, HasTheStandardsValues) {
  EXPECT_EQ(Sha256::Of("").Hex(), kEmpty);
  EXPECT_EQ(Sha256::Of("abc").Hex(), kAbc);
}

TEST(Sha256Test, PiecesGiveTheSameAsTheWhole) {
  Sha256Stream stream;
  stream.Add("a");
  stream.Add("");
  Sha256Stream moved = std::move(stream);
  moved.Add("bc");
  EXPECT_EQ(moved.Finish().Hex(), kAbc);
}

TEST(Sha256Test, TextAndRawFormsReadBack) {
  const Sha256 abc = Sha256::Of("abc");
  EXPECT_EQ(Sha256::FromHex(abc.Hex()), abc);
  EXPECT_EQ(Sha256::FromRaw(abc.Raw()), abc);
  EXPECT_FALSE(abc.IsNone());
  EXPECT_TRUE(Sha256().IsNone());
}

TEST(Sha256Test, OnlyExactlySixtyFourLowerCaseDigitsAreTaken) {
  EXPECT_EQ(Sha256::FromHex(""), std::nullopt);
  EXPECT_EQ(Sha256::FromHex(std::string(kAbc).substr(1)), std::nullopt);
  EXPECT_EQ(Sha256::FromHex(std::string(kAbc) + "0"), std::nullopt);
  EXPECT_EQ(Sha256::FromHex("BA" + std::string(kAbc).substr(2)), std::nullopt);
  EXPECT_EQ(Sha256::FromRaw("short"), std::nullopt);
}

}  // namespace
}  // namespace leidang::object
