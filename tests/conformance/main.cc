// conformance --root DIR [--root DIR] [--area NAME] [--differences FILE] [--verbose]
//
// Runs every case of every area found below the folders (docs/TESTING.md). Exit code: 0 all equal,
// 1 some differ, 64 usage.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/yaml/yaml.h"
#include "tests/conformance/area.h"
#include "tests/conformance/case_area.h"
#include "tests/conformance/differences.h"
#include "tests/conformance/report.h"

namespace leidang::conformance {
namespace {

namespace fs = std::filesystem;

// Areas that a runner knows and whose engine is not here.
constexpr absl::string_view kKnown[] = {
    "appdiff",       "appproject", "applicationset", "durations",  "fasttemplate",
    "globs",         "gotemplate", "health",         "health-crd", "health-crd-kinds",
    "labelselector", "normalize",  "postselector",   "rbac",       "rollingsync",
    "syncorder",     "syncwindows"};

struct Arguments {
  std::vector<fs::path> roots;
  std::optional<std::string> area;
  Verbose verbose = Verbose::kNo;
  std::string differences = LEIDANG_DIFFERENCES;
};

std::optional<Arguments> Parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--verbose") {
      out.verbose = Verbose::kYes;
    } else if (a == "--root" && i + 1 < argc) {
      out.roots.emplace_back(argv[++i]);
    } else if (a == "--differences" && i + 1 < argc) {
      out.differences = argv[++i];
    } else if (a == "--area" && i + 1 < argc) {
      out.area = argv[++i];
    } else {
      return std::nullopt;
    }
  }
  if (out.roots.empty()) return std::nullopt;
  return out;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> Lines(const fs::path& path) {
  return absl::StrSplit(ReadFile(path), '\n', absl::SkipWhitespace());
}

// A line or case with what a rule expects instead of what was observed.
object::Value Adjusted(const object::Value& observed, const Differences::Rule& rule) {
  object::Object out;
  for (const auto& [key, value] : observed.get_object()) {
    if (key != "error" && key != "panic" && key != "output" && key != "outputBase64" &&
        key != "matches" && key != "selected" && key != "applications" && key != "rejected" &&
        key != "deleted") {
      out[key] = value;
    }
  }
  for (const auto& [key, value] : rule.expected.get_object()) out[key] = value;
  return out;
}

void RunFile(const fs::path& path, const std::string& area, const LineCheck& check,
             const Differences& differences, Report* report) {
  size_t number = 0;
  for (const std::string& text : Lines(path)) {
    ++number;
    absl::StatusOr<object::Value> line = object::ParseJson(text);
    std::string name = absl::StrCat("line ", number);
    if (!line.ok()) {
      report->Add(area, name,
                  Outcome::Different(absl::StrCat("      ", line.status().message(), "\n")), "");
      continue;
    }
    if (const absl::string_view id = object::FindString(*line, {"id"}); !id.empty())
      absl::StrAppend(&name, " ", id);
    const Differences::Rule* rule = differences.Find(area, *line);
    if (rule != nullptr) *line = Adjusted(*line, *rule);
    Outcome outcome = check(*line);
    if (!outcome.equal)
      outcome.difference = absl::StrCat("    ", text.substr(0, 500), "\n", outcome.difference);
    report->Add(area, name, outcome, rule == nullptr ? "" : rule->reason);
  }
}

absl::StatusOr<object::Value> ReadYaml(const fs::path& path) {
  return yaml::ParseYaml(ReadFile(path), path.string());
}

// Whether a link below `repos/<name>` names something above it.
bool LeavesRepository(const fs::path& directory) {
  std::error_code error;
  for (const auto& repo : fs::directory_iterator(directory / "repos", error)) {
    for (const auto& entry : fs::recursive_directory_iterator(repo.path(), error)) {
      if (!entry.is_symlink()) continue;
      const fs::path target = fs::read_symlink(entry.path(), error);
      const fs::path inside =
          (entry.path().lexically_relative(repo.path()).parent_path() / target).lexically_normal();
      if (target.is_absolute() || absl::StartsWith(inside.string(), "..")) return true;
    }
  }
  return false;
}

void RunCase(const fs::path& directory, const fs::path& root, const Differences& differences,
             Report* report) {
  constexpr char kArea[] = "applicationset";
  const std::string name = directory.lexically_relative(root).string();
  const absl::StatusOr<object::Value> set = ReadYaml(directory / "applicationset.yaml");
  absl::StatusOr<object::Value> expected = ReadYaml(directory / "expected.yaml");
  if (!set.ok() || !expected.ok() || !expected->is_object()) {
    const absl::string_view why =
        !set.ok() ? set.status().message()
                  : (!expected.ok() ? expected.status().message() : "no object");
    report->Add(kArea, name, Outcome::Different(absl::StrCat("      ", why, "\n")), "");
    return;
  }
  object::Object content;
  content["set"] = *set;
  content["expected"] = *expected;
  content["leavesRepository"] = LeavesRepository(directory);
  const Differences::Rule* rule = differences.Find(kArea, object::Value(std::move(content)));
  if (rule != nullptr) *expected = Adjusted(*expected, *rule);
  report->Add(kArea, name, CheckCase(directory.string(), *expected),
              rule == nullptr ? "" : rule->reason);
}

void RunRoot(const fs::path& root, const Arguments& arguments, const Differences& differences,
             Report* report) {
  const std::map<std::string, LineCheck> checks = LineChecks();
  const auto wanted = [&](const std::string& area) {
    return !arguments.area.has_value() || *arguments.area == area;
  };
  std::vector<fs::path> files;
  std::vector<fs::path> cases;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
    if (entry.path().filename() == "case.yaml") cases.push_back(entry.path().parent_path());
  }
  std::sort(files.begin(), files.end());
  std::sort(cases.begin(), cases.end());
  for (const fs::path& path : files) {
    const std::string area = path.stem();
    if (!wanted(area)) continue;
    if (const auto it = checks.find(area); it != checks.end()) {
      RunFile(path, area, it->second, differences, report);
    } else if (std::find(std::begin(kKnown), std::end(kKnown), area) != std::end(kKnown)) {
      report->NotBuilt(area, Lines(path).size());
    } else {
      report->Ignored(path.filename().string());
    }
  }
  if (!wanted("applicationset")) return;
  for (const fs::path& directory : cases) RunCase(directory, root, differences, report);
}

int Run(int argc, char** argv) {
  const std::optional<Arguments> arguments = Parse(argc, argv);
  if (!arguments.has_value()) {
    std::fprintf(stderr, "usage: conformance --root DIR [--root DIR] [--area NAME] [--verbose]\n");
    return 64;
  }
  const absl::StatusOr<Differences> differences = Differences::Load(arguments->differences);
  if (!differences.ok()) {
    std::fprintf(stderr, "%s\n", std::string(differences.status().message()).c_str());
    return 64;
  }
  Report report(arguments->verbose);
  for (const fs::path& root : arguments->roots) {
    if (!fs::is_directory(root)) {
      std::printf("\n*** NO SUCH FOLDER: %s. ITS CASES WERE NOT RUN. ***\n\n", root.c_str());
      continue;
    }
    RunRoot(root, *arguments, *differences, &report);
  }
  return report.Close();
}

}  // namespace
}  // namespace leidang::conformance

int main(int argc, char** argv) { return leidang::conformance::Run(argc, argv); }
