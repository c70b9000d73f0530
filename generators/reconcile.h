#pragma once

// Generated Applications + existing ones + policy → what to create, update and delete. Pure;
// thread-safe.
//
// PlanReconcile does a whole set. A caller that streams (a fleet of a million) uses the parts:
// ApplicationValidator for what Argo CD validates, UpdatedManifest for one Application that exists,
// EffectivePolicy for what is allowed. Nothing here decides about brakes or tombstones: a delete in
// the plan is what Argo CD would delete, no more.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/object/value.h"
#include "generators/expand.h"
#include "generators/world.h"

namespace leidang::generators {

inline constexpr char kResourcesFinalizer[] = "resources-finalizer.argocd.argoproj.io";

struct ServerPolicy {
  ApplicationsSync policy = ApplicationsSync::kSync;
  // Whether a set's own `applicationsSync` counts. Argo CD's default: only where no server policy
  // is given.
  bool override_enabled = true;
  std::vector<std::string> preserved_annotations;  // For every set.
  std::vector<std::string> preserved_labels;
};

// `sync`, `create-only`, …; nullopt for another word.
std::optional<ApplicationsSync> ParsePolicy(absl::string_view text);

ApplicationsSync EffectivePolicy(const ApplicationSet& set, const ServerPolicy& server);
inline bool MayUpdate(ApplicationsSync p) {
  return p == ApplicationsSync::kSync || p == ApplicationsSync::kCreateUpdate;
}
inline bool MayDelete(ApplicationsSync p) {
  return p == ApplicationsSync::kSync || p == ApplicationsSync::kCreateDelete;
}

// Argo CD's validation of generated Applications: name, duplicates, project, destination. A
// project's limits are not among it. Feed every Application of one expansion; what is wrong with
// one never touches the others.
class ApplicationValidator {
 public:
  // Both must outlive the validator.
  ApplicationValidator(const ApplicationSet& set, const World& world);

  // What is known at this point; a duplicate is an error from the second one on (Finish names the
  // first, too).
  absl::Status Check(const GeneratedApplication& application);
  absl::Status Check(const object::Value& manifest);

  struct Rejected {
    std::string name;
    std::string message;
  };
  struct Outcome {
    std::vector<Rejected> rejected;  // Sorted by name, each once.
    // The text of the condition: the alphabetically last one's, and how many more. Empty if none
    // was rejected.
    std::string message;
  };
  Outcome Finish() const;

 private:
  absl::Status CheckParts(absl::string_view name, absl::string_view project,
                          absl::string_view server, absl::string_view destination_name);

  const ApplicationSet& set_;
  const World& world_;
  std::map<std::string, std::vector<std::string>> servers_by_name_;
  std::set<std::string> servers_;
  absl::flat_hash_map<std::string, size_t> seen_;
  std::map<std::string, std::string> rejected_;
};

// What an existing Application becomes: `spec`, labels, annotations and finalizers from
// `generated`; preserved labels, annotations and hook finalizers, ignored differences, status and
// everything else from `live`. nullopt where nothing would change. kInvalidArgument for an ignore
// rule that cannot be evaluated.
absl::StatusOr<std::optional<object::Value>> UpdatedManifest(const ApplicationSet& set,
                                                             const ServerPolicy& server,
                                                             const object::Value& generated,
                                                             const object::Value& live);

// Whether `live` has a controlling owner of kind ApplicationSet with the set's name.
bool OwnedBySet(const ApplicationSet& set, const object::Value& live);

struct ReconcilePlan {
  std::vector<object::Value> creates;
  std::vector<object::Value> updates;  // Complete manifests.
  std::vector<std::string> deletes;    // Names, sorted.
  ApplicationValidator::Outcome validation;
  // The first error in order of names of what could not be planned (an ignore rule, a foreign
  // owner); deletions are then left out, as in Argo CD.
  absl::Status status;
};

struct ReconcileInput {
  const ApplicationSet& set;
  const World& world;
  const ServerPolicy& server;
  // Every generated Application. Where the expansion failed, `may_delete` is false
  // (ExpansionResult::MayDelete).
  const std::vector<object::Value>& generated;
  bool may_delete = false;
  // Every Application of the set's namespace.
  const std::vector<object::Value>& live;
};

ReconcilePlan PlanReconcile(const ReconcileInput& input);

}  // namespace leidang::generators
