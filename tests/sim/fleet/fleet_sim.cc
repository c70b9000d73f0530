#include "tests/sim/fleet/fleet_sim.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "common/base/check.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/session/session_table.h"
#include "hub/source/fake_git_source.h"
#include "hub/source/source_error.h"
#include "tests/sim/fleet/empty_on_error.h"
#include "tests/sim/fleet/wishes.h"
#include "tests/support/fleet/fleet_agent.h"
#include "tests/support/fleet/in_process_edge.h"
#include "tests/support/hub/test_hub.h"

namespace leidang::sim {
namespace {

constexpr char kAppsUrl[] = "https://git.example/apps.git";
constexpr char kConfigUrl[] = "https://git.example/config.git";
constexpr int kActions = 24;
constexpr int kNames = 6;
const char* const kClusters[] = {"one", "two", "three"};
// Longer than any way from a change of mind to a cluster: polls, retries, a hub or agent that is
// away.
constexpr absl::Duration kSettled = absl::Minutes(40);
// An hour, less the time that a deletion may be on its way.
constexpr absl::Duration kBrakeWindow = absl::Minutes(50);
constexpr absl::Duration kCalmMax = absl::Hours(3);

// A matrix of directories and clusters, and a set that reads files.
constexpr char kSets[] = R"(
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: matrix, annotations: {leidang.dev/max-deletions: '$max'}}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - matrix:
      generators:
      - git:
          repoURL: https://git.example/apps.git
          revision: main
          directories: [{path: apps/*}]
      - clusters:
          selector: {matchLabels: {env: dev}}
  template:
    metadata: {name: '{{.path.basename}}-{{.name}}'}
    spec:
      project: default
      source: {repoURL: 'https://git.example/apps.git', targetRevision: main, path: '{{.path.path}}'}
      destination: {name: '{{.name}}', namespace: default}
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: files, annotations: {leidang.dev/max-deletions: '$max'}}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - git:
      repoURL: https://git.example/config.git
      revision: main
      files: [{path: 'conf/*.yaml'}]
  template:
    metadata: {name: 'f-{{.app}}'}
    spec:
      project: default
      source: {repoURL: 'https://git.example/config.git', targetRevision: main, path: base}
      destination: {name: '{{.cluster}}', namespace: default}
)";

std::string ConfigMap(uint64_t value) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {value: \"",
                      value, "\"}\n");
}

class FleetSim {
 public:
  FleetSim(uint64_t seed, Mutant mutant, Trace::Output output)
      : brake_off_(mutant == Mutant::kSetBrakeOff),
        random_(seed),
        agent_random_(seed + 1),
        trace_(loop_, output) {
    if (mutant == Mutant::kEmptyOnError) mutated_ = std::make_unique<EmptyOnError>(git_);
    testing::TestHub::Options options;
    options.seed = seed + 2;
    options.on_serving = [this](hub::Store& store) { OnServing(store); };
    options.on_end = [this] {
      edge_.Close();
      table_.reset();
    };
    hub_ = mutated_ == nullptr ? std::make_unique<testing::TestHub>(loop_, git_, options)
                               : std::make_unique<testing::TestHub>(loop_, *mutated_, options);
  }
  ~FleetSim() {
    agents_.clear();
    hub_->Kill();
  }

  RunResult Run() {
    Begin();
    for (int i = 0; i < kActions && !violation_.has_value(); ++i) {
      Act();
      Pass(Between(absl::Seconds(5), absl::Minutes(9)));
    }
    if (!violation_.has_value()) Calm();
    RunResult result = {.violation = violation_,
                        .digest = trace_.digest(),
                        .steps = loop_.steps(),
                        .changes = changes_,
                        .virtual_time = loop_.clock().Monotonic(),
                        .faults = {}};
    for (size_t i = 0; i < counts_.size(); ++i) result.faults[kFaultNames[i]] = counts_[i];
    return result;
  }

 private:
  enum Fault : uint8_t {
    kGitUnreachable,
    kGitRefuses,
    kConfigBroken,
    kBranchGone,
    kHubKill,
    kDerivedDataLost,
    kAgentKill,
    kAgentDiskLost,
    kCut,
    kFaults,
  };
  static constexpr const char* kFaultNames[] = {
      "git-unreachable",   "git-refuses", "config-broken",   "branch-gone", "hub-kill",
      "derived-data-lost", "agent-kill",  "agent-disk-lost", "cut"};

  // --- The world.

  void OnServing(hub::Store& store) {
    table_ = std::make_unique<hub::SessionTable>(loop_, store, hub::SessionOptions(), nullptr);
    OpenEdge();
  }
  void OpenEdge() {
    edge_.Open(table_.get(),
               [this](const intent::ClusterId& id) { return hub_->admitted().contains(id); });
  }

  void Begin() {
    CommitApps({"a", "b", "c"});
    CommitConfig({{"p", "one"}, {"q", "three"}});
    hub_->Start();
    CHECK(loop_.RunUntil([this] { return hub_->up(); }, absl::Minutes(1)));
    for (const char* name : kClusters) {
      Label(name, name == std::string("three") ? "production" : "dev");
      CHECK(hub_->Join(name).ok());
      agents_[name] =
          std::make_unique<testing::FleetAgent>(loop_, agent_random_, edge_, hub_->IdOf(name));
      agents_[name]->Start();
    }
    ApplySets(brake_off_ ? "unlimited" : "");
    Pass(absl::Minutes(10));
  }

  void Fail(absl::string_view rule, absl::string_view what) {
    if (!violation_.has_value())
      violation_ =
          absl::StrCat(rule, ": ", what, " at ", absl::FormatDuration(loop_.clock().Monotonic()));
  }
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    return low + (high - low) * random_.Unit();
  }
  void Note(absl::string_view what) { trace_.Note(what, {}); }

  // Time goes on; somebody looks at the clusters all the while.
  void Pass(absl::Duration time) {
    const absl::Duration end = loop_.clock().Monotonic() + time;
    while (!violation_.has_value() && loop_.clock().Monotonic() < end) {
      loop_.RunFor(absl::Milliseconds(500));
      for (const auto& [cluster, agent] : agents_) Look(cluster, *agent);
    }
  }

  void Look(const std::string& cluster, const testing::FleetAgent& agent) {
    const std::vector<std::string> now = agent.Standing();
    std::vector<std::string>& before = standing_[cluster];
    if (now == before) return;
    for (const std::string& name : before) {
      if (std::binary_search(now.begin(), now.end(), name)) continue;
      Note(absl::StrCat("gone from ", cluster, ": ", name));
      CheckBrake(cluster, before.size());
      const absl::Duration since = wishes_.Since(cluster, name);
      if (since + kSettled > loop_.clock().Monotonic()) continue;
      Fail("ErrorIsNotEmpty",
           absl::StrCat(name, " went from cluster ", cluster, ", and has been wanted there since ",
                        absl::FormatDuration(since)));
    }
    Note(absl::StrCat("on ", cluster, ": ", absl::StrJoin(now, " ")));
    before = now;
  }

  // More than half of a cluster, and at least three, do not go within an hour unasked.
  void CheckBrake(const std::string& cluster, size_t standing) {
    if (calm_) return;
    const absl::Duration now = loop_.clock().Monotonic();
    std::deque<absl::Duration>& gone = gone_[cluster];
    while (!gone.empty() && gone.front() + kBrakeWindow <= now) gone.pop_front();
    gone.push_back(now);
    if (gone.size() >= 3 && gone.size() * 2 > standing + gone.size() - 1)
      Fail("BrakeHolds", absl::StrCat(gone.size(), " Applications went from cluster ", cluster,
                                      " within an hour, and ", standing - 1, " are left"));
  }

  // --- What people do.

  void Act() {
    switch (random_.Below(16)) {
      case 0:
      case 1:
      case 2:
        return ChangeApps();
      case 3:
      case 4:
        return ChangeConfig();
      case 5:
      case 6:
        return Relabel();
      default:
        return Break(static_cast<Fault>(random_.Below(kFaults)));
    }
  }

  void Push(const std::string& url, const hub::FakeGitSource::Files& files) {
    tips_[url] = git_.Commit(url, "main", files);
  }

  void CommitApps(const std::set<std::string>& names) {
    ++changes_;
    hub::FakeGitSource::Files files = {{"README.md", {"apps"}}};
    for (const std::string& name : names)
      files[absl::StrCat("apps/", name, "/cm.yaml")] = {ConfigMap(random_.Below(3))};
    Push(kAppsUrl, files);
    wishes_.SetDirectories(names);
    wishes_.Date(loop_.clock().Monotonic());
    Note(absl::StrCat("apps: ", absl::StrJoin(names, " ")));
  }

  void ChangeApps() {
    std::set<std::string> names = wishes_.directories();
    const std::string name(1, static_cast<char>('a' + random_.Below(kNames)));
    if (names.erase(name) == 0) names.insert(name);
    CommitApps(names);
  }

  void CommitConfig(const std::map<std::string, std::string>& places) {
    ++changes_;
    hub::FakeGitSource::Files files = {{"base/cm.yaml", {ConfigMap(1)}}};
    for (const auto& [app, cluster] : places)
      files[absl::StrCat("conf/", app, ".yaml")] = {
          absl::StrCat("app: ", app, "\ncluster: ", cluster, "\n")};
    config_ = files;
    Push(kConfigUrl, files);
    wishes_.SetFiles(places);
    wishes_.Date(loop_.clock().Monotonic());
    Note("config");
  }

  void ChangeConfig() {
    std::map<std::string, std::string> places = wishes_.files();
    const std::string app(1, static_cast<char>('p' + random_.Below(kNames)));
    if (places.erase(app) == 0) places[app] = kClusters[random_.Below(std::size(kClusters))];
    CommitConfig(places);
  }

  void Label(const std::string& cluster, const std::string& env) {
    ++changes_;
    Register(cluster, env);
    wishes_.SetLabel(cluster, env);
    wishes_.Date(loop_.clock().Monotonic());
    Note(absl::StrCat("label ", cluster, " ", env));
  }

  // `max` is what may go without a question; "" is the default. What is held stays until somebody
  // raises it.
  void ApplySets(const std::string& max) {
    const absl::Status applied = hub_->Apply(absl::StrReplaceAll(kSets, {{"$max", max}}));
    if (!applied.ok()) Fail("Liveness", applied.ToString());
  }

  void Register(const std::string& cluster, const std::string& env) {
    hub::Desk::Registration registration;
    registration.name = cluster;
    registration.labels = {{"env", env}};
    if (brake_off_) registration.annotations = {{"leidang.dev/max-deletions", "unlimited"}};
    const auto registered = hub_->Register(registration);
    if (!registered.ok()) Fail("Liveness", registered.status().ToString());
  }

  void Relabel() {
    if (!hub_->up()) return;
    const std::string cluster = kClusters[random_.Below(std::size(kClusters))];
    Label(cluster, wishes_.labels().at(cluster) == "dev" ? "production" : "dev");
  }

  // --- What goes wrong.

  void Break(Fault fault) {
    ++counts_[fault];
    Note(kFaultNames[fault]);
    switch (fault) {
      case kGitUnreachable:
        return FailGit(hub::SourceError(hub::SourceReason::kRepositoryUnreachable, "no route"));
      case kGitRefuses:
        return FailGit(hub::SourceError(hub::SourceReason::kAuthenticationFailed, "refused"));
      case kConfigBroken:
        return BreakConfig();
      case kBranchGone:
        return RemoveBranch();
      case kHubKill:
      case kDerivedDataLost:
        return KillHub(fault);
      case kAgentKill:
      case kAgentDiskLost:
        return KillAgent(fault);
      case kCut:
        if (table_ == nullptr) return;
        edge_.Close();
        return OpenEdge();
      case kFaults:
        break;
    }
  }

  void FailGit(const absl::Status& error) {
    const char* url = random_.Chance(1, 2) ? kAppsUrl : kConfigUrl;
    git_.SetFetchError(url, error);
    Pass(Between(absl::Seconds(30), absl::Minutes(30)));
    git_.SetFetchError(url, absl::OkStatus());
  }

  // What the set says of it stays as it was, until somebody mends it.
  void BreakConfig() {
    hub::FakeGitSource::Files files = config_;
    files["conf/broken.yaml"] = {random_.Chance(1, 2) ? "app: [" : "app: broken\n"};
    Push(kConfigUrl, files);
    Pass(Between(absl::Minutes(1), absl::Minutes(20)));
    if (random_.Chance(2, 3)) Push(kConfigUrl, config_);
  }

  void RemoveBranch() {
    const char* url = random_.Chance(1, 2) ? kAppsUrl : kConfigUrl;
    git_.SetRef(url, "refs/heads/main", hub::GitId());
    Pass(Between(absl::Minutes(1), absl::Minutes(20)));
    git_.SetRef(url, "refs/heads/main", tips_.at(url));
  }

  void KillHub(Fault fault) {
    hub_->Kill();
    if (fault == kDerivedDataLost) hub_->DropDerivedData();
    Pass(Between(absl::ZeroDuration(), absl::Minutes(3)));
    hub_->Start();
    Pass(absl::Seconds(2));
  }

  void KillAgent(Fault fault) {
    testing::FleetAgent& agent = *agents_.at(kClusters[random_.Below(std::size(kClusters))]);
    agent.Kill();
    if (fault == kAgentDiskLost) agent.LoseDisk();
    Pass(Between(absl::ZeroDuration(), absl::Minutes(3)));
    agent.Start();
  }

  // --- The calm at the end.

  void Calm() {
    Note("calm");
    calm_ = true;
    Push(kConfigUrl, config_);
    if (!hub_->up()) Pass(absl::Minutes(30));
    if (!hub_->up()) return Fail("Liveness", "the hub does not get up");
    // What the hub knows now is not old any more: what it holds back may go.
    Pass(absl::Minutes(20));
    brake_off_ = true;
    for (const auto& [cluster, env] : wishes_.labels()) Register(cluster, env);
    ApplySets("unlimited");
    const absl::Duration deadline = loop_.clock().Monotonic() + kCalmMax;
    std::string unrest = "nothing was looked at";
    while (!unrest.empty() && !violation_.has_value() && loop_.clock().Monotonic() < deadline) {
      Pass(absl::Seconds(10));
      unrest = Unrest();
    }
    if (!unrest.empty())
      Fail("Liveness",
           absl::StrCat("after ", absl::FormatDuration(kCalmMax), " of calm: ", unrest));
    Note(hub_->Picture(testing::TestHub::Reasons::kLeftOut));
  }

  std::string Unrest() const {
    if (!hub_->up() || table_ == nullptr) return "the hub is not up";
    if (!hub_->Quiet()) return "the hub is busy";
    for (const auto& [cluster, agent] : agents_) {
      const std::set<std::string> wanted = wishes_.On(cluster);
      const std::vector<std::string> standing = agent->Standing();
      if (!std::equal(wanted.begin(), wanted.end(), standing.begin(), standing.end()))
        return absl::StrCat("cluster ", cluster, " has ", absl::StrJoin(standing, " "), ", not ",
                            absl::StrJoin(wanted, " "));
      const hub::LinkVerdict verdict = table_->View(hub_->IdOf(cluster)).verdict;
      if (verdict != hub::LinkVerdict::kInSync)
        return absl::StrCat("cluster ", cluster, " is ", hub::LinkVerdictName(verdict));
    }
    return "";
  }

  bool brake_off_;  // Nothing is held.
  bool calm_ = false;
  SimLoop loop_;
  SeededRandom random_;
  SeededRandom agent_random_;
  Trace trace_;
  hub::FakeGitSource git_;
  std::unique_ptr<EmptyOnError> mutated_;
  testing::InProcessEdge edge_{loop_};
  std::unique_ptr<hub::SessionTable> table_;
  std::unique_ptr<testing::TestHub> hub_;
  std::map<std::string, std::unique_ptr<testing::FleetAgent>> agents_;
  Wishes wishes_;
  hub::FakeGitSource::Files config_;        // As it was last in order.
  std::map<std::string, hub::GitId> tips_;  // Of main, by URL.
  std::map<std::string, std::vector<std::string>> standing_;
  std::map<std::string, std::deque<absl::Duration>> gone_;  // When, of the last hour.
  std::array<uint64_t, kFaults> counts_{};
  uint64_t changes_ = 0;
  std::optional<std::string> violation_;
};

}  // namespace

RunResult RunFleetSim(uint64_t seed, Mutant mutant, Trace::Output output) {
  return FleetSim(seed, mutant, output).Run();
}

}  // namespace leidang::sim
