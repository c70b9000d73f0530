#pragma once

// The health checks among the settings of a fleet or of an agent, in the form of Argo CD's
// argocd-cm: `resource.customizations.health.<group>_<Kind>: <script>` (of the core group
// `…health.<Kind>`), or `resource.customizations` with a YAML map from `group/Kind` to
// `health.lua: <script>`. Groups and kinds may have the wildcard `*`. The hub checks by this what
// is written, and agents read it by this.
//
// Pure; thread-safe.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/match/glob.h"
#include "common/object/value.h"

namespace leidang::settings {

struct HealthCheck {
  std::string kind;    // "group/Kind" as it is written, with its wildcards.
  std::string script;  // Lua.
  match::Glob glob;    // Of the kind.
};

// Whether a key of the settings is about health checks.
bool IsHealthSetting(absl::string_view key);

// The checks of one such key. kInvalidArgument, beginning with `place`, which is how the key is
// named to people, if it has not this form. That a script can be read is not looked at.
absl::StatusOr<std::vector<HealthCheck>> ReadHealthSetting(absl::string_view key,
                                                           const object::Value& value,
                                                           absl::string_view place);

}  // namespace leidang::settings
