// The files of kinds/ against those of kinds/cases/ (kinds/README.md): real states of each kind.
//
// A case is written short: `conditions: {Ready: ["False", Reason, "message", 2]}` stands for
// status.conditions, its number for the condition's observedGeneration; `generation` and `seen` for
// metadata.generation and status.observedGeneration.

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/health/health.h"
#include "agent/health/kind_catalog.h"
#include "agent/health/kind_files.h"
#include "common/yaml/yaml.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using object::Value;

constexpr char kCases[] = "agent/health/kinds/cases";

std::string Text(const Value& value) {
  return value.is_string() ? std::string(value.get_string().c_str()) : object::ToJson(value);
}

std::string StateName(intent::HealthState state) {
  switch (state) {
    case intent::HealthState::kHealthy:
      return "Healthy";
    case intent::HealthState::kProgressing:
      return "Progressing";
    case intent::HealthState::kDegraded:
      return "Degraded";
    case intent::HealthState::kSuspended:
      return "Suspended";
    default:
      return "another";
  }
}

object::Array Conditions(const Value& written) {
  object::Array list;
  for (const auto& member : written.as_object()) {
    const object::Array& parts = member.value().as_array();
    object::Object condition{{"type", member.key()}, {"status", parts.at(0)}};
    if (parts.size() > 1) condition["reason"] = parts[1];
    if (parts.size() > 2) condition["message"] = parts[2];
    if (parts.size() > 3) condition["observedGeneration"] = parts[3];
    list.push_back(condition);
  }
  return list;
}

// In items of lists, too.
Value Expanded(const Value& written) {
  if (written.is_array()) {
    object::Array list;
    for (const Value& item : written.get_array()) list.push_back(Expanded(item));
    return list;
  }
  if (!written.is_object()) return written;
  object::Object out;
  for (const auto& member : written.get_object()) {
    const bool conditions = member.key() == "conditions" && member.value().is_object();
    out[member.key()] = conditions ? Value(Conditions(member.value())) : Expanded(member.value());
  }
  return out;
}

Value ObjectOf(const object::Object& group, const object::Object& written) {
  const Value given(group);
  const std::string kind(
      object::FindString(written.contains("kind") ? Value(written) : given, {"kind"}));
  object::Object metadata{{"name", "x"}};
  object::Object status;
  object::Object object{{"apiVersion", given.at("apiVersion")}, {"kind", kind}};
  if (written.contains("status")) status = Expanded(written.at("status")).as_object();
  if (written.contains("conditions")) status["conditions"] = Conditions(written.at("conditions"));
  if (written.contains("seen")) status["observedGeneration"] = written.at("seen");
  if (written.contains("generation")) metadata["generation"] = written.at("generation");
  if (written.contains("annotations")) metadata["annotations"] = written.at("annotations");
  if (written.contains("spec")) object["spec"] = written.at("spec");
  object["metadata"] = metadata;
  if (!status.empty()) object["status"] = status;
  return object;
}

// Calls `look` with each case of each file, as an object and what was written.
template <typename Look>
void ForEachCase(Look look) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCases)) {
    ++files;
    const absl::StatusOr<std::vector<yaml::Document>> documents =
        yaml::ParseYamlStream(testing::ReadFile(entry.path().string()), entry.path().string());
    ASSERT_TRUE(documents.ok()) << documents.status();
    for (const yaml::Document& document : *documents) {
      const object::Object& group = document.value.as_object();
      for (const Value& written : group.at("cases").as_array()) {
        look(ObjectOf(group, written.as_object()), written.as_object(),
             absl::StrCat(entry.path().string(), ": ", object::ToJson(written)));
      }
    }
  }
  EXPECT_GT(files, 20u);
}

TEST(KindCases, EachObjectIsWhatItsCaseSays) {
  ForEachCase([](const Value& object, const object::Object& written, const std::string& where) {
    const std::optional<Health> health = AssessHealth(object);
    ASSERT_TRUE(health.has_value()) << where;
    EXPECT_EQ(StateName(health->state), Text(written.at("is"))) << where;
    if (written.contains("message")) {
      EXPECT_EQ(health->message, Text(written.at("message"))) << where;
    }
  });
}

TEST(KindCases, EachRuleOfEachKindIsReached) {
  std::set<std::pair<const KindRules*, size_t>> reached;
  std::set<std::string> kinds;
  ForEachCase([&](const Value& object, const object::Object&, const std::string& where) {
    const std::vector<std::string> api =
        absl::StrSplit(Text(object.at("apiVersion")), absl::MaxSplits('/', 1));
    const KindRules* rules = KindCatalog::Shipped().Find(api[0], Text(object.at("kind")));
    ASSERT_NE(rules, nullptr) << where;
    reached.emplace(rules, rules->RuleFor(object));
    kinds.insert(absl::StrCat(api[0], "/", Text(object.at("kind"))));
  });
  for (const KindRules& rules : KindCatalog::Shipped().all()) {
    for (size_t i = 0; i < rules.rules().size(); ++i) {
      EXPECT_TRUE(reached.contains({&rules, i}))
          << rules.Names().front() << ": no case reaches rule " << i + 1;
    }
    for (const std::string& name : rules.Names()) {
      EXPECT_TRUE(name.front() == '*' || kinds.contains(name)) << name << " has no case";
    }
  }
}

TEST(KindCases, NoKindHasTwoSetsOfRules) {
  std::map<std::string, size_t> counts;
  for (const KindRules& rules : KindCatalog::Shipped().all()) {
    for (const std::string& name : rules.Names()) ++counts[name];
  }
  for (const auto& [name, count] : counts) EXPECT_EQ(count, 1u) << name;
  EXPECT_GE(counts.size(), 40u);
}

TEST(KindCases, FortyOfTheKindsThatArgoCdCoversAreKnown) {
  size_t known = 0;
  const std::string text = testing::ReadFile("tests/conformance/cases/health-crd-kinds.jsonl");
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    const absl::StatusOr<Value> kind = object::ParseJson(line);
    ASSERT_TRUE(kind.ok()) << kind.status();
    if (HasHealthCheck(Text(kind->at("group")), Text(kind->at("kind")))) ++known;
  }
  EXPECT_GE(known, 40u);
  RecordProperty("known", static_cast<int>(known));
  EXPECT_FALSE(HasHealthCheck("", "ConfigMap"));
  EXPECT_TRUE(HasHealthCheck("apps", "Deployment"));
}

TEST(KindCases, EachFileIsInTheProgram) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("agent/health/kinds")) {
    if (entry.path().extension() == ".yaml") ++files;
  }
  EXPECT_EQ(KindFiles().size(), files);
}

}  // namespace
}  // namespace leidang::agent
