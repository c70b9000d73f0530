#pragma once

// The tasks of a sync and their order: phase, wave, kind, name; namespaces and definitions before
// what needs them; prunes in the mirrored order of their waves. Pure; thread-safe.

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "agent/apply/hooks.h"
#include "common/intent/status.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

// What ordering needs to know of an object.
struct SyncObject {
  object::ObjectKey key;
  int64_t wave = 0;  // As written.
  enum class Sort : uint8_t { kObject, kHook } sort = Sort::kObject;
  std::set<SyncPhase> phases;        // None: it takes no part.
  std::set<HookDeletion> deletions;  // Of a hook.
  enum class Pruning : uint8_t { kPrune, kKeep, kConfirm } pruning = Pruning::kPrune;
  enum class PruneWhen : uint8_t { kInItsWave, kLast } prune_when = PruneWhen::kInItsWave;
  std::string defines;  // Of a CustomResourceDefinition: group and kind, without a separator.
};

// `key` is the object's as it stands, or will stand, in the cluster.
SyncObject DescribeForSync(const object::Value& manifest, object::ObjectKey key);

// The name of a hook that has only a generateName: the same at every look of one sync.
std::string HookName(absl::string_view generate_name, absl::string_view commit, SyncPhase phase,
                     int64_t started_unix);

// One object of the cluster as a look sees it. `health` is absent for kinds without a check.
struct SyncLive {
  SyncObject object;
  std::optional<intent::HealthState> health;
  std::string health_message;
  enum class Life : uint8_t { kAlive, kDeleting } life = Life::kAlive;
};

// Result of one task in one sync; a task without one is still to be done.
struct SyncResult {
  enum class Code : uint8_t { kNone, kSynced, kSyncFailed, kPruned, kPruneSkipped };
  enum class Phase : uint8_t { kNone, kRunning, kSucceeded, kFailed, kError };
  Code code = Code::kNone;
  Phase phase = Phase::kNone;
  std::string message;
  std::string uid = {};  // Of what the apply of a hook made; empty where the target has none.

  friend bool operator==(const SyncResult&, const SyncResult&) = default;
};

// Names a task for as long as a sync lasts: one hook may run in two phases.
struct SyncTaskId {
  object::ObjectKey key;
  SyncPhase phase = SyncPhase::kSync;

  friend auto operator<=>(const SyncTaskId&, const SyncTaskId&) = default;
};

struct SyncTask {
  SyncTaskId id;     // The phase in which it runs: namespaces and definitions may move.
  int64_t wave = 0;  // Effective, too.
  enum class Action : uint8_t { kApply, kPrune } action = Action::kApply;
  const SyncObject* object = nullptr;  // What is wanted, or what is to be pruned.
  const SyncLive* live = nullptr;      // Null: not there.
  SyncResult result;

  bool IsHook() const { return object->sort == SyncObject::Sort::kHook; }
  bool IsPrune() const { return action == Action::kPrune; }
  bool IsPending() const { return result.phase == SyncResult::Phase::kNone; }
  bool IsRunning() const { return result.phase == SyncResult::Phase::kRunning; }
  bool IsCompleted() const { return !IsPending() && !IsRunning(); }
  bool IsSuccessful() const { return result.phase == SyncResult::Phase::kSucceeded; }
  // A hook that is there already and must go before it is created.
  bool MustGoFirst() const;
};

struct SyncTargets {
  std::string ns;                       // Of the destination.
  std::vector<SyncObject> wanted;       // Ordinary objects and hooks.
  std::set<object::ObjectKey> skipped;  // Objects that the cluster has and this sync leaves alone.
  enum class PruneWhen : uint8_t { kInItsWave, kLast } prune_when = PruneWhen::kInItsWave;
  enum class Hooks : uint8_t { kRun, kLeaveOut } hooks = Hooks::kRun;
  // The Namespace of the destination, to be created if it is not among `wanted` or in the cluster.
  std::optional<SyncObject> namespace_to_create;
};

// In order. `live` are the objects of the Application, or that have the key of a wanted one. All
// must outlive the tasks.
std::vector<SyncTask> MakeSyncTasks(const SyncTargets& targets,
                                    const std::map<object::ObjectKey, SyncLive>& live,
                                    const std::map<SyncTaskId, SyncResult>& results);

}  // namespace leidang::agent
