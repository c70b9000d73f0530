#include "cli/table.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "cli/kinds.h"

namespace leidang::cli {
namespace {

constexpr size_t kMessageWidth = 90;

absl::Time TimeOf(const google::protobuf::Timestamp& t) {
  return absl::FromUnixSeconds(t.seconds()) + absl::Nanoseconds(t.nanos());
}

std::string Short(absl::string_view commit) {
  return commit.empty() ? "-" : std::string(commit.substr(0, 7));
}

std::string Cut(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > kMessageWidth) text = absl::StrCat(text.substr(0, kMessageWidth - 1), "…");
  return text;
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

Table Applications(const std::vector<v1::Resource>& resources) {
  Table table({"NAME", "CLUSTER", "SYNC", "HEALTH", "DESIRED", "APPLIED", "MESSAGE"});
  for (const v1::Resource& r : resources) {
    const v1::ApplicationSummary& a = r.application();
    const std::string sync = a.deleting() ? "Deleting" : SyncText(a);
    table.Add({ShownName(r), OrDash(a.cluster()), OrDash(sync), OrDash(HealthText(a)),
               Short(a.desired_commit()), Short(a.applied_commit()), Cut(Trouble(r))});
  }
  return table;
}

Table Sets(const std::vector<v1::Resource>& resources) {
  Table table({"NAME", "APPLICATIONS", "SYNCED", "HEALTHY", "OFFLINE", "FAILED", "MESSAGE"});
  for (const v1::Resource& r : resources) {
    const v1::SetSummary& s = r.set();
    table.Add({ShownName(r), absl::StrCat(s.applications()), absl::StrCat(s.synced()),
               absl::StrCat(s.healthy()), absl::StrCat(s.offline()),
               absl::StrCat(s.failed_parameter_sets()), Cut(Trouble(r))});
  }
  return table;
}

Table Clusters(const std::vector<v1::Resource>& resources, absl::Time now) {
  Table table({"NAME", "SERVER", "CONNECTED", "APPLICATIONS", "IN SYNC", "LAST SEEN", "MESSAGE"});
  for (const v1::Resource& r : resources) {
    const v1::ClusterSummary& c = r.cluster();
    std::string proof = "-";
    if (c.recovering()) {
      proof = "recovering";
    } else if (c.has_dormant_since()) {
      proof = absl::StrCat("dormant ", Age(TimeOf(c.dormant_since()), now));
    } else if (c.intent_proven() && c.applied_proven()) {
      proof = absl::StrCat("proven ", Age(TimeOf(c.proven_at()), now), " ago");
    } else if (!c.connected() && c.has_last_applied_at()) {
      proof = absl::StrCat("was proven ", Age(TimeOf(c.last_applied_at()), now), " ago");
    } else if (c.joined()) {
      proof = c.intent_proven() ? "applying" : "no";
    }
    table.Add({r.name(), c.server(),
               !c.joined()     ? "not joined"
               : c.connected() ? "yes"
                               : "no",
               absl::StrCat(c.applications()), proof,
               c.has_last_seen() ? absl::StrCat(Age(TimeOf(c.last_seen()), now), " ago") : "never",
               Cut(Trouble(r))});
  }
  return table;
}

Table Others(const std::vector<v1::Resource>& resources, absl::Time now) {
  Table table({"NAME", "OWNER", "AGE", "MESSAGE"});
  for (const v1::Resource& r : resources) {
    table.Add({ShownName(r), OrDash(r.owner()),
               r.has_created_at() ? Age(TimeOf(r.created_at()), now) : "-", Cut(Trouble(r))});
  }
  return table;
}

// A hub of an earlier version shows what was reported as the state.
std::string StateText(const v1::ApplicationSummary& a, const std::string& state,
                      const std::string& reported) {
  if (!IsOffline(a)) return state;
  const std::string& last = reported.empty() ? state : reported;
  return last.empty() || last == "Unknown" ? "Unknown" : absl::StrCat(last, "?");
}

// Characters, not bytes, so that columns stay straight.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table::ToString() const {
  std::vector<size_t> widths(rows_[0].size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      line += row[i];
      line.append(widths[i] - Width(row[i]), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&out, line, "\n");
  }
  return out;
}

Table TableOf(v1::Kind kind, const std::vector<v1::Resource>& resources, absl::Time now) {
  switch (kind) {
    case v1::APPLICATION:
      return Applications(resources);
    case v1::APPLICATION_SET:
      return Sets(resources);
    case v1::CLUSTER:
      return Clusters(resources, now);
    default:
      return Others(resources, now);
  }
}

std::string Age(absl::Time then, absl::Time now) {
  if (then <= absl::UnixEpoch()) return "never";
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(now - then));
  if (seconds < 120) return absl::StrCat(seconds, "s");
  if (seconds < 2 * 3600) return absl::StrCat(seconds / 60, "m");
  if (seconds < 2 * 86400) return absl::StrCat(seconds / 3600, "h");
  return absl::StrCat(seconds / 86400, "d");
}

bool IsOffline(const v1::ApplicationSummary& application) {
  return !application.cluster_connected() && !application.cluster().empty();
}

std::string SyncText(const v1::ApplicationSummary& application) {
  return StateText(application, application.sync(), application.reported_sync());
}

std::string HealthText(const v1::ApplicationSummary& application) {
  return StateText(application, application.health(), application.reported_health());
}

std::string Trouble(const v1::Resource& resource) {
  for (const v1::ResourceCondition& c : resource.conditions()) {
    if (c.status() == "True" && c.type() != "ParametersGenerated" &&
        c.type() != "ResourcesUpToDate") {
      const std::string reason = c.reason() == c.type() ? "" : absl::StrCat(" (", c.reason(), ")");
      return absl::StrCat(c.type(), reason, ": ", c.message());
    }
  }
  if (resource.has_application() && resource.application().sync() != "Synced")
    return resource.application().message();
  return "";
}

}  // namespace leidang::cli
