#include "agent/scripts/evaluator.h"

#include <utility>

#include "common/base/status_macros.h"

namespace leidang::agent {

absl::StatusOr<object::Value> ScriptEvaluator::Evaluate(const ScriptCall& call) {
  const object::Value none;
  const object::Value& input = call.input == nullptr ? none : *call.input;
  switch (call.language) {
    case ScriptCall::Language::kLuaHealth:
      return RunLuaCheck(call.script, input, limits_);
    case ScriptCall::Language::kLuaSyntax:
      RETURN_IF_ERROR(CheckLuaSyntax(call.script));
      return object::Value(nullptr);
    case ScriptCall::Language::kJqPaths: {
      ASSIGN_OR_RETURN(object::Array paths, jq_.Paths(call.script, input));
      return object::Value(std::move(paths));
    }
    case ScriptCall::Language::kJqSyntax:
      break;
  }
  RETURN_IF_ERROR(jq_.CheckSyntax(call.script));
  return object::Value(nullptr);
}

}  // namespace leidang::agent
