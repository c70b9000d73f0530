#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/time/workers.h"
#include "common/workqueue/work_queue.h"
#include "hub/control/assigner.h"
#include "hub/control/expansion.h"
#include "hub/control/fleet_records.h"
#include "hub/control/pinned_git.h"
#include "hub/control/project_entries.h"
#include "hub/control/repositories.h"
#include "hub/store/store.h"

namespace leidang::hub {

// Names an owner of Applications: an ApplicationSet, or one Application written directly.
struct OwnerKey {
  WrittenKind kind = WrittenKind::kApplicationSet;
  std::string key;

  std::string ToString()
      const;  // "set leidang/shop", "application leidang/cart": also Repositories' consumer.
  static std::optional<OwnerKey> FromString(const std::string& text);
  friend auto operator<=>(const OwnerKey&, const OwnerKey&) = default;
};

// What the last look at an owner came to, for people. Not stored: it is worked out again after a
// restart.
struct OwnerReport {
  std::vector<Condition> conditions;
  std::vector<std::string> warnings;
  size_t failed_parameter_sets = 0;
  std::string commit;    // Of its inputs, comma-separated.
  bool settled = false;  // The last expansion was complete.
};

// OwnerReconciler brings what is assigned to what each owner wants: expand on a worker, compare,
// write decisions to the ledger, then assignments to the store. Level-triggered: a trigger names an
// owner, never what changed; everything is read anew. One look at an owner at a time; a trigger
// while one is under way leads to another afterwards.
//
// Nothing is concluded from a look that an edit of the owner has overtaken. An error leaves
// everything as it was and is tried again with backoff.
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
    ProjectEntries& projects;
    Random& random;
    Log& log;
  };
  // Called on the loop after each look that ended, with what it changed or not.
  using OnSettled = std::function<void(const OwnerKey&)>;

  OwnerReconciler(const Parts& parts, OnSettled on_settled);
  ~OwnerReconciler();

  // Reads which Applications exist, so that names have one owner. Call once, before Trigger.
  absl::Status Load();

  void Trigger(const OwnerKey& owner);
  void TriggerAll();

  // nullptr if it was not looked at yet.
  const OwnerReport* Report(const OwnerKey& owner) const;
  // True once every owner has been looked at with complete inputs: what is assigned is what the
  // fleet wants.
  bool AllSettled() const;
  bool idle() const { return queue_.idle(); }

 private:
  struct Look;

  void Start(const OwnerKey& owner);
  void OnExpanded(const std::shared_ptr<Look>& look);
  void Decide(const std::shared_ptr<Look>& look, AssignPlan plan);
  void Commit(const std::shared_ptr<Look>& look, AssignPlan plan);
  void EraseOwner(const std::shared_ptr<Look>& look);
  void Finish(const std::shared_ptr<Look>& look, const absl::Status& status);

  AssignRules RulesOf(const Look& look) const;
  absl::StatusOr<std::vector<DerivedApplication>> CurrentOf(const OwnerKey& owner) const;
  void Report(const Look& look, const Expansion& expansion, const std::vector<Problem>& problems);

  const Parts parts_;
  const OnSettled on_settled_;

  std::map<std::string, OwnerKey> owner_of_;  // By Application key.
  std::map<OwnerKey, OwnerReport> reports_;
  std::map<OwnerKey, std::pair<std::string, std::shared_ptr<const generators::ApplicationSet>>>
      parsed_;
  WorkQueue<OwnerKey> queue_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
