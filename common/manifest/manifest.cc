#include "common/manifest/manifest.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"

namespace leidang::manifest {
namespace {

using object::Object;
using object::ObjectKey;
using object::Value;

constexpr size_t kNameMax = 253;

boost::json::string_view Json(absl::string_view text) { return {text.data(), text.size()}; }

absl::StatusOr<std::string> RequiredText(const Value& manifest,
                                         std::initializer_list<absl::string_view> path,
                                         absl::string_view shown) {
  const Value* found = object::Find(manifest, path);
  if (found == nullptr || found->is_null()) {
    return absl::InvalidArgumentError(absl::StrCat("object has no ", shown));
  }
  if (!found->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(shown, " of an object is not text"));
  }
  if (found->get_string().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("object has an empty ", shown));
  }
  return std::string(found->get_string().data(), found->get_string().size());
}

absl::Status CheckPathSegment(absl::string_view text, absl::string_view shown,
                              const ObjectKey& key) {
  const bool control =
      std::any_of(text.begin(), text.end(), [](char c) { return absl::ascii_iscntrl(c); });
  if (text == "." || text == ".." || control || absl::StrContains(text, "/") ||
      absl::StrContains(text, "%")) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", shown, " of ", key.ToString(),
                     " may not be \".\" or \"..\" or hold \"/\", \"%\" ", "or control characters"));
  }
  if (text.size() > kNameMax) {
    return absl::InvalidArgumentError(absl::StrCat("the ", shown, " of ", key.ToString(), " has ",
                                                   text.size(), " bytes, at most ", kNameMax,
                                                   " are allowed"));
  }
  return absl::OkStatus();
}

Object& Child(Object& parent, absl::string_view name) {
  Value& child = parent[Json(name)];
  if (!child.is_object()) child.emplace_object();
  return child.get_object();
}

void SetMeta(Value& manifest, absl::string_view map, absl::string_view name,
             absl::string_view value) {
  Child(Child(manifest.get_object(), "metadata"), map)[Json(name)] = Json(value);
}

struct KnownKind {
  absl::string_view group;
  absl::string_view kind;
};

constexpr KnownKind kClusterKinds[] = {
    {"", "ComponentStatus"},
    {"", "Namespace"},
    {"", "Node"},
    {"", "PersistentVolume"},
    {"admissionregistration.k8s.io", "MutatingAdmissionPolicy"},
    {"admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration"},
    {"admissionregistration.k8s.io", "ValidatingAdmissionPolicy"},
    {"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"},
    {"apiextensions.k8s.io", "CustomResourceDefinition"},
    {"apiregistration.k8s.io", "APIService"},
    {"certificates.k8s.io", "CertificateSigningRequest"},
    {"certificates.k8s.io", "ClusterTrustBundle"},
    {"flowcontrol.apiserver.k8s.io", "FlowSchema"},
    {"flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"},
    {"internal.apiserver.k8s.io", "StorageVersion"},
    {"networking.k8s.io", "IPAddress"},
    {"networking.k8s.io", "IngressClass"},
    {"networking.k8s.io", "ServiceCIDR"},
    {"node.k8s.io", "RuntimeClass"},
    {"policy", "PodSecurityPolicy"},
    {"rbac.authorization.k8s.io", "ClusterRole"},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding"},
    {"resource.k8s.io", "DeviceClass"},
    {"resource.k8s.io", "DeviceTaintRule"},
    {"resource.k8s.io", "ResourceSlice"},
    {"scheduling.k8s.io", "PriorityClass"},
    {"storage.k8s.io", "CSIDriver"},
    {"storage.k8s.io", "CSINode"},
    {"storage.k8s.io", "StorageClass"},
    {"storage.k8s.io", "VolumeAttachment"},
    {"storage.k8s.io", "VolumeAttributesClass"},
    {"storagemigration.k8s.io", "StorageVersionMigration"},
    // Custom kinds that often come without their CRD in the same Application.
    {"cert-manager.io", "ClusterIssuer"},
    {"cilium.io", "CiliumClusterwideNetworkPolicy"},
    {"external-secrets.io", "ClusterExternalSecret"},
    {"external-secrets.io", "ClusterSecretStore"},
    {"gateway.networking.k8s.io", "GatewayClass"},
    {"karpenter.sh", "NodePool"},
    {"kyverno.io", "ClusterPolicy"},
    {"snapshot.storage.k8s.io", "VolumeSnapshotClass"},
    {"snapshot.storage.k8s.io", "VolumeSnapshotContent"},
};

