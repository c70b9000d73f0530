#include "common/settings/health_setting.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"

namespace leidang::settings {
namespace {

using object::Value;

constexpr absl::string_view kOne = "resource.customizations.health.";
constexpr absl::string_view kAll = "resource.customizations";
constexpr absl::string_view kLua = "health.lua";

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

absl::StatusOr<HealthCheck> CheckOf(std::string kind, const Value& script,
                                    absl::string_view place) {
  if (!script.is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": the check is no text"));
  }
  absl::StatusOr<match::Glob> glob = match::Glob::Compile(kind);
  if (!glob.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": ", kind, " is no pattern: ", glob.status().message()));
  }
  return HealthCheck{std::move(kind), std::string(View(script.get_string())), *std::move(glob)};
}

absl::StatusOr<std::vector<HealthCheck>> ReadMap(const Value& value, absl::string_view place) {
  const std::string text =
      value.is_string() ? std::string(View(value.get_string())) : object::ToJson(value);
  ASSIGN_OR_RETURN(const Value kinds, yaml::ParseYaml(text, place));
  std::vector<HealthCheck> checks;
  if (kinds.is_null()) return checks;
  if (!kinds.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": this is no map of kinds"));
  }
  for (const auto& kind : kinds.get_object()) {
    const Value* script = object::Find(kind.value(), {kLua});
    if (script == nullptr || script->is_null()) continue;
    const std::string name(View(kind.key()));
    ASSIGN_OR_RETURN(HealthCheck check, CheckOf(name, *script, absl::StrCat(place, ": ", name)));
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace

bool IsHealthSetting(absl::string_view key) { return key == kAll || absl::StartsWith(key, kOne); }

absl::StatusOr<std::vector<HealthCheck>> ReadHealthSetting(absl::string_view key,
                                                           const Value& value,
                                                           absl::string_view place) {
  if (!absl::ConsumePrefix(&key, kOne)) return ReadMap(value, place);
  const std::vector<std::string> parts = absl::StrSplit(key, '_');
  if (key.empty() || parts.size() > 2) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": write ", kOne, "<group>_<Kind>"));
  }
  std::vector<HealthCheck> checks;
  ASSIGN_OR_RETURN(
      HealthCheck check,
      CheckOf(parts.size() == 2 ? absl::StrCat(parts[0], "/", parts[1]) : parts[0], value, place));
  checks.push_back(std::move(check));
  return checks;
}

}  // namespace leidang::settings
