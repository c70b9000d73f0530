#include "agent/health/health.h"

#include "absl/strings/str_cat.h"

#include "agent/health/fields.h"
#include "agent/health/kind_catalog.h"
#include "agent/health/kinds.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kHookFinalizer = "argocd.argoproj.io/hook-finalizer";

struct Check {
  absl::string_view group;
  absl::string_view kind;
  Health (*assess)(Fields&);
  absl::string_view versions;    // Those that it knows, comma-separated; empty: any.
  absl::string_view shown = "";  // In messages, where it is not the kind.
};

constexpr Check kChecks[] = {
    {"apps", "Deployment", DeploymentHealth, "v1"},
    {"apps", "StatefulSet", StatefulSetHealth, "v1"},
    {"apps", "ReplicaSet", ReplicaSetHealth, "v1"},
    {"apps", "DaemonSet", DaemonSetHealth, "v1"},
    {"extensions", "Ingress", IngressHealth, ""},
    {"networking.k8s.io", "Ingress", IngressHealth, ""},
    {"argoproj.io", "Workflow", WorkflowHealth, ""},
    {"apiregistration.k8s.io", "APIService", ApiServiceHealth, "v1,v1beta1"},
    {"", "Service", ServiceHealth, "v1"},
    {"", "PersistentVolumeClaim", PersistentVolumeClaimHealth, "v1"},
    {"", "Pod", PodHealth, "v1"},
    {"batch", "Job", JobHealth, "v1"},
    {"autoscaling", "HorizontalPodAutoscaler", HorizontalPodAutoscalerHealth, "v1,v2", "HPA"},
};

bool Knows(const Check& check, absl::string_view version) {
  if (check.versions.empty()) return true;
  const std::string list = absl::StrCat(",", check.versions, ",");
  return list.find(absl::StrCat(",", version, ",")) != std::string::npos;
}

bool IsPendingDeletion(Fields& object) {
  if (!object.Has({"metadata", "deletionTimestamp"})) return false;
  for (const object::Value* finalizer : object.Items({"metadata", "finalizers"})) {
    if (finalizer->is_string() &&
        absl::string_view(finalizer->get_string().data(), finalizer->get_string().size()) ==
            kHookFinalizer) {
      return false;
    }
  }
  return true;
}

struct KindOf {
  std::string api_version;
  std::string group;
  std::string version;
  std::string kind;

  explicit KindOf(Fields& fields)
      : api_version(fields.Text({"apiVersion"})), kind(fields.Text({"kind"})) {
    const size_t slash = api_version.find('/');
    group = slash == std::string::npos ? "" : api_version.substr(0, slash);
    version = slash == std::string::npos ? api_version : api_version.substr(slash + 1);
  }
};

std::optional<Health> BuiltIn(Fields& fields, const KindOf& of) {
  for (const Check& check : kChecks) {
    if (check.group != of.group || check.kind != of.kind) continue;
    if (!Knows(check, of.version)) {
      return UnknownHealth(absl::StrCat("unsupported ", check.shown.empty() ? of.kind : check.shown,
                                        " GVK: ", of.api_version, ", Kind=", of.kind));
    }
    Health health = check.assess(fields);
    if (!fields.error().empty()) return UnknownHealth(fields.error());
    return health;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Health> HealthOfDeletion(const object::Value& object) {
  Fields fields(object);
  if (!IsPendingDeletion(fields)) return std::nullopt;
  return Progressing("Pending deletion");
}

std::optional<Health> AssessBuiltInHealth(const object::Value& object) {
  Fields fields(object);
  if (IsPendingDeletion(fields)) return Progressing("Pending deletion");
  return BuiltIn(fields, KindOf(fields));
}

std::optional<Health> AssessHealth(const object::Value& object) {
  Fields fields(object);
  if (IsPendingDeletion(fields)) return Progressing("Pending deletion");
  const KindOf of(fields);
  std::optional<Health> health = BuiltIn(fields, of);
  if (health.has_value()) return health;
  const KindRules* rules = KindCatalog::Shipped().Find(of.group, of.kind);
  if (rules == nullptr) return std::nullopt;
  return rules->Assess(object);
}

bool HasHealthCheck(absl::string_view group, absl::string_view kind) {
  for (const Check& check : kChecks) {
    if (check.group == group && check.kind == kind) return true;
  }
  return KindCatalog::Shipped().Find(group, kind) != nullptr;
}

}  // namespace leidang::agent
