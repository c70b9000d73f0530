#include "generators/kinds/evaluation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "generators/params/params.h"

namespace leidang::generators {

Evaluation::Evaluation(const SetView& set, const World& world, const Limits& limits,
                       OnFailure on_failure)
    : set_(set),
      world_(world),
      limits_(limits),
      on_failure_(std::move(on_failure)),
      templates_(set.mode),
      strict_templates_(set.mode.go_template ? set.mode.WithMissingKeyError() : set.mode) {}

RenderContext Evaluation::ContextFor(absl::string_view what) const {
  RenderContext context;
  context.limits.output_bytes_max = limits_.rendered_bytes_max;
  context.limits.steps_max = limits_.steps_max;
  context.seed = absl::StrCat(world_.seed.Raw(), what);
  context.now = world_.pinned_at;
  return context;
}

void Evaluation::Fail(std::string field, const TValue* params, absl::Status status) {
  ++failures_;
  std::string says;
  for (const Frame* frame = frame_; frame != nullptr; frame = frame->outer) {
    says.insert(0, frame->says);
  }
  if (!says.empty()) status = absl::Status(status.code(), absl::StrCat(says, status.message()));
  on_failure_(
      {std::move(field), params == nullptr ? "" : ParamsExcerpt(*params), std::move(status)});
}

absl::Status Evaluation::Generate(const Entry& entry, const Body& body, const TValue* parent,
                                  Emit emit) {
  const bool interpolated = parent != nullptr && !IsEmptyParams(*parent);
  match::Selector selector;
  if (entry.selector.has_value()) {
    absl::StatusOr<match::Selector> parsed =
        match::Selector::Parse(*entry.selector, match::Selector::Rules::kParameters);
    if (!parsed.ok()) {
      return absl::Status(parsed.status().code(), absl::StrCat("error parsing label selector: ",
                                                               parsed.status().message()));
    }
    selector = *std::move(parsed);
  }
  const auto filter = [&](TValue params) {
    if (!selector.selects_everything()) {
      std::string found;
      const bool selected =
          selector.Matches([&](absl::string_view key) -> std::optional<absl::string_view> {
            std::optional<std::string> value = FindFlatParam(params, key);
            if (!value.has_value()) return std::nullopt;
            found = *std::move(value);
            return absl::string_view(found);
          });
      if (!selected) return;
    }
    emit(std::move(params));
  };
  // With an option that Go refuses no text can be rendered, not even one without a template.
  if (interpolated) RETURN_IF_ERROR(templates_.Get("")->status());
  const bool around = std::exchange(interpolated_, interpolated_ || interpolated);
  absl::Status status;
  if (!interpolated || !body.templated) {
    status = Evaluate(body, interpolated_, filter);
  } else if (absl::StatusOr<Body> rendered = Interpolated(body, *parent); rendered.ok()) {
    status = Evaluate(*rendered, interpolated_, filter);
  } else {
    status = rendered.status();
  }
  interpolated_ = around;
  return status;
}

absl::StatusOr<Body> Evaluation::Interpolated(const Body& body, const TValue& params) {
  Interpolation interpolation(&templates_, &strict_templates_, params, ContextFor(body.path));
  absl::StatusOr<object::Value> source = interpolation.OfBody(body.kind, body.source);
  if (!source.ok()) {
    return absl::Status(
        source.status().code(),
        absl::StrCat("failed to replace parameters in generator: ", source.status().message()));
  }
  object::Object entry;
  entry[boost::json::string_view(body.kind.data(), body.kind.size())] = *std::move(source);
  const Nesting nesting = set_.as_argo_cd ? Nesting::kAsArgoCd : Nesting::kAnyDepth;
  // The source holds no deeper generators than were read before.
  ASSIGN_OR_RETURN(Entry read, ParseEntry(object::Value(std::move(entry)), body.path, nesting, 1));
  if (read.bodies.size() != 1) return absl::InternalError("a generator vanished while rendering");
  Body out = std::move(read.bodies[0]);
  out.path = body.path;
  return out;
}

absl::Status Evaluation::Evaluate(const Body& body, bool interpolated, Emit emit) {
  if (const auto* c = std::get_if<ListConfig>(&body.config)) return List(body, *c, emit);
  if (const auto* c = std::get_if<ClustersConfig>(&body.config)) return Clusters(body, *c, emit);
  if (const auto* c = std::get_if<GitConfig>(&body.config)) return Git(body, *c, emit);
  if (const auto* c = std::get_if<ScmConfig>(&body.config))
    return Scm(body, *c, interpolated, emit);
  if (const auto* c = std::get_if<DecisionConfig>(&body.config)) {
    return Decisions(body, *c, interpolated, emit);
  }
  if (const auto* c = std::get_if<PullRequestConfig>(&body.config)) {
    return PullRequests(body, *c, emit);
  }
  if (const auto* c = std::get_if<MatrixConfig>(&body.config)) return Matrix(body, *c, emit);
  if (const auto* c = std::get_if<MergeConfig>(&body.config)) return Merge(body, *c, emit);
  return Plugin(body, std::get<PluginConfig>(body.config), interpolated, emit);
}

absl::Status Evaluation::Child(const Entry& entry, absl::string_view says, const TValue* parent,
                               Emit emit) {
  const auto error = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(says, why));
  };
  if (entry.bodies.empty()) return error("child generator generated no parameters");
  const Frame frame{
      absl::StrCat(says, "child generator returned an error on parameter generation: "), frame_};
  // What is given belongs to the one around.
  const auto outwards = [&](TValue params) {
    frame_ = frame.outer;
    emit(std::move(params));
    frame_ = &frame;
  };
  frame_ = &frame;
  const size_t failures_before = failures_;
  absl::Status status;
  if (entry.bodies.size() == 1) {
    status = Generate(entry, entry.bodies[0], parent, outwards);
  } else {
    for (const Body& body : entry.bodies) {
      status.Update(Generate(entry, body, parent, [](const TValue&) {}));
    }
  }
  frame_ = frame.outer;
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(frame.says, status.message()));
  if (entry.bodies.size() > 1 && failures_ == failures_before) {
    return error("found more than one generator in matrix.Generators");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TValue>> Evaluation::ChildList(const Entry& entry,
                                                          absl::string_view says,
                                                          const TValue* parent) {
  std::vector<TValue> sets;
  bool too_many = false;
  RETURN_IF_ERROR(Child(entry, says, parent, [&](TValue params) {
    too_many = sets.size() >= limits_.parameter_sets_max;
    if (!too_many) sets.push_back(std::move(params));
  }));
  if (too_many) {
    return absl::ResourceExhaustedError(absl::StrCat(
        entry.path, " gives more than ", limits_.parameter_sets_max, " parameter sets"));
  }
  return sets;
}

absl::StatusOr<std::string> Evaluation::RenderText(absl::string_view text, const TValue& params) {
  std::string out;
  RenderContext context = ContextFor(text);
  const std::shared_ptr<const TextTemplate> compiled = templates_.Get(text);
  RETURN_IF_ERROR(compiled->Render(params, &context, &out));
  if (!context.nondeterministic.empty()) warnings_.insert(context.nondeterministic);
  return out;
}

absl::StatusOr<TValue> Evaluation::WithValues(const Values& values, TValue params) {
  if (values.empty()) return params;
  std::map<std::string, std::string> rendered;
  for (const auto& [key, text] : values) {
    absl::StatusOr<std::string> value = RenderText(text, params);
    if (!value.ok()) {
      return absl::Status(
          value.status().code(),
          absl::StrCat("failed to replace templated string: failed to replace templated string "
                       "with rendered values: ",
                       value.status().message()));
    }
    rendered[key] = *std::move(value);
  }
  TValue over = TValue::Map();
  if (go()) {
    over.mutable_map()->Set("values", TextMap(rendered));
  } else {
    for (const auto& [key, value] : rendered) {
      over.mutable_map()->Set(absl::StrCat("values.", key), TValue::String(value));
    }
  }
  return TValue::Layered({over, params});
}

void Evaluation::EmitWithValues(const Body& body, const Values& values, absl::string_view says,
                                const TValue& params, Emit emit) {
  absl::StatusOr<TValue> with = WithValues(values, params);
  if (!with.ok()) {
    Fail(absl::StrCat(body.path, ".values"), &params,
         absl::Status(with.status().code(), absl::StrCat(says, with.status().message())));
    return;
  }
  emit(*std::move(with));
}

}  // namespace leidang::generators
