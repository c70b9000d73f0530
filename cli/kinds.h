#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "leidang/v1/fleet.pb.h"

namespace leidang::cli {

// "applications", "app", "applicationset", "clusters", … as kubectl and argocd users write them.
// kInvalidArgument lists what there is.
absl::StatusOr<v1::Kind> ParseKind(absl::string_view text);

// "application", …
std::string KindName(v1::Kind kind);

struct ResourceName {
  std::string ns;
  std::string name;
};
// "name" is in namespace leidang; "namespace/name" says which.
ResourceName ParseName(absl::string_view text);

}  // namespace leidang::cli
