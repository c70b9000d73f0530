#include "hub/control/existing_fields.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "generators/reconcile.h"

namespace leidang::hub {

ExistingFields::ExistingFields(const generators::ApplicationSet& set,
                               const std::vector<DerivedApplication>* current)
    : set_(set), current_(AnyIn(set) ? current : nullptr) {}

bool ExistingFields::AnyIn(const generators::ApplicationSet& set) {
  return !set.preserved_annotations().empty() || !set.preserved_labels().empty() ||
         !set.ignore_application_differences().empty();
}

absl::StatusOr<std::optional<object::Value>> ExistingFields::Keep(
    absl::string_view key, absl::string_view canonical, const object::Value& generated) const {
  const std::optional<object::Value> as_generated;
  if (current_ == nullptr) return as_generated;
  const auto found =
      std::lower_bound(current_->begin(), current_->end(), key,
                       [](const DerivedApplication& a, absl::string_view k) { return a.key < k; });
  if (found == current_->end() || found->key != key || found->cluster.IsNone() ||
      found->manifest == canonical) {
    return as_generated;
  }
  ASSIGN_OR_RETURN(object::Value live, object::ParseJson(found->manifest));
  ASSIGN_OR_RETURN(std::optional<object::Value> updated,
                   generators::UpdatedManifest(set_, {}, generated, live));
  object::Value kept = updated ? *std::move(updated) : std::move(live);
  if (object::CanonicalJson(kept) == canonical) return as_generated;
  return std::optional<object::Value>(std::move(kept));
}

std::vector<std::string> UnheededFields(const object::Value& manifest) {
  std::vector<std::string> unheeded;
  const absl::string_view type = object::FindString(manifest, {"spec", "strategy", "type"});
  if (!type.empty() && type != "AllAtOnce" && type != "RollingSync") {
    unheeded.push_back(absl::StrCat("spec.strategy.type: \"", type,
                                    "\" is neither AllAtOnce nor RollingSync: taken for "
                                    "AllAtOnce"));
  }
  const absl::string_view order =
      object::FindString(manifest, {"spec", "strategy", "deletionOrder"});
  if (!order.empty() && order != "AllAtOnce") {
    unheeded.push_back(absl::StrCat("spec.strategy.deletionOrder: ", order,
                                    " is not supported yet: Applications are deleted all at once"));
  }
  for (const absl::string_view field : {"operation", "status"}) {
    if (object::Find(manifest, {"spec", "template", field}) == nullptr) continue;
    unheeded.push_back(absl::StrCat("spec.template.", field, ": ignored"));
  }
  return unheeded;
}

}  // namespace leidang::hub
