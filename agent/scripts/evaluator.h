#pragma once

#include "absl/status/statusor.h"

#include "agent/scripts/jq_paths.h"
#include "agent/scripts/lua_check.h"
#include "agent/scripts/script.h"
#include "common/object/value.h"

namespace leidang::agent {

// ScriptEvaluator: carries out calls in the process where it is, with what was compiled kept. A
// script may keep it for ever: see ScriptRunner. Thread-compatible.
class ScriptEvaluator {
 public:
  explicit ScriptEvaluator(LuaLimits limits = {}) : limits_(limits) {}

  // Errors as ScriptRunner's, without names.
  absl::StatusOr<object::Value> Evaluate(const ScriptCall& call);

 private:
  const LuaLimits limits_;
  JqPrograms jq_;
};

}  // namespace leidang::agent
