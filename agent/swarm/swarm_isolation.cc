// What one agent may take, and what the others notice of one that takes it.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/swarm/swarm.h"
#include "agent/swarm/waiting.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

constexpr absl::Duration kWelcomeLimit = absl::Minutes(2);

// Quotas of one agent as docs/formats/link.md has them: so much a second, and so much at once. What
// exceeds them is taken, and paid for by waiting: one batch, or what 32 calls are sent.
struct Quota {
  const char* what;
  double per_second;
  double burst;
};
constexpr Quota kMessages{"messages", 100, 500 + 1};
constexpr Quota kStatuses{"statuses", 2'000, 20'000 + 1'000};
constexpr Quota kFetches{"fetches", 200, 2'000 + 32};
constexpr Quota kFetchedBytes{"fetched bytes", 8 << 20, (16 << 20) + (8 << 20)};

absl::Status Within(const Quota& quota, double taken, absl::Duration elapsed) {
  const double allowed = quota.burst + quota.per_second * absl::ToDoubleSeconds(elapsed);
  if (taken <= allowed) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("isolation: the hub took or gave ", taken, " ", quota.what, " of one agent in ",
                   absl::FormatDuration(elapsed), ", and ", allowed, " are allowed"));
}

}  // namespace

absl::Status Swarm::StartHostile() {
  OnLoop(loop_, [this] {
    for (SwarmIdentity& identity : identities_) {
      const Hostility how = hostile_.size() >= options_.flooding ? Hostility::kStalls
                            : hostile_.size() % 2 == 0           ? Hostility::kReports
                                                                 : Hostility::kBeats;
      hostile_.push_back(
          std::make_unique<HostileAgent>(loop_, std::move(identity), hub_.agents(), how));
      hostile_.back()->Start();
    }
  });
  identities_.clear();
  std::string error;
  const bool all = WaitUntil(loop_, kWelcomeLimit, [&] {
    return Asked<bool>(loop_, [&] {
      return std::all_of(hostile_.begin(), hostile_.end(), [&](const auto& agent) {
        if (agent->ended()) error = agent->error();
        return agent->welcomed();
      });
    });
  });
  if (all) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("isolation: a hostile agent is not welcomed: ", error));
}

absl::Status Swarm::CheckQuotas(absl::Duration begin, Figure* figure) {
  double messages = 0;
  double statuses = 0;
  double fetches = 0;
  double bytes = 0;
  absl::Status status;
  OnLoop(loop_, [&] {
    for (size_t i = 0; i < options_.flooding; ++i) {
      const HostileAgent& agent = *hostile_[i];
      if (agent.ended()) {
        status.Update(absl::FailedPreconditionError(
            absl::StrCat("isolation: the hub ended a flooding agent: ", agent.error())));
      }
      messages = std::max(messages, static_cast<double>(agent.messages_taken()));
      statuses = std::max(statuses, static_cast<double>(agent.statuses()));
      fetches = std::max(fetches, static_cast<double>(agent.fetches()));
      bytes = std::max(bytes, static_cast<double>(agent.fetched_bytes()));
    }
  });
  const absl::Duration elapsed = loop_.clock().Monotonic() - begin;
  const double seconds = absl::ToDoubleSeconds(elapsed);
  figure->Number("seconds", seconds)
      .Number("most_messages_per_second", messages / seconds)
      .Number("most_statuses_per_second", statuses / seconds)
      .Number("most_fetches_per_second", fetches / seconds)
      .Number("most_fetched_mb_per_second", bytes / seconds / 1e6);
  status.Update(Within(kMessages, messages, elapsed));
  status.Update(Within(kStatuses, statuses, elapsed));
  status.Update(Within(kFetches, fetches, elapsed));
  status.Update(Within(kFetchedBytes, bytes, elapsed));
  return status;
}

absl::Status Swarm::Isolate() {
  if (options_.hostile() == 0) return absl::OkStatus();
  const size_t least = std::max<size_t>(options_.changes, 2);
  const auto change = [this] { return ApplyProbe(); };
  Rounds calm;
  for (size_t round = 0; round < least; ++round) RETURN_IF_ERROR(Propagate(change, &calm));
  const Spent before = SpentNow();
  const double rss_before = hub_.usage().resident_mb;
  RETURN_IF_ERROR(StartHostile());
  Rounds rough;
  // Every change reaches every other agent, or this ends with an error.
  for (size_t round = 0;
       round < least || loop_.clock().Monotonic() - before.at < options_.hostile_time; ++round)
    RETURN_IF_ERROR(Propagate(change, &rough));
  const Percentiles calmly = Percentiles::Of(std::move(calm.received));
  const Percentiles roughly = Percentiles::Of(std::move(rough.received));
  const Spent after = SpentNow();
  Figure figure("isolation");
  figure.Count("agents", options_.agents)
      .Count("flooding", options_.flooding)
      .Count("stalled", options_.stalled)
      .Number("before_p50_s", calmly.p50)
      .Number("before_p99_s", calmly.p99)
      .Add(roughly)
      .Number("p99_ratio", calmly.p99 > 0 ? roughly.p99 / calmly.p99 : 0);
  // From before they began, so that a bound which holds at the hub holds here.
  const absl::Status status = CheckQuotas(before.at, &figure);
  figure.Number("hub_cpu_s", after.hub_s - before.hub_s)
      .Number("hub_rss_before_mb", rss_before)
      .Number("hub_rss_mb", hub_.usage().resident_mb);
  Tell(std::move(figure));
  OnLoop(loop_, [this] { hostile_.clear(); });
  return status;
}

}  // namespace leidang::agent
