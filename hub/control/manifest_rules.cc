#include "hub/control/manifest_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/match/selector.h"
#include "generators/world.h"
#include "hub/control/settings.h"

namespace leidang::hub {
namespace {

constexpr char kSecretType[] = "argocd.argoproj.io/secret-type";
constexpr char kClusterIdAnnotation[] = "leidang.dev/cluster-id";

bool IsDnsSubdomain(absl::string_view text) { return match::SubdomainErrors(text).empty(); }

bool IsDnsLabel(absl::string_view text) {
  return text.size() <= 63 && !absl::StrContains(text, '.') && IsDnsSubdomain(text);
}

bool IsEverything(const object::Value& value) {
  if (!value.is_object()) return value == "*";
  const object::Object& members = value.get_object();
  return std::all_of(members.begin(), members.end(),
                     [](const auto& member) { return member.value() == "*"; });
}

// Not so a rule that is not given, or lets everything through: "*", or an entry of nothing else.
bool Restricts(const object::Value& rule) {
  if (rule.is_null() || (rule.is_bool() && !rule.get_bool())) return false;
  if (!rule.is_array()) return true;
  const object::Array& entries = rule.get_array();
  return !entries.empty() && std::none_of(entries.begin(), entries.end(), IsEverything);
}

absl::StatusOr<std::map<std::string, std::string>> TextMap(const object::Value& manifest,
                                                           absl::string_view field) {
  std::map<std::string, std::string> out;
  const object::Value* value = object::Find(manifest, {"metadata", field});
  if (value == nullptr || value->is_null()) return out;
  if (!value->is_object())
    return absl::InvalidArgumentError(absl::StrCat("metadata.", field, " must be a map of texts"));
  for (const auto& entry : value->as_object()) {
    if (!entry.value().is_string()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "metadata.", field, ".", std::string(entry.key()), " must be text: put it in quotes"));
    }
    out[std::string(entry.key())] = std::string(entry.value().as_string());
  }
  return out;
}

// A field of a Secret: from stringData, else from data, decoded.
absl::StatusOr<std::string> SecretField(const object::Value& secret, absl::string_view field) {
  if (object::Find(secret, {"stringData", field}) != nullptr) {
    return std::string(object::FindString(secret, {"stringData", field}));
  }
  std::string decoded;
  if (!absl::Base64Unescape(object::FindString(secret, {"data", field}), &decoded)) {
    return absl::InvalidArgumentError(
        absl::StrCat("data.", field, " is no base64: use stringData, or encode it"));
  }
  return decoded;
}

