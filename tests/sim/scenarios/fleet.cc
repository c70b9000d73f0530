// What happens before the link: Git, labels, the hub's own data, operations, and weeks of change.

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "hub/ledger/identity_bundle.h"
#include "hub/source/source_error.h"
#include "tests/sim/scenarios/fleet_script.h"
#include "tests/sim/scenarios/scenario.h"

namespace leidang::sim {
namespace {

void BeginSmall(FleetBed& bed) {
  bed.Begin({{"one", "dev"}, {"two", "dev"}, {"three", "production"}}, {"a", "b", "c"},
            {{"p", "one"}, {"q", "three"}});
}

// What generators read fails in one of the ways there are, while hub and agents are killed, too.
// What was expanded before goes on standing.
void InputsFail(FleetBed& bed) {
  BeginSmall(bed);
  bed.Pass(absl::Minutes(45));
  for (int i = 0; i < 4 && !bed.failed(); ++i) {
    const char* url = bed.random().Chance(1, 2) ? FleetBed::kAppsUrl : FleetBed::kConfigUrl;
    switch (i == 0 ? 0 : bed.random().Below(4)) {
      case 0:
        bed.BreakGit(
            url, hub::SourceError(hub::SourceReason::kRepositoryUnreachable, "no route to host"));
        break;
      case 1:
        bed.BreakGit(url, hub::SourceError(hub::SourceReason::kAuthenticationFailed, "refused"));
        break;
      case 2: {
        hub::FakeGitSource::Files files = bed.config();
        files["conf/broken.yaml"] = {"app: ["};
        bed.Push(FleetBed::kConfigUrl, files);
        break;
      }
      default:
        bed.RemoveBranch(url);
    }
    bed.Pass(bed.Between(absl::Minutes(5), absl::Minutes(40)));
    if (bed.random().Chance(1, 2)) {
      bed.StopHub();
      if (bed.random().Chance(1, 2)) bed.hub().DropDerivedData();
      bed.hub().Start();
      bed.Pass(bed.Between(absl::Minutes(1), absl::Minutes(20)));
    }
    bed.MendGit();
    bed.RestoreBranch(FleetBed::kAppsUrl);
    bed.Push(FleetBed::kConfigUrl, bed.config());
    bed.Pass(bed.Between(absl::Minutes(5), absl::Minutes(20)));
  }
}

// Somebody takes the label from every cluster that a set selects. Nothing goes: the deletions wait,
// the set says so, and when the labels are back, all is as it was.
void LabelsLost(FleetBed& bed) {
  bed.Begin({{"one", "dev"}, {"two", "dev"}, {"three", "production"}}, {"a", "b", "c", "d"},
            {{"p", "one"}}, FleetBed::Brakes::kOn);
  for (int i = 0; i < 3 && !bed.failed(); ++i) {
    const std::vector<std::string> one = bed.agent("one").Standing();
    const std::vector<std::string> two = bed.agent("two").Standing();
    bed.Label("one", "lost");
    if (bed.random().Chance(1, 2)) bed.Pass(bed.Between(absl::ZeroDuration(), absl::Seconds(2)));
    bed.Label("two", "lost");
    bed.Pass(bed.Between(absl::Minutes(1), absl::Hours(2)));
    bed.Expect(bed.agent("two").Standing() == two, "BrakeHolds",
               "the last Applications of a set went with a label, and nobody was asked");
    const hub::Condition* held = bed.hub().SetCondition("leidang/matrix", "DeletionsHeld");
    bed.Expect(held != nullptr, "BrakeHolds", "the set does not say that deletions are held");
    if (bed.random().Chance(1, 2)) {
      bed.StopHub();
      bed.StartHub();
    }
    bed.Label("one", "dev");
    bed.Label("two", "dev");
    bed.Expect(bed.Settle(absl::Minutes(30)).empty(), "Liveness", "what was held does not lapse");
    bed.Expect(bed.agent("one").Standing() == one, "Liveness", "the label does not bring back all");
  }
}

// The hub's machine burns; another one begins with the exported identity and an empty disk, while
// Git is away at first. It deletes nothing, and sends nothing that is there already.
void IdentityImported(FleetBed& bed) {
  BeginSmall(bed);
  bed.Expect(bed.Settle(absl::Minutes(30)).empty(), "Liveness", "the fleet does not come to rest");
  if (bed.failed()) return;
  const hub::IdentityBundle bundle = *hub::GatherIdentity(*bed.hub().ledger_disk().Reveal(nullptr));
  bed.StopHub();
  std::map<std::string, testing::Traffic> before;
  for (const std::string& cluster : bed.clusters()) before[cluster] = bed.TrafficOf(cluster);
  bed.hub().Restore({});
  const absl::Status imported = hub::ImportIdentity(bundle, bed.random(), bed.hub().ledger_disk());
  bed.Expect(imported.ok(), "Liveness", imported.ToString());
  if (bed.random().Chance(1, 2)) {
    bed.BreakGit(FleetBed::kAppsUrl,
                 hub::SourceError(hub::SourceReason::kRepositoryUnreachable, "no route to host"));
  }
  bed.StartHub();
  bed.Pass(bed.Between(absl::Seconds(10), absl::Minutes(10)));
  bed.ApplySets();
  bed.Pass(bed.Between(absl::Seconds(10), absl::Minutes(10)));
  bed.MendGit();
  const std::string unrest = bed.Settle(absl::Hours(2));
  bed.Expect(unrest.empty(), "Liveness", unrest);
  for (const std::string& cluster : bed.clusters()) {
    const testing::Traffic now = bed.TrafficOf(cluster);
    bed.Expect(bed.agent(cluster).deleted() == 0 && now.tombstones == before[cluster].tombstones,
               "NothingByAbsence", absl::StrCat("something was deleted in ", cluster));
    bed.Expect(now.puts == before[cluster].puts && now.contents == before[cluster].contents,
               "NothingByAbsence",
               absl::StrCat(cluster, " was sent what it has: ", now.puts - before[cluster].puts,
                            " entries"));
  }
}

// The hub ends, and what can be computed again is gone when it begins. Clusters may be away.
void BurnDerivedData(FleetBed& bed) {
  bed.StopHub();
  bed.LoseDerivedData();
  bed.Pass(bed.Between(absl::ZeroDuration(), absl::Minutes(2)));
  bed.StartHub();
  bed.Pass(bed.Between(absl::Seconds(1), absl::Minutes(6)));
}

// All that can be computed again is lost, under load. The same comes out of it: what is there keeps
// its uid, what was to go still goes, and an agent that has everything is sent nothing.
void DerivedDataLost(FleetBed& bed) {
  BeginSmall(bed);
  for (int i = 0; i < 4 && !bed.failed(); ++i) {
    std::set<std::string> names = bed.wishes().directories();
    const std::string name(1, static_cast<char>('a' + bed.random().Below(6)));
    if (names.erase(name) == 0) names.insert(name);
    testing::FleetAgent& away = bed.agent(bed.random().Chance(1, 2) ? "one" : "two");
    if (bed.random().Chance(1, 2)) away.Kill();
    bed.CommitApps(names);
    bed.Pass(bed.Between(absl::Seconds(1), absl::Minutes(6)));
    BurnDerivedData(bed);
    if (!away.up()) away.Start();
    if (bed.random().Chance(1, 2)) bed.Cut();
    bed.Expect(bed.Settle(absl::Hours(1)).empty(), "Liveness",
               "a hub without derived data does not get its fleet right");
    for (const std::string& cluster : bed.clusters())
      bed.Expect(bed.agent(cluster).Unclaimed().empty(), "NothingByAbsence",
                 absl::StrCat("an Application of ", cluster, " has become nobody's"));
  }
  if (bed.failed()) return;
  const std::string picture = bed.hub().Picture(testing::TestHub::Reasons::kLeftOut);
  std::map<std::string, testing::Traffic> before;
  for (const std::string& cluster : bed.clusters()) before[cluster] = bed.TrafficOf(cluster);
  BurnDerivedData(bed);
  bed.Expect(bed.Settle(absl::Hours(1)).empty(), "Liveness", "a fleet at rest does not stay so");
  if (bed.failed()) return;
  bed.Expect(bed.hub().Picture(testing::TestHub::Reasons::kLeftOut) == picture, "NothingByAbsence",
             "another fleet came out of the same ledger and Git");
  for (const std::string& cluster : bed.clusters())
    bed.Expect(bed.TrafficOf(cluster).puts == before[cluster].puts, "NothingByAbsence",
               absl::StrCat(cluster, " was sent again what it has"));
}

// A sync that an agent may have got before it was killed. When its time is over it is shown as
// expired, unless its outcome came before; when the agent is back, what is shown is what happened.
void OperationThatMayHaveBeenSent(FleetBed& bed) {
  const std::string cluster = bed.random().Chance(1, 2) ? "one" : "two";
  testing::FleetAgent& agent = bed.agent(cluster);
  bed.Pass(absl::Minutes(2));
  const std::optional<hub::OperationId> id =
      bed.AskForSync(absl::StrCat("leidang/a-", cluster), absl::Minutes(5));
  if (!id.has_value()) return;
  bed.Pass(bed.Between(absl::ZeroDuration(), absl::Milliseconds(30)));
  agent.Kill();
  if (bed.random().Chance(1, 2)) {
    bed.StopHub();
    bed.Pass(bed.Between(absl::ZeroDuration(), absl::Minutes(4)));
    bed.StartHub();
  }
  bed.Pass(absl::Minutes(8));
  const absl::StatusOr<hub::OperationRecord> away = bed.operations().Find(*id);
  bed.Expect(away.ok() && hub::IsFinal(away->state), "Liveness",
             "an operation whose time is over is not shown as ended");
  agent.Start();
  bed.Pass(absl::Minutes(5));
  const absl::StatusOr<hub::OperationRecord> record = bed.operations().Find(*id);
  const bool executed = agent.executed().contains(*agent::OperationId::FromRaw(id->Raw()));
  bed.Expect(record.ok() && record->state == (executed ? hub::OperationState::kSucceeded
                                                       : hub::OperationState::kExpired),
             "OperationOnce",
             absl::StrCat("an operation that was ", executed ? "" : "not ",
                          "carried out is shown otherwise"));
}

// A sync is asked for while the cluster is away and the hub is killed in between. It is carried out
// once if the cluster is back in time, lapses on time if not, and its outcome is shown.
void OperationsWhileAway(FleetBed& bed) {
  BeginSmall(bed);
  for (int i = 0; i < 5 && !bed.failed(); ++i) {
    const std::string cluster = bed.random().Chance(1, 2) ? "one" : "two";
    testing::FleetAgent& agent = bed.agent(cluster);
    agent.Kill();
    const std::optional<hub::OperationId> id =
        bed.AskForSync(absl::StrCat("leidang/a-", cluster), absl::Minutes(20));
    if (!id.has_value()) return;
    const bool in_time = bed.random().Chance(1, 2);
    bed.Pass(bed.Between(absl::ZeroDuration(), absl::Minutes(6)));
    if (bed.random().Chance(1, 2)) {
      bed.StopHub();
      bed.Pass(bed.Between(absl::ZeroDuration(), absl::Minutes(4)));
      bed.StartHub();
    }
    if (!in_time) {
      bed.Pass(bed.Between(absl::Minutes(21), absl::Minutes(40)));
      const absl::StatusOr<hub::OperationRecord> lapsed = bed.operations().Find(*id);
      bed.Expect(lapsed.ok() && lapsed->state == hub::OperationState::kExpired, "Liveness",
                 "an operation that was never sent has not expired in time");
    }
    agent.Start();
    bed.Pass(absl::Minutes(5));
    const absl::StatusOr<hub::OperationRecord> record = bed.operations().Find(*id);
    bed.Expect(record.ok(), "Liveness", "an operation that was asked for is not known any more");
    if (!record.ok()) return;
    const auto times = agent.executed().find(*agent::OperationId::FromRaw(id->Raw()));
    const int executed = times == agent.executed().end() ? 0 : times->second;
    const hub::OperationState wanted =
        in_time ? hub::OperationState::kSucceeded : hub::OperationState::kExpired;
    bed.Expect(record->state == wanted, "Liveness",
               absl::StrCat("an operation ends in state ", static_cast<int>(record->state),
                            ", not ", static_cast<int>(wanted), ": ", record->message));
    bed.Expect(executed == (in_time ? 1 : 0), "OperationOnce",
               absl::StrCat("an operation was carried out ", executed, " times"));
    OperationThatMayHaveBeenSent(bed);
  }
}

// Without content, which is shared: which files are alike is drawn anew each time.
size_t Rows(const hub::MemoryRows& disk) {
  size_t rows = 0;
  for (const hub::Family family :
       {hub::Family::kDerived, hub::Family::kAssign, hub::Family::kLog, hub::Family::kStatus})
    rows += disk.CountRows(family);
  return rows;
}

// Clusters and Applications come and go all the time. What is kept is in proportion to what is
// there.
void Churn(FleetBed& bed) {
  BeginSmall(bed);
  size_t derived = 0;
  size_t at_agent = 0;
  for (int i = 0; i < 5 && !bed.failed(); ++i) {
    bed.AddCluster("passing", "dev");
    bed.CommitApps({"a", "b", "c", "d", "e"});
    bed.Pass(bed.Between(absl::Minutes(10), absl::Hours(1)));
    bed.Label("passing", "production");
    bed.CommitApps({"a", "b", "c"});
    bed.Pass(bed.Between(absl::Minutes(10), absl::Hours(1)));
    bed.Expect(bed.Settle(absl::Hours(1)).empty(), "Liveness", "the fleet does not come to rest");
    if (bed.failed()) return;
    bed.RemoveCluster("passing");
    bed.Pass(absl::Minutes(20));
    const size_t rows = Rows(bed.hub().store_disk());
    const agent::MemoryTables& tables = bed.agent("one").tables();
    const size_t kept = tables.entries.size() + tables.statuses.size() + tables.waiting.size();
    bed.Note(absl::StrCat("rows ", rows, " at the agent ", kept));
    if (i == 0) {
      derived = rows;
      at_agent = kept;
    }
    bed.Expect(rows <= derived, "BoundedEverything",
               absl::StrCat(rows, " rows are stored, after ", derived, " for the same fleet"));
    bed.Expect(kept <= at_agent, "BoundedEverything",
               absl::StrCat("an agent keeps ", kept, " rows, after ", at_agent));
    const FleetBed::ContentFacts content = bed.ContentOfHub();
    bed.Expect(content.unneeded == 0, "BoundedEverything",
               absl::StrCat(content.unneeded, " contents are stored that nothing needs"));
    bed.Expect(content.missing.empty(), "Liveness", content.missing);
  }
}

// What a cluster brings back that nobody claims, and a person's word that it may go.
std::set<std::string> Unclaimed(FleetBed& bed, const std::string& cluster) {
  std::set<std::string> names;
  const auto listed = bed.hub().unclaimed().List(cluster, "");
  if (!listed.ok()) return names;
  for (const hub::UnclaimedDesk::Entry& entry : listed->entries)
    names.insert(entry.status.key.name);
  return names;
}

void Release(FleetBed& bed, const std::string& cluster, const std::string& key) {
  const size_t slash = key.find('/');
  auto answer = std::make_shared<absl::Status>(absl::UnknownError("no answer"));
  bed.hub().unclaimed().Release(
      {cluster, key.substr(0, slash), key.substr(slash + 1)}, intent::DeletionPolicy::kForeground,
      {"test", ""}, [answer](const absl::StatusOr<hub::UnclaimedDesk::Decided>& decided) {
        *answer = decided.status();
      });
  bed.Pass(absl::Seconds(5));
  bed.Expect(answer->ok(), "Liveness", answer->ToString());
}

// With deletions waiting for it, a cluster stays away for a quarter of a year, and the hub starts
// again now and then. Deletions do not wait for ever.
void StayAway(FleetBed& bed) {
  bed.CommitApps({"a"});
  bed.Pass(bed.Between(absl::Minutes(10), absl::Hours(1)));
  bed.Expect(bed.View("one").pending_tombstones >= 2, "Liveness",
             "deletions do not wait for a cluster that is away");
  if (bed.random().Chance(1, 2)) bed.StopHub();
  bed.loop().sim_clock().StepWall(absl::Hours(24 * 91));
  if (!bed.hub().running()) bed.StartHub();
  bed.Pass(bed.Between(absl::Minutes(70), absl::Hours(3)));
  const hub::ClusterRegistration* cluster = bed.hub().records().ClusterNamed("one");
  bed.Expect(cluster->dormancy.has_value(), "BoundedEverything", "a cluster does not get dormant");
  bed.Expect(bed.View("one").pending_tombstones == 0, "BoundedEverything",
             "deletions wait for a dormant cluster");
  bed.CommitApps({"a", "d"});
  bed.Pass(absl::Minutes(10));
  bed.CommitApps({"a"});
  bed.Pass(absl::Minutes(10));
  bed.StopHub();
  bed.ResumeDormant("one");
  bed.StartHub();
  bed.Pass(bed.Between(absl::Minutes(2), absl::Minutes(20)));
  bed.Expect(
      bed.View("one").pending_tombstones == 0 && bed.hub().records().pending_deletions().empty(),
      "BoundedEverything", "what is decided later waits for a dormant cluster");
}

// When it is back, nothing of it goes: what it holds beyond the intent is listed, until a person
// decides.
void Dormant(FleetBed& bed) {
  BeginSmall(bed);
  bed.Expect(bed.Settle(absl::Minutes(30)).empty(), "Liveness", "the fleet does not come to rest");
  if (bed.failed()) return;
  testing::FleetAgent& agent = bed.agent("one");
  const std::vector<std::string> standing = agent.Standing();
  const uint64_t deleted = agent.deleted();
  agent.Kill();
  StayAway(bed);
  if (bed.failed()) return;
  const testing::Traffic before = bed.TrafficOf("one");
  agent.Start();
  bed.Pass(absl::Minutes(10));
  const testing::Traffic now = bed.TrafficOf("one");
  bed.Expect(now.compares > before.compares && now.resumes == before.resumes, "ProofIsHonest",
             "a dormant cluster is taken to lack no more than the log says");
  bed.Expect(agent.deleted() == deleted && agent.Standing() == standing &&
                 now.tombstones == before.tombstones,
             "NothingByAbsence", "something went from a cluster that was dormant");
  bed.Expect(Unclaimed(bed, "one") == std::set<std::string>{"leidang/b-one", "leidang/c-one"},
             "Liveness", "what a dormant cluster brings back is not listed as unclaimed");
  const hub::ClusterRegistration* cluster = bed.hub().records().ClusterNamed("one");
  bed.Expect(!cluster->dormancy.has_value(), "Liveness", "a cluster that is back is dormant");
  for (const std::string& name : Unclaimed(bed, "one")) Release(bed, "one", name);
}

}  // namespace

std::vector<Scenario> FleetScenarios() {
  return {
      {"dormant",
       "15: a cluster is away for a quarter of a year, with deletions waiting for it",
       {Mutant::kResumeDormant},
       OnFleet(Dormant)},
      {"inputs-fail",
       "9: what a generator reads fails, or is not there",
       {Mutant::kEmptyOnError},
       OnFleet(InputsFail)},
      {"labels-lost",
       "10: clusters lose their label by mistake",
       {Mutant::kSetBrakeOff},
       OnFleet(LabelsLost)},
      {"identity-imported",
       "8: the hub comes up empty, with its identity and nothing else",
       {Mutant::kNoHold},
       OnFleet(IdentityImported)},
      {"derived-data-lost",
       "23: the hub's derived data is lost, again and again",
       {Mutant::kEndsForgotten},
       OnFleet(DerivedDataLost)},
      {"operations-while-away",
       "+: operations are asked for while their cluster is offline",
       {Mutant::kSendOnce},
       OnFleet(OperationsWhileAway)},
      {"churn",
       "+: clusters and Applications come and go all the time",
       {Mutant::kContentNeverSwept},
       OnFleet(Churn)},
  };
}

}  // namespace leidang::sim
