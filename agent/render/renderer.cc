#include "agent/render/renderer.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/render/directory_source.h"
#include "agent/render/kustomize_options.h"
#include "agent/render/render_error.h"
#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"

namespace leidang::agent {
namespace {

using object::Value;

// Where a source lies is settled before its files are read; a file in it cannot move it.
constexpr absl::string_view kFixedFields[] = {"repoURL", "path", "targetRevision", "chart"};

absl::string_view NameOf(absl::string_view app) { return app.substr(app.find('/') + 1); }

// RFC 7386.
void MergePatch(Value& target, const Value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  for (const auto& member : patch.get_object()) {
    if (member.value().is_null()) {
      object::StableErase(target.get_object(), {member.key().data(), member.key().size()});
    } else {
      MergePatch(target.get_object()[member.key()], member.value());
    }
  }
}

absl::Status MergeOverride(const SourceTree& tree, const std::string& file, Value& spec) {
  const std::string* text = tree.Find(file);
  if (text == nullptr) return absl::OkStatus();
  absl::StatusOr<Value> patch = yaml::ParseYaml(*text, file);
  if (!patch.ok()) return RenderError(RenderReason::kInvalidYaml, patch.status().message());
  if (patch->is_null()) return absl::OkStatus();
  if (!patch->is_object()) {
    return RenderError(RenderReason::kInvalidYaml, absl::StrCat(file, ": is no map"));
  }
  for (const absl::string_view field : kFixedFields) {
    object::StableErase(patch->get_object(), field);
  }
  MergePatch(spec, *patch);
  return absl::OkStatus();
}

BuildEnvironment EnvironmentOf(const RenderRequest& request) {
  const std::string& commit = request.source.commit;
  return {
      {"ARGOCD_APP_NAME", std::string(NameOf(request.app))},
      {"ARGOCD_APP_NAMESPACE", request.ns},
      {"ARGOCD_APP_PROJECT_NAME", request.project},
      {"ARGOCD_APP_REVISION", commit},
      {"ARGOCD_APP_REVISION_SHORT", commit.substr(0, 7)},
      {"ARGOCD_APP_REVISION_SHORT_8", commit.substr(0, 8)},
      {"ARGOCD_APP_SOURCE_PATH", request.source.path},
      {"ARGOCD_APP_SOURCE_REPO_URL", request.source.repo_url},
      {"ARGOCD_APP_SOURCE_TARGET_REVISION", request.source.target_revision},
  };
}

absl::Status Unsupported(intent::Tool tool) {
  return RenderError(RenderReason::kUnsupportedSource,
                     absl::StrCat("the source needs ", intent::ToolName(tool),
                                  ", which this agent cannot run yet"));
}

Value Part(const Value& spec, absl::string_view name) {
  const Value* found = object::Find(spec, {name});
  return found == nullptr ? Value() : *found;
}

}  // namespace

absl::StatusOr<std::vector<Value>> Renderer::Render(const RenderRequest& request) const {
  const std::string& path = request.source.path;
  const std::string folder = path.empty() || path == "." ? "" : absl::StrCat(path, "/");
  Value spec = request.spec;
  RETURN_IF_ERROR(MergeOverride(*request.tree, folder + ".argocd-source.yaml", spec));
  RETURN_IF_ERROR(MergeOverride(
      *request.tree, absl::StrCat(folder, ".argocd-source-", NameOf(request.app), ".yaml"), spec));
  switch (request.source.tool) {
    case intent::Tool::kDirectory:
      return RenderDirectory(*request.tree, path, Part(spec, "directory"));
    case intent::Tool::kKustomize: {
      ASSIGN_OR_RETURN(const KustomizeOptions options,
                       ReadKustomizeOptions(Part(spec, "kustomize"), EnvironmentOf(request)));
      return kustomize_.Render(*request.tree, path, options);
    }
    case intent::Tool::kHelm:
    case intent::Tool::kJsonnet:
    case intent::Tool::kPlugin:
      break;
  }
  return Unsupported(request.source.tool);
}

object::Sha256 RenderKey(const RenderRequest& request) {
  object::Sha256Stream stream;
  const auto add = [&stream](absl::string_view text) {
    stream.Add(absl::StrCat(text.size(), ":"));
    stream.Add(text);
  };
  add(request.source.tree.Raw());
  add(absl::StrCat(static_cast<int>(request.source.tool)));
  add(object::CanonicalJson(request.spec));
  add(request.app);
  for (const auto& [name, value] : EnvironmentOf(request)) add(value);
  return stream.Finish();
}

}  // namespace leidang::agent