absl::Status CheckSpec(WrittenKind kind, const object::Value& manifest) {
  if (kind == WrittenKind::kRepository) return absl::OkStatus();
  if (kind == WrittenKind::kSettings) return CheckSettings(manifest);
  const object::Value* spec = object::Find(manifest, {"spec"});
  if (spec == nullptr || !spec->is_object())
    return absl::InvalidArgumentError("spec is missing, or no object");
  if (kind != WrittenKind::kApplication) return absl::OkStatus();
  const object::Value* destination = object::Find(*spec, {"destination"});
  if (destination == nullptr || !destination->is_object()) {
    return absl::InvalidArgumentError(
        "spec.destination is missing: set destination.name or destination.server");
  }
  if (object::Find(*spec, {"source"}) == nullptr && object::Find(*spec, {"sources"}) == nullptr) {
    return absl::InvalidArgumentError("spec.source is missing: set source.repoURL and source.path");
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view WrittenKindName(WrittenKind kind) {
  switch (kind) {
    case WrittenKind::kApplicationSet:
      return "ApplicationSet";
    case WrittenKind::kApplication:
      return "Application";
    case WrittenKind::kAppProject:
      return "AppProject";
    case WrittenKind::kRepository:
      return "repository";
    case WrittenKind::kSettings:
      return "settings";
  }
  return "object";
}

absl::StatusOr<ManifestKind> KindOf(const object::Value& manifest) {
  if (!manifest.is_object())
    return absl::InvalidArgumentError("this is no object with apiVersion and kind");
  const absl::string_view api = object::FindString(manifest, {"apiVersion"});
  const absl::string_view kind = object::FindString(manifest, {"kind"});
  if (api == "argoproj.io/v1alpha1") {
    if (kind == "ApplicationSet") return ManifestKind::kApplicationSet;
    if (kind == "Application") return ManifestKind::kApplication;
    if (kind == "AppProject") return ManifestKind::kAppProject;
  }
  if (api == "leidang.dev/v1alpha1" && kind == "Cluster") return ManifestKind::kCluster;
  if (api == "v1" && kind == "Secret") {
    const absl::string_view type =
        object::FindString(manifest, {"metadata", "labels", kSecretType});
    if (type == "cluster") return ManifestKind::kClusterSecret;
    if (type == "repository") return ManifestKind::kRepositorySecret;
  }
  if (api == "v1" && kind == "ConfigMap" &&
      object::FindString(manifest, {"metadata", "name"}) == kSettingsName) {
    return ManifestKind::kSettings;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "apiVersion \"", api, "\" with kind \"", kind,
      "\" is nothing that a hub takes: it takes ApplicationSet, Application and "
      "AppProject of argoproj.io/v1alpha1, Cluster of "
      "leidang.dev/v1alpha1, Secrets labelled argocd.argoproj.io/secret-type: cluster or "
      "repository, and the ConfigMap argocd-cm"));
}

absl::StatusOr<WrittenObject> ReadObject(WrittenKind kind, const object::Value& manifest,
                                         absl::string_view control_namespace) {
  WrittenObject written;
  written.kind = kind;
  const std::string name(object::FindString(manifest, {"metadata", "name"}));
  if (!IsDnsSubdomain(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "metadata.name \"", name.substr(0, 300),
        "\" is not a valid name: lower-case letters, digits, '-' and '.', at most 253"));
  }
  RETURN_IF_ERROR(TextMap(manifest, "labels").status());
  RETURN_IF_ERROR(TextMap(manifest, "annotations").status());
  RETURN_IF_ERROR(CheckSpec(kind, manifest));
  object::Value kept = manifest;
  object::StableErase(kept.as_object(), "status");
  if (kind == WrittenKind::kRepository) {
    ASSIGN_OR_RETURN(const std::string url, SecretField(manifest, "url"));
    if (url.empty()) return absl::InvalidArgumentError("a repository Secret needs stringData.url");
  }
  if (kind == WrittenKind::kApplicationSet || kind == WrittenKind::kApplication) {
    std::string ns(object::FindString(manifest, {"metadata", "namespace"}));
    // A file written for Argo CD names Argo CD's namespace: it is the control namespace here, too.
    if (ns.empty()) ns = std::string(control_namespace);
    if (!IsDnsLabel(ns))
      return absl::InvalidArgumentError(
          absl::StrCat("metadata.namespace \"", ns, "\" is not a valid name"));
    kept.as_object()["metadata"].as_object()["namespace"] = ns;
    written.key = absl::StrCat(ns, "/", name);
  } else {
    written.key = name;
  }
  written.manifest = object::CanonicalJson(kept);
  return written;
}

absl::Status CheckClusterName(absl::string_view name) {
  if (IsDnsLabel(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the cluster name \"", name.substr(0, 100),
                   "\" is not valid: lower-case letters, digits and '-', at most 63"));
}

