#include "tests/tidy/layout.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace leidang::tidy {
namespace {

// In two parts, so that this file does not hold what it looks for.
struct Forbidden {
  absl::string_view first;
  absl::string_view second;
  absl::string_view advice;
};

constexpr absl::string_view kHost = "a registry's host: clients find it in their own configuration";
constexpr absl::string_view kMachine = "a path of one machine: say it relative to the repository";

constexpr Forbidden kForbiddenText[] = {
    {"/wor", "k/", kMachine},        {"/far", "m/", kMachine},
    {"/home", "/runner", kMachine},  {"proxy.", "golang.", kHost},
    {"sum.", "golang.", kHost},      {"registry.", "npmjs", kHost},
    {"py", "pi.org", kHost},         {"python", "hosted.", kHost},
    {"deb.", "debian.", kHost},      {"security.", "debian.", kHost},
    {"snapshot.", "debian.", kHost}, {"static.", "crates.", kHost},
    {"repo1.", "maven.", kHost},     {"repo.", "maven.", kHost},
    {"archive.", "ubuntu.", kHost},
};

constexpr absl::string_view kEmptyNames[] = {"util",    "utils", "helper",
                                             "helpers", "misc",  "common_utils"};
constexpr absl::string_view kEmptyEndings[] = {"Manager", "Handler", "Processor", "Helper",
                                               "Helpers", "Util",    "Utils"};

bool IsNameChar(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// A path counts where it is absolute, not as the end of another one: `$state/x/` is no `/x/`.
bool HoldsPlace(absl::string_view line, absl::string_view place) {
  for (size_t at = line.find(place); at != absl::string_view::npos; at = line.find(place, at + 1)) {
    const bool goes_on =
        at > 0 && (IsNameChar(line[at - 1]) || absl::StrContains("}).-", line.substr(at - 1, 1)));
    if (place[0] != '/' || !goes_on) return true;
  }
  return false;
}

// The name after `class ` or `struct ` where one is defined or declared, "" where none is.
absl::string_view DeclaredType(absl::string_view code) {
  code = absl::StripLeadingAsciiWhitespace(code);
  for (const absl::string_view keyword : {"class ", "struct "}) {
    if (!absl::StartsWith(code, keyword)) continue;
    code.remove_prefix(keyword.size());
    size_t end = 0;
    while (end < code.size() && IsNameChar(code[end])) ++end;
    return code.substr(0, end);
  }
  return "";
}

void CheckTypeNames(const Source& source, Findings& findings) {
  for (size_t i = 0; i < source.lines.size(); ++i) {
    const absl::string_view type = DeclaredType(source.lines[i].code);
    for (const absl::string_view ending : kEmptyEndings) {
      if (!absl::EndsWith(type, ending)) continue;
      findings.push_back(
          {source.path, i + 1, "names",
           absl::StrCat(type, " does not say what it is responsible for: name that")});
    }
  }
}

void CheckIncludeSpelling(const Source& source, const Repository& repository, Findings& findings) {
  for (const Include& include : source.includes) {
    if (include.form == Include::Form::kAngled) continue;
    const bool relative =
        absl::StartsWith(include.name, ".") || !absl::StrContains(include.name, "/");
    if (relative) {
      findings.push_back(
          {source.path, include.line, "includes",
           absl::StrCat("spell ", include.name, " from the root of the repository")});
      continue;
    }
    const absl::string_view top = absl::string_view(include.name).substr(0, include.name.find('/'));
    for (const absl::string_view ours : {"common", "generators", "hub", "agent", "cli", "tests"}) {
      if (top == ours && FindFile(repository, include.name) == nullptr) {
        findings.push_back(
            {source.path, include.line, "includes", absl::StrCat("there is no ", include.name)});
      }
    }
  }
}

}  // namespace

Findings CheckLayout(const Source& source, const Repository& repository) {
  Findings findings;
  if (IsHeader(source.path)) {
    const bool once = std::any_of(source.lines.begin(), source.lines.end(),
                                  [](const Line& line) { return line.code == "#pragma once"; });
    if (!once)
      findings.push_back({source.path, 1, "pragma-once", "start the header with #pragma once"});
  }
  CheckIncludeSpelling(source, repository, findings);
  CheckTypeNames(source, findings);
  return findings;
}

Findings CheckText(const File& file) {
  Findings findings;
  for (const absl::string_view part : absl::StrSplit(file.path, absl::ByAnyChar("/."))) {
    if (std::find(std::begin(kEmptyNames), std::end(kEmptyNames), part) == std::end(kEmptyNames))
      continue;
    findings.push_back(
        {file.path, 0, "names",
         absl::StrCat("`", part, "` holds anything: name the one thing that is in it")});
  }
  if (absl::StrContains(file.text, absl::string_view("\0", 1))) return findings;
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(file.text, '\n')) {
    ++number;
    for (const Forbidden& forbidden : kForbiddenText) {
      const std::string text = absl::StrCat(forbidden.first, forbidden.second);
      if (!HoldsPlace(line, text)) continue;
      findings.push_back(
          {file.path, number, "places", absl::StrCat(text, " is ", forbidden.advice)});
    }
  }
  return findings;
}

}  // namespace leidang::tidy
