#include "agent/apply/sync_policy.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/manifest/manifest.h"

namespace leidang::agent {
namespace {

using object::Value;

absl::Status Wrong(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, " ", what));
}

// The boolean `name` of `parent`, or `fallback` where there is none.
absl::StatusOr<bool> ReadBool(const Value& parent, absl::string_view name, absl::string_view field,
                              const bool fallback) {
  const Value* found = object::Find(parent, {name});
  if (found == nullptr || found->is_null()) return fallback;
  if (!found->is_bool()) return Wrong(absl::StrCat(field, ".", name), "is neither true nor false");
  return found->get_bool();
}

absl::Status ReadAutomated(const Value& application, SyncPolicy& policy) {
  const Value* automated = object::Find(application, {"spec", "syncPolicy", "automated"});
  if (automated == nullptr || automated->is_null()) return absl::OkStatus();
  constexpr absl::string_view kField = "spec.syncPolicy.automated";
  if (!automated->is_object()) return Wrong(kField, "is no map");
  ASSIGN_OR_RETURN(const bool enabled, ReadBool(*automated, "enabled", kField, true));
  ASSIGN_OR_RETURN(const bool prune, ReadBool(*automated, "prune", kField, false));
  ASSIGN_OR_RETURN(const bool heal, ReadBool(*automated, "selfHeal", kField, false));
  ASSIGN_OR_RETURN(const bool empty, ReadBool(*automated, "allowEmpty", kField, false));
  if (enabled) policy.automation = Automation::kAutomated;
  if (prune) policy.pruning = Pruning::kPrune;
  if (heal) policy.healing = Healing::kCorrect;
  if (empty) policy.emptiness = Emptiness::kAllowed;
  return absl::OkStatus();
}

Wish WishOf(absl::string_view value) {
  if (value == "true") return Wish::kYes;
  return value == "false" ? Wish::kNo : Wish::kUnsaid;
}

// One of prune's and delete's values; unknown ones change nothing.
void ReadPruning(absl::string_view value, Pruning& pruning) {
  if (value == "false") pruning = Pruning::kKeep;
  if (value == "confirm") pruning = Pruning::kConfirm;
}

bool ReadPruneHow(absl::string_view value, SyncPolicy& policy) {
  using How = SyncPolicy::PruneHow;
  for (const auto& [name, how] :
       {std::pair{"foreground", How::kForeground}, std::pair{"background", How::kBackground},
        std::pair{"orphan", How::kOrphan}}) {
    if (value != name) continue;
    policy.prune_how = how;
    return true;
  }
  return false;
}

void ReadOption(absl::string_view option, SyncPolicy& policy) {
  static constexpr absl::string_view kIgnored[] = {
      // They change nothing for how this agent applies objects.
      "Validate", "ServerSideApply", "SkipDryRunOnMissingResource", "ApplyOutOfSyncOnly",
      "ClientSideApplyMigration"};
  const std::pair<absl::string_view, absl::string_view> pair =
      absl::StrSplit(option, absl::MaxSplits('=', 1));
  const auto& [name, value] = pair;
  bool known = value == "true" || value == "false";
  if (name == "CreateNamespace") {
    policy.create_namespace = value == "true" ? NamespaceCreation::kYes : NamespaceCreation::kNo;
  } else if (name == "Prune") {
    ReadPruning(value, policy.option);
    known = known || value == "confirm";
  } else if (name == "Delete") {
    ReadPruning(value, policy.with_app);
    known = known || value == "confirm";
  } else if (name == "Replace") {
    policy.replace = WishOf(value);
  } else if (name == "Force") {
    policy.force = WishOf(value);
  } else if (name == "FailOnSharedResource") {
    if (value == "true") policy.shared = SyncPolicy::Shared::kFail;
  } else if (name == "RespectIgnoreDifferences") {
    if (value == "true") policy.ignored_at_sync = SyncPolicy::IgnoredAtSync::kKeepLive;
  } else if (name == "PruneLast") {
    if (value == "true") policy.prune_order = SyncPolicy::PruneOrder::kLast;
  } else if (name == "PrunePropagationPolicy") {
    known = ReadPruneHow(value, policy);
  } else {
    known =
        known && std::find(std::begin(kIgnored), std::end(kIgnored), name) != std::end(kIgnored);
  }
  if (!known) {
    policy.notices.push_back(absl::StrCat("sync option ", option, " has no effect on this agent"));
  }
}

absl::Status ReadOptions(const Value& application, SyncPolicy& policy) {
  const Value* options = object::Find(application, {"spec", "syncPolicy", "syncOptions"});
  if (options == nullptr || options->is_null()) return absl::OkStatus();
  if (!options->is_array()) return Wrong("spec.syncPolicy.syncOptions", "is no list");
  for (const Value& option : options->get_array()) {
    if (!option.is_string()) {
      return Wrong("spec.syncPolicy.syncOptions", "holds an item that is not text");
    }
    ReadOption(absl::StripAsciiWhitespace(
                   absl::string_view(option.get_string().data(), option.get_string().size())),
               policy);
  }
  return absl::OkStatus();
}

