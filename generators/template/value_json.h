#pragma once

// Parameters from JSON, and back. Pure; thread-safe.

#include "common/object/value.h"
#include "generators/template/value.h"

namespace leidang::generators {

// As Go's encoding/json decodes into interface {}: every number a float64.
TValue FromJson(const object::Value& json);

// A value that templates see as what Kubernetes calls v1.JSON: it prints as bytes, and `toJson`
// shows what it holds.
TValue RawJson(const object::Value& json);

// Typed slices and maps become plain ones; times and versions their JSON text. Whole floats within
// 2^53 become integers.
object::Value ToJson(const TValue& value);

}  // namespace leidang::generators
