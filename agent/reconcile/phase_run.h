#pragma once

// PhaseRun: what one look of a sync in phases asks for, carried out: objects by SyncRun, which
// keeps the inventory; hooks directly, as they are in none.
//
// Loop-bound.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/apply/plan.h"
#include "agent/cluster/cluster_client.h"
#include "agent/reconcile/phased_sync.h"
#include "agent/reconcile/sync_run.h"
#include "agent/state/state.h"

namespace leidang::agent {

class PhaseRun {
 public:
  using Done = std::function<void(SyncOutcome)>;
  using MakeJob = std::function<SyncRun::Job(Plan)>;  // Carries out a part of the plan.

  // References must outlive it. `done` runs once, perhaps inside Start, unless the run is destroyed
  // before; it may not destroy the run. REQUIRES: a look of `sync` has been begun.
  PhaseRun(State& state, ClusterClient& cluster, PhasedSync& sync, const Plan& plan,
           MakeJob make_job, Done done);
  ~PhaseRun();

  void Start();

 private:
  void NextBatch();
  void DryRun();
  void ApplyObjects();
  void ApplyHooks();
  void PruneObjects();
  void DeleteHooks();
  // Carries out `part`, then reports what of the batch failed and calls `next`.
  void RunPart(Plan part, std::function<void()> next);
  void Answered(size_t task, const absl::Status& status);
  void EndBatch();
  void Finish();

  State& state_;
  ClusterClient& cluster_;
  PhasedSync& sync_;
  const Plan& plan_;
  const MakeJob make_job_;
  const Done done_;
  std::map<object::ObjectKey, ApplyTask> applies_;
  std::map<object::ObjectKey, PruneTask> prunes_;
  SyncOutcome outcome_;
  std::unique_ptr<SyncRun> run_;
  size_t in_flight_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with completions.
};

}  // namespace leidang::agent
