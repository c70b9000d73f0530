#include "hub/control/settings.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/yaml/yaml.h"

namespace leidang::hub {
namespace {

constexpr absl::string_view kHealth = "resource.customizations.health.";
constexpr absl::string_view kAll = "resource.customizations";
// Entries travel to every cluster.
constexpr size_t kBytesMax = 1u << 20;

bool HasEffect(absl::string_view key) { return key == kAll || absl::StartsWith(key, kHealth); }

const object::Object* Data(const object::Value& manifest) {
  const object::Value* data = object::Find(manifest, {"data"});
  return data != nullptr && data->is_object() ? &data->get_object() : nullptr;
}

absl::Status CheckKey(absl::string_view key, const object::Value& value) {
  if (!value.is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("data.", key, " must be text: use `|`"));
  }
  absl::string_view kind = key;
  if (absl::ConsumePrefix(&kind, kHealth)) {
    const std::vector<absl::string_view> parts = absl::StrSplit(kind, '_');
    if (!kind.empty() && parts.size() <= 2) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("data.", key, ": write ", kHealth, "<group>_<Kind>"));
  }
  const auto& text = value.get_string();
  const absl::StatusOr<object::Value> kinds =
      yaml::ParseYaml({text.data(), text.size()}, absl::StrCat("data.", key));
  if (!kinds.ok()) return kinds.status();
  if (kinds->is_object() || kinds->is_null()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("data.", key, " is no map of kinds"));
}

}  // namespace

absl::Status CheckSettings(const object::Value& manifest) {
  const object::Value* data = object::Find(manifest, {"data"});
  if (data == nullptr || data->is_null()) return absl::OkStatus();
  if (!data->is_object()) return absl::InvalidArgumentError("data is no map of texts");
  size_t bytes = 0;
  for (const auto& member : data->get_object()) {
    const absl::string_view key(member.key().data(), member.key().size());
    if (!HasEffect(key)) continue;
    if (absl::Status status = CheckKey(key, member.value()); !status.ok()) return status;
    bytes += key.size() + member.value().get_string().size();
  }
  if (bytes <= kBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the health checks have ", bytes,
                                                 " bytes, more than the ", kBytesMax,
                                                 " that are sent to every cluster"));
}

object::Value AgentSettings(const object::Value& manifest) {
  object::Object settings;
  if (const object::Object* data = Data(manifest)) {
    for (const auto& member : *data) {
      if (HasEffect({member.key().data(), member.key().size()}))
        settings[member.key()] = member.value();
    }
  }
  return settings;
}

std::vector<std::string> SettingsWithoutEffect(const object::Value& manifest) {
  std::vector<std::string> keys;
  if (const object::Object* data = Data(manifest)) {
    for (const auto& member : *data) {
      if (!HasEffect({member.key().data(), member.key().size()})) keys.emplace_back(member.key());
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace leidang::hub
