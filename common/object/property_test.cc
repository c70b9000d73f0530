#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "tests/support/random_value.h"
#include "tests/support/status_matchers.h"

namespace leidang::object {
namespace {

constexpr uint64_t kSeeds = 3000;

TEST(JsonPropertyTest, ParseOfPrintIsTheSameValue) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Value value = testing::RandomValues(seed).Next();
    for (const std::string& text : {ToJson(value), CanonicalJson(value), PrettyJson(value)}) {
      ASSERT_OK_AND_ASSIGN(const Value again, ParseJson(text));
      ASSERT_TRUE(Equal(value, again)) << "seed " << seed << ": " << text;
    }
  }
}

TEST(JsonPropertyTest, EveryDoubleReadsBackExactly) {
  testing::RandomValues values(1);
  for (int i = 0; i < 20'000; ++i) {
    const double d = values.Number();
    ASSERT_OK_AND_ASSIGN(const Value again, ParseJson(FormatFloat(d)));
    ASSERT_EQ(again.to_number<double>(), d) << FormatFloat(d);
  }
}

Value Shuffled(const Value& value, Random& random) {
  if (const Array* array = value.if_array()) {
    Array copy;
    for (const Value& element : *array) copy.push_back(Shuffled(element, random));
    return copy;
  }
  const Object* object = value.if_object();
  if (object == nullptr) return value;
  std::vector<std::string> keys;
  for (const auto& member : *object) keys.emplace_back(member.key());
  for (size_t i = keys.size(); i > 1; --i) std::swap(keys[i - 1], keys[random.Below(i)]);
  Object copy;
  for (const std::string& key : keys) copy[key] = Shuffled(object->at(key), random);
  return copy;
}

TEST(JsonPropertyTest, CanonicalFormAndEqualityIgnoreKeyOrder) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    testing::RandomValues values(seed);
    const Value value = values.Next();
    const Value shuffled = Shuffled(value, values.random());
    ASSERT_TRUE(Equal(value, shuffled)) << "seed " << seed;
    ASSERT_EQ(CanonicalJson(value), CanonicalJson(shuffled)) << "seed " << seed;
  }
}

TEST(JsonPropertyTest, DifferentCanonicalFormsMeanDifferentValues) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    testing::RandomValues values(seed);
    const Value a = values.Next(1);
    const Value b = values.Next(1);
    ASSERT_EQ(Equal(a, b), CanonicalJson(a) == CanonicalJson(b)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace leidang::object
