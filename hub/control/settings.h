#pragma once

// Settings of the whole fleet, as Argo CD's users write them: the ConfigMap argocd-cm. What
// concerns clusters goes to every agent. Pure; thread-safe.

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/object/value.h"

namespace leidang::hub {

inline constexpr char kSettingsName[] = "argocd-cm";

// kInvalidArgument, naming the key, if what agents read has not the form that they expect. Whether
// a script is right only an agent can tell.
absl::Status CheckSettings(const object::Value& manifest);

// The part that agents read, an object of texts: health checks (docs/HEALTH.md).
object::Value AgentSettings(const object::Value& manifest);

// Keys that have no effect, sorted.
std::vector<std::string> SettingsWithoutEffect(const object::Value& manifest);

}  // namespace leidang::hub
