#pragma once

// Kubernetes strategic merge patches onto an Application. Pure; thread-safe.

#include "absl/status/statusor.h"

#include "common/object/value.h"

namespace leidang::generators {

// `patch` over `application`: objects are joined key by key, null deletes, lists are replaced but
// for `metadata.finalizers`, which is joined. Directives: `$patch` (replace, delete),
// `$retainKeys`,
// `$deleteFromPrimitiveList/…`, `$setElementOrder/…`. A null patch changes nothing.
// kInvalidArgument in the words of Kubernetes.
absl::StatusOr<object::Value> StrategicMerge(const object::Value& application,
                                             const object::Value& patch);

}  // namespace leidang::generators
