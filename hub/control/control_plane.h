#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"

#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/time/workers.h"
#include "hub/content/content_keeper.h"
#include "hub/control/brake_desk.h"
#include "hub/control/brakes.h"
#include "hub/control/closure_resolver.h"
#include "hub/control/cluster_lifecycle.h"
#include "hub/control/config_repository.h"
#include "hub/control/content_sweeper.h"
#include "hub/control/desk.h"
#include "hub/control/dormancy.h"
#include "hub/control/fleet_records.h"
#include "hub/control/owner_reconciler.h"
#include "hub/control/pinned_git.h"
#include "hub/control/recovery.h"
#include "hub/control/repositories.h"
#include "hub/control/shared_entries.h"
#include "hub/control/unclaimed_desk.h"
#include "hub/ledger/ledger.h"
#include "hub/resolve/closure.h"
#include "hub/source/git_source.h"
#include "hub/store/store.h"

namespace leidang::hub {

// ControlPlane is all of hub/control, put together: what decides, over a ledger, a store and Git.
// The program, the tests of whole flows and the benchmarks run this one.
//
//   plane.Load(new_hub, …)   reads the ledger; records() is there from now on
//   plane.Start(…)           opens the clusters' logs and begins to look; `done` when agents may be
//                            let in
//
// Loop-bound, destruction excepted: that is when the loop has stopped or nothing is posted to it
// any more, and `workers` are stopped. All of `parts` must outlive it.
class ControlPlane {
 public:
  struct Parts {
    EventLoop& loop;
    Workers& workers;
    Ledger& ledger;
    Store& store;
    GitSource& git;
    Random& random;
    Log& log;
  };
  struct Options {
    Repositories::Options polling;
    std::optional<ConfigRepository::Options> config;
    size_t part_bytes = kPartBytes;                  // Of what a set comes to, in one batch.
    absl::Duration sweep_interval = kSweepInterval;  // Of content; infinite: never.
    DormancyOptions dormancy = {};
  };
  struct Hooks {
    ClusterLifecycle::OnClusters on_clusters;  // Which clusters may connect has changed.
    ClusterLifecycle::OnGone on_gone;          // A cluster is gone for good.
    Recovery::Hold hold;                       // Which clusters are recovering has changed.
    // Of any cluster, on the loop; without it none becomes dormant.
    std::function<LinkPresence(const intent::ClusterId&)> presence = {};
  };
  using Done = std::function<void(absl::Status)>;

  ControlPlane(const Parts& parts, Options options, Hooks hooks);
  ~ControlPlane();

  // A ledger that was just born gets `new_hub` as its identity.
  void Load(const intent::HubId& new_hub, Done done);

  // Agents may be let in at once; only a hub that has lost its derived data first works out
  // everything again, so that nothing that a cluster has already is sent a second time. Where every
  // cluster is recovering nothing is sent anyway. `hold` was called before `done`.
  // REQUIRES: loaded.
  void Start(Done done);

  // Every owner has been, or is being, looked at.
  bool looking() const { return looking_; }
  // Nothing is under way, and everything has been looked at with complete inputs.
  bool quiet() const;

  // REQUIRES for all of these: loaded.
  FleetRecords& records() const { return *records_; }
  Repositories& repositories() const { return *repositories_; }
  OwnerReconciler& owners() const { return *owners_; }
  SharedEntries& shared() const { return *shared_; }
  ClusterLifecycle& lifecycle() const { return *lifecycle_; }
  Desk& desk() const { return *desk_; }
  BrakeDesk& brakes() const { return *brake_desk_; }
  UnclaimedDesk& unclaimed() const { return *unclaimed_; }
  Recovery& recovery() const { return *recovery_; }
  ConfigRepository* config() const { return config_.get(); }  // nullptr if none is followed.

 private:
  void Build();
  void BuildDesk();
  void Look(ClusterLifecycle::Logs logs, const Done& done);
  void OnInputs(const std::set<std::string>& consumers);
  void CheckSettled();
  bool AllRecovering() const;
  // What is assigned is what current inputs want.
  bool Current() const;

  const Parts parts_;
  const Options options_;
  const Hooks hooks_;

  Closures closures_;
  GitListings listings_;
  ContentKeeper keeper_;
  ClosureResolver resolver_;
  std::unique_ptr<FleetRecords> records_;
  std::unique_ptr<Brakes> brakes_;
  std::unique_ptr<BrakeDesk> brake_desk_;
  std::unique_ptr<SharedEntries> shared_;
  std::unique_ptr<Repositories> repositories_;
  std::unique_ptr<OwnerReconciler> owners_;
  std::unique_ptr<Desk> desk_;
  std::unique_ptr<ClusterLifecycle> lifecycle_;
  std::unique_ptr<UnclaimedDesk> unclaimed_;
  std::unique_ptr<ConfigRepository> config_;
  std::unique_ptr<Recovery> recovery_;
  std::unique_ptr<ContentSweeper> sweeper_;
  std::unique_ptr<Dormancy> dormancy_;
  bool looking_ = false;
  bool rebuilding_ = false;  // Logs that were lost are not filled again yet.
  Done on_settled_;
};

}  // namespace leidang::hub
