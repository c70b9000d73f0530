#include "agent/swarm/swarm.h"

#include <algorithm>
#include <iterator>
#include <unistd.h>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include "agent/swarm/floor.h"
#include "agent/swarm/waiting.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

constexpr uint64_t kDescriptorsBeside = 500;  // Of gRPC, files and what else a process has open.
// Agents of a fleet do not start in one moment, but faster than a hub lets them in.
constexpr int64_t kStartsPerSecond = 500;
constexpr absl::Duration kCensusEvery = absl::Milliseconds(500);
constexpr size_t kListings = 20;
// Heartbeats of 10,000 agents take a third of a core.
constexpr double kRestCores = 0.5;
constexpr int kRestSecondsMax = 60;
constexpr absl::Duration kLookEvery = absl::Milliseconds(50);  // The agents know when it was.

std::string ClusterName(size_t n) { return absl::StrFormat("swarm-%05d", n); }

// `generators` and the name of an Application are the set's own; the rest is alike.
std::string SetManifest(absl::string_view name, absl::string_view generators,
                        absl::string_view app_name, absl::string_view repository,
                        absl::string_view source) {
  return absl::StrCat(
      R"({"apiVersion":"argoproj.io/v1alpha1","kind":"ApplicationSet","metadata":{"name":")", name,
      R"("},"spec":{"goTemplate":true,"generators":[)", generators,
      R"(],"template":{"metadata":{"name":")", app_name,
      R"("},"spec":{"project":"default","source":{"repoURL":"file://)", repository,
      R"(","targetRevision":"main",)", source,
      R"(},"destination":{"name":"{{.name}}","namespace":"default"},)",
      R"("syncPolicy":{"automated":{"prune":true,"selfHeal":true}}}}}})");
}

}  // namespace

Swarm::Swarm(SwarmOptions options, std::string self, std::function<void(const Figure&)> tell)
    : options_(std::move(options)),
      self_(std::move(self)),
      tell_(std::move(tell)),
      hub_(loop_, options_.hub_program, options_.directory),
      repository_(options_.directory, loop_.clock()) {}

Swarm::~Swarm() {
  OnLoop(loop_, [this] { hostile_.clear(); });
  crowd_.reset();
  hub_.Kill();
  loop_.Stop();
}

void Swarm::Tell(Figure figure) {
  tell_(figure);
  figures_.Add(std::move(figure));
}

Swarm::Spent Swarm::SpentNow() const {
  return {hub_.usage().cpu_s, UsageOf(::getpid()).cpu_s, loop_.clock().Monotonic()};
}

absl::Status Swarm::Run() {
  RETURN_IF_ERROR(RaiseDescriptorLimit(options_.agents + options_.hostile() + kDescriptorsBeside));
  if (options_.floor) {
    ASSIGN_OR_RETURN(Figure floor,
                     MeasureFloor(loop_, self_, options_.directory + "/floor", options_.agents));
    Tell(std::move(floor));
  }
  RETURN_IF_ERROR(StartHub());
  RETURN_IF_ERROR(Enrol());
  RETURN_IF_ERROR(Connect());
  RETURN_IF_ERROR(Idle("idle"));
  RETURN_IF_ERROR(Assign());
  RETURN_IF_ERROR(Prove());
  RETURN_IF_ERROR(Idle("idle-assigned"));
  RETURN_IF_ERROR(ChangeByApi());
  RETURN_IF_ERROR(ChangeByCommit());
  RETURN_IF_ERROR(ReportStatuses());
  RETURN_IF_ERROR(List());
  for (size_t herd = 0; herd < options_.herds; ++herd) RETURN_IF_ERROR(Herd());
  RETURN_IF_ERROR(Isolate());
  const ProcessUsage hub = hub_.usage();
  const ProcessUsage self = UsageOf(::getpid());
  Tell(Figure("end")
           .Number("hub_rss_mb", hub.resident_mb)
           .Number("hub_rss_peak_mb", hub.resident_peak_mb)
           .Number("hub_cpu_s", hub.cpu_s)
           .Number("swarm_rss_mb", self.resident_mb)
           .Number("swarm_cpu_s", self.cpu_s)
           .Number("store_disk_mb", hub_.disk_mb()));
  return absl::OkStatus();
}

