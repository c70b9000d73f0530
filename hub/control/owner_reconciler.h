#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/time/workers.h"
#include "common/workqueue/work_queue.h"
#include "hub/control/assigner.h"
#include "hub/control/brakes.h"
#include "hub/control/commit_parts.h"
#include "hub/control/expansion.h"
#include "hub/control/first_looks.h"
#include "hub/control/fleet_records.h"
#include "hub/control/name_claims.h"
#include "hub/control/owner_key.h"
#include "hub/control/pinned_git.h"
#include "hub/control/plan_writer.h"
#include "hub/control/repositories.h"
#include "hub/control/shared_entries.h"
#include "hub/store/store.h"

namespace leidang::hub {

// What the last look at an owner came to, for people. Conditions of sets survive a restart, so that
// they say since when.
struct OwnerReport {
  std::vector<Condition> conditions;
  std::vector<std::string> warnings;
  size_t failed_parameter_sets = 0;
  std::string commit;     // Of its inputs, comma-separated.
  bool settled = false;   // Looked at with complete inputs, and what followed is committed.
  bool complete = false;  // What it names was all that it wants: nothing of it failed.
  bool conditions_written = true;
};

// OwnerReconciler brings what is assigned to what each owner wants: expand on a worker, compare,
// write decisions to the ledger, then assignments to the store. Level-triggered: a trigger names an
// owner, never what changed; everything is read anew. One look at an owner at a time; a trigger
// while one is under way leads to another afterwards.
//
// Nothing is concluded from a look that an edit of the owner has overtaken. An error leaves
// everything as it was and is tried again with backoff. A name that several owners want belongs to
// one of them (NameClaims, FirstLooks), also after all derived data was lost: what looking anew
// would decide otherwise is in the ledger (Holding). A large owner is written in parts
// (PlanWriter); a failure between two of them leaves the rest to the next look, which comes to the
// same end.
//
// Loop-bound; all references must outlive it, and `workers` must be stopped before it goes.
class OwnerReconciler {
 public:
  struct Parts {
    EventLoop& loop;
    Workers& workers;
    FleetRecords& records;
    Repositories& repositories;
    Store& store;
    GitListings& listings;
    SourceResolver& resolver;
    SharedEntries& shared;
    Brakes& brakes;
    Random& random;
    Log& log;
    size_t part_bytes = kPartBytes;  // Of one batch; what is larger is written in parts.
  };
  // Called on the loop after each look that ended, with what it changed or not.
  using OnSettled = std::function<void(const OwnerKey&)>;

  OwnerReconciler(const Parts& parts, OnSettled on_settled);
  ~OwnerReconciler();

  // Reads which Applications exist, and puts back what the ledger says stays assigned if the store
  // has lost it. Call once, before Trigger, when the clusters' logs are open.
  void Load(std::function<void(absl::Status)> done);

  void Trigger(const OwnerKey& owner);
  void TriggerAll();
  // A project was edited: it is handed out again, and everybody looked at.
  void OnProjectChanged(const std::string& project);

  // nullptr if it was not looked at yet.
  const OwnerReport* Report(const OwnerKey& owner) const;
  // True once every owner has been looked at with complete inputs, and what followed is committed:
  // what is assigned is what the fleet wants.
  bool AllSettled() const { return unsettled_.empty(); }
  bool idle() const { return queue_.idle(); }

  // What the brake of a cluster goes by: how many Applications there are, and how many of them may
  // go without a question.
  uint64_t ApplicationsOn(const intent::ClusterId& cluster) const;
  BrakeLimit LimitOfCluster(const intent::ClusterId& cluster,
                            std::vector<std::string>* warnings = nullptr) const;

  // Looks that have begun, since the process did: the number of the newest. One that has resolved
  // content and not committed it yet is under way.
  uint64_t looks_begun() const { return looks_begun_; }
  // Whether one of the first `number` looks is under way.
  bool AnyLookBefore(uint64_t number) const;

 private:
  struct Look;
  using LookPtr = std::shared_ptr<Look>;

  absl::Status LoadNames();
  // The first that the ledger says stay assigned, and the store has lost.
  std::vector<Holding> Lost() const;
  void RestoreKept(std::vector<Holding> kept, std::function<void(absl::Status)> done);
  // One of them, with the project that it names.
  void PutKept(const Holding& holding, WriteBatch* batch) const;

