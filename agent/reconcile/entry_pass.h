#pragma once

// EntryPass: one look at one incarnation of an Application, and all that follows from it.
//
// Live and unclaimed entries: read the assignment, render, read the cluster, plan, carry out, look
// again until nothing is left, report. Entries that are being deleted: carry out the tombstone.
// Everything is read anew; nothing depends on what caused the pass.
//
// Loop-bound.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/apply/hooks.h"
#include "agent/apply/selection.h"
#include "agent/cluster/cluster_client.h"
#include "agent/events/event_recorder.h"
#include "agent/health/health_source.h"
#include "agent/policy/cluster_policy.h"
#include "agent/reconcile/application.h"
#include "agent/reconcile/desired_source.h"
#include "agent/reconcile/entry_memory.h"
#include "agent/reconcile/ignored_differences.h"
#include "agent/reconcile/inventory_mirror.h"
#include "agent/reconcile/live_diff.h"
#include "agent/reconcile/phase_run.h"
#include "agent/reconcile/phased_sync.h"
#include "agent/reconcile/recent.h"
#include "agent/reconcile/status_report.h"
#include "agent/reconcile/sync_run.h"
#include "agent/reconcile/want_index.h"
#include "agent/state/state.h"
#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/workqueue/work_queue.h"

namespace leidang::agent {

struct ReconcileOptions {
  size_t concurrent_max = 8;                  // Applications at once.
  absl::Duration resync = absl::Minutes(10);  // With up to as much again at random.
  size_t corrections_per_minute_max = 10;     // Of one object.
  absl::Duration sweep = absl::Hours(1);      // Content that no entry needs is dropped this often.
  PlanInput::Gate gate = PlanInput::Gate::kHealth;
  // kPhases: with hooks, and as Argo CD's users know it. kWaves: what needs no health of a target.
  enum class Syncs : uint8_t { kWaves, kPhases } syncs = Syncs::kWaves;
  std::string inventory_namespace;  // Where inventories are mirrored; empty: nowhere.
  std::string events_namespace;     // Of Events about Applications; empty: none are recorded.
  BackoffOptions backoff;
};

// The last sync in phases of an entry.
struct SyncRecord {
  std::unique_ptr<PhasedSync> running;
  enum class End : uint8_t { kNone, kSucceeded, kFailed } end = End::kNone;
  object::Sha256 element;  // Of the assignment that it was of.
  int64_t attempts = 0;
  absl::Time started;
  std::string by;                  // Who asked for it, or "automated".
  std::optional<HookType> ending;  // Not a sync, but these hooks of the Application's end.
  enum class Extent : uint8_t { kWhole, kPart } extent = Extent::kWhole;
  // Of kPart: who asked for it, and what is known of the whole, which comes back at its end.
  OperationId operation;
  std::unique_ptr<SyncRecord> whole;
  std::optional<absl::Duration> next;  // When it is tried again; absent: not by itself.
  std::string failure;
  std::vector<intent::ObjectStatus> hooks;
};

// Whether an object that is not as it was applied differs in ignored fields only, as found for what
// it was then; kept so that nothing is asked twice.
struct DriftVerdict {
  std::string hash;   // LiveObject::hash
  object::Sha256 of;  // What was wanted, and what is ignored.
  enum class Found : uint8_t { kDrift, kOnlyIgnored } found = Found::kDrift;
};
using DriftVerdicts = std::map<object::ObjectKey, DriftVerdict>;

// Objects that are being deleted, by key and uid, and when that was seen first; by the monotonic
// clock.
using DeletingSince = std::map<std::pair<object::ObjectKey, std::string>, absl::Duration>;

// What passes share; it belongs to the Reconciler.
struct ReconcileContext {
  EventLoop& loop;
  Random& random;
  State& state;
  ClusterClient& cluster;
  DesiredSource& desired;
  HealthSource& health;
  Log& log;
  const ReconcileOptions& options;
  WantIndex wants;
  RecentCorrections corrections;
  RecentPrunes prunes;
  ClusterPolicy policy;
  IgnoredDifferences ignored;
  std::map<EntryRef, DriftVerdicts> judged;
  std::map<EntryRef, DeletingSince> deleting;
  // Deletions that wait, as reported last, and those that somebody has approved.
  std::map<EntryRef, std::vector<object::ObjectKey>> held;
  std::map<EntryRef, std::set<object::ObjectKey>> approved;
  std::map<EntryRef, SyncRecord> syncs;
  // nullptr: inventories are on the disk only.
  InventoryMirror* mirror = nullptr;
  // nullptr: nothing is told in the cluster.
  EventRecorder* events = nullptr;
  // What the mirror has of each entry, once it has been read.
  std::map<EntryRef, object::Sha256> mirrored;
  // Told when an entry's wants are known, and asked by passes that delete: what is deleted may be
  // wanted by an entry that has not been rendered yet.
  std::function<void()> on_settled;
  std::function<bool()> all_settled;
  // The key has deletions that wait for that.
  std::function<void(const intent::EntryKey&)> park;
  // The key is to be looked at soon.
  std::function<void(const intent::EntryKey&)> wake;
};

class EntryPass {
 public:
  using Done = std::function<void(WorkResult)>;

