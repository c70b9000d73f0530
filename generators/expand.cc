#include "generators/expand.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"
#include "generators/application/go_types.h"
#include "generators/application/patch.h"
#include "generators/application/skeleton.h"
#include "generators/application/typed.h"
#include "generators/application_set.h"
#include "generators/kinds/evaluation.h"
#include "generators/params/params.h"
#include "generators/template/go_json.h"
#include "generators/template/strconv.h"
#include "generators/template/value_json.h"
#include "generators/template/yaml_text.h"

namespace leidang::generators {

namespace {

using object::Value;

// The patch of one Application, rendered: text in JSON or YAML.
struct RenderedPatch {
  Value value;
  MemberOrder order = MemberOrder::kAsWritten;
  std::string shown;  // As Go quotes it.
};

absl::StatusOr<RenderedPatch> ParsePatch(absl::string_view text) {
  RenderedPatch patch;
  if (absl::StartsWith(absl::StripAsciiWhitespace(text), "{")) {
    patch.shown = go::Quote(text);
    absl::StatusOr<Value> value = object::ParseJson(absl::StripAsciiWhitespace(text));
    if (!value.ok()) {
      TValue unused;
      const absl::Status says = go::DecodeJson(text, &unused);
      return absl::InvalidArgumentError(
          absl::StrCat("invalid templatePatch ", patch.shown, ": ",
                       says.ok() ? value.status().message() : says.message()));
    }
    patch.value = *std::move(value);
    return patch;
  }
  absl::StatusOr<Value> value = yaml::ParseYaml(text, "templatePatch");
  if (!value.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("error while converting template to json ",
                                                   go::Quote(text), ": ",
                                                   gotmpl::YamlErrorText(value.status())));
  }
  patch.value = *std::move(value);
  patch.order = MemberOrder::kByName;
  return patch;
}

// What stands before a refusal of the patch.
std::string Refused(absl::string_view says, const RenderedPatch& patch) {
  std::string shown = patch.shown;
  if (shown.empty()) {
    const absl::StatusOr<std::string> json = go::EncodeJson(FromJson(patch.value));
    shown = go::Quote(json.ok() ? *json : "");
  }
  return absl::StrCat(says, " ", shown, ": ");
}

// Joins the patch to a rendered Application. Project and namespace stay as they were.
absl::Status ApplyPatch(absl::string_view patch_text, const std::string& ns,
                        RenderedApplication* application) {
  ASSIGN_OR_RETURN(const RenderedPatch patch, ParsePatch(patch_text));
  if (patch.value.is_null()) return absl::OkStatus();
  const TypedOptions any_case{TypedOptions::Names::kAnyCase};
  const std::optional<std::string> mismatch = GoTypeMismatch(patch.value, PatchType(), patch.order);
  const absl::Status typed = ThroughType(patch.value, ApplicationType(), "", any_case).status();
  if (mismatch.has_value() || !typed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Refused("invalid templatePatch", patch),
                     mismatch.has_value() ? *mismatch : typed.message()));
  }
  ASSIGN_OR_RETURN(const Value before, object::ParseJson(application->json));
  absl::StatusOr<Value> merged = StrategicMerge(before, patch.value);
  if (!merged.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Refused("error while applying templatePatch template to json", patch),
                     merged.status().message()));
  }
  ASSIGN_OR_RETURN(Value after, ThroughType(*merged, ApplicationType(), "", any_case));
  after.get_object()["apiVersion"] = "argoproj.io/v1alpha1";
  after.get_object()["kind"] = "Application";
  after.get_object()["spec"].get_object()["project"] = application->project;
  after.get_object()["metadata"].get_object()["namespace"] = ns;
  application->json = object::CanonicalJson(after);
  ReadFacts(after, application);
  return absl::OkStatus();
}

// One Application as the sink sees it.
class Shown final : public GeneratedApplication {
 public:
  Shown(const RenderedApplication& rendered, const std::string& ns, const TValue& params,
        const Provenance& provenance, const ApplicationTemplate& layout, const TextTemplate* patch,
        const RenderContext& context)
      : rendered_(rendered),
        ns_(ns),
        params_(params),
        provenance_(provenance),
        layout_(layout),
        patch_(patch),
        context_(context) {}

