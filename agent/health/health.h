#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "common/intent/status.h"
#include "common/object/value.h"

namespace leidang::agent {

struct Health {
  intent::HealthState state = intent::HealthState::kUnknown;
  std::string message;

  friend bool operator==(const Health&, const Health&) = default;
};

// Health of a live object; nullopt for kinds without a check, which do not count. What is being
// deleted is Progressing, whatever its kind. An object that cannot be read, or of a version that a
// check does not know, is Unknown with the reason.
//
// Kinds that Argo CD has built in are assessed as there, with its messages; the custom kinds of
// kinds/ by the rules there. Checks that somebody has configured come before both, and are not of
// this room: agent/scripts/custom_health.h.
//
// Pure; thread-safe.
std::optional<Health> AssessHealth(const object::Value& object);

// The same without the custom kinds of kinds/.
std::optional<Health> AssessBuiltInHealth(const object::Value& object);

// Progressing for what is being deleted, which no check is asked about.
std::optional<Health> HealthOfDeletion(const object::Value& object);

// Whether AssessHealth knows objects of this kind.
bool HasHealthCheck(absl::string_view group, absl::string_view kind);

}  // namespace leidang::agent
