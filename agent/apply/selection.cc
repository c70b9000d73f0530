#include "agent/apply/selection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

bool Like(absl::string_view pattern, absl::string_view text) {
  const size_t star = pattern.find('*');
  if (star == absl::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star) || text.size() < star) return false;
  const absl::string_view rest = pattern.substr(star + 1);
  for (size_t from = star; from <= text.size(); ++from) {
    if (Like(rest, text.substr(from))) return true;
  }
  return false;
}

}  // namespace

bool SyncSelection::Pattern::Matches(const object::ObjectKey& key) const {
  return Like(group, key.group) && Like(kind, key.kind) && Like(name, key.name) &&
         (ns.empty() || Like(ns, key.ns));
}

absl::StatusOr<SyncSelection::Pattern> SyncSelection::ParseOne(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  constexpr size_t kTextMax = 1024;  // Each star costs a walk over the rest.
  const bool shaped = parts.size() == 3 && !parts[1].empty() && !parts[2].empty() &&
                      text.size() <= kTextMax && std::count(text.begin(), text.end(), '*') <= 4;
  if (!shaped) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text.substr(0, 100),
                     "\" names no objects: write GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME, "
                     "such as apps:Deployment:shop/web, with four `*` at most"));
  }
  Pattern pattern{parts[0], parts[1], "", parts[2]};
  const size_t slash = parts[2].find('/');
  if (slash != std::string::npos) {
    pattern.ns = parts[2].substr(0, slash);
    pattern.name = parts[2].substr(slash + 1);
  }
  return pattern;
}

absl::StatusOr<SyncSelection> SyncSelection::Parse(const std::vector<std::string>& patterns) {
  SyncSelection selection;
  for (absl::string_view text : patterns) {
    const bool excludes = absl::ConsumePrefix(&text, "!");
    ASSIGN_OR_RETURN(Pattern pattern, ParseOne(text));
    (excludes ? selection.excluded_ : selection.wanted_).push_back(std::move(pattern));
  }
  if (patterns.empty()) return absl::InvalidArgumentError("a partial sync names no objects");
  return selection;
}

bool SyncSelection::Selects(const object::ObjectKey& key) const {
  const auto matches = [&](const Pattern& pattern) { return pattern.Matches(key); };
  if (std::any_of(excluded_.begin(), excluded_.end(), matches)) return false;
  return wanted_.empty() || std::any_of(wanted_.begin(), wanted_.end(), matches);
}

}  // namespace leidang::agent
