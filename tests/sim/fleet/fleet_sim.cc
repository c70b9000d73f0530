#include "tests/sim/fleet/fleet_sim.h"

#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/random/random.h"
#include "hub/source/source_error.h"
#include "tests/sim/deeds.h"
#include "tests/sim/fleet/fleet_bed.h"

namespace leidang::sim {
namespace {

constexpr size_t kDeeds = 24;
constexpr int kNames = 6;
const char* const kClusters[] = {"one", "two", "three"};

class FleetSim {
 public:
  explicit FleetSim(const RunRequest& request)
      : request_(request), bed_(request.seed, request.mutant, request.output) {}

  RunResult Run() {
    bed_.Begin({{"one", "dev"}, {"two", "dev"}, {"three", "production"}}, {"a", "b", "c"},
               {{"p", "one"}, {"q", "three"}}, FleetBed::Brakes::kOn);
    for (const Deed& deed : DrawDeeds(bed_.random(), kDeeds, kKinds, request_.only)) {
      if (bed_.failed()) break;
      luck_.emplace(deed.luck);
      now_.clear();
      Do(deed.kind);
      deeds_[deed.number] = now_;
      bed_.Pass(Between(absl::Seconds(5), absl::Minutes(9)));
    }
    bed_.Calm();
    RunResult result = bed_.Result();
    for (size_t i = 0; i < counts_.size(); ++i) result.faults[kFaultNames[i]] = counts_[i];
    result.deeds = deeds_;
    return result;
  }

 private:
  // Of deeds: so many of people, then of what goes wrong.
  static constexpr uint64_t kKinds = 16;
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

  absl::Duration Between(absl::Duration low, absl::Duration high) {
    return low + (high - low) * luck_->Unit();
  }
  // What the deed at hand does, for people.
  void Tell(absl::string_view what) {
    bed_.Note(what);
    absl::StrAppend(&now_, now_.empty() ? "" : ", ", what);
  }

  void Do(uint64_t kind) {
    switch (kind) {
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
        return Break(static_cast<Fault>(kind - 7));
    }
  }

  // --- What people do.

  void ChangeApps() {
    std::set<std::string> names = bed_.wishes().directories();
    const std::string name(1, static_cast<char>('a' + luck_->Below(kNames)));
    const bool goes = names.erase(name) > 0;
    if (!goes) names.insert(name);
    Tell(absl::StrCat("directory ", name, goes ? " goes" : " comes"));
    bed_.CommitApps(names);
  }

  void ChangeConfig() {
    std::map<std::string, std::string> places = bed_.wishes().files();
    const std::string app(1, static_cast<char>('p' + luck_->Below(kNames)));
    const std::string place = kClusters[luck_->Below(std::size(kClusters))];
    const bool goes = places.erase(app) > 0;
    if (!goes) places[app] = place;
    Tell(absl::StrCat("file ", app, goes ? " goes" : absl::StrCat(" comes, for ", place)));
    bed_.CommitConfig(places);
  }

  void Relabel() {
    const std::string cluster = kClusters[luck_->Below(std::size(kClusters))];
    if (!bed_.hub().up()) return;
    const bool leaves = bed_.wishes().labels().at(cluster) == "dev";
    Tell(absl::StrCat("label of ", cluster));
    bed_.Label(cluster, leaves ? "production" : "dev");
  }

  // --- What goes wrong.

  void Break(Fault fault) {
    ++counts_[fault];
    Tell(kFaultNames[fault]);
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
        return bed_.Cut();
      case kFaults:
        break;
    }
  }

  const char* AnyUrl() { return luck_->Chance(1, 2) ? FleetBed::kAppsUrl : FleetBed::kConfigUrl; }

  void FailGit(const absl::Status& error) {
    const char* url = AnyUrl();
    Tell(url);
    bed_.BreakGit(url, error);
    bed_.Pass(Between(absl::Seconds(30), absl::Minutes(30)));
    bed_.BreakGit(url, absl::OkStatus());
  }

  // What the set says of it stays as it was, until somebody mends it.
  void BreakConfig() {
    hub::FakeGitSource::Files files = bed_.config();
    files["conf/broken.yaml"] = {luck_->Chance(1, 2) ? "app: [" : "app: broken\n"};
    bed_.Push(FleetBed::kConfigUrl, files);
    bed_.Pass(Between(absl::Minutes(1), absl::Minutes(20)));
    if (luck_->Chance(2, 3)) bed_.Push(FleetBed::kConfigUrl, bed_.config());
  }

  void RemoveBranch() {
    const char* url = AnyUrl();
    Tell(url);
    bed_.RemoveBranch(url);
    bed_.Pass(Between(absl::Minutes(1), absl::Minutes(20)));
    bed_.RestoreBranch(url);
  }

  void KillHub(Fault fault) {
    bed_.StopHub();
    if (fault == kDerivedDataLost) bed_.hub().DropDerivedData();
    bed_.Pass(Between(absl::ZeroDuration(), absl::Minutes(3)));
    bed_.hub().Start();
    bed_.Pass(absl::Seconds(2));
  }

  void KillAgent(Fault fault) {
    const std::string cluster = kClusters[luck_->Below(std::size(kClusters))];
    Tell(cluster);
    testing::FleetAgent& agent = bed_.agent(cluster);
    agent.Kill();
    if (fault == kAgentDiskLost) agent.LoseDisk();
    bed_.Pass(Between(absl::ZeroDuration(), absl::Minutes(3)));
    agent.Start();
  }

  const RunRequest request_;
  FleetBed bed_;
  std::optional<SeededRandom> luck_;  // Of the deed at hand.
  std::string now_;
  std::map<size_t, std::string> deeds_;
  std::array<uint64_t, kFaults> counts_{};
};

}  // namespace

RunResult RunFleetSim(const RunRequest& request) { return FleetSim(request).Run(); }

}  // namespace leidang::sim
