#pragma once

// SyncOperation: one sync of an Application as Argo CD's users know it, look by look. A look is
// begun with what the cluster shows, gives batches of work until there is none, and leaves a state
// and a message. What a look does not finish the next one goes on with.
//
//   operation.BeginLook(targets, live);
//   while (const SyncBatch* batch = operation.Batch()) {
//     … carry the batch out, Report() each of its tasks that failed or must be waited for …
//     operation.EndBatch();
//   }
//
// Rules: one phase and wave a look, prunes before the removal of old hooks before applies, kinds
// one after the other; with several waves or phases a wave waits until the one before is healthy;
// hooks always wait; a failure runs the SyncFail hooks once nothing else runs.
//
// Pure; thread-compatible.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "agent/apply/sync_tasks.h"
#include "common/object/key.h"

namespace leidang::agent {

struct SyncBatch {
  enum class What : uint8_t {
    kDryRun,  // Ask whether the objects could be applied; no order among them.
    kPrune,
    kDeleteHook,  // To be created again later.
    kApply,       // All of one kind.
    kTidyHook,    // Remove for good; failures do not matter.
  };
  What what = What::kApply;
  std::vector<size_t> tasks;  // Indexes into SyncOperation::tasks(), in order.
};

struct SyncOptions {
  enum class Prune : uint8_t { kSkip, kPrune } prune = Prune::kSkip;
  enum class Confirmed : uint8_t { kNo, kYes } confirmed = Confirmed::kNo;  // Of Prune=confirm.
};

class SyncOperation {
 public:
  enum class State : uint8_t { kRunning, kSucceeded, kFailed };

  // `results` of an operation that was begun elsewhere (before a restart); normally empty.
  explicit SyncOperation(SyncOptions options, std::map<SyncTaskId, SyncResult> results = {});

  // REQUIRES: state() is kRunning and Batch() is null. Both arguments must outlive the look.
  void BeginLook(const SyncTargets& targets, const std::map<object::ObjectKey, SyncLive>& live);

  // What is to be done now; null when the look is over.
  const SyncBatch* Batch() const { return batch_.tasks.empty() ? nullptr : &batch_; }
  // The task of the batch failed; `why` is kept in its result. kDryRun and kApply, kPrune.
  void ReportFailure(size_t task, std::string why);
  // The uid of what the apply of a hook of the batch made.
  void ReportMade(size_t task, std::string uid);
  // Everything of the batch that was not reported as failed is done.
  void EndBatch();

  const std::vector<SyncTask>& tasks() const { return tasks_; }
  State state() const { return state_; }
  const std::string& message() const { return message_; }
  // The wave that this look ran; absent if none did, or if something of it failed.
  std::optional<std::pair<SyncPhase, int64_t>> wave() const { return wave_; }
  const std::map<SyncTaskId, SyncResult>& results() const { return results_; }

 private:
  enum class Stage : uint8_t { kOver, kNamespace, kDryRun, kPrunes, kHooks, kApplies, kTidy };
  enum class Run : uint8_t { kSuccessful, kPending, kFailed };
  enum class Running : uint8_t { kWave, kSyncFail };
  enum class Waiting : uint8_t { kForHealth, kForDeletion };

  void Start();
  void StartDryRun();
  void Decide();
  void UpdateRunning();
  bool WaitsForSomething();
  void BeginWave();
  void RunTasks(std::vector<size_t> tasks, Running what);
  bool NeedsConfirmation();
  void RunHookDeletions();
  void RunNextKind();
  void EndRun();
  void TidyAndSucceed(absl::string_view message);
  void TidyAndFail(absl::string_view message, const std::vector<size_t>& tasks);
  void EndTidy();
  void EndBatchTask(size_t task, const std::string* failure);

  void WaitFor(const std::vector<size_t>& tasks, Waiting waiting);
  void SetResult(size_t task, SyncResult result);
  void Emit(SyncBatch::What what, std::vector<size_t> tasks, Stage stage);
  template <typename Predicate>
  std::vector<size_t> Select(const Predicate& predicate) const;

  const SyncOptions options_;
  std::map<SyncTaskId, SyncResult> results_;
  bool dry_run_done_ = false;
  State state_ = State::kRunning;
  std::string message_;

  // Of the look.
  const SyncTargets* targets_ = nullptr;
  std::vector<SyncTask> tasks_;
  std::optional<std::pair<SyncPhase, int64_t>> wave_;
  Stage stage_ = Stage::kOver;
  SyncBatch batch_;
  std::map<size_t, std::string> failures_;  // Of the batch.
  std::map<size_t, std::string> made_;      // The same.
  std::vector<size_t> tidy_succeeded_;      // Hooks to be removed when the sync ends so.
  std::vector<size_t> tidy_failed_;
  // Of the tasks that are being run.
  Running running_ = Running::kWave;
  std::vector<size_t> run_;
  size_t next_apply_ = 0;  // Index into run_.
  Run run_state_ = Run::kSuccessful;
  bool nothing_remains_ = false;  // After this wave.
  // Of the end.
  State end_ = State::kSucceeded;
  std::string end_message_;
};

}  // namespace leidang::agent