  absl::string_view name() const override { return rendered_.name; }
  absl::string_view ns() const override { return ns_; }
  absl::string_view project() const override { return rendered_.project; }
  absl::string_view destination_server() const override { return rendered_.server; }
  absl::string_view destination_name() const override { return rendered_.cluster; }
  absl::string_view destination_namespace() const override {
    return rendered_.destination_namespace;
  }
  absl::string_view CanonicalJson() const override { return rendered_.json; }
  const Value& Manifest() const override {
    if (!manifest_.has_value()) manifest_ = object::ParseJson(rendered_.json).value();
    return *manifest_;
  }
  const Provenance& provenance() const override { return provenance_; }
  Value Parameters() const override { return ToJson(params_); }
  std::vector<RenderedField> Explain() const override {
    if (IsEmptyParams(params_)) return {};
    RenderContext context = context_;
    context.numbers_drawn = 0;
    const TValue own = params_.MutableCopy();
    std::vector<RenderedField> fields = layout_.Explain(own, &context);
    if (patch_ == nullptr) return fields;
    RenderedField patch{"spec.templatePatch", patch_->text(), ""};
    if (absl::Status s = patch_->Render(own, &context, &patch.rendered); !s.ok()) {
      patch.rendered = std::string(s.message());
    }
    fields.push_back(std::move(patch));
    return fields;
  }

 private:
  const RenderedApplication& rendered_;
  const std::string& ns_;
  const TValue& params_;
  const Provenance& provenance_;
  const ApplicationTemplate& layout_;
  const TextTemplate* const patch_;
  const RenderContext& context_;
  mutable std::optional<Value> manifest_;
};

class Expansion {
 public:
  Expansion(const ApplicationSet::Impl& set, const World& world, Sink& sink,
            const ExpandOptions& options)
      : set_(set),
        sink_(sink),
        limits_(options.limits),
        view_{set.name, set.project, set.mode, set.strict},
        ns_(set.ns.empty() ? world.control_namespace : set.ns),
        evaluation_(view_, world, options.limits,
                    [this](const Evaluation::Failure& failure) { OnFailure(failure); }) {
    result_.warnings = set.warnings;
    context_ = evaluation_.ContextFor(absl::StrCat(set.ns, "/", set.name, "/"));
    seed_ = context_.seed;
    if (set.template_patch.has_value()) patch_ = evaluation_.templates().Get(*set.template_patch);
  }

  void Run(std::optional<size_t> only) {
    for (size_t i = 0; i < set_.generators.size(); ++i) {
      if (only.has_value() && *only != i) continue;
      next_set_ = 0;
      for (const Body& body : set_.generators[i].bodies) RunBody(set_.generators[i], body);
      ReleaseHeld();
    }
    std::set<std::string> warnings(result_.warnings.begin(), result_.warnings.end());
    for (const std::string& w : evaluation_.warnings()) warnings.insert(NotDeterministic(w));
    if (!nondeterministic_.empty())
      warnings.insert(nondeterministic_.begin(), nondeterministic_.end());
    result_.warnings.assign(warnings.begin(), warnings.end());
  }

  ExpansionResult result() && { return std::move(result_); }

 private:
  static std::string NotDeterministic(const std::string& what) {
    if (absl::StrContains(what, " ")) return what;
    return absl::StrCat("the function ", what,
                        " gives another result each time in Argo CD; here it changes only with "
                        "the inputs of the set");
  }

  void OnFailure(const Evaluation::Failure& failure) {
    if (absl::IsUnavailable(failure.status)) {
      ++result_.missing_inputs;
      return;
    }
    Report({{current_path_, std::nullopt},
            failure.field,
            Stage::kGenerate,
            failure.parameters,
            std::string(failure.status.message())});
  }

  // Argo CD generates all of an entry before it renders any of it, and a strict set fails with its
  // first error: then what failed while rendering comes behind.
  void Report(const ParameterSetError& error) {
    if (result_.failed++ >= limits_.errors_reported_max) return;
    if (set_.strict && error.stage == Stage::kRender) {
      held_.push_back(error);
    } else {
      sink_.OnError(error);
    }
  }

  void ReleaseHeld() {
    for (const ParameterSetError& error : held_) sink_.OnError(error);
    held_.clear();
  }

  void RunBody(const Entry& entry, const Body& body) {
    current_path_ = body.path;
    const bool own = !object::Equal(body.own_template, EmptyTemplate());
    const Value merged =
        own ? MergeTemplates(body.own_template, set_.typed_template) : set_.typed_template;
    ApplicationFrame frame;
    frame.ns = ns_;
    frame.path = "spec.template";
    frame.finalizer =
        set_.preserve_resources_on_deletion ? DefaultFinalizer::kNo : DefaultFinalizer::kYes;
    const ApplicationTemplate layout(merged, frame, &evaluation_.templates());
    const absl::Status status = evaluation_.Generate(
        entry, body, nullptr, [&](TValue params) { Render(layout, body, std::move(params)); });
    if (!status.ok()) OnFailure({body.path, "", status});
  }

  static const Value& EmptyTemplate() {
    static const Value empty = *ThroughType(Value(), TemplateType(), "");
    return empty;
  }

