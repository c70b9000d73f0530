#include "agent/health/health.h"

#include "absl/strings/str_cat.h"

#include "agent/health/fields.h"
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

}  // namespace

std::optional<Health> AssessHealth(const object::Value& object) {
  Fields fields(object);
  if (IsPendingDeletion(fields)) return Progressing("Pending deletion");
  const std::string api_version = fields.Text({"apiVersion"});
  const std::string kind = fields.Text({"kind"});
  const size_t slash = api_version.find('/');
  const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  const std::string version =
      slash == std::string::npos ? api_version : api_version.substr(slash + 1);
  for (const Check& check : kChecks) {
    if (check.group != group || check.kind != kind) continue;
    if (!Knows(check, version)) {
      return UnknownHealth(absl::StrCat("unsupported ", check.shown.empty() ? kind : check.shown,
                                        " GVK: ", api_version, ", Kind=", kind));
    }
    Health health = check.assess(fields);
    if (!fields.error().empty()) return UnknownHealth(fields.error());
    return health;
  }
  return std::nullopt;
}

}  // namespace leidang::agent