// Groups whose remaining kinds, those not listed above, are namespaced for certain.
constexpr absl::string_view kBuiltInGroups[] = {
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
};

}  // namespace

absl::string_view GroupOf(absl::string_view api_version) {
  const size_t slash = api_version.find('/');
  return slash == absl::string_view::npos ? absl::string_view() : api_version.substr(0, slash);
}

absl::string_view VersionOf(absl::string_view api_version) {
  const size_t slash = api_version.find('/');
  return slash == absl::string_view::npos ? api_version : api_version.substr(slash + 1);
}

absl::StatusOr<ObjectKey> KeyOf(const Value& manifest) {
  if (!manifest.is_object()) {
    return absl::InvalidArgumentError("not a Kubernetes object: the document is no map");
  }
  ObjectKey key;
  ASSIGN_OR_RETURN(key.kind, RequiredText(manifest, {"kind"}, "kind"));
  ASSIGN_OR_RETURN(const std::string api_version,
                   RequiredText(manifest, {"apiVersion"}, "apiVersion"));
  key.group = std::string(GroupOf(api_version));
  key.ns = std::string(object::FindString(manifest, {"metadata", "namespace"}));
  absl::StatusOr<std::string> name = RequiredText(manifest, {"metadata", "name"}, "metadata.name");
  if (!name.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name.status().message(), " (kind ", key.kind, ")"));
  }
  key.name = *std::move(name);
  RETURN_IF_ERROR(CheckPathSegment(key.kind, "kind", key));
  RETURN_IF_ERROR(CheckPathSegment(key.group, "API group", key));
  RETURN_IF_ERROR(CheckPathSegment(key.ns, "namespace", key));
  RETURN_IF_ERROR(CheckPathSegment(key.name, "name", key));
  return key;
}

absl::string_view Annotation(const Value& manifest, absl::string_view name) {
  return object::FindString(manifest, {"metadata", "annotations", name});
}

absl::string_view Label(const Value& manifest, absl::string_view name) {
  return object::FindString(manifest, {"metadata", "labels", name});
}

void SetAnnotation(Value& manifest, absl::string_view name, absl::string_view value) {
  SetMeta(manifest, "annotations", name, value);
}

void SetLabel(Value& manifest, absl::string_view name, absl::string_view value) {
  SetMeta(manifest, "labels", name, value);
}

void SetNamespace(Value& manifest, absl::string_view ns) {
  Child(manifest.get_object(), "metadata")["namespace"] = Json(ns);
}

std::string SyncOption(const Value& manifest, absl::string_view name) {
  std::string value;
  const absl::string_view all = Annotation(manifest, "argocd.argoproj.io/sync-options");
  for (absl::string_view option : absl::StrSplit(all, ',', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(absl::StripAsciiWhitespace(option), absl::MaxSplits('=', 1));
    if (pair.first == name) value = std::string(pair.second);
  }
  return value;
}

std::optional<Scope> KnownScope(absl::string_view group, absl::string_view kind) {
  for (const KnownKind& known : kClusterKinds) {
    if (known.group == group && known.kind == kind) return Scope::kCluster;
  }
  for (const absl::string_view built_in : kBuiltInGroups) {
    if (built_in == group) return Scope::kNamespaced;
  }
  return std::nullopt;
}

std::optional<DefinedKind> KindDefinedBy(const Value& manifest) {
  if (object::FindString(manifest, {"kind"}) != "CustomResourceDefinition" ||
      GroupOf(object::FindString(manifest, {"apiVersion"})) != "apiextensions.k8s.io") {
    return std::nullopt;
  }
  DefinedKind defined;
  defined.group = std::string(object::FindString(manifest, {"spec", "group"}));
  defined.kind = std::string(object::FindString(manifest, {"spec", "names", "kind"}));
  if (defined.kind.empty()) return std::nullopt;
  if (object::FindString(manifest, {"spec", "scope"}) == "Cluster") defined.scope = Scope::kCluster;
  return defined;
}

}  // namespace leidang::manifest
