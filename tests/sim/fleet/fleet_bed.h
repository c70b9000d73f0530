#pragma once

// FleetBed: a whole fleet in one thread of virtual time, to which a world or a scenario does what
// it likes: all of hub/control with operations and recovery, its sessions, a Git, and for each
// cluster an agent's link and state.
//
// Two ApplicationSets stand in it: a matrix of the directories apps/* and the clusters labelled
// env=dev, and one that reads conf/*.yaml, each of which names an app and its cluster. What people
// want of them is kept in Wishes, which knows none of the code that is proven. All the while that
// time passes, what goes from a cluster and was wanted there is a violation of ErrorIsNotEmpty, and
// more of a cluster than may go unasked within an hour one of BrakeHolds; the first violation is
// kept, and time stands still after it. Calm() says whether everything comes to
// what is wanted.
//
// Loop-bound, construction excepted.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/control/operations.h"
#include "hub/session/session_table.h"
#include "hub/source/fake_git_source.h"
#include "tests/sim/fleet/empty_on_error.h"
#include "tests/sim/fleet/wishes.h"
#include "tests/sim/mortal_loop.h"
#include "tests/sim/mutant.h"
#include "tests/sim/run_result.h"
#include "tests/sim/trace.h"
#include "tests/support/fleet/fleet_agent.h"
#include "tests/support/fleet/in_process_edge.h"
#include "tests/support/hub/test_hub.h"

namespace leidang::sim {

class FleetBed {
 public:
  static constexpr char kAppsUrl[] = "https://git.example/apps.git";
  static constexpr char kConfigUrl[] = "https://git.example/config.git";

  FleetBed(uint64_t seed, Mutant mutant, Trace::Output output);
  ~FleetBed();

  // The hub is up, directories and files are committed, the clusters have joined with these labels
  // (env), and the sets are applied.
  enum class Brakes { kLifted, kOn };
  void Begin(const std::map<std::string, std::string>& clusters,
             const std::set<std::string>& directories,
             const std::map<std::string, std::string>& files, Brakes brakes = Brakes::kLifted);

  // Time and luck.
  void Pass(absl::Duration time);
  absl::Duration Between(absl::Duration low, absl::Duration high);
  absl::Duration Now() const { return loop_.clock().Monotonic(); }
  SimLoop& loop() { return loop_; }
  Random& random() { return random_; }

  // What is seen.
  void Note(absl::string_view what) { trace_.Note(what, {}); }
  void Fail(absl::string_view rule, absl::string_view what);
  // Fails with it unless it holds.
  void Expect(bool holds, absl::string_view rule, absl::string_view what);
  bool failed() const { return violation_.has_value(); }
  RunResult Result() const;

  // What people do. A label, a set and an operation need a hub that is up.
  void Push(const std::string& url, const hub::FakeGitSource::Files& files);
  void CommitApps(const std::set<std::string>& names);
  void CommitConfig(const std::map<std::string, std::string>& places);
  void Label(const std::string& cluster, const std::string& env);
  void AddCluster(const std::string& cluster, const std::string& env);
  // Of a cluster to which nothing is assigned. Its agent ends.
  void RemoveCluster(const std::string& cluster);
  void ApplySets();
  // Asks for a sync; empty if the hub refuses, which is a violation of Liveness unless it may.
  enum class MayRefuse { kNo, kYes };
  std::optional<hub::OperationId> AskForSync(const std::string& application,
                                             absl::Duration lifetime,
                                             MayRefuse may_refuse = MayRefuse::kNo);
  // Has the hub look at Git now, as a webhook does.
  void Poll();

  // What goes wrong.
  void StopHub() { hub_->Kill(); }
  // REQUIRES: stopped. Of its disks only the ledger is left.
  void LoseDerivedData();
  // Of kResumeDormant; nothing otherwise. REQUIRES: stopped. The cluster's log forgets that
  // something was dropped from it.
  void ResumeDormant(const std::string& cluster);
  // Up, or failed.
  void StartHub();
  void Cut();
  void BreakGit(const char* url, absl::Status error) { git_.SetFetchError(url, std::move(error)); }
  void MendGit();
  void RemoveBranch(const char* url);
  void RestoreBranch(const char* url);

  // Everything heals; within `limit` each cluster must have exactly what is wanted, proven in sync.
  void Calm(absl::Duration limit = absl::Hours(3));
  // Until there is no unrest, at most so long. What it was at the end; "" if none.
  std::string Settle(absl::Duration limit);
  std::string Unrest() const;

  testing::TestHub& hub() { return *hub_; }
  hub::FakeGitSource& git() { return git_; }
  Wishes& wishes() { return wishes_; }
  testing::FleetAgent& agent(const std::string& cluster) { return *agents_.at(cluster); }
  const std::map<std::string, std::unique_ptr<testing::FleetAgent>>& agents() const {
    return agents_;
  }
  std::vector<std::string> clusters() const;
  // Content of the hub, by what is assigned: how much of it nothing needs, and the first that is
  // needed and not there. The hub is up.
  struct ContentFacts {
    size_t unneeded = 0;
    std::string missing;  // Empty: nothing is.
  };
  ContentFacts ContentOfHub() const;
  // The hub is up.
  hub::ClusterView View(const std::string& cluster) const;
  hub::SessionTable& table() { return *table_; }
  hub::Operations& operations() { return *operations_; }
  // Since the beginning.
  testing::Traffic TrafficOf(const std::string& cluster) {
    return edge_.TrafficOf(ids_.at(cluster));
  }
  const hub::FakeGitSource::Files& config() const { return config_; }

 private:
  void OnServing(hub::Store& store);
  void OnEnd();
  void OpenEdge();
  // As the program tells its sessions which clusters recover.
  void Hold();
  void Look(const std::string& cluster, const testing::FleetAgent& agent);
  void CheckBrake(const std::string& cluster, size_t standing);
  void Register(const std::string& cluster, const std::string& env);

  class SendsOnce;

  const Mutant mutant_;
  SimLoop loop_;
  SeededRandom random_;
  SeededRandom agent_random_;
  Trace trace_;
  hub::FakeGitSource git_;
  std::unique_ptr<EmptyOnError> mutated_;
  testing::InProcessEdge edge_{loop_};
  std::unique_ptr<MortalLoop> hub_loop_;  // These are of one hub process.
  std::unique_ptr<hub::Operations> operations_;
  std::unique_ptr<hub::SessionObserver> courier_;
  std::unique_ptr<hub::SessionTable> table_;
  std::unique_ptr<testing::TestHub> hub_;
  std::map<std::string, intent::ClusterId> ids_;
  std::map<std::string, std::unique_ptr<testing::FleetAgent>> agents_;
  Wishes wishes_;
  hub::FakeGitSource::Files config_;        // As it was last in order.
  std::map<std::string, hub::GitId> tips_;  // Of main, by URL.
  // What stands in a cluster, as it was seen last.
  struct Standing {
    std::vector<intent::EntryKey> objects;
    std::vector<std::string> names;
  };
  std::map<std::string, Standing> standing_;
  std::map<std::string, std::deque<absl::Duration>> gone_;  // When, of the last hour.
  Brakes brakes_ = Brakes::kLifted;
  bool checks_brakes_ = false;
  uint64_t changes_ = 0;
  std::optional<std::string> violation_;
};

}  // namespace leidang::sim
