#include "tests/conformance/case_area.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "cli/appset/directory_world.h"
#include "common/yaml/yaml.h"
#include "generators/application/schema.h"
#include "generators/application/typed.h"
#include "generators/expand.h"
#include "generators/reconcile.h"

namespace leidang::conformance {

namespace {

using object::Array;
using object::FindString;
using object::Object;
using object::Value;

// What came out, in the shape of an `expected.yaml`.
struct Result {
  std::optional<std::vector<Value>> applications;
  std::vector<std::string> rejected;
  std::vector<std::string> deleted;
  std::string stage;  // Empty: no error.
  std::string message;
};

class Collect final : public generators::Sink {
 public:
  void OnApplication(const generators::GeneratedApplication& application) override {
    applications.push_back(application.Manifest());
    // What was made and what is shown must be one thing.
    if (object::CanonicalJson(application.Manifest()) != application.CanonicalJson()) {
      inconsistent = std::string(application.CanonicalJson());
    }
  }
  void OnError(const generators::ParameterSetError& error) override {
    if (!first.has_value()) first = error;
  }

  std::vector<Value> applications;
  std::optional<generators::ParameterSetError> first;
  std::string inconsistent;
};

void MarkStrict(Value* set) {
  Object& metadata = set->get_object()["metadata"].get_object();
  Value& annotations = metadata["annotations"];
  if (!annotations.is_object()) annotations = Object();
  annotations.get_object()[generators::kStrictExpansionAnnotation] = "true";
}

// An Application as the API server would give it back.
Value AsStored(const Value& application) {
  absl::StatusOr<Value> typed =
      generators::ThroughType(application, generators::ApplicationType(), "");
  return typed.ok() ? *std::move(typed) : application;
}

std::string NameOf(const Value& application) {
  return std::string(FindString(application, {"metadata", "name"}));
}

void TakeValidation(const generators::ApplicationValidator::Outcome& outcome, const char* stage,
                    Result* result) {
  for (const auto& rejected : outcome.rejected) result->rejected.push_back(rejected.name);
  if (outcome.message.empty()) return;
  result->stage = stage;
  result->message = outcome.message;
}

void Validate(const generators::ApplicationSet& set, const generators::World& world,
              Result* result) {
  generators::ApplicationValidator validator(set, world);
  for (const Value& application : *result->applications) (void)validator.Check(application);
  TakeValidation(validator.Finish(), "validate", result);
  const std::set<std::string> rejected(result->rejected.begin(), result->rejected.end());
  std::vector<Value>& apps = *result->applications;
  apps.erase(std::remove_if(apps.begin(), apps.end(),
                            [&](const Value& a) { return rejected.count(NameOf(a)) > 0; }),
             apps.end());
}

void Reconcile(const generators::ApplicationSet& set, cli::DirectoryWorld& directory,
               const generators::ExpansionResult& expansion, Result* result) {
  const std::vector<Value>& live = *directory.existing();
  const std::vector<Value> generated =
      result->applications.has_value() ? *result->applications : std::vector<Value>();
  std::map<std::string, Value> after;
  for (const Value& application : live) after[NameOf(application)] = AsStored(application);
  if (!expansion.withheld) {
    const generators::ReconcilePlan plan = generators::PlanReconcile(
        {set, directory.world(), directory.policy(), generated, expansion.MayDelete(), live});
    TakeValidation(plan.validation, "reconcile", result);
    result->rejected.clear();
    if (!plan.status.ok()) {
      result->stage = "reconcile";
      result->message = std::string(plan.status.message());
    }
    for (const auto* list : {&plan.creates, &plan.updates}) {
      for (const Value& application : *list) after[NameOf(application)] = AsStored(application);
    }
    for (const std::string& name : plan.deletes) after.erase(name);
    result->deleted = plan.deletes;
  } else {
    result->stage = "reconcile";
  }
  result->applications.emplace();
  for (auto& [name, application] : after) result->applications->push_back(std::move(application));
}

absl::StatusOr<Value> ReadYaml(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return yaml::ParseYaml(text, path);
}

absl::StatusOr<Result> Run(const std::string& path) {
  cli::DirectoryWorld directory;
  if (absl::Status status = directory.Load(path); !status.ok()) return status;
  absl::StatusOr<Value> manifest = ReadYaml(path + "/applicationset.yaml");
  if (!manifest.ok()) return manifest.status();
  MarkStrict(&*manifest);
  absl::StatusOr<generators::ApplicationSet> set = generators::ApplicationSet::Parse(*manifest);
  if (!set.ok()) return set.status();
  Collect sink;
  const generators::ExpansionResult expansion = Expand(*set, directory.world(), sink);
  if (!sink.inconsistent.empty()) {
    return absl::InternalError(absl::StrCat("not canonical: ", sink.inconsistent));
  }
  Result result;
  if (expansion.withheld) {
    result.stage = sink.first->stage == generators::Stage::kGenerate ? "generate" : "render";
    result.message = sink.first->message;
  } else {
    result.applications = std::move(sink.applications);
  }
  if (directory.existing().has_value()) {
    Reconcile(*set, directory, expansion, &result);
  } else if (directory.validate() && result.applications.has_value()) {
    Validate(*set, directory.world(), &result);
  }
  return result;
}

std::vector<std::string> Canonical(const std::vector<Value>& applications) {
  std::vector<std::string> out;
  for (const Value& application : applications) out.push_back(object::CanonicalJson(application));
  std::sort(out.begin(), out.end());
  return out;
}

// Both sorted by name, so that people see which Application differs.
std::string DescribeApplications(const std::vector<Value>& expected,
                                 const std::vector<Value>& actual) {
  std::map<std::string, std::vector<const Value*>> by_name[2];
  for (const Value& a : expected) by_name[0][NameOf(a)].push_back(&a);
  for (const Value& a : actual) by_name[1][NameOf(a)].push_back(&a);
  std::string out;
  for (const auto& [name, list] : by_name[0]) {
    const auto other = by_name[1].find(name);
    if (other == by_name[1].end()) {
      absl::StrAppend(&out, "      Application ", name, " is missing\n");
    } else if (list.size() != other->second.size()) {
      absl::StrAppend(&out, "      Application ", name, ": expected ", list.size(),
                      " of them, got ", other->second.size(), "\n");
    } else {
      for (size_t i = 0; i < list.size(); ++i) {
        const std::string d = Difference(*list[i], *other->second[i]);
        if (!d.empty()) absl::StrAppend(&out, "      Application ", name, ":\n", d);
      }
    }
  }
  for (const auto& [name, list] : by_name[1]) {
    if (by_name[0].count(name) == 0)
      absl::StrAppend(&out, "      Application ", name, " is too many\n");
  }
  return out;
}

std::vector<std::string> Names(const Value& expected, const char* key) {
  std::vector<std::string> out;
  const Value* list = object::Find(expected, {key});
  if (list == nullptr || !list->is_array()) return out;
  for (const Value& item : list->get_array()) {
    out.push_back(item.is_string() ? std::string(item.get_string().data(), item.get_string().size())
                                   : std::string(FindString(item, {"name"})));
  }
  std::sort(out.begin(), out.end());
  return out;
}

void CompareNames(const Value& expected, const char* key, const std::vector<std::string>& actual,
                  std::string* difference) {
  const std::vector<std::string> wanted = Names(expected, key);
  if (wanted == actual) return;
  absl::StrAppend(difference, "      ", key, ": expected [", absl::StrJoin(wanted, ", "),
                  "], got [", absl::StrJoin(actual, ", "), "]\n");
}

}  // namespace

Outcome CheckCase(const std::string& directory, const Value& expected) {
  const absl::StatusOr<Result> result = Run(directory);
  if (!result.ok())
    return Outcome::Different(absl::StrCat("      ", result.status().ToString(), "\n"));
  std::string difference;
  const Value* applications = object::Find(expected, {"applications"});
  if ((applications != nullptr) != result->applications.has_value()) {
    absl::StrAppend(&difference, "      ", applications != nullptr ? "Applications" : "a failure",
                    " expected, got the contrary", result->message.empty() ? "" : ": ",
                    result->message, "\n");
  } else if (applications != nullptr) {
    const std::vector<Value> wanted(applications->get_array().begin(),
                                    applications->get_array().end());
    if (Canonical(wanted) != Canonical(*result->applications)) {
      absl::StrAppend(&difference, DescribeApplications(wanted, *result->applications));
    }
  }
  CompareNames(expected, "rejected", result->rejected, &difference);
  CompareNames(expected, "deleted", result->deleted, &difference);
  const std::string stage(FindString(expected, {"error", "stage"}));
  if (stage != result->stage) {
    absl::StrAppend(&difference, "      error: expected ", stage.empty() ? "none" : stage, ", got ",
                    result->stage.empty() ? "none" : result->stage, " ", result->message, "\n");
  }
  Outcome outcome{difference.empty(), difference, std::nullopt};
  const absl::string_view message = FindString(expected, {"error", "message"});
  if (outcome.equal && !message.empty()) {
    outcome.same_message = message == result->message;
    if (!*outcome.same_message) {
      outcome.difference = absl::StrCat("      expected message: ", message,
                                        "\n      our message:      ", result->message, "\n");
    }
  }
  return outcome;
}

}  // namespace leidang::conformance
