#include "common/match/pattern_list.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace leidang::match {

PatternList PatternList::Compile(const std::vector<std::string>& entries, Mode mode) {
  PatternList list;
  const auto keep = [&](auto compiled, const std::string& entry) {
    if (compiled.ok()) {
      list.entries_.emplace_back(*std::move(compiled));
    } else {
      list.problems_.push_back(absl::StrCat("entry ", entry, ": ", compiled.status().message()));
    }
  };
  for (const std::string& entry : entries) {
    const bool slashes = !entry.empty() && entry.front() == '/' && entry.back() == '/';
    if (mode == Mode::kExact) {
      list.entries_.emplace_back(entry);
    } else if (mode == Mode::kRegexp && entry == "/") {
      list.problems_.push_back("entry /: a regular expression stands between two slashes");
    } else if (mode == Mode::kRegexp && slashes) {
      keep(LookaroundRegexp::Compile(absl::string_view(entry).substr(1, entry.size() - 2)), entry);
    } else {
      keep(Glob::Compile(entry), entry);
    }
  }
  return list;
}

bool PatternList::Matches(absl::string_view text) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    if (const auto* exact = std::get_if<std::string>(&entry)) return *exact == text;
    if (const auto* glob = std::get_if<Glob>(&entry)) return glob->Matches(text);
    return std::get<LookaroundRegexp>(entry).Matches(text);
  });
}

}  // namespace leidang::match
