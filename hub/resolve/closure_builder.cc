#include "hub/resolve/closure_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr int kLinksMax = 40;

}  // namespace

ClosureDependency DependencyOn(const GitTree& tree, const std::string& path) {
  const auto resolved = tree.Resolve(path);
  if (!resolved.ok()) return {path, "", GitId()};
  const auto entry = tree.Find(*resolved);
  if (!entry.ok()) return {path, "", GitId()};
  return {path, *resolved, entry->id};
}

const ClosureDependency& ClosureBuilder::DependOn(const std::string& path) {
  const auto it = dependencies_.find(path);
  if (it != dependencies_.end()) return it->second;
  return dependencies_.emplace(path, DependencyOn(tree_, path)).first->second;
}

absl::Status ClosureBuilder::AddFile(const std::string& path, const TreeEntry& entry) {
  if (files_.contains(path)) return absl::OkStatus();
  if (files_.size() >= tree::kFilesMax) {
    return SourceError(SourceReason::kTooLarge,
                       absl::StrCat(tree_.name(), ": the source has more than ", tree::kFilesMax,
                                    " files; narrow its path"));
  }
  auto facts = digests_->Of(tree_, entry.id, limits_.file_bytes_max);
  if (absl::IsResourceExhausted(facts.status())) {
    return SourceError(SourceReason::kTooLarge, absl::StrCat(tree_.name(), ": file \"", path,
                                                             "\": ", facts.status().message()));
  }
  RETURN_IF_ERROR(facts.status());
  bytes_ += facts->size;
  if (bytes_ > limits_.total_bytes_max) {
    return SourceError(
        SourceReason::kTooLarge,
        absl::StrCat(tree_.name(), ": the files of the source have more than ",
                     limits_.total_bytes_max, " bytes, at \"", path, "\"; narrow its path"));
  }
  tree::TreeFile file;
  file.path = path;
  file.size = facts->size;
  file.digest = facts->digest;
  if (entry.mode == FileMode::kExecutable) file.mode = tree::FileMode::kExecutable;
  if (entry.mode == FileMode::kSymlink) file.mode = tree::FileMode::kSymlink;
  files_.emplace(path, File{std::move(file), entry.id});
  return absl::OkStatus();
}

absl::Status ClosureBuilder::CheckLink(const std::string& path) const {
  ASSIGN_OR_RETURN(const std::string target, tree_.ReadLink(path));
  absl::Status safe = tree::CheckSymlink(path, target);
  if (safe.ok()) return safe;
  return SourceError(SourceReason::kInvalidSource,
                     absl::StrCat(tree_.name(), ": ", safe.message(),
                                  "; remove it, or let it lead to a file of the repository"));
}

absl::StatusOr<std::string> ClosureBuilder::AddLinksOn(const std::string& path) {
  std::vector<std::string> rest = absl::StrSplit(path, '/', absl::SkipEmpty());
  std::reverse(rest.begin(), rest.end());  // Next part at the back.
  std::string at;
  int links_left = kLinksMax;
  while (!rest.empty()) {
    const std::string part = std::move(rest.back());
    rest.pop_back();
    if (part == ".") continue;
    if (part == "..") {  // Of a link's text, and so from where the link is.
      at = std::string(ParentPath(at));
      continue;
    }
    const std::string next = JoinPath(at, part);
    ASSIGN_OR_RETURN(const TreeEntry entry, tree_.FindLink(next));
    if (entry.mode != FileMode::kSymlink) {
      at = next;
      continue;
    }
    if (--links_left < 0) return tree_.Find(path).status();
    RETURN_IF_ERROR(CheckLink(next));
    RETURN_IF_ERROR(AddFile(next, entry));
    ASSIGN_OR_RETURN(const std::string target, tree_.ReadLink(next));
    const std::vector<std::string> parts = absl::StrSplit(target, '/', absl::SkipEmpty());
    rest.insert(rest.end(), parts.rbegin(), parts.rend());
  }
  return at;
}

absl::Status ClosureBuilder::Add(const std::string& path) {
  if (DependOn(path).id.IsNone()) return tree_.Find(path).status();
  pending_.push_back(path);
  while (!pending_.empty()) {
    const std::string next = std::move(pending_.back());
    pending_.pop_back();
    RETURN_IF_ERROR(AddOne(next));
  }
  return absl::OkStatus();
}

absl::Status ClosureBuilder::AddOne(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string resolved, AddLinksOn(path));
  ASSIGN_OR_RETURN(const TreeEntry entry, tree_.Find(resolved));
  switch (entry.mode) {
    case FileMode::kDirectory:
      return AddSubtree(resolved);
    case FileMode::kSubmodule:
      submodules_[resolved] = entry.id;
      return absl::OkStatus();
    default:
      return AddFile(resolved, entry);
  }
}

absl::Status ClosureBuilder::AddSubtree(const std::string& resolved) {
  for (std::string above = resolved;; above = std::string(ParentPath(above))) {
    if (subtrees_.contains(above)) return absl::OkStatus();
    if (above.empty()) break;
  }
  subtrees_.insert(resolved);
  std::vector<std::string> links;
  absl::Status status;
  RETURN_IF_ERROR(tree_.Walk(resolved, {}, [&](const std::string& path, const TreeEntry& entry) {
    if (entry.mode == FileMode::kSubmodule) {
      submodules_[path] = entry.id;
    } else if (entry.mode != FileMode::kDirectory) {
      status = AddFile(path, entry);
      if (entry.mode == FileMode::kSymlink) links.push_back(path);
    }
    return status.ok() ? WalkStep::kContinue : WalkStep::kStop;
  }));
  RETURN_IF_ERROR(status);
  for (std::string& link : links) {
    RETURN_IF_ERROR(CheckLink(link));
    // One that leads nowhere is harmless until somebody reads it.
    if (!DependOn(link).id.IsNone()) pending_.push_back(std::move(link));
  }
  return absl::OkStatus();
}

absl::StatusOr<Closure> ClosureBuilder::Finish(intent::Tool tool) {
  Closure closure;
  closure.tool = tool;
  closure.manifest.files.reserve(files_.size());
  for (auto& [path, file] : files_) {
    closure.manifest.files.push_back(std::move(file.file));
    closure.blobs.push_back(file.blob);
  }
  for (const auto& [path, commit] : submodules_) closure.submodules.push_back({path, commit});
  files_.clear();
  const auto encoded = tree::Encode(closure.manifest);
  if (!encoded.ok()) {
    return SourceError(SourceReason::kInvalidSource,
                       absl::StrCat(tree_.name(), ": ", encoded.status().message()));
  }
  closure.digest = object::Sha256::Of(*encoded);
  return closure;
}

std::vector<ClosureDependency> ClosureBuilder::TakeDependencies() {
  std::vector<ClosureDependency> taken;
  taken.reserve(dependencies_.size());
  for (auto& [path, dependency] : dependencies_) taken.push_back(std::move(dependency));
  dependencies_.clear();
  return taken;
}

}  // namespace leidang::hub
