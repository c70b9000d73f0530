#include "tests/conformance/match_areas.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "common/kube/cron.h"
#include "common/kube/duration.h"
#include "common/kube/quantity.h"
#include "common/match/doublestar.h"
#include "common/match/glob.h"
#include "common/match/path_match.h"
#include "common/match/pathspec.h"
#include "common/match/pattern_list.h"
#include "common/match/selector.h"

namespace leidang::conformance {

namespace {

using object::FindString;

std::vector<std::string> Texts(const object::Value& line, absl::string_view key) {
  std::vector<std::string> out;
  const object::Value* list = object::Find(line, {key});
  if (list == nullptr || !list->is_array()) return out;
  for (const object::Value& v : list->get_array())
    out.emplace_back(v.get_string().data(), v.get_string().size());
  return out;
}

bool Flag(const object::Value& value, absl::string_view key) {
  const object::Value* flag = object::Find(value, {key});
  return flag != nullptr && flag->is_bool() && flag->get_bool();
}

object::Value List(const std::vector<std::string>& texts) {
  object::Array out;
  for (const std::string& t : texts) out.emplace_back(t);
  return out;
}

Outcome CheckMatches(const object::Value& line, const absl::StatusOr<bool>& result) {
  if (!result.ok()) return CompareError(line, result.status().message());
  return CompareResult(line, "matches", object::Value(*result));
}

absl::StatusOr<bool> MatchGlob(const object::Value& line) {
  const absl::StatusOr<match::Glob> glob =
      match::Glob::Compile(FindString(line, {"pattern"}), FindString(line, {"separators"}));
  if (!glob.ok()) return glob.status();
  const match::Glob::Outcome outcome = glob->Try(FindString(line, {"text"}));
  if (outcome == match::Glob::Outcome::kUndecided) return absl::InvalidArgumentError("undecided");
  return outcome == match::Glob::Outcome::kYes;
}

bool MatchList(const object::Value& line) {
  const absl::string_view mode = FindString(line, {"mode"});
  const auto kind = mode == "exact"  ? match::PatternList::Mode::kExact
                    : mode == "glob" ? match::PatternList::Mode::kGlob
                                     : match::PatternList::Mode::kRegexp;
  return match::PatternList::Compile(Texts(line, "list"), kind).Matches(FindString(line, {"text"}));
}

object::Value SelectDirectories(const object::Value& line) {
  std::vector<std::string> selected;
  for (const std::string& path : Texts(line, "paths")) {
    bool included = false;
    bool excluded = false;
    const object::Value* rules = object::Find(line, {"directories"});
    for (const object::Value& rule : rules->get_array()) {
      const absl::StatusOr<bool> matches = match::PathMatch(FindString(rule, {"path"}), path);
      if (!matches.ok() || !*matches) continue;
      (Flag(rule, "exclude") ? excluded : included) = true;
    }
    if (included && !excluded) selected.push_back(path);
  }
  return List(selected);
}

absl::StatusOr<std::vector<std::string>> SelectFiles(const object::Value& line) {
  const absl::string_view pattern = FindString(line, {"pattern"});
  std::vector<std::string> tree = Texts(line, "tree");
  if (!Flag(line, "newGlobbing")) {
    const absl::StatusOr<match::Pathspec> spec = match::Pathspec::Parse(pattern);
    if (!spec.ok()) return spec.status();
    tree.erase(std::remove_if(tree.begin(), tree.end(),
                              [&](const std::string& p) { return !spec->Matches(p); }),
               tree.end());
    std::sort(tree.begin(), tree.end());
    return tree;
  }
  match::WorkTree files;
  for (const std::string& path : tree) files.AddFile(path);
  files.AddDirectory(".git");
  files.Finish();
  return match::DoublestarGlob(pattern, files);
}

std::string Time(absl::Time t) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", t, absl::UTCTimeZone());
}

Outcome CheckCron(const object::Value& line) {
  const absl::StatusOr<kube::CronSchedule> cron =
      kube::CronSchedule::Parse(FindString(line, {"schedule"}));
  if (!cron.ok()) return CompareError(line, cron.status().message());
  absl::Time t;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, std::string(FindString(line, {"from"})), &t, &error)) {
    return Outcome::Different(error);
  }
  std::vector<std::string> next;
  for (int i = 0; i < 4; ++i) {
    const std::optional<absl::Time> n = cron->Next(t, absl::UTCTimeZone());
    if (!n.has_value()) {
      if (i == 0) next.emplace_back("never");
      break;
    }
    next.push_back(Time(*n));
    t = *n;
  }
  return CompareResult(line, "next", List(next));
}

