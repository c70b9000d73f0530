#include "agent/swarm/targets.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace leidang::agent {
namespace {

// Longer than a hub waits before it gives back what handshakes took.
constexpr absl::Duration kIdle = absl::Seconds(12);

struct Wanted {
  const char* what;
  const char* figure;
  const char* key;
  const char* relation;  // "<", ">=" or "=".
  double bound;
  const char* unit;
};

constexpr Wanted kOfAgents[] = {
    {"10,000 agents idle: memory of the hub", "idle", "hub_rss_mb", "<", 1'500, "MB"},
    {"10,000 agents idle: memory of the hub (stretch)", "idle", "hub_rss_mb", "<", 1'200, "MB"},
    {"10,000 agents idle: CPU of the hub", "idle", "hub_cores", "<", 1, "cores"},
    {"the same with 100,000 assignments: memory", "idle-assigned", "hub_rss_mb", "<", 1'500, "MB"},
    {"the same with 100,000 assignments: CPU", "idle-assigned", "hub_cores", "<", 1, "cores"},
    {"one change received by 10,000 agents, p99", "changed-by-api", "p99_s", "<", 5, "s"},
    {"herd of 10,000: serving again after", "herd", "serving_s", "<", 5, "s"},
    {"herd of 10,000: all verified after listening", "herd", "verified_s", "<", 60, "s"},
    {"herd of 10,000: memory of the hub, peak", "herd", "hub_rss_peak_mb", "<", 2'000, "MB"},
    {"herd of 10,000: changes sent again", "herd", "resent", "=", 0, ""},
    {"herd of 10,000: entries applied or deleted", "herd", "changed", "=", 0, ""},
};

constexpr Wanted kOfAssignments[] = {
    {"one change received by 1,000 agents, p99", "changed-by-api", "p99_s", "<", 0.5, "s"},
    {"the same while agents flood and stall", "isolation", "p99_s", "<", 0.5, "s"},
    {"100,000 assignments: on disk", "herd", "store_disk_mb", "<", 250, "MB"},
    {"100,000 assignments: restart to serving", "herd", "serving_s", "<", 5, "s"},
    {"100,000 assignments: 1,000 agents verified again", "herd", "verified_s", "<", 60, "s"},
    {"100,000 assignments: sent again", "herd", "resent", "=", 0, ""},
    {"statuses taken in", "statuses", "per_second", ">=", 20'000, "/s"},
    {"first page of 100,000 rows, p99", "list", "first_page_p99_s", "<", 0.05, "s"},
    {"count of 100,000 rows, p99", "list", "count_p99_s", "<", 0.05, "s"},
};

std::string Text(double value, const char* unit) {
  const std::string number = value == std::floor(value) ? absl::StrFormat("%.0f", value)
                             : std::abs(value) < 10     ? absl::StrFormat("%.3f", value)
                                                        : absl::StrFormat("%.1f", value);
  return unit[0] == '\0' ? number : absl::StrCat(number, " ", unit);
}

bool Holds(double value, const Wanted& wanted) {
  switch (wanted.relation[0]) {
    case '<':
      return value < wanted.bound;
    case '>':
      return value >= wanted.bound;
    default:
      return value == wanted.bound;
  }
}

Target JudgeOne(const Wanted& wanted, const Figures& figures) {
  Target target;
  target.what = wanted.what;
  target.wanted = absl::StrCat(wanted.relation, " ", Text(wanted.bound, wanted.unit));
  target.measured = "not measured";
  // Of a figure that was measured several times, the first that misses counts, else the last.
  for (const double value : figures.Values(wanted.figure, wanted.key)) {
    target.measured = Text(value, wanted.unit);
    target.met = Holds(value, wanted);
    if (!*target.met) break;
  }
  return target;
}

const char* Verdict(const Target& target) {
  if (!target.met.has_value()) return "-";
  return *target.met ? "met" : "MISSED";
}

size_t Scaled(size_t count, double scale) {
  return std::max<size_t>(1, static_cast<size_t>(std::llround(static_cast<double>(count) * scale)));
}

}  // namespace

SwarmOptions ManyAgents(SwarmOptions options) {
  options.agents = Scaled(10'000, options.scale);
  options.apps = 9;
  options.sets = 9;
  options.changes = 2;
  options.status_rounds = 1;
  options.herds = 1;
  options.idle = kIdle;
  options.flooding = 0;
  options.stalled = 0;
  options.floor = true;
  return options;
}

SwarmOptions ManyAssignments(SwarmOptions options) {
  options.agents = Scaled(1'000, options.scale);
  options.apps = 99;
  options.sets = 9;
  options.changes = 5;
  options.status_rounds = 2;
  options.herds = 1;
  options.flooding = 3;
  options.stalled = 3;
  options.floor = false;
  options.idle = absl::ZeroDuration();
  return options;
}

std::vector<Target> Judge(const Figures& agents, const Figures& assignments) {
  std::vector<Target> targets;
  for (const Wanted& wanted : kOfAgents) targets.push_back(JudgeOne(wanted, agents));
  for (const Wanted& wanted : kOfAssignments) targets.push_back(JudgeOne(wanted, assignments));
  return targets;
}

std::string TargetsTable(const std::vector<Target>& targets) {
  size_t what = 0;
  size_t wanted = 0;
  size_t measured = 0;
  for (const Target& target : targets) {
    what = std::max(what, target.what.size());
    wanted = std::max(wanted, target.wanted.size());
    measured = std::max(measured, target.measured.size());
  }
  std::string table;
  for (const Target& target : targets) {
    absl::StrAppend(
        &table, absl::StrFormat("%-*s  %-*s  %-*s  %s\n", static_cast<int>(what), target.what,
                                static_cast<int>(wanted), target.wanted, static_cast<int>(measured),
                                target.measured, Verdict(target)));
  }
  return table;
}

object::Value TargetsJson(const std::vector<Target>& targets) {
  object::Array array;
  for (const Target& target : targets) {
    object::Object object;
    object["what"] = target.what;
    object["wanted"] = target.wanted;
    object["measured"] = target.measured;
    if (target.met.has_value()) object["met"] = *target.met;
    array.push_back(std::move(object));
  }
  return array;
}

}  // namespace leidang::agent