  // `done` runs once, perhaps inside Start, unless the pass is destroyed before. It must not
  // destroy the pass before it returns.
  EntryPass(ReconcileContext& context, EntryRef entry, Done done);
  ~EntryPass();

  void Start();

 private:
  struct Asked {
    Request request = Request::kNone;
    std::vector<OperationRecord> operations;
    std::map<OperationId, std::string> refused;  // With the reason.
    std::set<OperationId> expired;
    std::set<OperationId> approvals;             // Of deletions, that were accepted.
    std::map<OperationId, std::string> answers;  // Documents, of questions.
    std::string by = "automated";                // Who asked for the sync.
    std::optional<SyncSelection> selection;      // Absent: all objects.
    std::optional<OperationId> sync;             // The one that this pass is about.
    bool terminate = false;                      // The sync that runs is to end.
    bool others_wait = false;                    // Syncs, for a later pass.
  };
  // What an operation asks for.
  struct SyncWish {
    OperationRecord operation;
    Request request = Request::kSync;
    std::string by;
    std::string approves;  // Not a sync, but an approval of deletions with this digest.
    std::optional<SyncSelection> selection;
  };

  // Inventories in the cluster.
  void ReadMirror(void (EntryPass::*then)());
  void Restore(const InventoryMirror::Items& items, void (EntryPass::*then)());
  void WriteMirror(std::function<void()> then);

  // Live entries.
  void StartLive();
  void GoOnLive();
  // The Application asks to be left alone.
  void SkipReconcile();
  void TellWaiting(const std::set<EntryRef>& entries);
  void OnDesired(absl::StatusOr<DesiredSource::Set> answer);
  absl::Status LeaveToNamesake();
  void Look();
  void OnRead(absl::StatusOr<std::vector<LiveObject>> answer);
  void OnLive(absl::StatusOr<std::vector<LiveObject>> answer);
  void FindHeldUp();
  void MakeThePlan();
  void ObeyPolicy();
  void FailOnSharedObjects();
  bool LacksNamespaceMetadata() const;
  void RememberConfirmation();
  void RefuseObjects();
  void ObeyLimit(const ClusterPolicy::Limit& limit);
  bool HasSyncRunning() const;
  void CarryOut();

  // spec.ignoreDifferences.
  struct IgnoredQuestion {
    size_t desired = 0;  // Index.
    enum class What : uint8_t { kIsDrift, kWhatToApply } what = What::kIsDrift;
  };
  std::vector<IgnoredQuestion> IgnoredQuestions() const;
  // True if something is asked, and the plan is made again with the answers.
  bool AskWhatIsIgnored();
  void AskNextIgnored();
  void AskIgnored(const IgnoredQuestion& question);
  void AnsweredIgnored();
  object::Sha256 VerdictDigest(const DesiredObject& desired) const;
  void AddVerdicts(PlanInput& input) const;

  void OnRun(SyncOutcome outcome);

  // Syncs in phases.
  void CarryOutInPhases();
  bool NeedsSync(const SyncRecord& record) const;
  void BeginSync(SyncRecord& record);
  void RunLook(SyncRecord& record);
  void RunPhases(SyncRecord& record);
  void KeepSelected();
  static absl::StatusOr<SyncWish> ReadWish(const OperationRecord& operation);
  void TakeSync(std::vector<SyncWish> wishes);
  bool NextSyncMayBegin() const;
  // How the last sync of everything ended, across restarts.
  void RememberEnd(const SyncRecord& record);
  void RecallEnd(SyncRecord& record);
  // Of a partial sync: what is known of the whole is as it was.
  static void ForgetPart(SyncRecord& record);
  void OnPhases(SyncOutcome outcome);
  void EndSync(SyncRecord& record);
  // Its message, and what the first objects that failed say unless it says that already.
  static std::string FailureOf(const SyncOperation& operation);
  void KeepCorrectionsOnly();

