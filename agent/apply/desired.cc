#include "agent/apply/desired.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "agent/apply/hooks.h"
#include "common/base/status_macros.h"
#include "common/manifest/tracking.h"

namespace leidang::agent {
namespace {

using manifest::Scope;
using object::ObjectKey;
using object::Value;

constexpr absl::string_view kKindOrder[] = {
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
};

std::optional<int64_t> GoAtoi(absl::string_view text) {
  if (text.empty()) return std::nullopt;
  const size_t sign = text[0] == '+' || text[0] == '-' ? 1 : 0;
  if (text.size() == sign) return std::nullopt;
  for (const char c : text.substr(sign)) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
  }
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

// Helm's crd-install marks an ordinary object.
bool RunsAsHook(const Value& object) {
  if (!manifest::Annotation(object, "argocd.argoproj.io/hook").empty()) return true;
  const absl::string_view helm = manifest::Annotation(object, "helm.sh/hook");
  for (absl::string_view hook : absl::StrSplit(helm, ',', absl::SkipWhitespace())) {
    if (absl::StripAsciiWhitespace(hook) != "crd-install") return true;
  }
  return false;
}

using DefinedScopes = std::map<std::pair<std::string, std::string>, Scope>;

absl::Status SetNamespace(Value& object, ObjectKey& key, absl::string_view ns,
                          const DefinedScopes& defined, const ScopeOf& scope_of) {
  const auto own = defined.find({key.group, key.kind});
  const Scope scope = own != defined.end()
                          ? own->second
                          : scope_of(key.group, key.kind).value_or(Scope::kNamespaced);
  if (scope == Scope::kCluster) {
    if (!key.ns.empty()) {
      object::StableErase(object.at("metadata").get_object(), "namespace");
      key.ns.clear();
    }
    return absl::OkStatus();
  }
  if (!key.ns.empty()) return absl::OkStatus();
  if (ns.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key.ToString(),
                     " has no namespace, and the Application's destination names "
                     "none; set spec.destination.namespace"));
  }
  key.ns = std::string(ns);
  manifest::SetNamespace(object, ns);
  return absl::OkStatus();
}

// A hook may have a generateName instead of a name.
absl::StatusOr<DesiredHook> MakeHook(Value object, absl::string_view ns,
                                     const DefinedScopes& defined, const ScopeOf& scope_of) {
  DesiredHook hook;
  if (object::FindString(object, {"metadata", "name"}).empty()) {
    hook.generate_name = std::string(object::FindString(object, {"metadata", "generateName"}));
  }
  Value named = object;
  if (!hook.generate_name.empty()) {
    named.get_object()["metadata"].get_object()["name"] = hook.generate_name;
  }
  ASSIGN_OR_RETURN(hook.key, manifest::KeyOf(named));
  RETURN_IF_ERROR(SetNamespace(object, hook.key, ns, defined, scope_of));
  hook.manifest = object::CanonicalJson(object);
  const std::vector<HookType> types = HookTypes(object);
  const bool deletion = std::any_of(types.begin(), types.end(), [](HookType type) {
    return type == HookType::kPreDelete || type == HookType::kPostDelete;
  });
  if (deletion && SyncPhasesOf(object).empty()) hook.when = DesiredHook::When::kDeletion;
  return hook;
}

Wish WishFor(const Value& object, absl::string_view option) {
  const std::string said = manifest::SyncOption(object, option);
  if (said == "true") return Wish::kYes;
  return said == "false" ? Wish::kNo : Wish::kUnsaid;
}

DesiredObject MakeDesired(Value object, const ObjectKey& key, absl::string_view app) {
  DesiredObject desired;
  desired.key = key;
  desired.wave = SyncWaveOf(object);
  const DeletionWishes wishes = DeletionWishesOf(object);
  desired.pruning = wishes.pruning;
  desired.with_app = wishes.with_app;
  desired.replace = WishFor(object, "Replace");
  desired.force = WishFor(object, "Force");
  if (key.kind == "CustomResourceDefinition" && key.group == "apiextensions.k8s.io") {
    desired.with_app = Pruning::kKeep;
  }
  if (manifest::Annotation(object, "leidang.dev/adopt") == "true") {
    desired.adoption = Adoption::kYes;
  }
  manifest::Track(object, app, key);
  desired.manifest = object::CanonicalJson(object);
  desired.digest = object::Sha256::Of(desired.manifest);
  return desired;
}

}  // namespace

DeletionWishes DeletionWishesOf(const Value& object) {
  DeletionWishes wishes;
  const auto wish = [&object](absl::string_view option) {
    const std::string said = manifest::SyncOption(object, option);
    if (said == "false") return Pruning::kKeep;
    return said == "confirm" ? Pruning::kConfirm : Pruning::kPrune;
  };
  wishes.pruning = wish("Prune");
  wishes.with_app = wish("Delete");
  if (manifest::Annotation(object, "helm.sh/resource-policy") == "keep") {
    wishes.with_app = Pruning::kKeep;
  }
  return wishes;
}

Pruning Stricter(Pruning a, Pruning b) {
  if (a == Pruning::kKeep || b == Pruning::kKeep) return Pruning::kKeep;
  return a == Pruning::kConfirm ? a : b;
}

int KindRank(absl::string_view kind) {
  int rank = 0;
  for (const absl::string_view listed : kKindOrder) {
    if (listed == kind) return rank;
    ++rank;
  }
  return rank;
}

int64_t SyncWaveOf(const Value& manifest) {
  for (const absl::string_view name : {"argocd.argoproj.io/sync-wave", "helm.sh/hook-weight"}) {
    const std::optional<int64_t> wave = GoAtoi(manifest::Annotation(manifest, name));
    if (wave.has_value()) return *wave;
  }
  return 0;
}

absl::StatusOr<DesiredSet> MakeDesiredSet(std::vector<Value> objects, absl::string_view app,
                                          absl::string_view ns, const ScopeOf& scope_of) {
  DefinedScopes defined;
  for (const Value& object : objects) {
    const std::optional<manifest::DefinedKind> kind = manifest::KindDefinedBy(object);
    if (kind.has_value()) defined[{kind->group, kind->kind}] = kind->scope;
  }
  DesiredSet set;
  std::map<ObjectKey, DesiredObject> by_key;
  for (Value& object : objects) {
    if (RunsAsHook(object)) {
      ASSIGN_OR_RETURN(DesiredHook hook, MakeHook(std::move(object), ns, defined, scope_of));
      set.hooks.push_back(std::move(hook));
      continue;
    }
    ASSIGN_OR_RETURN(ObjectKey key, manifest::KeyOf(object));
    RETURN_IF_ERROR(SetNamespace(object, key, ns, defined, scope_of));
    const bool added =
        by_key.insert_or_assign(key, MakeDesired(std::move(object), key, app)).second;
    if (!added) set.repeated.push_back(key);
  }
  for (auto& [key, desired] : by_key) set.objects.push_back(std::move(desired));
  return set;
}

Value NamespaceManifest(absl::string_view ns, const SyncPolicy& policy) {
  object::Object metadata;
  metadata["name"] = boost::json::string_view(ns.data(), ns.size());
  if (policy.namespace_labels.is_object()) metadata["labels"] = policy.namespace_labels;
  if (policy.namespace_annotations.is_object()) {
    metadata["annotations"] = policy.namespace_annotations;
  }
  return object::Object{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", metadata}};
}

}  // namespace leidang::agent
