#pragma once

// Kubernetes manifests as value trees: who an object is, and reading and writing its metadata.
//
// Pure; thread-safe. Nothing here fails on a tree of an unexpected shape: a label that is not text
// reads as absent, and what a function cannot do is a Status that names the object.

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::manifest {

// The identity of an object. kInvalidArgument, naming what is missing or of the wrong type, where
// apiVersion, kind or metadata.name is not there. A name or namespace that no API server takes as
// part of a path ("/", "..", control characters, over 253 bytes) is refused too.
absl::StatusOr<object::ObjectKey> KeyOf(const object::Value& manifest);

// "apps" of "apps/v1", "" of "v1".
absl::string_view GroupOf(absl::string_view api_version);
absl::string_view VersionOf(absl::string_view api_version);

// "" where the annotation or label is absent or no text.
absl::string_view Annotation(const object::Value& manifest, absl::string_view name);
absl::string_view Label(const object::Value& manifest, absl::string_view name);

// Replaces metadata, labels or annotations of a wrong type. REQUIRES: `manifest` is an object.
void SetAnnotation(object::Value& manifest, absl::string_view name, absl::string_view value);
void SetLabel(object::Value& manifest, absl::string_view name, absl::string_view value);
void SetNamespace(object::Value& manifest, absl::string_view ns);

// The value of `name` in a comma-separated list of "name=value" in the annotation
// `argocd.argoproj.io/sync-options`; "" where absent. Of repeated names the last one counts.
std::string SyncOption(const object::Value& manifest, absl::string_view name);

enum class Scope : uint8_t { kNamespaced, kCluster };

// Scope of a kind that Kubernetes itself ships, or that CRDs in wide use define; nullopt for
// others.
std::optional<Scope> KnownScope(absl::string_view group, absl::string_view kind);

// Group, kind and scope that a CustomResourceDefinition defines; nullopt if `manifest` is none.
struct DefinedKind {
  std::string group;
  std::string kind;
  Scope scope = Scope::kNamespaced;
};
std::optional<DefinedKind> KindDefinedBy(const object::Value& manifest);

}  // namespace leidang::manifest
