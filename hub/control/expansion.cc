#include "hub/control/expansion.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/conditions/types.h"
#include "common/match/selector.h"
#include "common/object/sha256.h"
#include "common/proof/bucketed_digest.h"
#include "generators/reconcile.h"
#include "hub/control/existing_fields.h"
#include "hub/control/generator_kinds.h"
#include "hub/source/repository_url.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

using conditions::Reason;

Reason ReasonOf(const absl::Status& status, Reason otherwise) {
  return SourceReasonOf(status).value_or(otherwise);
}

Problem InvalidSpec(Reason reason, absl::string_view message) {
  return {conditions::kInvalidSpecError, reason, std::string(message)};
}

// Metadata and spec of an Application as an agent gets them.
std::string BodyOf(const object::Value& manifest) {
  object::Object metadata;
  if (const object::Value* given = object::Find(manifest, {"metadata"})) {
    for (const absl::string_view field :
         {"name", "namespace", "labels", "annotations", "finalizers"}) {
      if (const object::Value* value = object::Find(*given, {field})) {
        metadata[boost::json::string_view(field.data(), field.size())] = *value;
      }
    }
  }
  object::Object body;
  body["metadata"] = std::move(metadata);
  const object::Value* spec = object::Find(manifest, {"spec"});
  body["spec"] = spec != nullptr ? *spec : object::Value(object::Object());
  return object::CanonicalJson(body);
}

// Works on one Application at a time; remembers what it resolved, since the Applications of a fleet
// share few sources.
class Resolution {
 public:
  Resolution(const FleetSnapshot& fleet, const PinnedGit& git, SourceResolver& resolver)
      : fleet_(fleet), git_(git), resolver_(resolver) {}

  DesiredApplication Resolve(std::string key, std::string canonical,
                             const object::Value& manifest) {
    DesiredApplication desired;
    desired.key = std::move(key);
    desired.manifest = std::move(canonical);
    desired.project = std::string(object::FindString(manifest, {"spec", "project"}));
    if (desired.project.empty()) desired.project = "default";
    desired.problem = Fill(manifest, &desired);
    return desired;
  }

  bool missing_inputs() const { return missing_inputs_; }
  WriteBatch TakeContent() { return std::move(content_); }

 private:
  std::optional<Problem> Fill(const object::Value& manifest, DesiredApplication* desired) {
    const object::Value* destination = object::Find(manifest, {"spec", "destination"});
    const absl::StatusOr<intent::ClusterId> cluster =
        Place(fleet_, destination != nullptr ? *destination : object::Value(nullptr));
    if (!cluster.ok()) {
      return InvalidSpec(
          absl::IsNotFound(cluster.status()) ? Reason::kNoSuchCluster : Reason::kInvalidDestination,
          cluster.status().message());
    }
    desired->cluster = *cluster;
    if (!fleet_.projects.contains(desired->project)) {
      return InvalidSpec(Reason::kNoSuchProject,
                         absl::StrCat("spec.project: there is no AppProject \"", desired->project,
                                      "\": apply it first, or use \"default\""));
    }
    desired->body = BodyOf(manifest);
    return FillSources(manifest, desired);
  }

