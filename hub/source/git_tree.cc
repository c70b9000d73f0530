#include "hub/source/git_tree.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr int kLinksMax = 40;            // As Linux.
constexpr uint64_t kLinkTextMax = 4096;  // PATH_MAX.

std::vector<std::string> Parts(absl::string_view path) {
  return absl::StrSplit(path, '/', absl::SkipEmpty());
}

}  // namespace

// A place in the tree: the entries from the root down to it.
struct GitTree::Step {
  std::string name;
  FileMode mode;
  GitId id;
};

struct GitTree::Found {
  std::vector<Step> steps;  // Empty at the root.
  GitId root;

  GitId id() const { return steps.empty() ? root : steps.back().id; }
  FileMode mode() const { return steps.empty() ? FileMode::kDirectory : steps.back().mode; }
  std::string Path() const {
    return absl::StrJoin(steps, "/", [](std::string* out, const Step& step) { *out += step.name; });
  }
};

GitTree::GitTree(std::shared_ptr<const GitObjects> objects, std::string name, const GitId& commit,
                 const GitId& root)
    : objects_(std::move(objects)), name_(std::move(name)), commit_(commit), root_(root) {}

absl::Status GitTree::Missing(absl::string_view asked, absl::string_view why) const {
  return SourceError(SourceReason::kPathNotFound,
                     absl::StrCat(name_, ": path \"", asked, "\": ", why));
}

absl::Status GitTree::Enter(Found* at, const std::string& part) const {
  const std::string here = at->Path();
  if (at->mode() == FileMode::kSubmodule) {
    return Missing(JoinPath(here, part),
                   absl::StrCat("\"", here,
                                "\" is a submodule, whose files are not part of this "
                                "repository; use the submodule's own repository as source"));
  }
  if (at->mode() != FileMode::kDirectory) {
    return Missing(JoinPath(here, part), absl::StrCat("\"", here, "\" is no directory"));
  }
  ASSIGN_OR_RETURN(const std::optional<TreeEntry> entry, objects_->FindEntry(at->id(), part));
  if (!entry) return Missing(JoinPath(here, part), "there is no such file or directory");
  at->steps.push_back({entry->name, entry->mode, entry->id});
  return absl::OkStatus();
}

// `at` is a link: moves to its directory and puts the parts of its text before `rest`.
absl::Status GitTree::FollowLink(Found* at, std::vector<std::string>* rest, int* links_left,
                                 absl::string_view asked) const {
  const std::string link = at->Path();
  if (--*links_left < 0) {
    return Missing(asked, absl::StrCat("more than ", kLinksMax, " symbolic links, at \"", link,
                                       "\": they run in a circle"));
  }
  ASSIGN_OR_RETURN(const std::string target, objects_->ReadBlob(at->id(), kLinkTextMax));
  if (absl::StartsWith(target, "/")) {
    return Missing(asked, absl::StrCat("symbolic link \"", link,
                                       "\" leads out of the repository, to \"", target, "\""));
  }
  at->steps.pop_back();
  const std::vector<std::string> parts = Parts(target);
  rest->insert(rest->end(), parts.rbegin(), parts.rend());
  return absl::OkStatus();
}

absl::StatusOr<GitTree::Found> GitTree::Locate(absl::string_view path, LastLink last) const {
  ASSIGN_OR_RETURN(const std::string normal, NormalizePath(path));
  std::vector<std::string> rest = Parts(normal);  // Next part at the back.
  std::reverse(rest.begin(), rest.end());
  Found at;
  at.root = root_;
  int links_left = kLinksMax;
  while (!rest.empty()) {
    const std::string part = std::move(rest.back());
    rest.pop_back();
    if (part == ".") continue;
    if (part == "..") {  // Only from a link: NormalizePath has left none.
      if (at.steps.empty()) {
        return Missing(path, "a symbolic link on the way leads out of the repository");
      }
      at.steps.pop_back();
      continue;
    }
    RETURN_IF_ERROR(Enter(&at, part));
    if (at.mode() == FileMode::kSymlink && (!rest.empty() || last == LastLink::kFollow)) {
      RETURN_IF_ERROR(FollowLink(&at, &rest, &links_left, path));
    }
  }
  return at;
}

absl::StatusOr<std::string> GitTree::Resolve(absl::string_view path) const {
  ASSIGN_OR_RETURN(const Found found, Locate(path, LastLink::kFollow));
  return found.Path();
}

