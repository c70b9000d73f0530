#pragma once

// DesiredSet: the rendered objects of an Application, ready to be compared and applied. Pure;
// thread-safe.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "agent/apply/sync_policy.h"
#include "common/manifest/manifest.h"
#include "common/object/key.h"
#include "common/object/sha256.h"
#include "common/object/value.h"

namespace leidang::agent {

// What an object says about its own deletion: sync options Prune and Delete, and Helm's resource
// policy.
struct DeletionWishes {
  Pruning pruning = Pruning::kPrune;   // Once its Application does not want it any more.
  Pruning with_app = Pruning::kPrune;  // When its Application is deleted.
};
DeletionWishes DeletionWishesOf(const object::Value& object);

// The one that lets less go.
Pruning Stricter(Pruning a, Pruning b);

struct DesiredObject {
  object::ObjectKey key;
  std::string manifest;   // Canonical JSON, tracking marks included.
  object::Sha256 digest;  // Of `manifest`.
  int64_t wave = 0;       // As written; the plan moves namespaces and definitions forward.
  Pruning pruning = Pruning::kPrune;  // Sync option Prune on the object.
  // kKeep: stays when the Application is deleted, as CRDs do, and what says Delete=false or Helm's
  // resource policy keep.
  Pruning with_app = Pruning::kPrune;
  Adoption adoption = Adoption::kNo;  // Annotation leidang.dev/adopt on the object.
  Wish replace = Wish::kUnsaid;       // Sync options on the object.
  Wish force = Wish::kUnsaid;
};

// A hook as rendered, its namespace set; not marked yet, and without a name if it has a
// generateName.
struct DesiredHook {
  object::ObjectKey key;  // The name may be a generateName.
  std::string generate_name;
  std::string manifest;  // Canonical JSON.
  // kDeletion: it has to do with the Application's end only (PreDelete, PostDelete).
  enum class When : uint8_t { kSync, kDeletion } when = When::kSync;
};

struct DesiredSet {
  std::vector<DesiredObject> objects;       // Sorted by key.
  std::vector<object::ObjectKey> repeated;  // Written more than once; the last one counts.
  std::vector<DesiredHook> hooks;           // Apart, as they run only with a sync.
};

using ScopeOf =
    std::function<std::optional<manifest::Scope>(absl::string_view group, absl::string_view kind)>;

// Namespaced objects without a namespace get `ns`, cluster-scoped ones lose theirs; the scope of a
// kind is taken from a CustomResourceDefinition among the objects, else from `scope_of`, else it is
// namespaced. Then they are marked as objects of `app` ("namespace/name"). What carries a hook
// annotation is no object of the Application.
//
// kInvalidArgument, naming the object, if it has no identity, or no namespace and `ns` is empty.
absl::StatusOr<DesiredSet> MakeDesiredSet(std::vector<object::Value> objects, absl::string_view app,
                                          absl::string_view ns, const ScopeOf& scope_of);

// The Namespace that the sync option CreateNamespace asks for.
object::Value NamespaceManifest(absl::string_view ns, const SyncPolicy& policy);

// Argo CD's sync wave: an integer as Go's Atoi reads it, from the annotation
// argocd.argoproj.io/sync-wave, else helm.sh/hook-weight, else 0.
int64_t SyncWaveOf(const object::Value& manifest);

// Place of a kind in the order in which kinds are applied; kinds that are not listed come last.
int KindRank(absl::string_view kind);

}  // namespace leidang::agent
