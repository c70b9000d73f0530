#pragma once

#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::conformance {

// Whether `kubectl apply` of `desired` would change `live`: what Argo CD calls a client-side diff.
// An adapter for the vectors: Leidang itself applies on the server and compares what it owns. Kinds
// of Kubernetes are merged by the keys of their lists, others as plain JSON. Both have been
// stripped of what is ignored; so has `before`, what was applied last, or null.
bool ApplyWouldChange(const object::Value& before, object::Value desired, object::Value live);

// In the forms that Kubernetes keeps: quantities, base64, no empty members. Of other kinds nothing.
void Normalize(object::Value& object);

}  // namespace leidang::conformance
