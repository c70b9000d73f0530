#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"
#include "hub/model/written.h"

namespace leidang::hub {

// The objects that a hub takes, told apart by apiVersion and kind (Secrets by Argo CD's label).
enum class ManifestKind {
  kApplicationSet,
  kApplication,
  kAppProject,
  kCluster,           // leidang.dev/v1alpha1
  kClusterSecret,     // argocd.argoproj.io/secret-type: cluster
  kRepositorySecret,  // argocd.argoproj.io/secret-type: repository
  kSettings,          // ConfigMap argocd-cm
};

// kInvalidArgument names what was found and lists what is taken. Pure, as everything here.
absl::StatusOr<ManifestKind> KindOf(const object::Value& manifest);

// "ApplicationSet", …
absl::string_view WrittenKindName(WrittenKind kind);

// Checks name, namespace (`control_namespace` where there is none) and the outline of the spec.
// Times and owner are the caller's to fill.
absl::StatusOr<WrittenObject> ReadObject(WrittenKind kind, const object::Value& manifest,
                                         absl::string_view control_namespace);

// The fields of an AppProject that restrict what uses it, such as "spec.destinations". This version
// enforces none of them.
std::vector<std::string> RulesWithoutEffect(const object::Value& project);

// A registration from kind Cluster or from a cluster Secret, whose credentials are ignored with a
// warning.
absl::StatusOr<ClusterRegistration> ReadClusterManifest(const object::Value& manifest,
                                                        std::vector<std::string>* warnings);

// Cluster names are DNS labels: they stand in certificates, file names and flags.
absl::Status CheckClusterName(absl::string_view name);
absl::Status CheckLabels(const std::map<std::string, std::string>& labels);
// "https://<name>.leidang.invalid"; of in-cluster "https://kubernetes.default.svc".
std::string DefaultServer(absl::string_view name);

// An object is changed by whom it belongs to: the API, or the config repository (whatever file and
// commit). What the config repository let go of is anybody's.
absl::Status CheckOwner(absl::string_view before, absl::string_view now, absl::string_view object);

// Whether two owners are the same file, at whatever commit. An object goes on naming the commit
// that changed it last.
bool SameSource(absl::string_view a, absl::string_view b);

// The owner of what "config <file>@<commit>" let go of.
std::string ReleasedBy(absl::string_view owner);

}  // namespace leidang::hub