Outcome CheckQuantity(const object::Value& line) {
  const absl::StatusOr<kube::Quantity> q = kube::Quantity::Parse(FindString(line, {"input"}));
  if (!q.ok()) return CompareError(line, q.status().message());
  Outcome outcome = CompareResult(line, "canonical", object::Value(q->Canonical()));
  if (!outcome.equal) return outcome;
  // The recorded text may have other zeros at its end.
  const auto trimmed = [](absl::string_view text) {
    std::string s(text);
    if (s.find('.') == std::string::npos) return s;
    s.erase(s.find_last_not_of('0') + 1);
    if (!s.empty() && s.back() == '.') s.pop_back();
    return s;
  };
  if (trimmed(q->Decimal()) != trimmed(FindString(line, {"decimal"}))) {
    return Outcome::Different(absl::StrCat(
        "      decimal: expected ", FindString(line, {"decimal"}), ", got ", q->Decimal(), "\n"));
  }
  if (object::Find(line, {"compareTo"}) == nullptr) return outcome;
  const absl::StatusOr<kube::Quantity> other =
      kube::Quantity::Parse(FindString(line, {"compareTo"}));
  if (!other.ok()) return CompareError(line, other.status().message());
  return CompareResult(line, "compare", object::Value(q->Compare(*other)));
}

}  // namespace

Outcome CheckGlob(const object::Value& line) {
  const absl::string_view matcher = FindString(line, {"matcher"});
  const absl::string_view pattern = FindString(line, {"pattern"});
  const absl::string_view text = FindString(line, {"text"});
  if (matcher == "glob") return CheckMatches(line, MatchGlob(line));
  if (matcher == "list") return CheckMatches(line, MatchList(line));
  if (matcher == "pathMatch") return CheckMatches(line, match::PathMatch(pattern, text));
  if (matcher == "doublestar") return CheckMatches(line, match::DoublestarMatch(pattern, text));
  if (matcher == "gitDirectories") return CompareResult(line, "selected", SelectDirectories(line));
  if (matcher != "gitFiles")
    return Outcome::Different(absl::StrCat("unknown matcher ", matcher, "\n"));
  const absl::StatusOr<std::vector<std::string>> files = SelectFiles(line);
  if (!files.ok()) return CompareError(line, files.status().message());
  return CompareResult(line, "selected", List(*files));
}

Outcome CheckLabelSelector(const object::Value& line) {
  const object::Value* selector = object::Find(line, {"selector"});
  const absl::StatusOr<match::Selector> parsed = match::Selector::Parse(
      selector == nullptr ? object::Value() : *selector, match::Selector::Rules::kLabels);
  if (!parsed.ok()) return CompareError(line, parsed.status().message());
  const object::Value* labels = object::Find(line, {"labels"});
  const bool matches =
      parsed->Matches([&](absl::string_view key) -> std::optional<absl::string_view> {
        const object::Value* v = labels == nullptr ? nullptr : object::Find(*labels, {key});
        if (v == nullptr) return std::nullopt;
        return absl::string_view(v->get_string().data(), v->get_string().size());
      });
  return CompareResult(line, "matches", object::Value(matches));
}

Outcome CheckDuration(const object::Value& line) {
  const absl::string_view kind = FindString(line, {"kind"});
  if (kind == "cron") return CheckCron(line);
  if (kind == "quantity") return CheckQuantity(line);
  if (kind != "duration") return Outcome::Different(absl::StrCat("unknown kind ", kind, "\n"));
  const absl::StatusOr<int64_t> ns = kube::ParseDurationNanoseconds(FindString(line, {"input"}));
  if (!ns.ok()) return CompareError(line, ns.status().message());
  Outcome outcome = CompareResult(line, "nanoseconds", object::Value(absl::StrCat(*ns)));
  if (!outcome.equal) return outcome;
  return CompareResult(line, "canonical", object::Value(kube::FormatDuration(*ns)));
}

}  // namespace leidang::conformance
