#pragma once

// jq path expressions, by libjq: the one place that includes it.
//
// Nothing can stop a jq program from outside, and one that somebody wrote may run for ever or take
// any amount of memory: use this in a worker process with limits, never in the agent itself.

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/object/value.h"

namespace leidang::agent {

// Expressions compiled once (16 ms each) and kept, at most `programs_max` of them.
// Thread-compatible.
class JqPrograms {
 public:
  explicit JqPrograms(size_t programs_max = 128);
  ~JqPrograms();

  // The paths in `value` that the expression selects, such as `.spec.list[] | select(.a)`: each a
  // list of keys, indexes and slices. kInvalidArgument if the expression is none (jq's words),
  // kFailedPrecondition if it cannot be applied to this value. No module, file or environment
  // variable is in its reach.
  absl::StatusOr<object::Array> Paths(const std::string& expression, const object::Value& value);

  absl::Status CheckSyntax(const std::string& expression);

 private:
  struct Program;
  absl::StatusOr<Program*> Find(const std::string& expression);

  const size_t programs_max_;
  std::map<std::string, std::unique_ptr<Program>> programs_;
};

}  // namespace leidang::agent
