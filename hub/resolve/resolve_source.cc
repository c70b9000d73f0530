#include "hub/resolve/resolve_source.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/resolve/tool_choice.h"
#include "hub/source/repository_url.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

using object::Value;

absl::Status Unsupported(absl::string_view what, absl::string_view instead) {
  return SourceError(SourceReason::kUnsupportedSource,
                     absl::StrCat(what, " not supported yet; ", instead));
}

absl::StatusOr<std::string> Text(const Value& source, const char* name) {
  const Value* value = object::Find(source, {name});
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) {
    return SourceError(SourceReason::kInvalidSpec,
                       absl::StrCat("spec.source.", name, ": expected text"));
  }
  return std::string(value->get_string().data(), value->get_string().size());
}

absl::Status CheckTool(intent::Tool tool, absl::string_view where) {
  switch (tool) {
    case intent::Tool::kDirectory:
    case intent::Tool::kKustomize:
    case intent::Tool::kJsonnet:
      return absl::OkStatus();
    case intent::Tool::kHelm:
      return Unsupported(absl::StrCat(where, ": Helm charts are"),
                         "render the chart and commit what it gives");
    case intent::Tool::kPlugin:
      return Unsupported(absl::StrCat(where, ": configuration management plugins are"),
                         "use a directory or Kustomize");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SourceSpec> ReadSourceBlock(const Value& source) {
  if (!source.is_object()) {
    return SourceError(SourceReason::kInvalidSpec, "spec.source: expected a map");
  }
  SourceSpec spec;
  ASSIGN_OR_RETURN(spec.repo_url, Text(source, "repoURL"));
  ASSIGN_OR_RETURN(spec.revision.text, Text(source, "targetRevision"));
  ASSIGN_OR_RETURN(spec.revision.tag_prefix, Text(source, "tagPrefix"));
  ASSIGN_OR_RETURN(const std::string chart, Text(source, "chart"));
  ASSIGN_OR_RETURN(const std::string ref, Text(source, "ref"));
  ASSIGN_OR_RETURN(const std::string path, Text(source, "path"));
  if (spec.repo_url.empty()) {
    return SourceError(SourceReason::kInvalidSpec,
                       "spec.source.repoURL is missing; name the Git repository");
  }
  if (!chart.empty()) {
    return Unsupported("spec.source.chart: charts from Helm repositories are",
                       "render the chart and commit what it gives");
  }
  if (absl::StartsWith(spec.repo_url, "oci://")) {
    return Unsupported("spec.source.repoURL: OCI repositories are", "use a Git repository");
  }
  if (!ref.empty()) {
    return Unsupported("spec.source.ref: sources that others refer to are",
                       "use one source with a path");
  }
  RETURN_IF_ERROR(RepositoryUrl::Parse(spec.repo_url).status());
  const auto normal = NormalizePath(path);
  if (!normal.ok()) {
    return SourceError(SourceReason::kInvalidSource,
                       absl::StrCat("spec.source.path: ", normal.status().message()));
  }
  spec.path = normal->empty() ? "." : *normal;
  ASSIGN_OR_RETURN(spec.tool, ExplicitTool(source));
  if (spec.tool) RETURN_IF_ERROR(CheckTool(*spec.tool, "spec.source"));
  if (spec.tool == intent::Tool::kKustomize) spec.kustomize = *object::Find(source, {"kustomize"});
  return spec;
}

absl::StatusOr<SourceSpec> ReadSource(const Value& application) {
  const Value* hydrator = object::Find(application, {"spec", "sourceHydrator"});
  if (hydrator != nullptr && !hydrator->is_null()) {
    return Unsupported("spec.sourceHydrator is", "use spec.source");
  }
  const Value* sources = object::Find(application, {"spec", "sources"});
  if (sources != nullptr && sources->is_array() && !sources->get_array().empty()) {
    if (sources->get_array().size() > 1) {
      return Unsupported(
          absl::StrCat("spec.sources has ", sources->get_array().size(), " entries; several are"),
          "make an Application of each");
    }
    return ReadSourceBlock(sources->get_array()[0]);
  }
  const Value* source = object::Find(application, {"spec", "source"});
  if (source == nullptr || source->is_null()) {
    return SourceError(SourceReason::kInvalidSpec,
                       "spec.source is missing; name a repository and a path");
  }
  return ReadSourceBlock(*source);
}

absl::StatusOr<PinnedSource> PinSource(const SourceSpec& spec, const GitTree& tree,
                                       Closures* closures) {
  PinnedSource pinned;
  ASSIGN_OR_RETURN(
      pinned.closure,
      closures->Compute(tree, {.path = spec.path, .tool = spec.tool, .kustomize = spec.kustomize}));
  RETURN_IF_ERROR(
      CheckTool(pinned.closure->tool, absl::StrCat(tree.name(), ": path \"", spec.path, "\"")));
  pinned.source = {.repo_url = WithoutCredentials(spec.repo_url),
                   .target_revision = spec.revision.text,
                   .commit = tree.commit().Hex(),
                   .path = spec.path,
                   .tool = pinned.closure->tool,
                   .tree = pinned.closure->digest};
  return pinned;
}

}  // namespace leidang::hub
