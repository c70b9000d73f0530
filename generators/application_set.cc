#include "generators/application_set.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "generators/application/typed.h"
#include "generators/kinds/fields.h"
#include "generators/reconcile.h"

namespace leidang::generators {

namespace {

using object::Value;

absl::StatusOr<std::optional<ApplicationsSync>> ReadPolicy(const Fields& policy) {
  ASSIGN_OR_RETURN(const std::string text, policy.Text("applicationsSync"));
  if (text.empty()) return std::optional<ApplicationsSync>();
  const std::optional<ApplicationsSync> known = ParsePolicy(text);
  if (known.has_value()) return known;
  return absl::InvalidArgumentError(
      absl::StrCat(policy.path(),
                   ".applicationsSync: expected create-only, create-update, "
                   "create-delete or sync, found ",
                   text));
}

absl::StatusOr<std::vector<IgnoreRule>> ReadIgnoreRules(const Fields& spec) {
  std::vector<IgnoreRule> rules;
  ASSIGN_OR_RETURN(const std::vector<Fields> items, spec.Structs("ignoreApplicationDifferences"));
  for (const Fields& item : items) {
    IgnoreRule rule;
    ASSIGN_OR_RETURN(rule.name, item.Text("name"));
    ASSIGN_OR_RETURN(rule.json_pointers, item.Texts("jsonPointers"));
    ASSIGN_OR_RETURN(rule.jq_path_expressions, item.Texts("jqPathExpressions"));
    rules.push_back(std::move(rule));
  }
  return rules;
}

absl::Status ReadMetadata(const Fields& root, ApplicationSet::Impl* set) {
  ASSIGN_OR_RETURN(const std::optional<Fields> metadata, root.Struct("metadata"));
  if (!metadata.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(set->name, metadata->Text("name"));
  ASSIGN_OR_RETURN(set->ns, metadata->Text("namespace"));
  ASSIGN_OR_RETURN(const auto annotations, metadata->TextMap("annotations"));
  const auto strict = annotations.find(kStrictExpansionAnnotation);
  set->strict = strict != annotations.end() && strict->second == "true";
  return absl::OkStatus();
}

absl::Status ReadTemplate(const Fields& spec, ApplicationSet::Impl* set) {
  const Value* raw = spec.Find("template");
  ASSIGN_OR_RETURN(set->typed_template,
                   ThroughType(raw == nullptr ? Value() : *raw, TemplateType(), "spec.template"));
  set->project = std::string(object::FindString(set->typed_template, {"spec", "project"}));
  ASSIGN_OR_RETURN(set->template_patch, spec.OptionalText("templatePatch"));
  ASSIGN_OR_RETURN(set->mode.go_template, spec.Flag("goTemplate"));
  ASSIGN_OR_RETURN(set->mode.options, spec.Texts("goTemplateOptions"));
  return absl::OkStatus();
}

absl::Status ReadPolicies(const Fields& spec, ApplicationSet::Impl* set) {
  ASSIGN_OR_RETURN(const std::optional<Fields> policy, spec.Struct("syncPolicy"));
  if (policy.has_value()) {
    ASSIGN_OR_RETURN(set->preserve_resources_on_deletion,
                     policy->Flag("preserveResourcesOnDeletion"));
    ASSIGN_OR_RETURN(set->applications_sync, ReadPolicy(*policy));
  }
  ASSIGN_OR_RETURN(const std::optional<Fields> preserved, spec.Struct("preservedFields"));
  if (preserved.has_value()) {
    ASSIGN_OR_RETURN(set->preserved_annotations, preserved->Texts("annotations"));
    ASSIGN_OR_RETURN(set->preserved_labels, preserved->Texts("labels"));
  }
  ASSIGN_OR_RETURN(set->ignore_rules, ReadIgnoreRules(spec));
  return absl::OkStatus();
}

// What an API server would drop without a word.
void WarnOfUnknownFields(const Fields& spec, const Value& raw_spec, ApplicationSet::Impl* set) {
  static const std::set<absl::string_view> known = {"goTemplate",
                                                    "generators",
                                                    "template",
                                                    "syncPolicy",
                                                    "strategy",
                                                    "preservedFields",
                                                    "goTemplateOptions",
                                                    "applyNestedSelectors",
                                                    "ignoreApplicationDifferences",
                                                    "templatePatch"};
  for (const auto& member : raw_spec.get_object()) {
    const absl::string_view name(member.key().data(), member.key().size());
    if (known.count(name) == 0) {
      set->warnings.push_back(absl::StrCat("spec.", name, ": unknown field, ignored"));
    }
  }
  const Value* list = spec.Find("generators");
  if (list == nullptr) return;
  for (size_t i = 0; i < list->get_array().size(); ++i) {
    const Value& entry = list->get_array()[i];
    if (!set->generators[i].bodies.empty() || !entry.is_object()) continue;
    std::string names;
    for (const auto& member : entry.get_object()) {
      const absl::string_view name(member.key().data(), member.key().size());
      if (name != "selector") absl::StrAppend(&names, names.empty() ? "" : ", ", name);
    }
    set->warnings.push_back(absl::StrCat("spec.generators[", i,
                                         "]: no known generator, gives nothing",
                                         names.empty() ? "" : ": ", names));
  }
}

}  // namespace

absl::StatusOr<ApplicationSet> ApplicationSet::Parse(const Value& manifest) {
  if (!manifest.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an ApplicationSet, found ", KindOf(manifest)));
  }
  const Fields root(manifest, "");
  ASSIGN_OR_RETURN(const std::string kind, root.Text("kind"));
  if (kind != "ApplicationSet") {
    return absl::InvalidArgumentError(
        absl::StrCat("kind: expected ApplicationSet, found ", kind.empty() ? "nothing" : kind));
  }
  auto set = std::make_unique<Impl>();
  RETURN_IF_ERROR(ReadMetadata(root, set.get()));
  const Value* raw_spec = root.Find("spec");
  if (raw_spec == nullptr || !raw_spec->is_object()) {
    return absl::InvalidArgumentError("spec: expected an object, found nothing");
  }
  const Fields spec(*raw_spec, "spec");
  RETURN_IF_ERROR(ReadTemplate(spec, set.get()));
  RETURN_IF_ERROR(ReadPolicies(spec, set.get()));
  const Value* generators = spec.Find("generators");
  const Nesting nesting = set->strict ? Nesting::kAsArgoCd : Nesting::kAnyDepth;
  ASSIGN_OR_RETURN(set->generators, ParseEntries(generators == nullptr ? Value() : *generators,
                                                 "spec.generators", nesting, 0));
  WarnOfUnknownFields(spec, *raw_spec, set.get());
  return ApplicationSet(std::move(set));
}

ApplicationSet::ApplicationSet(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
ApplicationSet::ApplicationSet(ApplicationSet&&) noexcept = default;
ApplicationSet& ApplicationSet::operator=(ApplicationSet&&) noexcept = default;
ApplicationSet::~ApplicationSet() = default;

const std::string& ApplicationSet::name() const { return impl_->name; }
const std::string& ApplicationSet::ns() const { return impl_->ns; }
bool ApplicationSet::strict() const { return impl_->strict; }
bool ApplicationSet::go_template() const { return impl_->mode.go_template; }
bool ApplicationSet::preserve_resources_on_deletion() const {
  return impl_->preserve_resources_on_deletion;
}
std::optional<ApplicationsSync> ApplicationSet::applications_sync() const {
  return impl_->applications_sync;
}
const std::vector<std::string>& ApplicationSet::preserved_annotations() const {
  return impl_->preserved_annotations;
}
const std::vector<std::string>& ApplicationSet::preserved_labels() const {
  return impl_->preserved_labels;
}
const std::vector<IgnoreRule>& ApplicationSet::ignore_application_differences() const {
  return impl_->ignore_rules;
}
const std::vector<std::string>& ApplicationSet::warnings() const { return impl_->warnings; }
size_t ApplicationSet::generator_count() const { return impl_->generators.size(); }

std::optional<absl::Duration> ApplicationSet::requeue_after() const {
  std::optional<absl::Duration> least;
  for (const Entry& entry : impl_->generators) {
    for (const Body& body : entry.bodies) {
      if (body.requeue_after.has_value() && (!least.has_value() || *body.requeue_after < *least)) {
        least = body.requeue_after;
      }
    }
  }
  return least;
}

}  // namespace leidang::generators