absl::Status CheckLabels(const std::map<std::string, std::string>& labels) {
  for (const auto& [key, value] : labels) {
    for (const std::string& error : match::QualifiedNameErrors(key)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", key, "\" is not a valid label key: ", error));
    }
    for (const std::string& error : match::LabelValueErrors(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", value, "\" is not a valid value of the label ", key, ": ", error));
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> RulesWithoutEffect(const object::Value& project) {
  std::vector<std::string> fields;
  for (const absl::string_view field :
       {"sourceRepos", "sourceNamespaces", "destinations", "clusterResourceWhitelist",
        "clusterResourceBlacklist", "namespaceResourceWhitelist", "namespaceResourceBlacklist",
        "roles", "syncWindows", "signatureKeys", "sourceIntegrity", "destinationServiceAccounts",
        "permitOnlyProjectScopedClusters", "orphanedResources"}) {
    const object::Value* rule = object::Find(project, {"spec", field});
    if (rule != nullptr && Restricts(*rule)) fields.push_back(absl::StrCat("spec.", field));
  }
  return fields;
}

std::string DefaultServer(absl::string_view name) {
  if (name == generators::kLocalClusterName) return generators::kLocalClusterServer;
  return absl::StrCat("https://", name, ".leidang.invalid");
}

absl::StatusOr<ClusterRegistration> ReadClusterManifest(const object::Value& manifest,
                                                        std::vector<std::string>* warnings) {
  ClusterRegistration cluster;
  ASSIGN_OR_RETURN(cluster.labels, TextMap(manifest, "labels"));
  ASSIGN_OR_RETURN(cluster.annotations, TextMap(manifest, "annotations"));
  std::string id;
  ASSIGN_OR_RETURN(const ManifestKind kind, KindOf(manifest));
  if (kind == ManifestKind::kClusterSecret) {
    ASSIGN_OR_RETURN(cluster.name, SecretField(manifest, "name"));
    ASSIGN_OR_RETURN(cluster.server, SecretField(manifest, "server"));
    ASSIGN_OR_RETURN(cluster.project, SecretField(manifest, "project"));
    ASSIGN_OR_RETURN(const std::string config, SecretField(manifest, "config"));
    cluster.labels.erase(kSecretType);
    id = cluster.annotations[kClusterIdAnnotation];
    cluster.annotations.erase(kClusterIdAnnotation);
    if (!config.empty()) {
      warnings->push_back(
          "the credentials in the cluster Secret are ignored: the agent dials out, the hub needs "
          "none");
    }
  } else {
    cluster.name = std::string(object::FindString(manifest, {"metadata", "name"}));
    cluster.server = std::string(object::FindString(manifest, {"spec", "server"}));
    cluster.project = std::string(object::FindString(manifest, {"spec", "project"}));
    id = std::string(object::FindString(manifest, {"spec", "id"}));
  }
  RETURN_IF_ERROR(CheckClusterName(cluster.name));
  RETURN_IF_ERROR(CheckLabels(cluster.labels));
  if (cluster.server.empty()) cluster.server = DefaultServer(cluster.name);
  if (!id.empty()) {
    const auto parsed = intent::ClusterId::FromHex(id);
    if (!parsed || parsed->IsNone()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the cluster id \"", id, "\" is not 32 lower-case hexadecimal digits"));
    }
    cluster.id = *parsed;
  }
  return cluster;
}

bool SameSource(absl::string_view a, absl::string_view b) {
  return a.substr(0, a.rfind('@')) == b.substr(0, b.rfind('@'));
}

std::string ReleasedBy(absl::string_view owner) {
  absl::ConsumePrefix(&owner, kConfigOwnerPrefix);
  return absl::StrCat(kReleasedOwnerPrefix, owner);
}

absl::Status CheckOwner(absl::string_view before, absl::string_view now, absl::string_view object) {
  if (absl::StartsWith(before, kReleasedOwnerPrefix)) return absl::OkStatus();
  const bool was_config = absl::StartsWith(before, kConfigOwnerPrefix);
  const bool is_config = absl::StartsWith(now, kConfigOwnerPrefix);
  if (was_config == is_config) return absl::OkStatus();
  if (was_config) {
    return absl::FailedPreconditionError(absl::StrCat(object, " comes from the config repository (",
                                                      before.substr(sizeof(kConfigOwnerPrefix) - 1),
                                                      "): change it there"));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      object,
      " was made through the API: delete it there before the config repository can have it"));
}

}  // namespace leidang::hub
