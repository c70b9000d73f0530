#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "hub/control/expansion.h"
#include "hub/model/application.h"
#include "hub/model/decided.h"

namespace leidang::hub {

// May an owner's Applications be created, updated, deleted. What `applicationsSync` allows, and
// less while something else forbids it.
struct AssignRules {
  bool create = true;
  bool update = true;
  bool remove = true;
};

// One Application that ends, or leaves its cluster: first a decision in the ledger, then a
// tombstone.
struct Deletion {
  std::string key;
  intent::ClusterId cluster;
  intent::Uid uid;
  intent::DeletionPolicy policy = intent::DeletionPolicy::kForeground;
  enum class Why { kNotWanted, kMoved } why = Why::kNotWanted;

  friend bool operator==(const Deletion&, const Deletion&) = default;
};

// Whether the assignment that a record tells of still counts.
struct Standing {
  enum class Kind {
    kLive,
    kEnded,        // Its end is in the ledger; its tombstone may have got lost.
    kClusterGone,  // Nobody is left to be told.
  } kind = Kind::kLive;
  intent::DeletionPolicy policy = intent::DeletionPolicy::kForeground;  // Of kEnded.
};

struct AssignInput {
  std::string owner;  // Key of the set; empty for an Application written directly.
  const Expansion& expansion;
  const std::vector<DerivedApplication>& current;  // What the owner has now, sorted by key.
  AssignRules rules;
  // How what is removed ends; nullopt: as the Application's own finalizers say. Of a set's
  // Applications, those whose finalizers keep their objects keep them all the same.
  std::optional<intent::DeletionPolicy> ending;
  intent::HubId hub;
  absl::Time now;
  // How often the key has been deleted (ledger), not counting what this plan decides.
  std::function<uint64_t(const std::string& key)> deletions;
  std::function<Standing(const DerivedApplication&)> standing;
  // Another owner that holds the key, as people call it; nullopt if it is free or this owner's.
  std::function<std::optional<std::string>(const std::string& key)> held_by;
  // The record of another set's Application whose end a brake holds: a set that wants it takes it
  // over, uid and all.
  std::function<std::optional<DerivedApplication>(const std::string& key)> adoptable =
      [](const std::string&) { return std::nullopt; };
  // Keys whose end a brake holds: they stay where and as they are.
  std::set<std::string> braked;
};

// All that the store is told about one Application: takes effect together or not at all. It refers
// to what was planned with, so that the bytes of a fleet are in memory once (PlanWriter).
struct PlannedStep {
  static constexpr size_t kNone = ~size_t{0};
  enum class Record : uint8_t {
    kStays,
    kOfDesired,   // Written anew,
    kOfBefore,    // written as it is but for its conditions,
    kUnassigned,  // and without a place,
    kDropped,
  };
  struct End {
    intent::ClusterId cluster;
    intent::Uid uid;
    intent::DeletionPolicy policy = intent::DeletionPolicy::kForeground;
  };

  size_t desired = kNone;    // Index in `AssignInput::expansion`,
  size_t before = kNone;     // and in `AssignInput::current`; one of them is there.
  std::optional<End> end;    // A tombstone, before all else.
  bool assigned = false;     // `desired` is put under `uid`.
  std::string adopted_from;  // The set that it is taken over from; empty: it is not.
  Record record = Record::kStays;
  intent::Uid uid;
  std::vector<Condition> conditions;  // Of a record that is written.
};

struct AssignPlan {
  std::vector<Deletion> deletions;    // To be decided in the ledger before the steps are taken.
  std::vector<PlannedStep> steps;     // What ends altogether comes last.
  std::vector<std::string> taken;     // Keys that the owner holds from now on,
  std::vector<std::string> released;  // those it no longer does,
  std::vector<std::string> refused;   // and those that another has.
  // Those whose assignment stays although the owner alone would not make it so again.
  std::vector<std::string> held_back;
  // Those that are assigned anew with something left as it was: what a fresh look would not give.
  std::map<std::string, Holding::Kept> kept_fields;
  std::vector<Problem> problems;  // Further ones of the owner.
  size_t created = 0, updated = 0, removed = 0, moved = 0, kept = 0;

  bool empty() const { return steps.empty() && deletions.empty(); }
};

// Compares what an owner wants with what it has, Application by Application. Pure.
//
// Nothing is deleted unless the expansion is complete and the rules allow it; an Application with a
// problem keeps its assignment as it is. A moved destination is a tombstone in one log and a put
// under a new uid in the other. What is as it shall be is not written. Planning again what was
// decided, but of whose steps only some were taken, comes to the others, under the same uids, and
// decides nothing twice.
AssignPlan PlanAssignments(const AssignInput& input);

// What the finalizers of an Application ask for: `resources-finalizer.argocd.argoproj.io`
// foreground, its `/background` form background, none of them orphan, as in Argo CD.
intent::DeletionPolicy PolicyOf(const object::Value& manifest);

// Takes over `since` where type, status and reason stay, so that a condition shows how long it has
// held.
std::vector<Condition> Renewed(const std::vector<Condition>& before,
                               const std::vector<Problem>& problems, absl::Time now);

}  // namespace leidang::hub
