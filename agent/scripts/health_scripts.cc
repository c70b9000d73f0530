#include "agent/scripts/health_scripts.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"

namespace leidang::agent {
namespace {

using object::Value;

constexpr absl::string_view kHealth = "resource.customizations.health.";
constexpr absl::string_view kAll = "resource.customizations";
constexpr absl::string_view kLua = "health.lua";

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::Status HealthScripts::Add(std::string kind, const Value& script, absl::string_view where) {
  if (!script.is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": the check is no text"));
  }
  absl::StatusOr<match::Glob> glob = match::Glob::Compile(kind);
  if (!glob.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": ", kind, " is no pattern: ", glob.status().message()));
  }
  entries_.push_back({{std::move(kind), std::string(View(script.get_string()))}, *std::move(glob)});
  return absl::OkStatus();
}

absl::StatusOr<HealthScripts> HealthScripts::Parse(const Value& settings, absl::string_view where) {
  const Value* map = &settings;
  if (object::FindString(settings, {"kind"}) == "ConfigMap") map = object::Find(settings, {"data"});
  HealthScripts out;
  if (map == nullptr || map->is_null()) return out;
  if (!map->is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": the settings are no map"));
  }
  for (const auto& member : map->get_object()) {
    absl::string_view key = View(member.key());
    const std::string place = absl::StrCat(where, ": ", key);
    if (absl::ConsumePrefix(&key, kHealth)) {
      const std::vector<std::string> parts = absl::StrSplit(key, '_');
      if (key.empty() || parts.size() > 2) {
        return absl::InvalidArgumentError(
            absl::StrCat(place, ": write ", kHealth, "<group>_<Kind>"));
      }
      const std::string kind = parts.size() == 2 ? absl::StrCat(parts[0], "/", parts[1]) : parts[0];
      RETURN_IF_ERROR(out.Add(kind, member.value(), place));
    } else if (key == kAll) {
      const std::string text = member.value().is_string()
                                   ? std::string(View(member.value().get_string()))
                                   : object::ToJson(member.value());
      ASSIGN_OR_RETURN(const Value kinds, yaml::ParseYaml(text, place));
      if (kinds.is_null()) continue;
      if (!kinds.is_object()) {
        return absl::InvalidArgumentError(absl::StrCat(place, ": this is no map of kinds"));
      }
      for (const auto& kind : kinds.get_object()) {
        const Value* script = object::Find(kind.value(), {kLua});
        if (script == nullptr || script->is_null()) continue;
        RETURN_IF_ERROR(out.Add(std::string(View(kind.key())), *script,
                                absl::StrCat(place, ": ", View(kind.key()))));
      }
    }
  }
  std::sort(out.entries_.begin(), out.entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.script.kind, a.script.script) < std::tie(b.script.kind, b.script.script);
  });
  return out;
}

absl::StatusOr<HealthScripts> HealthScripts::ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in) {
    return absl::NotFoundError(absl::StrCat("the health checks ", path, " cannot be read"));
  }
  ASSIGN_OR_RETURN(const Value settings, yaml::ParseYaml(text, path));
  return Parse(settings, path);
}

std::vector<HealthScript> HealthScripts::All() const {
  std::vector<HealthScript> all;
  for (const Entry& entry : entries_) all.push_back(entry.script);
  return all;
}

const HealthScript* HealthScripts::Find(absl::string_view group, absl::string_view kind) const {
  const std::string name = group.empty() ? std::string(kind) : absl::StrCat(group, "/", kind);
  for (const Entry& entry : entries_) {
    if (entry.script.kind == name) return &entry.script;
  }
  for (const Entry& entry : entries_) {
    if (absl::StrContains(entry.script.kind, "*") && entry.glob.Matches(name)) {
      return &entry.script;
    }
  }
  return nullptr;
}

}  // namespace leidang::agent
