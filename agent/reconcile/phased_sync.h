#pragma once

// PhasedSync: one sync of an Application in phases and waves, with its hooks, over as many looks at
// the cluster as it takes. What is applied and pruned is the plan's; this says when.
//
// Thread-compatible.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "agent/apply/hooks.h"
#include "agent/apply/plan.h"
#include "agent/apply/selection.h"
#include "agent/apply/sync_operation.h"
#include "agent/apply/sync_policy.h"
#include "agent/cluster/cluster_client.h"
#include "agent/health/health_source.h"
#include "agent/reconcile/application.h"
#include "agent/reconcile/desired_source.h"
#include "common/object/key.h"

namespace leidang::agent {

class PhasedSync {
 public:
  struct Options {
    absl::Time started;  // Names of hooks that have a generateName are made of it.
    // Of hooks, if the sync was begun before a restart.
    std::map<SyncTaskId, SyncResult> results = {};
    std::optional<SyncSelection> selection = std::nullopt;  // These objects only, and no hooks.
    // Not a sync, but the hooks of this type of the Application's end.
    std::optional<HookType> ending = std::nullopt;
  };
  PhasedSync(const Application& application, DesiredSource::Set desired, Options options);

  // Whether `desired` is what this sync is of.
  bool IsOf(const DesiredSet& desired) const;

  // Manifests of the hooks, marked as the Application's, by the keys under which they run.
  const std::map<object::ObjectKey, std::string>& hooks() const { return hooks_; }

  // As far as they have begun.
  std::map<SyncTaskId, SyncResult> HookResults() const;

  SyncOperation& operation() { return operation_; }
  const SyncOperation& operation() const { return operation_; }

  // Begins a look of the operation. What the plan leaves alone takes no part.
  void BeginLook(const Plan& plan, const std::vector<LiveObject>& live, const HealthSource& health);

  // More than one phase or wave.
  bool HasStages() const;
  bool IsNamespace(const SyncTask& task) const;
  // What stands where a hook is to be: nullptr if nothing does; kFailedPrecondition if it is no
  // object of this Application.
  absl::StatusOr<const LiveObject*> StandingAt(const object::ObjectKey& hook) const;

 private:
  void AddHook(const DesiredHook& hook, const Application& application, const Options& options);

  const DesiredSource::Set desired_;
  const std::string app_;
  const object::ObjectKey namespace_;
  SyncOperation operation_;
  std::vector<SyncObject> objects_;
  std::vector<SyncObject> hook_objects_;
  std::map<object::ObjectKey, std::string> hooks_;

  // Of the look.
  SyncTargets targets_;
  std::map<object::ObjectKey, SyncLive> live_;
  std::map<object::ObjectKey, LiveObject> standing_;  // At the keys of hooks.
};

// An object of the cluster as a sync sees it.
SyncLive SyncLiveOf(const LiveObject& live, const HealthSource& health);

}  // namespace leidang::agent
