#pragma once

// SyncRun: one plan carried out.
//
// Crash-safe: an object is in the inventory before it is created and until after it is gone, and an
// apply that was not recorded is repeated. Objects that come from another entry change inventories
// in one transaction. One object that fails does not stop the others of its step; later steps wait
// for the next plan, also while the deletion of one is held up: what looks after an object outlives
// it.
//
// Loop-bound.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "agent/apply/plan.h"
#include "agent/cluster/cluster_client.h"
#include "agent/reconcile/want_index.h"
#include "agent/state/state.h"
#include "common/object/value.h"

namespace leidang::agent {

struct SyncOutcome {
  size_t created = 0;
  size_t changed = 0;    // By a new manifest.
  size_t corrected = 0;  // Drift that was undone.
  size_t unchanged = 0;
  size_t pruned = 0;
  size_t pending = 0;                          // Deletions that something holds up.
  std::vector<object::ObjectKey> corrections;  // Those that were attempted.
  // The first errors, each naming its object, and how many there were.
  std::vector<absl::Status> errors;
  size_t failed = 0;
  std::map<object::ObjectKey, std::string> failures;  // Each object's, with the reason.
  absl::Status storage;                               // State failed: nothing more was done.

  bool ok() const { return failed == 0 && storage.ok(); }
};

class SyncRun {
 public:
  using Done = std::function<void(SyncOutcome)>;

  struct Job {
    EntryRef entry;
    Plan plan;
    std::shared_ptr<const DesiredSet> desired;  // What the plan's applies point into; may be null.
    std::vector<OwnedObject> inventory;         // As the plan saw it.
    std::vector<SeenObject> live;
    Propagation propagation = Propagation::kForeground;
    Wish replace = Wish::kUnsaid;  // What the Application says; objects may say otherwise.
    Wish force = Wish::kUnsaid;
    object::ObjectKey namespace_key;  // To be created if the plan says so.
    object::Value namespace_manifest;
    enum class Namespace : uint8_t { kMissing, kThere } namespace_state = Namespace::kMissing;
    std::optional<std::string> note;  // The entry's new note, durable before anything is done.
    // Other entries whose inventory holds what this one takes.
    std::map<object::ObjectKey, std::set<EntryRef>> former;
    // Entries that get what this one lets go of for them.
    std::map<object::ObjectKey, EntryRef> heirs;
    // What is sent instead of the desired manifest; null: nothing else.
    std::shared_ptr<const std::map<object::ObjectKey, ApplyRequest>> adjusted;

    ApplyRequest RequestOf(const ApplyTask& task) const;
  };

  static constexpr size_t kConcurrentMax = 12;
  static constexpr size_t kErrorsKept = 5;

  // References must outlive it. `done` runs once, not inside Start, unless the run is destroyed
  // before; it may destroy the run. REQUIRES: the plan is not empty.
  SyncRun(State& state, ClusterClient& cluster, Job job, Done done);
  ~SyncRun();

  void Start();

 private:
  void Commit(Transaction transaction, std::function<void()> next);
  void CreateNamespace();
  void NextStep();
  void BeginApplies();
  void StartMore();
  void Advance();
  void Apply(const ApplyTask& task);
  void OnApplied(const ApplyTask& task, absl::StatusOr<Applied> answer);
  void Prune(const PruneTask& task);
  void OnPruned(const PruneTask& task, absl::StatusOr<Deleted> answer);
  void OneDone();
  void Fail(const object::ObjectKey& key, absl::Status status);
  void Finish();

  State& state_;
  ClusterClient& cluster_;
  const Job job_;
  const Done done_;
  SyncOutcome outcome_;
  size_t step_ = 0;
  size_t next_ = 0;  // Task of the step.
  size_t in_flight_ = 0;
  // Fewer wait for more to be recorded with, while something is under way.
  static constexpr size_t kRecordsMin = 64;
  Transaction records_;  // Of what has been done since the last commit.
  bool recording_ = false;
  bool advancing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with completions.
};

}  // namespace leidang::agent
