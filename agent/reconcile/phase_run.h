#pragma once

// PhaseRun: what one look of a sync in phases asks for, carried out: objects by SyncRun, which
// keeps the inventory; hooks directly, as they are in none.
//
// Loop-bound.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
  // Whether the sync is tried as a whole before its first change.
  bool TriesFirst() const;
  void DryRun();
  // nullopt: nothing can be learnt from trying it.
  std::optional<ApplyRequest> TrialOf(size_t task) const;
  void TryMore();
  void ApplyObjects();
  void ApplyHooks();
  void PruneObjects();
  void DeleteHooks();
  // Carries out `part`, then reports what of the batch failed and calls `next`.
  void RunPart(Plan part, std::function<void()> next);
  bool IsOfTheWhole(const absl::Status& refusal) const;
  void NoteFailure(size_t task, const absl::Status& status);
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
  std::vector<size_t> tries_;  // Tasks to be tried.
  size_t next_try_ = 0;
  bool trying_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with completions.
};

}  // namespace leidang::agent
