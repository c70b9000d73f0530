#include "hub/store/key_codec.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "common/random/random.h"

namespace leidang::hub {
namespace {

// Few different bytes, so that prefixes and zero bytes are common.
std::string RandomString(Random& random) {
  const char alphabet[] = {'\x00', '\x01', '\x02', 'a', '\xfe', '\xff'};
  std::string text;
  for (uint64_t n = random.Below(6); n > 0; --n) text.push_back(alphabet[random.Below(6)]);
  return text;
}

uint64_t RandomNumber(Random& random) {
  return random.Chance(1, 2) ? random.Below(3) : random.Next() >> random.Below(64);
}

struct Parts {
  std::string first;
  uint64_t number = 0;
  std::string second;

  friend auto operator<=>(const Parts&, const Parts&) = default;
};

std::string KeyOf(const Parts& parts) {
  return KeyWriter().String(parts.first).U64(parts.number).String(parts.second).Take();
}

int Unsigned(const std::string& a, const std::string& b) { return a < b ? -1 : (b < a ? 1 : 0); }

TEST(KeyCodec, PreservesTheOrderOfParts) {
  SeededRandom random(11);
  for (int i = 0; i < 20'000; ++i) {
    const Parts a{RandomString(random), RandomNumber(random), RandomString(random)};
    Parts b = a;
    if (random.Chance(1, 2)) b.first = RandomString(random);
    if (random.Chance(1, 2)) b.number = RandomNumber(random);
    if (random.Chance(1, 2)) b.second = RandomString(random);
    const int parts = a < b ? -1 : (b < a ? 1 : 0);
    ASSERT_EQ(Unsigned(KeyOf(a), KeyOf(b)), parts) << "case " << i;
  }
}

TEST(KeyCodec, PartsComeBackAsTheyWere) {
  SeededRandom random(12);
  for (int i = 0; i < 5'000; ++i) {
    const Parts parts{RandomString(random), RandomNumber(random), RandomString(random)};
    const std::string key = KeyOf(parts);
    KeyReader reader(key);
    const std::string first = reader.String();
    const uint64_t number = reader.U64();
    const std::string second = reader.String();
    ASSERT_TRUE(reader.Done());
    ASSERT_EQ((Parts{first, number, second}), parts);
  }
}

TEST(KeyCodec, NoStringIsThePrefixOfAnother) {
  const std::string a = KeyWriter().String("app").Take();
  const std::string b = KeyWriter().String("app2").Take();
  EXPECT_EQ(a, std::string("app\x00\x01", 5));
  EXPECT_NE(b.substr(0, a.size()), a);
  EXPECT_EQ(KeyWriter().String(std::string(1, '\0')).Take(), std::string("\x00\xff\x00\x01", 4));
}

TEST(KeyCodec, DamagedKeysAreRefused) {
  for (const std::string& key : {std::string(""), std::string("abc"), std::string("a\x00", 2),
                                 std::string("a\x00\x05", 3)}) {
    KeyReader reader(key);
    reader.String();
    EXPECT_FALSE(reader.Done());
  }
  KeyReader short_number("1234");
  EXPECT_EQ(short_number.U64(), 0u);
  EXPECT_TRUE(short_number.failed());
  KeyReader left_over("12");
  left_over.Byte();
  EXPECT_FALSE(left_over.Done());
}

TEST(KeyCodec, RandomBytesNeverCrashAReader) {
  SeededRandom random(13);
  for (int i = 0; i < 5'000; ++i) {
    const std::string key = random.Bytes(random.Below(40));
    KeyReader reader(key);
    reader.Raw(16);
    reader.Byte();
    reader.String();
    reader.U64();
  }
}

TEST(KeyCodec, ThePrefixEndIsAboveAllThatBeginSo) {
  EXPECT_EQ(PrefixEnd("a"), "b");
  EXPECT_EQ(PrefixEnd("a\xff"), "b");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(PrefixEnd(""), "");
}

}  // namespace
}  // namespace leidang::hub
