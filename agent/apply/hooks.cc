#include "agent/apply/hooks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

#include "common/base/check.h"
#include "common/manifest/manifest.h"

namespace leidang::agent {
namespace {

using object::Value;

constexpr absl::string_view kHook = "argocd.argoproj.io/hook";
constexpr absl::string_view kHelmHook = "helm.sh/hook";

template <typename Type>
using Names = std::pair<absl::string_view, Type>;

constexpr Names<HookType> kTypes[] = {{"PreSync", HookType::kPreSync},
                                      {"Sync", HookType::kSync},
                                      {"PostSync", HookType::kPostSync},
                                      {"SyncFail", HookType::kSyncFail},
                                      {"Skip", HookType::kSkip},
                                      {"PreDelete", HookType::kPreDelete},
                                      {"PostDelete", HookType::kPostDelete}};

// Install and upgrade are the same thing here.
constexpr Names<HookType> kHelmTypes[] = {
    {"pre-install", HookType::kPreSync},   {"pre-upgrade", HookType::kPreSync},
    {"post-install", HookType::kPostSync}, {"post-upgrade", HookType::kPostSync},
    {"pre-delete", HookType::kPreDelete},  {"post-delete", HookType::kPostDelete}};

constexpr Names<HookDeletion> kDeletions[] = {{"BeforeHookCreation", HookDeletion::kBeforeCreation},
                                              {"HookSucceeded", HookDeletion::kSucceeded},
                                              {"HookFailed", HookDeletion::kFailed}};

constexpr Names<HookDeletion> kHelmDeletions[] = {
    {"before-hook-creation", HookDeletion::kBeforeCreation},
    {"hook-succeeded", HookDeletion::kSucceeded},
    {"hook-failed", HookDeletion::kFailed}};

bool HasAnnotation(const Value& object, absl::string_view name) {
  return object::Find(object, {"metadata", "annotations", name}) != nullptr;
}

std::vector<absl::string_view> List(const Value& object, absl::string_view annotation) {
  std::vector<absl::string_view> items;
  const absl::string_view text = manifest::Annotation(object, annotation);
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const absl::string_view item = absl::StripAsciiWhitespace(part);
    if (!item.empty()) items.push_back(item);
  }
  return items;
}

template <typename Type, size_t kCount>
std::vector<Type> Known(const Value& object, absl::string_view annotation,
                        const Names<Type> (&names)[kCount]) {
  std::vector<Type> known;
  for (const absl::string_view item : List(object, annotation)) {
    for (const auto& [name, type] : names) {
      if (name == item) known.push_back(type);
    }
  }
  return known;
}

bool IsSkipped(const Value& object) {
  const std::vector<HookType> types = HookTypes(object);
  return types.size() == 1 && types[0] == HookType::kSkip;
}

}  // namespace

absl::string_view PhaseName(SyncPhase phase) {
  switch (phase) {
    case SyncPhase::kPreSync:
      return "PreSync";
    case SyncPhase::kSync:
      return "Sync";
    case SyncPhase::kPostSync:
      return "PostSync";
    case SyncPhase::kSyncFail:
      return "SyncFail";
  }
  CHECK(false);
}

bool IsHook(const Value& object) {
  if (HasAnnotation(object, kHook)) return !IsSkipped(object);
  // Helm marks definitions in this way, too, and they are ordinary objects.
  return HasAnnotation(object, kHelmHook) &&
         manifest::Annotation(object, kHelmHook) != "crd-install";
}

std::vector<HookType> HookTypes(const Value& object) {
  std::vector<HookType> types = Known(object, kHook, kTypes);
  return types.empty() ? Known(object, kHelmHook, kHelmTypes) : types;
}

std::set<SyncPhase> SyncPhasesOf(const Value& object) {
  if (IsSkipped(object)) return {};
  if (!IsHook(object)) return {SyncPhase::kSync};
  std::set<SyncPhase> phases;
  for (const HookType type : HookTypes(object)) {
    if (type == HookType::kPreSync) phases.insert(SyncPhase::kPreSync);
    if (type == HookType::kSync) phases.insert(SyncPhase::kSync);
    if (type == HookType::kPostSync) phases.insert(SyncPhase::kPostSync);
    if (type == HookType::kSyncFail) phases.insert(SyncPhase::kSyncFail);
  }
  return phases;
}

std::set<HookDeletion> HookDeletions(const Value& object) {
  const std::vector<HookDeletion> ours =
      Known(object, "argocd.argoproj.io/hook-delete-policy", kDeletions);
  const std::vector<HookDeletion> helm =
      Known(object, "helm.sh/hook-delete-policy", kHelmDeletions);
  std::set<HookDeletion> deletions(ours.begin(), ours.end());
  deletions.insert(helm.begin(), helm.end());
  if (deletions.empty()) deletions.insert(HookDeletion::kBeforeCreation);
  return deletions;
}

bool HasSyncOption(const Value& object, absl::string_view option) {
  const std::vector<absl::string_view> options = List(object, "argocd.argoproj.io/sync-options");
  return std::find(options.begin(), options.end(), option) != options.end();
}

bool HasCompareOption(const Value& object, absl::string_view option) {
  const std::vector<absl::string_view> options = List(object, "argocd.argoproj.io/compare-options");
  return std::find(options.begin(), options.end(), option) != options.end();
}

}  // namespace leidang::agent
