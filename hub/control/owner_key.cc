#include "hub/control/owner_key.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace leidang::hub {
namespace {

constexpr char kSet[] = "set ";
constexpr char kApplication[] = "application ";

}  // namespace

std::string OwnerKey::ToString() const {
  return absl::StrCat(kind == WrittenKind::kApplicationSet ? kSet : kApplication, key);
}

std::optional<OwnerKey> OwnerKey::FromString(const std::string& text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, kSet))
    return OwnerKey{WrittenKind::kApplicationSet, std::string(rest)};
  if (absl::ConsumePrefix(&rest, kApplication))
    return OwnerKey{WrittenKind::kApplication, std::string(rest)};
  return std::nullopt;
}

}  // namespace leidang::hub
