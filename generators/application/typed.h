#pragma once

// JSON through Go's types and back. Pure; thread-safe.

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"
#include "generators/application/schema.h"

namespace leidang::generators {

struct TypedOptions {
  // Go's own reader takes `Project` for `project` where there is no exact name; that of Kubernetes
  // objects does not.
  enum class Names { kExact, kAnyCase } names = Names::kExact;
};

// What is left of `value` after it was read into `type` and written again: unknown and empty fields
// dropped, required ones added. kInvalidArgument "<path>.spec.project: expected text, found a
// number".
absl::StatusOr<object::Value> ThroughType(const object::Value& value, const StructType& type,
                                          absl::string_view path, const TypedOptions& options = {});

// Whether a value of that shape counts as empty: "", 0, false, no elements. Null is.
bool IsEmptyValue(const object::Value& value);

// "text", "a number", "a list", …: for messages.
absl::string_view KindOf(const object::Value& value);

// A generator's own template over the set's: an empty field of `own` takes the value of `base`;
// objects are joined key by key, lists and raw values as a whole. Both have passed ThroughType with
// TemplateType().
object::Value MergeTemplates(const object::Value& own, const object::Value& base);

}  // namespace leidang::generators
