#include "common/intent/intent.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace leidang::intent {
namespace {

struct KindName {
  EntryKind kind;
  absl::string_view prefix;
};
constexpr KindName kKindNames[] = {
    {EntryKind::kApplication, "application:"},
    {EntryKind::kProject, "project:"},
    {EntryKind::kSettings, "settings:"},
};

std::string LengthPrefixed(absl::string_view bytes) {
  std::string out;
  const uint64_t size = bytes.size();
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
  absl::StrAppend(&out, bytes);
  return out;
}

}  // namespace

std::string EntryKey::ToString() const {
  for (const KindName& k : kKindNames) {
    if (k.kind == kind) return absl::StrCat(k.prefix, name);
  }
  return absl::StrCat("kind-", static_cast<int>(kind), ":", name);
}

absl::StatusOr<EntryKey> EntryKey::FromString(absl::string_view text) {
  for (const KindName& k : kKindNames) {
    if (absl::StartsWith(text, k.prefix)) {
      return EntryKey{k.kind, std::string(text.substr(k.prefix.size()))};
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" is no entry key: it begins with none of application:, project:, settings:"));
}

absl::string_view ToolName(Tool tool) {
  switch (tool) {
    case Tool::kDirectory:
      return "Directory";
    case Tool::kKustomize:
      return "Kustomize";
    case Tool::kHelm:
      return "Helm";
    case Tool::kJsonnet:
      return "Jsonnet";
    case Tool::kPlugin:
      return "Plugin";
  }
  return "Unknown";
}

const EntryKey& Change::key() const {
  if (const auto* put = std::get_if<Assignment>(&what)) return put->key;
  return std::get<Tombstone>(what).key;
}

const Uid& Change::uid() const {
  if (const auto* put = std::get_if<Assignment>(&what)) return put->uid;
  return std::get<Tombstone>(what).uid;
}

Uid ComputeUid(const HubId& hub, const EntryKey& key, uint64_t deletions) {
  std::string count;
  for (int shift = 56; shift >= 0; shift -= 8)
    count.push_back(static_cast<char>(deletions >> shift));
  const std::string text = absl::StrCat(LengthPrefixed("leidang.uid.v1"), LengthPrefixed(hub.Raw()),
                                        LengthPrefixed(key.ToString()), LengthPrefixed(count));
  const std::string digest = object::Sha256::Of(text).Raw();
  const auto uid = Uid::FromRaw(absl::string_view(digest).substr(0, 16));
  CHECK(uid.has_value());
  return *uid;
}

}  // namespace leidang::intent
