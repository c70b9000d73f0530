#include "common/manifest/tracking.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/manifest/manifest.h"
#include "common/object/sha256.h"

namespace leidang::manifest {

std::string AppLabel(absl::string_view app) { return object::Sha256::Of(app).Hex().substr(0, 32); }

std::string TrackingId::ToString() const {
  return absl::StrCat(app, ":", key.group, "/", key.kind, ":", key.ns, "/", key.name);
}

std::optional<TrackingId> TrackingId::Parse(absl::string_view text) {
  // Names of RBAC objects may hold colons, so only the first two separate.
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 2));
  if (parts.size() != 3) return std::nullopt;
  const std::vector<absl::string_view> kind = absl::StrSplit(parts[1], '/');
  const std::vector<absl::string_view> name = absl::StrSplit(parts[2], '/');
  if (kind.size() != 2 || name.size() != 2 || parts[0].empty()) return std::nullopt;
  if (kind[1].empty() || name[1].empty()) return std::nullopt;
  TrackingId id;
  id.app = std::string(parts[0]);
  id.key = {std::string(kind[0]), std::string(kind[1]), std::string(name[0]), std::string(name[1])};
  return id;
}

std::optional<std::string> OwnerOf(const object::Value& manifest, const object::ObjectKey& key) {
  std::optional<TrackingId> id = TrackingId::Parse(Annotation(manifest, kTrackingIdAnnotation));
  if (!id.has_value() || id->key != key) return std::nullopt;
  return std::move(id->app);
}

void Track(object::Value& manifest, absl::string_view app, const object::ObjectKey& key) {
  SetLabel(manifest, kAppLabel, AppLabel(app));
  SetAnnotation(manifest, kTrackingIdAnnotation, TrackingId{std::string(app), key}.ToString());
}

}  // namespace leidang::manifest
