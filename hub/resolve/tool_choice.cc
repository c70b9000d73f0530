#include "hub/resolve/tool_choice.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr std::pair<const char*, intent::Tool> kBlocks[] = {
    {"helm", intent::Tool::kHelm},
    {"kustomize", intent::Tool::kKustomize},
    {"directory", intent::Tool::kDirectory},
    {"plugin", intent::Tool::kPlugin},
};

}  // namespace

absl::StatusOr<std::optional<intent::Tool>> ExplicitTool(const object::Value& source) {
  std::optional<intent::Tool> tool;
  std::string name;
  for (const auto& [block, means] : kBlocks) {
    const object::Value* value = object::Find(source, {block});
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_object()) {
      return SourceError(SourceReason::kInvalidSpec,
                         absl::StrCat("spec.source.", block, ": expected a map"));
    }
    if (value->get_object().empty()) continue;
    if (tool) {
      return SourceError(SourceReason::kInvalidSpec,
                         absl::StrCat("spec.source has both ", name, " and ", block,
                                      "; a source is rendered by one tool, so remove one of them"));
    }
    tool = means;
    name = block;
  }
  return tool;
}

bool IsKustomizationName(absl::string_view name) {
  return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization";
}

intent::Tool DetectTool(const std::vector<TreeEntry>& entries) {
  intent::Tool tool = intent::Tool::kDirectory;
  for (const TreeEntry& entry : entries) {
    if (entry.mode == FileMode::kDirectory || entry.mode == FileMode::kSubmodule) continue;
    if (absl::EndsWith(entry.name, "Chart.yaml")) tool = intent::Tool::kHelm;
    if (IsKustomizationName(entry.name)) tool = intent::Tool::kKustomize;
  }
  return tool;
}

}  // namespace leidang::hub
