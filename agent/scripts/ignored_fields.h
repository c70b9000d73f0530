#pragma once

#include <functional>

#include "absl/status/statusor.h"

#include "agent/apply/ignore_rules.h"
#include "agent/scripts/script.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

// IgnoreRules::Strip with its jq expressions run by `scripts`: `done` gets `object` without what
// the rules about `key` name; at once where no expression does. `live` (may be null) is only looked
// at before this returns.
//
// An expression that does not fit the object selects nothing. One that cannot be read, or could not
// be run (it took too long, its runner is away), is an error that names it and the object: what
// somebody else may change is not known then, so the object is to be left as it is.
//
// `rules` may go once this has returned; `scripts` must outlive the call, which is dropped with it.
// Loop-bound.
void StripIgnored(const IgnoreRules& rules, const object::ObjectKey& key, const object::Value* live,
                  object::Value object, ScriptRunner& scripts,
                  std::function<void(absl::StatusOr<object::Value>)> done);

}  // namespace leidang::agent
