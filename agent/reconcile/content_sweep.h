#pragma once

#include <set>

#include "absl/status/statusor.h"

#include "agent/state/state.h"
#include "common/object/sha256.h"

namespace leidang::agent {

// Content that some entry's sources consist of: what may stay when the rest is dropped. An error of
// State, or a tree manifest that cannot be read, is an error of the whole, so that nothing is
// dropped on a guess. Loop-bound, as State.
absl::StatusOr<std::set<object::Sha256>> ContentInUse(const State& state);

}  // namespace leidang::agent
