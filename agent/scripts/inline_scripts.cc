#include "agent/scripts/inline_scripts.h"

#include <utility>

namespace leidang::agent {

void InlineScripts::Run(ScriptCall call, Done done) {
  loop_.Post([this, alive = alive_, call = std::move(call), done = std::move(done)] {
    if (!*alive) return;
    absl::StatusOr<object::Value> answer = evaluator_.Evaluate(call);
    done(answer.ok() ? std::move(answer) : NamedError(call, answer.status()));
  });
}

}  // namespace leidang::agent
