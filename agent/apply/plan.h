#pragma once

// MakePlan: what an Application wants, what its inventory says it has, and what the cluster shows,
// to the steps that make them equal.
//
// Rules that hold for every plan:
// - ExactPrune: only objects of this inventory are pruned, and only while the cluster still shows
//   them as this Application's (or as the very same object by its uid).
// - Objects of others are neither overwritten nor pruned: they are conflicts.
// - An empty set of desired objects prunes nothing unless the policy allows emptiness.
// - Creations and updates never wait for the approval of deletions.
//
// Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "agent/apply/desired.h"
#include "agent/apply/sync_policy.h"
#include "common/intent/status.h"
#include "common/object/key.h"
#include "common/object/sha256.h"

namespace leidang::agent {

// One object of the inventory, as the plan needs it.
struct OwnedObject {
  object::ObjectKey key;
  std::string uid;         // Of the object that was applied; empty where the target has none.
  object::Sha256 desired;  // The manifest that was applied last; none: the apply was not completed.
  std::string observed;    // Hash that the cluster showed right after it.
  int64_t wave = 0;
  Pruning pruning = Pruning::kPrune;
  Pruning with_app = Pruning::kPrune;  // As DesiredObject::with_app.
};

// All but key and uid as the one opaque text that the agent's state keeps; what cannot be read
// counts as an apply that was not completed.
std::string EncodeOwned(const OwnedObject& owned);
OwnedObject DecodeOwned(const object::ObjectKey& key, absl::string_view uid,
                        absl::string_view encoded);

// One object of the cluster, as the plan needs it.
struct SeenObject {
  object::ObjectKey key;
  std::string owner;  // "namespace/name" of an Application, or empty.
  std::string uid;
  std::string version;
  std::string hash;
  std::string rival;  // Who else changed it last; empty if nobody did.
  intent::HealthState health = intent::HealthState::kHealthy;
  std::string health_message;
  bool checked = false;  // A check has said so; without one it counts as healthy.
  // kCopy: carries the mark of another tool for another object; whoever made it looks after it.
  enum class Make : uint8_t { kOriginal, kCopy } make = Make::kOriginal;
  enum class Life : uint8_t { kAlive, kDeleting } life = Life::kAlive;
  // What the object itself says now, whoever wrote it there; the inventory may say more.
  DeletionWishes wishes;
  enum class Sort : uint8_t { kObject, kHook } sort = Sort::kObject;
  // kExcused: while it is not wanted it makes nothing out of sync, and only who asks for prunes
  // prunes it.
  enum class WhenExtra : uint8_t { kCounts, kExcused } when_extra = WhenExtra::kCounts;
};

// What is asked for beyond the automated policy.
enum class Request : uint8_t {
  kNone,
  kSync,          // Apply everything.
  kSyncAndPrune,  // And prune.
};

struct PlanInput {
  std::string app;  // "namespace/name"
  std::string ns;   // Of its destination.
  SyncPolicy policy;
  Request request = Request::kNone;
  std::vector<DesiredObject> desired;  // Each sorted by key.
  std::vector<OwnedObject> inventory;
  std::vector<SeenObject> live;
  // Keys of `live` that belong to another Application which lets go of them, or, if it is in our
  // inventory, to none that this agent knows.
  std::set<object::ObjectKey> released;
  // Objects of the inventory that another Application here wants: left to it, not pruned.
  std::set<object::ObjectKey> claimed;
  // Objects of the inventory that are wanted as hooks, or not to be applied any more: kept, and in
  // the inventory, for the Application's own end.
  std::set<object::ObjectKey> set_aside;
  // Objects that were corrected too often just now: reported instead.
  std::set<object::ObjectKey> rested;
  // Objects that differ from what was applied in ignored fields only: as they should be.
  std::set<object::ObjectKey> excused;
  // Objects of which it cannot be told now what may be applied: left as they are.
  std::set<object::ObjectKey> left;
  size_t pruned_recently = 0;            // See BrakeQuestion::recent.
  std::set<object::ObjectKey> approved;  // Deletions that somebody has allowed.
  // Of what asks for confirmation: what somebody has confirmed since. The brake still counts it.
  std::set<object::ObjectKey> confirmed;
  enum class Gate : uint8_t { kNone, kHealth } gate = Gate::kHealth;  // Between waves.
  // The Namespace of the destination, if it is there, lacks what managedNamespaceMetadata says.
  enum class Metadata : uint8_t { kAsWanted, kDiffers } namespace_metadata = Metadata::kAsWanted;
};

struct ApplyTask {
  enum class Why : uint8_t {
    kNew,      // Not there yet.
    kChanged,  // The manifest is another one.
    kDrift,    // Somebody else changed or removed it.
    kTaken,    // It comes from another Application, or is adopted.
    kRepeat,   // An earlier apply was not completed.
  };
  object::ObjectKey key;
  size_t desired = 0;  // Index into PlanInput::desired.
  Why why = Why::kNew;
  // Of kTaken: kNobody, if no Application of this agent's had it, but perhaps another tool.
  enum class From : uint8_t { kApplication, kNobody } from = From::kApplication;
  std::optional<std::string> if_version;
  std::string seen_uid;  // Of what was seen; empty if nothing was, or where the target has none.
};

struct PruneTask {
  object::ObjectKey key;
  std::string uid;
  std::string version;
  enum class Begun : uint8_t { kNo, kYes } begun = Begun::kNo;  // It is being deleted already.
};

// Tasks that may run side by side within one kind; kinds and steps one after the other.
struct PlanStep {
  int64_t wave = 0;
  std::vector<ApplyTask> applies;  // By kind, then name.
  std::vector<PruneTask> prunes;   // In the reverse order. A step has one sort of task only.
};

struct Plan {
  std::vector<PlanStep> steps;
  // Inventory entries that end without a deletion, with the reason.
  struct Dropped {
    object::ObjectKey key;
    std::string why;
  };
  std::vector<Dropped> dropped;
  struct Conflict {
    object::ObjectKey key;
    std::string owner;  // Empty: nobody's, and not ours to take.
  };
  std::vector<Conflict> conflicts;
  std::vector<object::ObjectKey> drifted;   // Differ from what was applied.
  std::vector<object::ObjectKey> missing;   // Desired and not there.
  std::vector<object::ObjectKey> outdated;  // Desired, and never applied as it is.
  std::vector<object::ObjectKey> extra;     // In the inventory, there, and not desired.
  std::vector<object::ObjectKey> excused;   // The same, of objects that say IgnoreExtraneous.
  std::vector<object::ObjectKey> unowned;   // Carry our marks, but are in no inventory: kept.
  std::vector<object::ObjectKey> held;      // Deletions that wait; `hold_reason` says why.
  std::string hold_reason;
  // Ask for confirmation, given or not, and whether or not this plan prunes.
  std::set<object::ObjectKey> to_confirm;
  std::vector<object::ObjectKey> waiting_for;  // Of earlier waves, not healthy yet.
  bool refused_empty = false;     // Everything would be pruned and the policy does not allow it.
  bool content_pending = false;   // Something desired has never been applied as it is.
  bool create_namespace = false;  // Before the first step, or to be given its metadata.
  intent::SyncState sync = intent::SyncState::kSynced;

  bool empty() const { return steps.empty() && dropped.empty() && !create_namespace; }
};

// REQUIRES: desired, inventory and live are sorted by key and hold each key once.
Plan MakePlan(const PlanInput& input);

// The deletions of an Application's end, in order: foreground semantics come with the caller. Every
// object of the inventory that is still this Application's and not `claimed`.
Plan MakeDeletionPlan(const PlanInput& input);

}  // namespace leidang::agent
