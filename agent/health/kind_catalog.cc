#include "agent/health/kind_catalog.h"

#include <utility>

#include "absl/strings/match.h"

#include "agent/health/kind_files.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"

namespace leidang::agent {

absl::Status KindCatalog::Add(absl::string_view text, absl::string_view file) {
  ASSIGN_OR_RETURN(const std::vector<yaml::Document> documents, yaml::ParseYamlStream(text, file));
  for (const yaml::Document& document : documents) {
    if (document.value.is_null()) continue;
    ASSIGN_OR_RETURN(KindRules rules, KindRules::Parse(document.value, file));
    all_.push_back(std::move(rules));
  }
  return absl::OkStatus();
}

const KindRules* KindCatalog::Find(absl::string_view group, absl::string_view kind) const {
  const KindRules* wide = nullptr;
  for (const KindRules& rules : all_) {
    if (!rules.Concern(group, kind)) continue;
    if (!absl::StartsWith(rules.Names().front(), "*.")) return &rules;
    if (wide == nullptr) wide = &rules;
  }
  return wide;
}

const KindCatalog& KindCatalog::Shipped() {
  static const KindCatalog catalog = [] {
    KindCatalog built;
    for (const KindFile& file : KindFiles()) CHECK(built.Add(file.text, file.name).ok());
    return built;
  }();
  return catalog;
}

}  // namespace leidang::agent