  std::optional<Problem> FillSources(const object::Value& manifest, DesiredApplication* desired) {
    const object::Value* source = object::Find(manifest, {"spec", "source"});
    if (const object::Value* several = object::Find(manifest, {"spec", "sources"});
        several != nullptr && several->is_array() && !several->as_array().empty()) {
      if (several->as_array().size() > 1) {
        return Problem{conditions::kUnsupportedSource, Reason::kUnsupportedSource,
                       "spec.sources has several sources, which are not supported yet: what is "
                       "deployed stays as it is"};
      }
      source = &several->as_array()[0];
    }
    if (source == nullptr || !source->is_object()) {
      return InvalidSpec(Reason::kInvalidSource,
                         "spec.source is missing: set source.repoURL and source.path");
    }
    const GitInput input{std::string(object::FindString(*source, {"repoURL"})),
                         std::string(object::FindString(*source, {"targetRevision"}))};
    if (input.url.empty())
      return InvalidSpec(Reason::kInvalidSource, "spec.source.repoURL is empty");
    if (!object::FindString(*source, {"chart"}).empty()) {
      return Problem{
          conditions::kUnsupportedSource, Reason::kUnsupportedSource,
          "spec.source.chart: Helm charts are not supported yet: what is deployed stays as it is"};
    }
    const absl::StatusOr<intent::Source>& resolved = ResolveOnce(input, *source);
    if (resolved.ok()) {
      desired->sources = {*resolved};
      desired->content = proof::ElementOf({{}, {}, desired->body, desired->sources});
      return std::nullopt;
    }
    if (absl::IsUnavailable(resolved.status()) && !SourceReasonOf(resolved.status())) {
      missing_inputs_ = true;
      return Problem{conditions::kComparisonError, Reason::kContentMissing,
                     std::string(resolved.status().message())};
    }
    if (ReasonOf(resolved.status(), Reason::kInvalidSource) == Reason::kUnsupportedSource) {
      return Problem{conditions::kUnsupportedSource, Reason::kUnsupportedSource,
                     std::string(resolved.status().message())};
    }
    return Problem{conditions::kComparisonError,
                   ReasonOf(resolved.status(), Reason::kInvalidSource),
                   std::string(resolved.status().message())};
  }

  const absl::StatusOr<intent::Source>& ResolveOnce(const GitInput& input,
                                                    const object::Value& source) {
    const std::string memo = object::CanonicalJson(source);
    const auto found = resolved_.find(memo);
    if (found != resolved_.end()) return found->second;
    absl::StatusOr<intent::Source> answer = absl::UnknownError("");
    if (const absl::StatusOr<GitId> commit = git_.Commit(input); commit.ok()) {
      answer = resolver_.Resolve(input, *commit, source, &content_);
    } else {
      answer = commit.status();
    }
    return resolved_.emplace(memo, std::move(answer)).first->second;
  }

  const FleetSnapshot& fleet_;
  const PinnedGit& git_;
  SourceResolver& resolver_;
  bool missing_inputs_ = false;
  WriteBatch content_;
  std::map<std::string, absl::StatusOr<intent::Source>> resolved_;  // By canonical source.
};

// The inputs that answered with an error, to tell which of them an error speaks of: generators pass
// messages on, but no reasons.
class InputFailures {
 public:
  InputFailures(const GitView& view, const PinnedGit& git) : view_(view), git_(git) {}

  std::optional<Reason> ReasonIn(absl::string_view message) const {
    for (const GitInput& input : git_.asked()) {
      const auto found = view_.inputs.find(input);
      if (found == view_.inputs.end() || found->second.ok()) continue;
      if (absl::StrContains(message, found->second.status().message()))
        return ReasonOf(found->second.status(), Reason::kGenerationFailed);
    }
    return std::nullopt;
  }

 private:
  const GitView& view_;
  const PinnedGit& git_;
};

// Takes what a set generates and resolves each at once, so that only what is kept is held in
// memory.
class Collector final : public generators::Sink {
 public:
  Collector(const ExpansionRequest& request, const generators::World& world, Resolution& resolution,
            const InputFailures& failures, Expansion* out)
      : validator_(*request.set, world),
        existing_(*request.set, request.current),
        resolution_(resolution),
        failures_(failures),
        out_(out) {}

  void OnApplication(const generators::GeneratedApplication& application) override {
    const std::string name(application.name());
    if (!match::SubdomainErrors(name).empty()) {
      ++invalid_names_;
      out_->problems.push_back({conditions::kErrorOccurred, Reason::kNameInvalid,
                                absl::StrCat(application.provenance().generator,
                                             ": the generated name \"", name.substr(0, 300),
                                             "\" is not a valid name (lower-case letters, digits, "
                                             "'-' and '.', at most 253 characters)")});
      return;
    }
    (void)validator_.Check(application).ok();  // What it found is read from Finish.
    Add(absl::StrCat(application.ns(), "/", name), application);
  }