absl::Status Swarm::StartHub() {
  ASSIGN_OR_RETURN(const absl::Duration took, hub_.Start());
  ASSIGN_OR_RETURN(std::string authority, hub_.authority_pem());
  ASSIGN_OR_RETURN(std::string token, hub_.admin_token());
  client_ =
      std::make_unique<FleetClient>(loop_, hub_.users(), std::move(authority), std::move(token));
  Tell(Figure("hub-started")
           .Number("listening_s", absl::ToDoubleSeconds(took))
           .Number("hub_rss_mb", hub_.usage().resident_mb));
  return absl::OkStatus();
}

absl::Status Swarm::Enrol() {
  std::vector<std::string> names;
  for (size_t i = 0; i < options_.agents + options_.hostile(); ++i) names.push_back(ClusterName(i));
  const Spent before = SpentNow();
  ASSIGN_OR_RETURN(const std::vector<std::string> tokens, client_->Register(names));
  const Spent registered = SpentNow();
  ASSIGN_OR_RETURN(identities_, client_->Join(tokens));
  const Spent joined = SpentNow();
  Tell(Figure("enrolled")
           .Count("agents", options_.agents)
           .Number("register_s", absl::ToDoubleSeconds(registered.at - before.at))
           .Number("join_s", absl::ToDoubleSeconds(joined.at - registered.at))
           .Number("hub_cpu_s", joined.hub_s - before.hub_s));
  return absl::OkStatus();
}

absl::Status Swarm::Connect() {
  const Spent before = SpentNow();
  std::vector<SwarmIdentity> identities(
      std::make_move_iterator(identities_.begin()),
      std::make_move_iterator(identities_.begin() + static_cast<ptrdiff_t>(options_.agents)));
  identities_.erase(identities_.begin(),
                    identities_.begin() + static_cast<ptrdiff_t>(options_.agents));
  crowd_ = std::make_unique<Crowd>(random_, options_.apply_max);
  crowd_->Start(std::move(identities), hub_.agents(), kStartsPerSecond);
  RETURN_IF_ERROR(WaitForAll("connecting", [](const SwarmAgent& agent) { return agent.live(); }));
  const Spent after = SpentNow();
  Tell(Figure("connected")
           .Count("agents", options_.agents)
           .Add(Percentiles::Of(
               crowd_->Since(before.at, [](const SwarmAgent& agent) { return agent.live_at(); })))
           .Count("again", crowd_->Sum([](const SwarmAgent& agent) { return agent.attempts(); }) -
                               options_.agents)
           .Number("hub_cpu_s", after.hub_s - before.hub_s)
           .Number("swarm_cpu_s", after.self_s - before.self_s)
           .Number("hub_rss_mb", hub_.usage().resident_mb));
  return absl::OkStatus();
}

absl::Status Swarm::Idle(const char* name) {
  if (options_.idle == absl::ZeroDuration()) return absl::OkStatus();
  const Spent before = SpentNow();
  Pause(loop_, options_.idle);
  const Spent after = SpentNow();
  const double seconds = absl::ToDoubleSeconds(after.at - before.at);
  const ProcessUsage hub = hub_.usage();
  Tell(Figure(name)
           .Count("agents", options_.agents)
           .Number("seconds", seconds)
           .Number("hub_cores", (after.hub_s - before.hub_s) / seconds)
           .Number("swarm_cores", (after.self_s - before.self_s) / seconds)
           .Number("hub_rss_mb", hub.resident_mb)
           .Number("hub_rss_peak_mb", hub.resident_peak_mb)
           .Count("hub_descriptors", hub.descriptors));
  return absl::OkStatus();
}

