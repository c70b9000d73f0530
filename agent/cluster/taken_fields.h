#pragma once

#include <optional>

#include "common/object/value.h"

namespace leidang::agent {

// managedFields of `object` when all that kubectl, Argo CD, Flux or Helm owned by applying it is
// ours: an apply of ours then removes what it does not name, as one of theirs would have. nullopt
// if they own nothing. What was changed by hand, by controllers or through subresources stays with
// its manager. Pure.
std::optional<object::Array> TakeOverFields(const object::Value& object);

}  // namespace leidang::agent
