// testdata/facts.jsonl holds YAML texts with the JSON that Go's sigs.k8s.io/yaml v1.6.0
// (YAMLToJSON) made of them, or the fact that it refused them; testdata/marshal.jsonl the texts
// that its Marshal made of JSON values.

#include <fstream>
#include <string>

#include "gtest/gtest.h"

#include "common/yaml/go_yaml.h"
#include "common/yaml/yaml.h"
#include "tests/support/status_matchers.h"

namespace leidang::yaml {
namespace {

TEST(YamlFactsTest, ReadsWhatGoReads) {
  std::ifstream file("common/yaml/testdata/facts.jsonl");
  int facts = 0;
  for (std::string line; std::getline(file, line); ++facts) {
    ASSERT_OK_AND_ASSIGN(const object::Value fact, object::ParseJson(line));
    const absl::string_view text = object::FindString(fact, {"yaml"});
    const auto value = ParseYaml(text, "fact");
    const object::Value* want = object::Find(fact, {"json"});
    if (want == nullptr) {
      EXPECT_FALSE(value.ok()) << text << "\ngives " << object::ToJson(*value);
      continue;
    }
    EXPECT_OK(value) << text;
    if (value.ok()) {
      EXPECT_TRUE(object::Equal(*value, *want))
          << text << "\ngives " << object::ToJson(*value) << "\nnot " << object::ToJson(*want);
    }
  }
  EXPECT_GT(facts, 4000);
}

TEST(YamlFactsTest, WritesWhatGoWrites) {
  std::ifstream file("common/yaml/testdata/marshal.jsonl");
  int facts = 0;
  for (std::string line; std::getline(file, line); ++facts) {
    ASSERT_OK_AND_ASSIGN(const object::Value fact, object::ParseJson(line));
    EXPECT_EQ(MarshalYaml(*object::Find(fact, {"json"})), object::FindString(fact, {"yaml"}))
        << line;
  }
  EXPECT_GT(facts, 1500);
}

}  // namespace
}  // namespace leidang::yaml
