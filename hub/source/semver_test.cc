#include "hub/source/semver.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace leidang::hub {
namespace {

std::string Unquote(const std::string& text) {
  std::string out;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && text[i + 1] == 't') {
      out += '\t';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Lines of what Masterminds/semver 3.4.0 says: `L` the versions, `C` a constraint and which of them
// it allows, `V` how a version is read.
std::vector<std::vector<std::string>> Facts() {
  std::ifstream file("hub/source/testdata/semver_facts.tsv");
  std::vector<std::vector<std::string>> facts;
  for (std::string line; std::getline(file, line);) facts.push_back(absl::StrSplit(line, '\t'));
  return facts;
}

TEST(SemVerTest, ConstraintsAllowWhatTheOriginalAllows) {
  const auto facts = Facts();
  ASSERT_GT(facts.size(), 100u);
  std::vector<SemVersion> versions;
  for (size_t i = 1; i < facts[0].size(); ++i) {
    versions.push_back(SemVersion::Parse(Unquote(facts[0][i])).value());
  }
  for (const auto& fact : facts) {
    if (fact[0] != "C") continue;
    const auto constraint = SemConstraint::Parse(Unquote(fact[1]));
    std::string got = "invalid";
    if (constraint) {
      got.clear();
      for (const SemVersion& version : versions) got += constraint->Allows(version) ? '1' : '0';
    }
    EXPECT_EQ(got, fact[2]) << "constraint " << fact[1];
  }
}

TEST(SemVerTest, VersionsAreReadAsTheOriginalReadsThem) {
  for (const auto& fact : Facts()) {
    if (fact[0] != "V") continue;
    const auto version = SemVersion::Parse(Unquote(fact[1]));
    const std::string got = version ? absl::StrCat(version->major, ".", version->minor, ".",
                                                   version->patch, "/", version->pre)
                                    : "invalid";
    EXPECT_EQ(got, fact[2]) << "version " << fact[1];
  }
}

TEST(SemVerTest, PrecedenceFollowsTheSpecification) {
  const std::vector<std::string> ascending = {"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                              "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
                                              "1.0.0-rc.1",  "1.0.0",         "1.0.1",
                                              "1.1.0",       "2.0.0"};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      const int order =
          SemVersion::Compare(*SemVersion::Parse(ascending[i]), *SemVersion::Parse(ascending[j]));
      EXPECT_EQ(order < 0, i < j) << ascending[i] << " " << ascending[j];
      EXPECT_EQ(order > 0, i > j) << ascending[i] << " " << ascending[j];
    }
  }
}

}  // namespace
}  // namespace leidang::hub