  void OnError(const generators::ParameterSetError& error) override {
    const Reason otherwise = error.stage == generators::Stage::kRender ? Reason::kTemplateFailed
                                                                       : Reason::kGenerationFailed;
    out_->problems.push_back({conditions::kErrorOccurred,
                              failures_.ReasonIn(error.message).value_or(otherwise),
                              error.ToString()});
  }

  void Add(const std::string& key, const generators::GeneratedApplication& application) {
    const absl::StatusOr<std::optional<object::Value>> kept =
        existing_.Keep(key, application.CanonicalJson(), application.Manifest());
    if (kept.ok() && *kept) {
      out_->applications.push_back(resolution_.Resolve(key, object::CanonicalJson(**kept), **kept));
      out_->applications.back().keeps_fields = true;
      return;
    }
    out_->applications.push_back(
        resolution_.Resolve(key, std::string(application.CanonicalJson()), application.Manifest()));
    if (kept.ok()) return;
    const std::string message(kept.status().message());
    out_->applications.back().problem = InvalidSpec(Reason::kInvalidSpec, message);
    Problem of_set{conditions::kErrorOccurred, Reason::kInvalidSpec, message};
    if (std::find(out_->problems.begin(), out_->problems.end(), of_set) == out_->problems.end())
      out_->problems.push_back(std::move(of_set));
  }

  size_t invalid_names() const { return invalid_names_; }
  generators::ApplicationValidator::Outcome Finish() const { return validator_.Finish(); }

 private:
  generators::ApplicationValidator validator_;
  const ExistingFields existing_;
  Resolution& resolution_;
  const InputFailures& failures_;
  Expansion* const out_;
  size_t invalid_names_ = 0;
};

generators::World WorldOf(const FleetSnapshot& fleet, const PinnedGit& git) {
  generators::World world;
  world.control_namespace = fleet.control_namespace;
  world.clusters = fleet.clusters;
  for (const auto& [name, spec] : fleet.projects) world.projects.insert(name);
  world.git = &git;
  return world;
}

// Digest of everything pinned that the expansion asked for, and when the last of it was pinned.
object::Sha256 SeedOf(const ExpansionRequest& request, const std::set<GitInput>& asked,
                      absl::Time* pinned_at) {
  object::Sha256Stream stream;
  stream.Add(request.key);
  for (const GitInput& input : asked) {
    const auto found = request.git->inputs.find(input);
    if (found == request.git->inputs.end() || !found->second.ok()) continue;
    stream.Add(
        absl::StrCat("\n", input.url, "\n", input.revision, "\n", found->second->commit.Hex()));
    *pinned_at = std::max(*pinned_at, found->second->since);
  }
  return stream.Finish();
}

void RejectInvalid(const generators::ApplicationValidator::Outcome& outcome, Expansion* out) {
  std::map<absl::string_view, absl::string_view> rejected;
  for (const auto& r : outcome.rejected) rejected[r.name] = r.message;
  for (DesiredApplication& application : out->applications) {
    const absl::string_view name =
        absl::string_view(application.key).substr(application.key.find('/') + 1);
    const auto found = rejected.find(name);
    if (found == rejected.end() || application.problem) continue;
    application.problem = InvalidSpec(Reason::kValidationFailed, found->second);
  }
}

// Two parameter sets with one name: neither is taken, and what is assigned stays.
void JoinDuplicates(Expansion* out) {
  auto& all = out->applications;
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  std::vector<DesiredApplication> distinct;
  for (DesiredApplication& application : all) {
    if (distinct.empty() || distinct.back().key != application.key) {
      distinct.push_back(std::move(application));
      continue;
    }
    distinct.back().problem =
        Problem{conditions::kInvalidSpecError, Reason::kNameConflict,
                absl::StrCat("several parameter sets give the name \"", application.key,
                             "\": make the template's name unique")};
  }
  all = std::move(distinct);
}

