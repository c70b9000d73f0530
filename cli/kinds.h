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
  std::string ns;  // Empty: the hub finds it.
  std::string name;
};
// "name" or "namespace/name".
ResourceName ParseName(absl::string_view text);

// "application/namespace/name", as `-o name` prints it, given where a kind is expected, is kind and
// name in one, as with kubectl: moves the name to `name` if that is empty.
void SplitKindAndName(std::string* kind, std::string* name);

// "name" in the default namespace, "namespace/name" elsewhere: what ParseName reads.
std::string ShownName(const v1::Resource& resource);

}  // namespace leidang::cli
