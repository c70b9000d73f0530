#pragma once

// jq path expressions, by libjq: the one place that includes it.
//
// Nothing can stop a jq program from outside, and one that somebody wrote may run for ever or take
// any amount of memory: call this in a worker process with limits, never in the agent itself.

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::agent {

// `value` without what the path expression `path` selects, such as `.spec.list[] | select(.a)`.
// kInvalidArgument if the expression is not one (jq's words), kFailedPrecondition if it cannot be
// applied to this value. No module, file or environment variable is in its reach. Thread-safe.
absl::StatusOr<object::Value> DeleteByJq(absl::string_view path, const object::Value& value);

}  // namespace leidang::agent
