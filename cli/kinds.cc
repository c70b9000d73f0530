#include "cli/kinds.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace leidang::cli {
namespace {

struct KindNames {
  v1::Kind kind;
  absl::string_view names[4];
};
constexpr KindNames kKinds[] = {
    {v1::APPLICATION_SET, {"applicationset", "applicationsets", "appset", "appsets"}},
    {v1::APPLICATION, {"application", "applications", "app", "apps"}},
    {v1::CLUSTER, {"cluster", "clusters", "cl", "cl"}},
    {v1::APP_PROJECT, {"project", "projects", "appproject", "appprojects"}},
    {v1::REPOSITORY, {"repository", "repositories", "repo", "repos"}},
    {v1::SETTINGS, {"settings", "settings", "argocd-cm", "argocd-cm"}},
};

}  // namespace

absl::StatusOr<v1::Kind> ParseKind(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  for (const KindNames& k : kKinds) {
    for (const absl::string_view name : k.names) {
      if (lower == name) return k.kind;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text,
                   "\" is no kind: use applicationsets, applications, clusters, projects, "
                   "repositories or settings"));
}

std::string KindName(v1::Kind kind) {
  for (const KindNames& k : kKinds) {
    if (k.kind == kind) return std::string(k.names[0]);
  }
  return "object";
}

ResourceName ParseName(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return {"", std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

void SplitKindAndName(std::string* kind, std::string* name) {
  const size_t slash = kind->find('/');
  if (slash == std::string::npos || !name->empty()) return;
  *name = kind->substr(slash + 1);
  kind->resize(slash);
}

std::string ShownName(const v1::Resource& resource) {
  return resource.namespace_().empty() || resource.namespace_() == "leidang"
             ? resource.name()
             : absl::StrCat(resource.namespace_(), "/", resource.name());
}

}  // namespace leidang::cli