  void Render(const ApplicationTemplate& layout, const Body& body, TValue params) {
    Provenance provenance{body.path, next_set_++};
    if (++result_.parameter_sets > limits_.parameter_sets_max) {
      if (result_.parameter_sets == limits_.parameter_sets_max + 1) {
        Report({provenance, body.path, Stage::kGenerate, "",
                absl::StrCat("more than ", limits_.parameter_sets_max, " parameter sets")});
      }
      return;
    }
    const bool mutates = layout.may_mutate() || (patch_ != nullptr && patch_->may_mutate());
    const TValue own = mutates ? params.MutableCopy() : std::move(params);
    ResetContext(layout, own);
    field_.clear();
    const absl::Status status = RenderAll(layout, own, &context_, &field_);
    if (!status.ok()) {
      Report(
          {provenance, field_, Stage::kRender, ParamsExcerpt(own), std::string(status.message())});
      return;
    }
    if (!context_.nondeterministic.empty()) {
      nondeterministic_.insert(NotDeterministic(context_.nondeterministic));
    }
    ++result_.applications;
    sink_.OnApplication(Shown(rendered_, ns_, own, provenance, layout, patch_.get(), context_));
  }

  // Random numbers belong to a parameter set, so that another set's arrival changes none of them.
  void ResetContext(const ApplicationTemplate& layout, const TValue& params) {
    context_.numbers_drawn = 0;
    context_.nondeterministic.clear();
    if (layout.draws() || (patch_ != nullptr && patch_->draws())) {
      context_.seed = absl::StrCat(seed_, ParamsExcerpt(params, SIZE_MAX));
    }
  }

  absl::Status RenderAll(const ApplicationTemplate& layout, const TValue& params,
                         RenderContext* context, std::string* field) {
    if (IsEmptyParams(params)) {
      rendered_ = layout.unrendered();
    } else {
      RETURN_IF_ERROR(layout.Render(params, context, &rendered_, field));
    }
    if (patch_ != nullptr) {
      *field = "spec.templatePatch";
      std::string text;
      if (absl::Status status = patch_->Render(params, context, &text); !status.ok()) {
        return absl::Status(status.code(), absl::StrCat("error replacing values in templatePatch: ",
                                                        status.message()));
      }
      RETURN_IF_ERROR(ApplyPatch(text, ns_, &rendered_));
    }
    if (rendered_.json.size() > limits_.application_bytes_max) {
      *field = "spec.template";
      return absl::ResourceExhaustedError(
          absl::StrCat("the Application has ", rendered_.json.size(), " bytes: at most ",
                       limits_.application_bytes_max, " are allowed"));
    }
    return absl::OkStatus();
  }

  const ApplicationSet::Impl& set_;
  Sink& sink_;
  const Limits limits_;
  const SetView view_;
  const std::string ns_;
  Evaluation evaluation_;
  std::shared_ptr<const TextTemplate> patch_;
  std::string current_path_;
  size_t next_set_ = 0;
  std::vector<ParameterSetError> held_;
  RenderedApplication rendered_;
  RenderContext context_;
  std::string seed_;
  std::string field_;
  std::set<std::string> nondeterministic_;
  ExpansionResult result_;
};

// Takes the errors of a first pass and keeps the Applications back.
class ErrorsOnly final : public Sink {
 public:
  explicit ErrorsOnly(Sink& sink) : sink_(sink) {}
  void OnApplication(const GeneratedApplication&) override {}
  void OnError(const ParameterSetError& error) override { sink_.OnError(error); }

 private:
  Sink& sink_;
};

ExpansionResult ExpandOnce(const ApplicationSet& set, const World& world, Sink& sink,
                           const ExpandOptions& options) {
  Expansion expansion(set.impl(), world, sink, options);
  expansion.Run(options.only_generator);
  return std::move(expansion).result();
}

}  // namespace

std::string ParameterSetError::ToString() const {
  std::string out = provenance.generator;
  if (provenance.parameter_set.has_value()) {
    absl::StrAppend(&out, ", parameter set ", *provenance.parameter_set);
  }
  if (field != provenance.generator) absl::StrAppend(&out, ", ", field);
  absl::StrAppend(&out, ": ", message);
  if (!parameters.empty()) absl::StrAppend(&out, " (parameters: ", parameters, ")");
  return out;
}

ExpansionResult Expand(const ApplicationSet& set, const World& world, Sink& sink,
                       const ExpandOptions& options) {
  if (!set.strict()) return ExpandOnce(set, world, sink, options);
  // All or nothing: a pass to see whether anything fails, and only then the one that shows.
  ErrorsOnly errors(sink);
  ExpansionResult first = ExpandOnce(set, world, errors, options);
  if (!first.MayDelete()) {
    first.withheld = true;
    first.applications = 0;
    return first;
  }
  return ExpandOnce(set, world, sink, options);
}

}  // namespace leidang::generators