absl::Status Swarm::ApplyProbe() {
  const std::string generators =
      absl::StrCat(R"({"clusters":{"values":{"edition":")", ++edition_, R"("}}})");
  return client_->Apply(SetManifest(
      "probe", generators, "probe-{{.name}}", repository_.path(),
      absl::StrCat(R"("path":")", ScriptedRepository::kProbeFolder,
                   R"(","kustomize":{"images":["registry.example/app:{{.values.edition}}"]})")));
}

absl::Status Swarm::ApplyFleet() {
  for (size_t set = 0; set < std::min(options_.sets, options_.apps); ++set) {
    std::vector<std::string> folders;
    for (size_t app = set; app < options_.apps; app += options_.sets)
      folders.push_back(absl::StrCat(R"({"path":")", ScriptedRepository::AppFolder(app), R"("})"));
    const std::string generators =
        absl::StrCat(R"({"matrix":{"generators":[{"git":{"repoURL":"file://)", repository_.path(),
                     R"(","revision":"main","directories":[)", absl::StrJoin(folders, ","),
                     R"(]}},{"clusters":{}}]}})");
    RETURN_IF_ERROR(client_->Apply(SetManifest(absl::StrCat("fleet-", set), generators,
                                               "{{.path.basename}}-{{.name}}", repository_.path(),
                                               R"("path":"{{.path.path}}")")));
  }
  return absl::OkStatus();
}

absl::Status Swarm::Assign() {
  RETURN_IF_ERROR(repository_.Commit(options_.apps, 1));
  const Spent before = SpentNow();
  crowd_->ForEach([](SwarmAgent& agent) { agent.Mark(); });
  RETURN_IF_ERROR(ApplyFleet());
  RETURN_IF_ERROR(ApplyProbe());
  // The Applications, the probe and their project.
  const size_t entries = options_.apps + 2;
  RETURN_IF_ERROR(WaitForAll("receiving assignments", [entries](const SwarmAgent& agent) {
    return agent.entries() >= entries;
  }));
  const Spent received = SpentNow();
  const Percentiles waited = Percentiles::Of(
      crowd_->Since(before.at, [](const SwarmAgent& agent) { return agent.changed_at(); }));
  RETURN_IF_ERROR(WaitForCensus("acknowledging", &FleetClient::Census::acknowledged));
  const Spent acknowledged = SpentNow();
  const Percentiles acks = Percentiles::Of(
      crowd_->Since(before.at, [](const SwarmAgent& agent) { return agent.acked_at(); }));
  RETURN_IF_ERROR(WaitForAll("reporting", [](const SwarmAgent& agent) { return agent.settled(); }));
  const Spent reported = SpentNow();
  Tell(Figure("assigned")
           .Count("agents", options_.agents)
           .Count("assignments", options_.agents * (options_.apps + 1))
           .Add(waited)
           .Number("ack_p50_s", acks.p50)
           .Number("ack_p99_s", acks.p99)
           .Number("acknowledged_s", absl::ToDoubleSeconds(acknowledged.at - before.at))
           .Number("reported_s", absl::ToDoubleSeconds(reported.at - before.at))
           .Number("hub_cpu_s", received.hub_s - before.hub_s)
           .Number("hub_rss_mb", hub_.usage().resident_mb)
           .Number("store_disk_mb", hub_.disk_mb()));
  return absl::OkStatus();
}

// What is applied is proven by the heartbeat that each agent sends every 20 s.
absl::Status Swarm::Prove() {
  const absl::Duration begin = loop_.clock().Monotonic();
  RETURN_IF_ERROR(WaitForCensus("being in sync", &FleetClient::Census::in_sync));
  Tell(Figure("in-sync")
           .Count("agents", options_.agents)
           .Number("seconds", absl::ToDoubleSeconds(loop_.clock().Monotonic() - begin)));
  return absl::OkStatus();
}

absl::Status Swarm::Propagate(const std::function<absl::Status()>& change, Rounds* rounds) {
  crowd_->ForEach([](SwarmAgent& agent) { agent.Mark(); });
  const absl::Duration begin = loop_.clock().Monotonic();
  RETURN_IF_ERROR(change());
  rounds->answered.push_back(loop_.clock().Monotonic() - begin);
  RETURN_IF_ERROR(WaitForAll("receiving a change",
                             [](const SwarmAgent& agent) { return agent.changes() > 0; }));
  const std::vector<absl::Duration> these =
      crowd_->Since(begin, [](const SwarmAgent& agent) { return agent.changed_at(); });
  rounds->first.push_back(*std::min_element(these.begin(), these.end()));
  rounds->received.insert(rounds->received.end(), these.begin(), these.end());
  // What follows from it is over before the next one.
  RETURN_IF_ERROR(WaitForAll("reporting", [](const SwarmAgent& agent) { return agent.settled(); }));
  return AwaitRest();
}

// Until the hub has taken in what was reported, and expanded what a commit changes nothing of.
absl::Status Swarm::AwaitRest() {
  for (int second = 0; second < kRestSecondsMax; ++second) {
    const double before = SpentNow().hub_s;
    Pause(loop_, absl::Seconds(1));
    if (SpentNow().hub_s - before < kRestCores) return absl::OkStatus();
  }
  return absl::DeadlineExceededError(
      absl::StrCat("the hub is at work still, ", kRestSecondsMax, " s after all have reported"));
}

absl::Status Swarm::Change(const std::string& name,
                           const std::function<absl::Status(size_t round)>& prepare,
                           const std::function<absl::Status()>& change) {
  if (options_.changes == 0) return absl::OkStatus();
  Rounds rounds;
  const Spent before = SpentNow();
  for (size_t round = 0; round < options_.changes; ++round) {
    RETURN_IF_ERROR(prepare(round));
    RETURN_IF_ERROR(Propagate(change, &rounds));
  }
  const Spent after = SpentNow();
  Tell(Figure(name)
           .Count("agents", options_.agents)
           .Count("rounds", options_.changes)
           .Add(Percentiles::Of(std::move(rounds.received)))
           .Number("answered_p50_s", Percentiles::Of(std::move(rounds.answered)).p50)
           .Number("first_p50_s", Percentiles::Of(std::move(rounds.first)).p50)
           .Number("hub_cpu_s", after.hub_s - before.hub_s)
           .Number("swarm_cpu_s", after.self_s - before.self_s));
  return absl::OkStatus();
}

absl::Status Swarm::ChangeByApi() {
  return Change(
      "changed-by-api", [](size_t) { return absl::OkStatus(); }, [this] { return ApplyProbe(); });
}

absl::Status Swarm::ChangeByCommit() {
  return Change(
      "changed-by-commit",
      [this](size_t round) { return repository_.Commit(options_.apps, round + 2); },
      [this] { return client_->Refresh(); });
}

absl::Status Swarm::List() {
  std::vector<absl::Duration> pages;
  std::vector<absl::Duration> counts;
  uint64_t rows = 0;
  const auto timed = [this](const v1::ListRequest& request, uint64_t* rows,
                            std::vector<absl::Duration>* times) -> absl::Status {
    const absl::Duration begin = loop_.clock().Monotonic();
    ASSIGN_OR_RETURN(*rows, client_->ListApplications(request));
    times->push_back(loop_.clock().Monotonic() - begin);
    return absl::OkStatus();
  };
  // All, those of a set, of a project and of a cluster: each with how many are in which state.
  std::vector<v1::ListRequest> counted(4);
  for (v1::ListRequest& request : counted) request.set_page_size(1);
  counted[1].set_set("probe");
  counted[2].set_project("default");
  counted[3].set_cluster(ClusterName(0));
  for (size_t i = 0; i < kListings; ++i) {
    uint64_t ignored = 0;
    RETURN_IF_ERROR(timed(v1::ListRequest(), &rows, &pages));
    for (const v1::ListRequest& request : counted)
      RETURN_IF_ERROR(timed(request, &ignored, &counts));
  }
  const Percentiles page = Percentiles::Of(std::move(pages));
  Tell(Figure("list")
           .Count("rows", rows)
           .Number("first_page_p50_s", page.p50)
           .Number("first_page_p99_s", page.p99)
           .Number("count_p99_s", Percentiles::Of(std::move(counts)).p99));
  return absl::OkStatus();
}

absl::Status Swarm::ReportStatuses() {
  if (options_.status_rounds == 0) return absl::OkStatus();
  uint64_t count = 0;
  std::vector<absl::Duration> waited;
  const Spent before = SpentNow();
  for (size_t round = 0; round < options_.status_rounds; ++round) {
    const absl::Duration begin = loop_.clock().Monotonic();
    crowd_->ForEach([&](SwarmAgent& agent) { count += agent.ReportAnew(round); });
    RETURN_IF_ERROR(WaitForAll("reporting everything",
                               [](const SwarmAgent& agent) { return agent.acknowledged(); }));
    const std::vector<absl::Duration> these =
        crowd_->Since(begin, [](const SwarmAgent& agent) { return agent.statuses_taken_at(); });
    waited.insert(waited.end(), these.begin(), these.end());
  }
  const Spent after = SpentNow();
  const double seconds = absl::ToDoubleSeconds(after.at - before.at);
  Tell(Figure("statuses")
           .Count("statuses", count)
           .Number("seconds", seconds)
           .Number("per_second", static_cast<double>(count) / seconds)
           .Add(Percentiles::Of(std::move(waited)))
           .Number("hub_cpu_s", after.hub_s - before.hub_s)
           .Number("swarm_cpu_s", after.self_s - before.self_s));
  return absl::OkStatus();
}

absl::Status Swarm::Herd() {
  const auto received = [](const SwarmAgent& agent) { return agent.received(); };
  const uint64_t before_received = crowd_->Sum(received);
  crowd_->ForEach([](SwarmAgent& agent) { agent.Mark(); });
  const absl::Duration killed = loop_.clock().Monotonic();
  hub_.Kill();
  ASSIGN_OR_RETURN(const absl::Duration serving, hub_.Start());
  const absl::Duration listening = loop_.clock().Monotonic();
  const double self_before = UsageOf(::getpid()).cpu_s;
  RETURN_IF_ERROR(WaitForAll("coming back", [killed](const SwarmAgent& agent) {
    return agent.live() && agent.live_at() > killed;
  }));
  const std::vector<absl::Duration> live =
      crowd_->Since(listening, [](const SwarmAgent& agent) { return agent.live_at(); });
  RETURN_IF_ERROR(WaitForCensus("being verified", &FleetClient::Census::received));
  const Spent verified = SpentNow();
  const ProcessUsage hub = hub_.usage();
  const uint64_t resent = crowd_->Sum(received) - before_received;
  const uint64_t changed = crowd_->Sum([](const SwarmAgent& agent) { return agent.changes(); });
  Tell(Figure("herd")
           .Count("agents", options_.agents)
           .Number("serving_s", absl::ToDoubleSeconds(serving))
           .Add(Percentiles::Of(live))
           .Number("verified_s", absl::ToDoubleSeconds(verified.at - listening))
           .Count("resent", resent)
           .Count("changed", changed)
           .Number("hub_cpu_s", verified.hub_s)
           .Number("swarm_cpu_s", verified.self_s - self_before)
           .Number("hub_rss_mb", hub.resident_mb)
           .Number("hub_rss_peak_mb", hub.resident_peak_mb)
           .Number("store_disk_mb", hub_.disk_mb()));
  if (resent == 0 && changed == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("herd: nothing had changed, and ", resent,
                                                    " changes were sent again, ", changed,
                                                    " of which changed something"));
}

absl::Status Swarm::WaitForAll(absl::string_view what,
                               const std::function<bool(const SwarmAgent&)>& holds) {
  Crowd::Missing missing;
  const bool all = WaitUntil(
      loop_, options_.phase_limit,
      [&] {
        missing = crowd_->Without(holds);
        return missing.count == 0;
      },
      kLookEvery);
  if (all) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat(what, ": ", missing.count, " of ", crowd_->size(),
                   " agents are not there after ", absl::FormatDuration(options_.phase_limit),
                   "; the last error of the first is: ", missing.last_error));
}

absl::Status Swarm::WaitForCensus(absl::string_view what, size_t FleetClient::Census::* field) {
  absl::Status status;
  size_t there = 0;
  const bool all = WaitUntil(
      loop_, options_.phase_limit,
      [&] {
        const absl::StatusOr<FleetClient::Census> census = client_->Count();
        status = census.status();
        there = census.ok() ? (*census).*field : 0;
        return !status.ok() || there == options_.agents;
      },
      kCensusEvery);
  if (!status.ok() || all) return status;
  return absl::DeadlineExceededError(
      absl::StrCat(what, ": the hub says so of ", there, " of ", options_.agents, " clusters"));
}

}  // namespace leidang::agent
