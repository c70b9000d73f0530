#pragma once

// What an Application says about its syncs: `spec.syncPolicy`, its sync options, and the
// annotations that concern deletions. Pure; thread-safe.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "agent/apply/ignore_rules.h"
#include "common/intent/deletion_limit.h"
#include "common/object/sha256.h"
#include "common/object/value.h"

namespace leidang::agent {

enum class Automation : uint8_t { kManual, kAutomated };
enum class Pruning : uint8_t {
  kKeep,
  kPrune,
  kConfirm,  // Once somebody has approved it.
};
enum class Healing : uint8_t { kReport, kCorrect };
enum class Emptiness : uint8_t { kRefused, kAllowed };
enum class NamespaceCreation : uint8_t { kNo, kYes };
enum class Adoption : uint8_t { kNo, kYes };
// What an object or its Application says about how it is written.
enum class Wish : uint8_t { kUnsaid, kNo, kYes };

// How often a sync that failed is tried again, and when.
struct SyncRetry {
  int64_t limit = 5;  // Below 0: without end.
  absl::Duration first = absl::Seconds(5);
  int64_t factor = 2;
  absl::Duration max = absl::Minutes(3);

  // Before attempt `attempt`, the first retry being 1; nullopt: none is left.
  std::optional<absl::Duration> WaitBefore(int64_t attempt) const;
};

struct SyncPolicy {
  Automation automation = Automation::kManual;
  Pruning pruning = Pruning::kKeep;    // Of automated syncs.
  Healing healing = Healing::kReport;  // Of automated syncs.
  Emptiness emptiness = Emptiness::kRefused;
  NamespaceCreation create_namespace = NamespaceCreation::kNo;
  Pruning option = Pruning::kPrune;    // Sync option Prune; false beats all else.
  Pruning with_app = Pruning::kPrune;  // Sync option Delete.
  Wish replace = Wish::kUnsaid;        // Sync options Replace and Force; objects may say otherwise.
  Wish force = Wish::kUnsaid;
  // kFail: no sync as long as an object belongs to another Application.
  enum class Shared : uint8_t { kLeave, kFail } shared = Shared::kLeave;
  enum class PruneHow : uint8_t {
    kForeground,
    kBackground,
    kOrphan
  } prune_how = PruneHow::kForeground;
  Adoption adoption = Adoption::kNo;  // Annotation leidang.dev/adopt.
  // kSkipped: annotation argocd.argoproj.io/skip-reconcile; nothing is compared or changed.
  enum class Reconciling : uint8_t { kYes, kSkipped } reconciling = Reconciling::kYes;
  // Annotation argocd.argoproj.io/deletion-approved: allows what asked for confirmation until then.
  std::optional<absl::Time> confirmed;
  intent::DeletionLimit max_deletions;
  SyncRetry retry;
  enum class PruneOrder : uint8_t { kInWaves, kLast } prune_order = PruneOrder::kInWaves;
  std::shared_ptr<const IgnoreRules> ignored;  // spec.ignoreDifferences; null: nothing.
  object::Sha256 ignored_digest;               // Of what it says.
  // kKeepLive: sync option RespectIgnoreDifferences=true; else they are only no drift.
  enum class IgnoredAtSync : uint8_t {
    kSetOurs,
    kKeepLive
  } ignored_at_sync = IgnoredAtSync::kSetOurs;
  object::Value namespace_labels;  // managedNamespaceMetadata; an object or null.
  object::Value namespace_annotations;
  std::vector<std::string> notices;  // What was written and has no effect (yet), for people.
};

// Reads an Application's body, {"metadata":{…},"spec":{…}}. kInvalidArgument, naming the field, if
// a field has a wrong type or value.
absl::StatusOr<SyncPolicy> ReadSyncPolicy(const object::Value& application);

}  // namespace leidang::agent
