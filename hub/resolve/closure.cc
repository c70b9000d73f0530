#include "hub/resolve/closure.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/resolve/closure_builder.h"
#include "hub/resolve/kustomize_reach.h"
#include "hub/resolve/tool_choice.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

// The repository's part of a tree's name ("<url> at <commit>").
std::string RepositoryOf(const GitTree& tree) {
  return tree.name().substr(0, tree.name().rfind(" at "));
}

// What of `spec.source.kustomize` reaches files.
std::string ReachingOptions(const object::Value& kustomize) {
  object::Object options;
  for (const char* name : {"components", "ignoreMissingComponents", "patches"}) {
    const object::Value* value = object::Find(kustomize, {name});
    if (value != nullptr) options[name] = *value;
  }
  return object::CanonicalJson(object::Value(std::move(options)));
}

absl::StatusOr<Closure> ComputeAfresh(const std::string& path, const ClosureRequest& request,
                                      ClosureBuilder* builder) {
  const GitTree& tree = builder->tree();
  ASSIGN_OR_RETURN(const std::vector<TreeEntry> entries, tree.List(path));
  const intent::Tool tool = request.tool.value_or(DetectTool(entries));
  RETURN_IF_ERROR(builder->Add(path));
  if (tool == intent::Tool::kKustomize) {
    ASSIGN_OR_RETURN(const std::string directory, tree.Resolve(path));
    RETURN_IF_ERROR(AddKustomizeReach(directory, request.kustomize, builder));
  }
  return builder->Finish(tool);
}

}  // namespace

absl::StatusOr<std::string> Closure::Read(const GitTree& tree, const tree::TreeFile& file) const {
  const tree::TreeFile* found = manifest.Find(file.path);
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("file \"", file.path, "\" is not in the closure"));
  }
  const auto index = static_cast<size_t>(found - manifest.files.data());
  return tree.ReadBlob(blobs[index], found->size);
}

Closures::Closures(const ClosureLimits& limits, size_t entries_max)
    : limits_(limits), entries_max_(entries_max) {}

std::shared_ptr<const Closure> Closures::Remembered(const GitTree& tree, const std::string& key) {
  Entry entry;
  {
    MutexLock lock(&mu_);
    const auto it = entries_.find(key);
    if (it == entries_.end()) return nullptr;
    entry = it->second;
  }
  for (const ClosureDependency& dependency : entry.dependencies) {
    if (DependencyOn(tree, dependency.path) != dependency) return nullptr;
  }
  MutexLock lock(&mu_);
  ++hits_;
  return entry.closure;
}

absl::StatusOr<std::shared_ptr<const Closure>> Closures::Compute(const GitTree& tree,
                                                                 const ClosureRequest& request) {
  ASSIGN_OR_RETURN(const std::string path, NormalizePath(request.path));
  const std::string key = absl::StrCat(RepositoryOf(tree), "\n", path, "\n",
                                       request.tool ? intent::ToolName(*request.tool) : "", "\n",
                                       ReachingOptions(request.kustomize));
  if (auto remembered = Remembered(tree, key); remembered != nullptr) return remembered;
  ClosureBuilder builder(tree, limits_, &digests_);
  ASSIGN_OR_RETURN(Closure closure, ComputeAfresh(path, request, &builder));
  auto shared = std::make_shared<const Closure>(std::move(closure));
  MutexLock lock(&mu_);
  if (entries_.size() >= entries_max_ && !entries_.contains(key)) entries_.clear();
  entries_[key] = Entry{builder.TakeDependencies(), shared};
  return shared;
}

uint64_t Closures::hits() const {
  MutexLock lock(&mu_);
  return hits_;
}

}  // namespace leidang::hub
