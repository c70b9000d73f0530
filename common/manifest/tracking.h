#pragma once

// The marks by which an Application's objects are recognised in a cluster: a label that one
// selector finds, and an annotation that names the owner and the object itself.
//
// Pure; thread-safe.

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::manifest {

inline constexpr absl::string_view kAppLabel = "leidang.dev/app";
inline constexpr absl::string_view kTrackingIdAnnotation = "leidang.dev/tracking-id";

// Value of the label: the first 32 hex digits of SHA-256(`app`), `app` being "namespace/name". The
// same for every uid of that name, because of adoption.
std::string AppLabel(absl::string_view app);

// "namespace/name:group/kind:namespace/name": the Application, then the object.
struct TrackingId {
  std::string app;  // "namespace/name"
  object::ObjectKey key;

  std::string ToString() const;
  static std::optional<TrackingId> Parse(absl::string_view text);

  friend bool operator==(const TrackingId&, const TrackingId&) = default;
};

// The Application that `manifest` belongs to: the one that its tracking id names, provided that the
// id also names `key`. A copy of a tracked object carries somebody else's id, so it has no owner.
std::optional<std::string> OwnerOf(const object::Value& manifest, const object::ObjectKey& key);

// Sets both marks. REQUIRES: `manifest` is an object.
void Track(object::Value& manifest, absl::string_view app, const object::ObjectKey& key);

}  // namespace leidang::manifest