void ExpandSet(const ExpansionRequest& request, const PinnedGit& git, SourceResolver& resolver,
               Expansion* out) {
  const InputFailures failures(*request.git, git);
  generators::World world = WorldOf(*request.fleet, git);
  world.pinned_at = request.pinned_at;
  // Functions that are not deterministic look at the seed, which covers all inputs: they are known
  // only at the end.
  world.seed = SeedOf(request, request.expected_inputs, &world.pinned_at);
  for (int pass = 0; pass < 2; ++pass) {
    *out = Expansion();
    Resolution resolution(*request.fleet, git, resolver);
    Collector collector(request, world, resolution, failures, out);
    const generators::ExpansionResult result = generators::Expand(*request.set, world, collector);
    RejectInvalid(collector.Finish(), out);
    out->warnings = result.warnings;
    out->failed_parameter_sets = result.failed + collector.invalid_names();
    out->incomplete = result.missing_inputs > 0 || resolution.missing_inputs();
    out->content = resolution.TakeContent();
    out->may_delete = result.MayDelete() && collector.invalid_names() == 0 && !result.withheld;
    // Only what is not deterministic depends on the seed, and that warns.
    if (result.warnings.empty() || git.asked() == request.expected_inputs) break;
    world.pinned_at = request.pinned_at;
    world.seed = SeedOf(request, git.asked(), &world.pinned_at);
  }
  JoinDuplicates(out);
  for (const std::string& error : UnknownGenerators(request.manifest)) {
    out->problems.push_back({conditions::kErrorOccurred, Reason::kUnknownGenerator, error});
    out->may_delete = false;
  }
}

void ExpandApplication(const ExpansionRequest& request, const PinnedGit& git,
                       SourceResolver& resolver, Expansion* out) {
  Resolution resolution(*request.fleet, git, resolver);
  out->applications.push_back(
      resolution.Resolve(request.key, object::CanonicalJson(request.manifest), request.manifest));
  out->incomplete = resolution.missing_inputs();
  out->content = resolution.TakeContent();
  out->may_delete = true;
}

bool IsTold(const Expansion& out, const absl::Status& status) {
  const auto told = [&status](const Problem& problem) {
    return absl::StrContains(problem.message, status.message());
  };
  if (std::any_of(out.problems.begin(), out.problems.end(), told)) return true;
  // The Applications that it keeps from being resolved show it.
  return std::any_of(out.applications.begin(), out.applications.end(),
                     [&told](const auto& a) { return a.problem && told(*a.problem); });
}

// A repository that cannot be reached, though all is still pinned, is said on the owner; so is an
// input that has no answer but an error, unless somebody has said so already.
void AddRepositoryProblems(const GitView& view, Expansion* out) {
  const auto add = [out](const absl::Status& status, Reason otherwise) {
    if (IsTold(*out, status)) return;
    out->problems.push_back(
        {conditions::kErrorOccurred, ReasonOf(status, otherwise), std::string(status.message())});
  };
  for (const GitInput& input : out->inputs) {
    const auto failing = view.failing.find(input.url);
    if (failing != view.failing.end()) add(failing->second, Reason::kRepositoryUnreachable);
    const auto found = view.inputs.find(input);
    if (found != view.inputs.end() && !found->second.ok())
      add(found->second.status(), Reason::kRevisionNotFound);
  }
}

}  // namespace

Expansion Expand(const ExpansionRequest& request, GitListings& listings, SourceResolver& resolver) {
  Expansion out;
  const PinnedGit git(request.git, listings);
  if (request.set != nullptr) {
    ExpandSet(request, git, resolver, &out);
  } else {
    ExpandApplication(request, git, resolver, &out);
  }
  out.inputs = git.asked();
  absl::Time pinned_at = request.pinned_at;
  out.inputs_digest = SeedOf(request, out.inputs, &pinned_at);
  AddRepositoryProblems(*request.git, &out);
  if (request.set != nullptr) {
    for (std::string& warning : UnheededFields(request.manifest))
      out.warnings.push_back(std::move(warning));
    return out;
  }
  // An Application written directly is its own owner: it says it itself.
  for (Problem& problem : std::exchange(out.problems, {})) {
    problem.type = conditions::kComparisonError;
    out.applications[0].notices.push_back(std::move(problem));
  }
  return out;
}

}  // namespace leidang::hub