absl::StatusOr<TreeEntry> GitTree::Find(absl::string_view path) const {
  ASSIGN_OR_RETURN(const Found found, Locate(path, LastLink::kFollow));
  return TreeEntry{found.steps.empty() ? "" : found.steps.back().name, found.mode(), found.id()};
}

absl::StatusOr<TreeEntry> GitTree::FindLink(absl::string_view path) const {
  ASSIGN_OR_RETURN(const Found found, Locate(path, LastLink::kKeep));
  return TreeEntry{found.steps.empty() ? "" : found.steps.back().name, found.mode(), found.id()};
}

absl::StatusOr<std::vector<TreeEntry>> GitTree::List(absl::string_view path) const {
  ASSIGN_OR_RETURN(const Found found, Locate(path, LastLink::kFollow));
  if (found.mode() == FileMode::kSubmodule) {
    return Missing(path, "it is a submodule, whose files are not part of this repository");
  }
  if (found.mode() != FileMode::kDirectory) return Missing(path, "it is a file, not a directory");
  return objects_->ReadTree(found.id());
}

absl::StatusOr<std::string> GitTree::Read(absl::string_view path, uint64_t size_max) const {
  ASSIGN_OR_RETURN(const Found found, Locate(path, LastLink::kFollow));
  if (found.mode() != FileMode::kRegular && found.mode() != FileMode::kExecutable) {
    return Missing(path, found.mode() == FileMode::kDirectory ? "it is a directory, not a file"
                                                              : "it is a submodule, not a file");
  }
  absl::StatusOr<std::string> content = objects_->ReadBlob(found.id(), size_max);
  if (absl::IsResourceExhausted(content.status())) {
    return SourceError(SourceReason::kTooLarge,
                       absl::StrCat(name_, ": file \"", path, "\": ", content.status().message()));
  }
  return content;
}

absl::StatusOr<std::string> GitTree::ReadLink(absl::string_view path) const {
  ASSIGN_OR_RETURN(const Found found, Locate(path, LastLink::kKeep));
  if (found.mode() != FileMode::kSymlink) return Missing(path, "it is no symbolic link");
  return objects_->ReadBlob(found.id(), kLinkTextMax);
}

struct GitTree::WalkState {
  const WalkOptions& options;
  const Visit& visit;
  uint64_t entries_left;
};

absl::Status GitTree::Walk(absl::string_view path, const WalkOptions& options,
                           const Visit& visit) const {
  ASSIGN_OR_RETURN(const Found found, Locate(path, LastLink::kFollow));
  if (found.mode() != FileMode::kDirectory) return Missing(path, "it is no directory");
  WalkState state{options, visit, options.entries_max};
  return WalkDirectory(found.Path(), found.id(), 0, &state).status();
}

absl::StatusOr<WalkStep> GitTree::WalkDirectory(const std::string& path, const GitId& tree,
                                                uint32_t depth, WalkState* state) const {
  if (depth >= state->options.depth_max) {
    return SourceError(SourceReason::kTooLarge,
                       absl::StrCat(name_, ": directory \"", path, "\" is more than ",
                                    state->options.depth_max, " levels deep"));
  }
  ASSIGN_OR_RETURN(std::vector<TreeEntry> entries, objects_->ReadTree(tree));
  // `a.b` sorts before `a/c`, so directories are compared as if they ended with a slash.
  std::sort(entries.begin(), entries.end(), [](const TreeEntry& a, const TreeEntry& b) {
    const auto key = [](const TreeEntry& e) {
      return e.mode == FileMode::kDirectory ? absl::StrCat(e.name, "/") : e.name;
    };
    return key(a) < key(b);
  });
  for (const TreeEntry& entry : entries) {
    if (state->entries_left-- == 0) {
      return SourceError(SourceReason::kTooLarge,
                         absl::StrCat(name_, ": more than ", state->options.entries_max,
                                      " files and directories, at \"", path, "\""));
    }
    const std::string full = JoinPath(path, entry.name);
    const WalkStep step = state->visit(full, entry);
    if (step == WalkStep::kStop) return WalkStep::kStop;
    if (step == WalkStep::kSkipDirectory || entry.mode != FileMode::kDirectory) continue;
    ASSIGN_OR_RETURN(const WalkStep below, WalkDirectory(full, entry.id, depth + 1, state));
    if (below == WalkStep::kStop) return WalkStep::kStop;
  }
  return WalkStep::kContinue;
}

}  // namespace leidang::hub
