#include "agent/policy/cluster_policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace leidang::agent {
namespace {

bool MayBe(const match::Glob& glob, const std::string& name) {
  return glob.Try(name) != match::Glob::Outcome::kNo;
}

}  // namespace

std::optional<std::string> ClusterPolicy::Names::Denies(const std::string& name) const {
  for (const Pattern& pattern : deny) {
    if (MayBe(pattern.glob, name)) return absl::StrCat(rule, ".deny has ", pattern.text);
  }
  return std::nullopt;
}

std::optional<std::string> ClusterPolicy::Names::Refuses(const std::string& name) const {
  if (std::optional<std::string> denied = Denies(name)) return denied;
  if (!allow.has_value()) return std::nullopt;
  for (const Pattern& pattern : *allow) {
    if (pattern.glob.Matches(name)) return std::nullopt;
  }
  return absl::StrCat(rule, ".allow does not have ", name);
}

std::optional<std::string> ClusterPolicy::Refuses(const object::ObjectKey& key) const {
  const std::string kind = key.group.empty() ? key.kind : absl::StrCat(key.group, "/", key.kind);
  if (std::optional<std::string> rule = kinds_.Refuses(kind)) return rule;
  if (!key.ns.empty()) return namespaces_.Refuses(key.ns);
  if (std::optional<std::string> rule = cluster_scoped_.Denies(kind)) return rule;
  if (key.group.empty() && key.kind == "Namespace") {
    if (std::optional<std::string> rule = namespaces_.Refuses(key.name)) return rule;
    // A namespace that may be filled may be made.
    if (namespaces_.allow.has_value()) return std::nullopt;
  }
  if (cluster_scoped_.allow.has_value()) return cluster_scoped_.Refuses(kind);
  if (!namespaces_.allow.has_value()) return std::nullopt;
  return absl::StrCat(
      "namespaces.allow limits the agent to namespaces, and there is no "
      "clusterScoped.allow that has ",
      kind);
}

std::optional<absl::Time> ClusterPolicy::Window::OpenUntil(absl::Time now, absl::Time& next) const {
  if (!daily) {
    if (now < from) next = std::min(next, from);
    if (now < from || now >= until) return std::nullopt;
    return until;
  }
  const absl::CivilDay today = absl::ToCivilDay(now, zone);
  std::optional<absl::Time> open;
  // One that began yesterday may still be open; a week holds every day on which one may begin.
  for (int day = -1; day <= 7; ++day) {
    const absl::CivilDay begins = today + day;
    if (!days.empty() &&
        std::find(days.begin(), days.end(), absl::GetWeekday(begins)) == days.end()) {
      continue;
    }
    // By the clock on the wall: a night in which clocks are put back is an hour longer.
    const absl::CivilSecond first = absl::CivilSecond(begins) + absl::ToInt64Seconds(starts);
    const absl::Time start = absl::FromCivil(first, zone);
    const absl::Time end = absl::FromCivil(first + absl::ToInt64Seconds(length), zone);
    if (start <= now && now < end) open = std::max(open.value_or(end), end);
    if (start > now) next = std::min(next, start);
  }
  return open;
}

ClusterPolicy::Limit ClusterPolicy::At(absl::Time now) const {
  if (pause_.has_value()) {
    return {Changes::kNone, Limit::Why::kPause,
            pause_->empty() ? "the policy pauses this cluster"
                            : absl::StrCat("the policy pauses this cluster: ", *pause_)};
  }
  Limit limit;
  absl::Time next = absl::InfiniteFuture();
  for (const Window& window : freeze_) {
    const std::optional<absl::Time> until = window.OpenUntil(now, next);
    if (!until.has_value()) continue;
    next = std::min(next, *until);
    if (window.changes <= limit.changes) continue;
    limit.changes = window.changes;
    limit.why = Limit::Why::kWindow;
    limit.rule = absl::StrCat("the freeze window ", window.name, " is open until ",
                              absl::FormatTime(absl::RFC3339_sec, *until, window.zone));
  }
  limit.until = next;
  return limit;
}

}  // namespace leidang::agent