  absl::Time CreatedAt(const OwnerKey& owner) const;
  bool Precedes(const OwnerKey& a, const OwnerKey& b) const;

  void Start(const OwnerKey& owner);
  void StartGone(const LookPtr& look);
  void ForgetOwner(const OwnerKey& owner);
  // False, and the look has ended, if the set cannot be read.
  bool ParseSet(const LookPtr& look);
  void Expand(const LookPtr& look);
  void OnExpanded(const LookPtr& look);
  AssignInput PlanInput(const Look& look);
  AssignPlan Plan(const LookPtr& look);
  // Which of the plan's deletions must wait.
  std::set<std::string> Brake(Look& look, const AssignPlan& plan);
  std::set<std::string> BrakeClusters(
      Look& look, const std::map<intent::ClusterId, std::vector<BrakedDeletion>>& leaving,
      Brakes::Question question);
  // The limit that an annotation sets; a bad one is a warning.
  static BrakeLimit LimitOf(absl::string_view annotation, BrakeLimit::Kind otherwise,
                            std::vector<std::string>* warnings);
  void AddBrakeProblems(const Look& look, std::vector<Problem>* problems) const;
  void DropWhatOthersHold(Look& look) const;
  // But for a brake, the owner would have it no more.
  bool WouldLose(const OwnerKey& owner, const std::string& name) const;
  bool IsToGo(const OwnerKey& owner) const;
  std::optional<DerivedApplication> Adoptable(const OwnerKey& owner, const std::string& key);
  void TriggerHeirs(const OwnerKey& owner);
  void WakeHeirs(const OwnerKey& owner);
  void AddRolloutProblem(const Look& look, std::vector<Problem>* problems) const;
  void SetWanted(const LookPtr& look);
  bool HasNews(const Look& look) const;
  void ClaimNames(const LookPtr& look, const AssignPlan& plan);
  void Free(const std::string& name, const OwnerKey& owner);
  void TriggerThose(const std::set<OwnerKey>& owners);

  void Decide(const LookPtr& look, AssignPlan plan);
  absl::StatusOr<FleetRecords::Changes> Decisions(const LookPtr& look,
                                                  const AssignPlan& plan) const;
  absl::Status AddHoldings(const LookPtr& look, const AssignPlan& plan,
                           FleetRecords::Changes* changes) const;
  absl::StatusOr<Holding> KeptBack(const Look& look, const std::string& key) const;
  void AddPins(const Look& look, FleetRecords::Changes* changes) const;
  // Everything decided is in the ledger: writes it, part by part.
  void Commit(const LookPtr& look, AssignPlan plan);
  void CommitNext(const LookPtr& look);
  void OnCommitted(const LookPtr& look, const PlanWriter::Part& part);
  void AddSetState(Look& look, WriteBatch* batch);
  void EraseOwner(const LookPtr& look);
  void ShowFailure(const absl::Status& status, OwnerReport* report) const;
  // The look has been overtaken, waits its turn, or failed.
  void EndLook(const LookPtr& look, const WorkResult& result);
  void Finish(const LookPtr& look, const absl::Status& status);
  void MarkSeen(const OwnerKey& owner);
  void SweepPins();

  static std::optional<absl::Duration> PaceOf(const Look& look);
  AssignRules RulesOf(const Look& look) const;
  void SetReport(Look& look, const std::vector<Problem>& problems);

  const Parts parts_;
  const OnSettled on_settled_;

  NameClaims claims_;
  // Names that an owner holds and has no Application for: claimed by a look under way, or before
  // the derived data was lost.
  std::map<OwnerKey, std::set<std::string>> reserved_;
  FirstLooks first_looks_;
  std::map<OwnerKey, uint64_t> in_work_;  // The number of the look that is under way.
  uint64_t looks_begun_ = 0;
  std::map<OwnerKey, std::set<OwnerKey>> heirs_;  // Who waits for the end of an owner's look.
  std::set<OwnerKey> parked_;  // Not started, since an earlier first look has not been.
  std::vector<LookPtr> held_;  // Expanded, and waiting for an earlier first look to end.

  std::map<OwnerKey, OwnerReport> reports_;
  std::set<OwnerKey> unsettled_;
  bool pins_swept_ = false;
  std::map<OwnerKey, std::pair<std::string, std::shared_ptr<const generators::ApplicationSet>>>
      parsed_;
  WorkQueue<OwnerKey> queue_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