// "5s", "3m", and a bare number of seconds.
absl::StatusOr<absl::Duration> ReadDuration(absl::string_view text, absl::string_view field) {
  absl::Duration duration;
  int64_t seconds = 0;
  if (absl::SimpleAtoi(text, &seconds)) duration = absl::Seconds(seconds);
  const bool read = absl::SimpleAtoi(text, &seconds) || absl::ParseDuration(text, &duration);
  if (!read || duration < absl::ZeroDuration()) {
    return Wrong(field, absl::StrCat("\"", text, "\" is no duration such as \"5s\""));
  }
  return duration;
}

absl::Status ReadRetry(const Value& application, SyncPolicy& policy) {
  const Value* retry = object::Find(application, {"spec", "syncPolicy", "retry"});
  if (retry == nullptr || retry->is_null()) return absl::OkStatus();
  if (!retry->is_object()) return Wrong("spec.syncPolicy.retry", "is no map");
  const Value* limit = object::Find(*retry, {"limit"});
  policy.retry.limit = 0;
  if (limit != nullptr) {
    if (!limit->is_int64()) return Wrong("spec.syncPolicy.retry.limit", "is no number");
    policy.retry.limit = limit->get_int64();
  }
  const Value* factor = object::Find(*retry, {"backoff", "factor"});
  if (factor != nullptr) {
    if (!factor->is_int64()) return Wrong("spec.syncPolicy.retry.backoff.factor", "is no number");
    policy.retry.factor = factor->get_int64();
  }
  const absl::string_view first = object::FindString(*retry, {"backoff", "duration"});
  const absl::string_view max = object::FindString(*retry, {"backoff", "maxDuration"});
  if (!first.empty()) {
    ASSIGN_OR_RETURN(policy.retry.first,
                     ReadDuration(first, "spec.syncPolicy.retry.backoff.duration"));
  }
  if (!max.empty()) {
    ASSIGN_OR_RETURN(policy.retry.max,
                     ReadDuration(max, "spec.syncPolicy.retry.backoff.maxDuration"));
  }
  return absl::OkStatus();
}

void ReadConfirmation(const Value& application, SyncPolicy& policy) {
  constexpr absl::string_view kConfirmed = "argocd.argoproj.io/deletion-approved";
  const absl::string_view said = manifest::Annotation(application, kConfirmed);
  if (said.empty()) return;
  absl::Time confirmed;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, said, &confirmed, &error)) {
    policy.confirmed = confirmed;
    return;
  }
  policy.notices.push_back(absl::StrCat("annotation ", kConfirmed, ": \"", said,
                                        "\" is no time such as \"2026-01-31T12:00:00Z\" and "
                                        "confirms nothing"));
}

absl::Status ReadNamespaceMetadata(const Value& application, SyncPolicy& policy) {
  constexpr absl::string_view kField = "spec.syncPolicy.managedNamespaceMetadata";
  const Value* metadata =
      object::Find(application, {"spec", "syncPolicy", "managedNamespaceMetadata"});
  if (metadata == nullptr || metadata->is_null()) return absl::OkStatus();
  if (!metadata->is_object()) return Wrong(kField, "is no map");
  for (const absl::string_view part : {"labels", "annotations"}) {
    const Value* found = object::Find(*metadata, {part});
    if (found == nullptr || found->is_null()) continue;
    if (!found->is_object()) return Wrong(absl::StrCat(kField, ".", part), "is no map");
    for (const auto& member : found->get_object()) {
      if (!member.value().is_string()) {
        return Wrong(absl::StrCat(kField, ".", part), "holds a value that is not text");
      }
    }
    (part == "labels" ? policy.namespace_labels : policy.namespace_annotations) = *found;
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<absl::Duration> SyncRetry::WaitBefore(int64_t attempt) const {
  if (limit >= 0 && attempt > limit) return std::nullopt;
  absl::Duration wait = first;
  for (int64_t i = 1; i < attempt && wait < max; ++i) wait *= factor;
  return std::min(wait, max);
}

absl::StatusOr<SyncPolicy> ReadSyncPolicy(const Value& application) {
  SyncPolicy policy;
  RETURN_IF_ERROR(ReadAutomated(application, policy));
  RETURN_IF_ERROR(ReadOptions(application, policy));
  RETURN_IF_ERROR(ReadRetry(application, policy));
  RETURN_IF_ERROR(ReadNamespaceMetadata(application, policy));
  ReadConfirmation(application, policy);
  const Value* ignored = object::Find(application, {"spec", "ignoreDifferences"});
  if (ignored != nullptr) {
    ASSIGN_OR_RETURN(IgnoreRules rules, IgnoreRules::Parse(*ignored));
    policy.ignored_digest = object::Sha256::Of(object::CanonicalJson(*ignored));
    if (!rules.empty()) policy.ignored = std::make_shared<const IgnoreRules>(std::move(rules));
  }
  if (manifest::Annotation(application, "leidang.dev/adopt") == "true") {
    policy.adoption = Adoption::kYes;
  }
  if (manifest::Annotation(application, "argocd.argoproj.io/skip-reconcile") == "true") {
    policy.reconciling = SyncPolicy::Reconciling::kSkipped;
  }
  const absl::string_view limit = manifest::Annotation(application, "leidang.dev/max-deletions");
  if (!limit.empty()) {
    ASSIGN_OR_RETURN(policy.max_deletions, intent::ParseDeletionLimit(limit));
  }
  return policy;
}

}  // namespace leidang::agent
