#include "hub/control/settings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "common/settings/health_setting.h"

namespace leidang::hub {
namespace {

// Entries travel to every cluster.
constexpr size_t kBytesMax = 1u << 20;

const object::Object* Data(const object::Value& manifest) {
  const object::Value* data = object::Find(manifest, {"data"});
  return data != nullptr && data->is_object() ? &data->get_object() : nullptr;
}

absl::Status CheckKey(absl::string_view key, const object::Value& value) {
  const std::string place = absl::StrCat("data.", key);
  if (value.is_string()) return settings::ReadHealthSetting(key, value, place).status();
  return absl::InvalidArgumentError(absl::StrCat(place, " must be text: use `|`"));
}

}  // namespace

absl::Status CheckSettings(const object::Value& manifest) {
  const object::Value* data = object::Find(manifest, {"data"});
  if (data == nullptr || data->is_null()) return absl::OkStatus();
  if (!data->is_object()) return absl::InvalidArgumentError("data is no map of texts");
  size_t bytes = 0;
  for (const auto& member : data->get_object()) {
    const absl::string_view key(member.key().data(), member.key().size());
    if (!settings::IsHealthSetting(key)) continue;
    if (absl::Status status = CheckKey(key, member.value()); !status.ok()) return status;
    bytes += key.size() + member.value().get_string().size();
  }
  if (bytes <= kBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the health checks have ", bytes,
                                                 " bytes, more than the ", kBytesMax,
                                                 " that are sent to every cluster"));
}

object::Value AgentSettings(const object::Value& manifest) {
  object::Object read;
  if (const object::Object* data = Data(manifest)) {
    for (const auto& member : *data) {
      if (settings::IsHealthSetting({member.key().data(), member.key().size()}))
        read[member.key()] = member.value();
    }
  }
  return read;
}

std::vector<std::string> SettingsWithoutEffect(const object::Value& manifest) {
  std::vector<std::string> keys;
  if (const object::Object* data = Data(manifest)) {
    for (const auto& member : *data) {
      if (!settings::IsHealthSetting({member.key().data(), member.key().size()}))
        keys.emplace_back(member.key());
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace leidang::hub
