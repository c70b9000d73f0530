#pragma once

#include <optional>
#include <string>

#include "common/intent/status.h"
#include "common/object/value.h"

namespace leidang::agent {

struct Health {
  intent::HealthState state = intent::HealthState::kUnknown;
  std::string message;

  friend bool operator==(const Health&, const Health&) = default;
};

// Health of a live object by the checks that Argo CD has built in, with its messages; nullopt for
// kinds without one, which do not count. What is being deleted is Progressing, whatever its kind.
// An object that cannot be read, or of a version that a check does not know, is Unknown with the
// reason.
//
// Pure; thread-safe.
std::optional<Health> AssessHealth(const object::Value& object);

}  // namespace leidang::agent
