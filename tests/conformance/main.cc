// conformance --root DIR [--root DIR] [--area NAME] [--verbose]
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
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "tests/conformance/area.h"
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
};

std::optional<Arguments> Parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--verbose") {
      out.verbose = Verbose::kYes;
    } else if (a == "--root" && i + 1 < argc) {
      out.roots.emplace_back(argv[++i]);
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

void RunFile(const fs::path& path, const std::string& area, const LineCheck& check,
             Report* report) {
  size_t number = 0;
  for (const std::string& text : Lines(path)) {
    ++number;
    const absl::StatusOr<object::Value> line = object::ParseJson(text);
    std::string name = absl::StrCat("line ", number);
    if (!line.ok()) {
      report->Add(area, name,
                  Outcome::Different(absl::StrCat("      ", line.status().message(), "\n")), "");
      continue;
    }
    if (const absl::string_view id = object::FindString(*line, {"id"}); !id.empty())
      absl::StrAppend(&name, " ", id);
    Outcome outcome = check(*line);
    if (!outcome.equal)
      outcome.difference = absl::StrCat("    ", text.substr(0, 500), "\n", outcome.difference);
    report->Add(area, name, outcome, "");
  }
}

void RunRoot(const fs::path& root, const Arguments& arguments, Report* report) {
  const std::map<std::string, LineCheck> checks = LineChecks();
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && entry.path().extension() == ".jsonl")
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& path : files) {
    const std::string area = path.stem();
    if (arguments.area.has_value() && *arguments.area != area) continue;
    if (const auto it = checks.find(area); it != checks.end()) {
      RunFile(path, area, it->second, report);
    } else if (std::find(std::begin(kKnown), std::end(kKnown), area) != std::end(kKnown)) {
      report->NotBuilt(area, Lines(path).size());
    } else {
      report->Ignored(path.filename().string());
    }
  }
}

int Run(int argc, char** argv) {
  const std::optional<Arguments> arguments = Parse(argc, argv);
  if (!arguments.has_value()) {
    std::fprintf(stderr, "usage: conformance --root DIR [--root DIR] [--area NAME] [--verbose]\n");
    return 64;
  }
  Report report(arguments->verbose);
  for (const fs::path& root : arguments->roots) {
    if (!fs::is_directory(root)) {
      std::printf("\n*** NO SUCH FOLDER: %s. ITS CASES WERE NOT RUN. ***\n\n", root.c_str());
      continue;
    }
    RunRoot(root, *arguments, &report);
  }
  return report.Close();
}

}  // namespace
}  // namespace leidang::conformance

int main(int argc, char** argv) { return leidang::conformance::Run(argc, argv); }