  // Entries that are being deleted.
  // Whether the same may succeed at another time.
  static bool MayPass(const absl::Status& failure);
  // Or, as long as State cannot be read, may have.
  bool HasEndingHooks() const;
  void RunEnding(HookType type);
  void OnEndingDesired(absl::StatusOr<DesiredSource::Set> answer);
  void LookForEnding();
  void OnEndingRead(absl::StatusOr<std::vector<LiveObject>> answer);
  void OnEndingLive(absl::StatusOr<std::vector<LiveObject>> answer);
  void OnEndingPhases();
  void SkipEnding(const absl::Status& why);
  void EndEnding();
  void StartDeletion();
  void TellOfDeletion();
  void LookForDeletion();
  void OnDeletionLive(absl::StatusOr<std::vector<LiveObject>> answer);
  void FinishDeletionOf();
  void OnHooksLeft(absl::StatusOr<std::vector<LiveObject>> answer);
  void RemoveMirror();
  void RecordEnd();

  // The end.
  void Fail(absl::Status failure);
  void Conclude(WorkResult result);
  WorkResult NextTime() const;

  // What people ask (LiveDiff, EntryMemory). True if the plan is made again afterwards.
  bool AnswerQuestions();
  void OnDiff(const object::Value& document);
  bool AsksForDiff(const OperationRecord& operation) const;
  void Remember(SyncHistoryItem::Result result, absl::string_view message, absl::Time started,
                absl::string_view by);
  void RememberWaves();

  // StorageFailed RenderErrors.
  absl::Status ReadInventory();
  absl::Status ReadOperations();
  // Ends the sync that runs, after its running hooks.
  void Terminate();
  void StopNextHook();
  void OnHookStopped(const object::ObjectKey& hook, const absl::StatusOr<Deleted>& answer);
  void EndTermination();
  void Approve(const OperationRecord& operation, absl::string_view digest);
  SeenObject SeenOf(const LiveObject& live) const;
  PlanInput Input() const;
  // Sets `released` and `claimed` of the input, `former` and `heirs` of a job.
  absl::Status FindNeighbours(PlanInput& input);
  absl::Status FindOwner(const SeenObject& seen, PlanInput& input);
  SyncRun::Job MakeJob(Plan plan) const;
  void CountOutcome(const SyncOutcome& outcome);
  bool CountsPrunes() const;
  bool InPhases() const;
  void ReportRunning();
  void RecordEvents(const std::optional<intent::EntryStatus>& before,
                    const intent::EntryStatus& after);
  void AddOperationOutcomes(Transaction& transaction);
  std::string WhyFailed(const OperationRecord& operation) const;
  template <typename Answer>
  std::function<void(Answer)> Alive(void (EntryPass::*then)(Answer));

  ReconcileContext& context_;
  const EntryRef ref_;
  const Done done_;

  EntryFindings findings_;
  EntryMemory memory_;
  absl::Time started_;
  Application application_;
  DesiredSource::Set desired_;
  std::vector<OwnedObject> inventory_;
  Asked asked_;
  Plan plan_;
  std::optional<SyncOutcome> outcome_;
  std::map<object::ObjectKey, std::set<EntryRef>> former_;
  std::map<object::ObjectKey, EntryRef> heirs_;
  std::unique_ptr<SyncRun> run_;
  std::unique_ptr<PhaseRun> phase_run_;
  std::unique_ptr<LiveDiff> diff_;
  std::vector<LiveObject> live_;
  // Of the look.
  std::vector<IgnoredQuestion> questions_;
  size_t next_question_ = 0;
  size_t questions_in_flight_ = 0;
  std::map<object::ObjectKey, absl::Status> unsure_;
  std::map<object::ObjectKey, ApplyRequest> adjusted_;
  std::string shared_failure_;
  bool sync_over_ = false;  // In this pass.
  bool made_namespace_ = false;
  std::string part_failure_;  // Of a partial sync, in this pass.
  // Of a termination: hooks to be deleted, each with its uid, and what became of others.
  std::vector<std::pair<object::ObjectKey, std::string>> to_stop_;
  std::vector<std::string> stopped_;
  enum class Stopping : uint8_t { kDone, kFailed } stopping_ = Stopping::kDone;
  HookType ending_ = HookType::kPreDelete;
  int looks_ = 0;
  bool waits_for_others_ = false;
  bool may_sync_ = true;                                    // As the policy has it.
  absl::Duration held_up_next_ = absl::InfiniteDuration();  // Until one more counts as held up.
  absl::Time limit_ends_ = absl::InfiniteFuture();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with completions.
};

template <typename Answer>
std::function<void(Answer)> EntryPass::Alive(void (EntryPass::*then)(Answer)) {
  return [this, alive = alive_, then](Answer answer) {
    if (*alive) (this->*then)(std::move(answer));
  };
}

}  // namespace leidang::agent
