#include "common/base/unicode.h"

#include "gtest/gtest.h"

namespace leidang {
namespace {

TEST(Unicode, LettersAreTheCategoryL) {
  for (const uint32_t letter : {0x41u, 0x7au, 0xaau, 0xe9u, 0x3a3u, 0x65e5u, 0x1f5fu}) {
    EXPECT_TRUE(IsUnicodeLetter(letter)) << letter;
  }
  for (const uint32_t other : {0x40u, 0x5bu, 0x5fu, 0x301u, 0x2167u, 0x1f600u, 0x10ffffu}) {
    EXPECT_FALSE(IsUnicodeLetter(other)) << other;
  }
}

TEST(Unicode, DigitsAreTheCategoryNd) {
  for (const uint32_t digit : {0x30u, 0x39u, 0x661u, 0xff19u, 0x1d7ceu}) {
    EXPECT_TRUE(IsUnicodeDigit(digit)) << digit;
  }
  for (const uint32_t other : {0x2fu, 0x3au, 0xb2u, 0x2460u, 0x2167u}) {
    EXPECT_FALSE(IsUnicodeDigit(other)) << other;
  }
}

}  // namespace
}  // namespace leidang
