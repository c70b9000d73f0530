#include "agent/scripts/health_scripts.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/settings/health_setting.h"
#include "common/yaml/yaml.h"

namespace leidang::agent {
namespace {

using object::Value;

absl::string_view View(boost::json::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::StatusOr<HealthScripts> HealthScripts::Parse(const Value& map_or_config,
                                                   absl::string_view where) {
  const Value* map = &map_or_config;
  if (object::FindString(*map, {"kind"}) == "ConfigMap") map = object::Find(*map, {"data"});
  HealthScripts out;
  if (map == nullptr || map->is_null()) return out;
  if (!map->is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": the settings are no map"));
  }
  for (const auto& member : map->get_object()) {
    const absl::string_view key = View(member.key());
    if (!settings::IsHealthSetting(key)) continue;
    ASSIGN_OR_RETURN(
        std::vector<settings::HealthCheck> checks,
        settings::ReadHealthSetting(key, member.value(), absl::StrCat(where, ": ", key)));
    for (settings::HealthCheck& check : checks) {
      out.entries_.push_back(
          {{std::move(check.kind), std::move(check.script)}, std::move(check.glob)});
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
