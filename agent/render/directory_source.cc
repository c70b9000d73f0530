#include "agent/render/directory_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "agent/render/manifest_files.h"
#include "agent/render/render_error.h"
#include "common/base/status_macros.h"
#include "common/match/glob.h"

namespace leidang::agent {
namespace {

using object::Value;

constexpr uint64_t kManifestBytesMax = 10 << 20;
constexpr absl::string_view kSkipMark = "+argocd:skip-file-rendering";

struct Selection {
  bool recurse = false;
  std::optional<match::Glob> include;
  std::optional<match::Glob> exclude;
};

absl::Status WrongOption(absl::string_view name, absl::string_view what) {
  return RenderError(RenderReason::kInvalidSpec,
                     absl::StrCat("spec.source.directory.", name, " ", what));
}

absl::StatusOr<std::optional<match::Glob>> ReadGlob(const Value& options, absl::string_view name) {
  const Value* found = object::Find(options, {name});
  if (found == nullptr || found->is_null()) return std::nullopt;
  if (!found->is_string()) return WrongOption(name, "is not text");
  const absl::string_view pattern(found->get_string().data(), found->get_string().size());
  if (pattern.empty()) return std::nullopt;
  absl::StatusOr<match::Glob> glob = match::Glob::Compile(pattern);
  if (!glob.ok()) {
    return WrongOption(name, absl::StrCat("is no glob: ", glob.status().message()));
  }
  return *std::move(glob);
}

absl::StatusOr<Selection> ReadOptions(const Value& options) {
  Selection selection;
  if (options.is_null()) return selection;
  if (!options.is_object()) {
    return RenderError(RenderReason::kInvalidSpec, "spec.source.directory is no map");
  }
  const Value* recurse = object::Find(options, {"recurse"});
  if (recurse != nullptr && !recurse->is_null()) {
    if (!recurse->is_bool()) return WrongOption("recurse", "is neither true nor false");
    selection.recurse = recurse->get_bool();
  }
  const Value* jsonnet = object::Find(options, {"jsonnet"});
  if (jsonnet != nullptr && jsonnet->is_object() && !jsonnet->get_object().empty()) {
    return RenderError(RenderReason::kUnsupportedSource,
                       "spec.source.directory.jsonnet: Jsonnet is not supported yet");
  }
  ASSIGN_OR_RETURN(selection.include, ReadGlob(options, "include"));
  ASSIGN_OR_RETURN(selection.exclude, ReadGlob(options, "exclude"));
  return selection;
}

bool Selected(const Selection& selection, absl::string_view below) {
  if (!selection.recurse && absl::StrContains(below, "/")) return false;
  if (selection.exclude.has_value() && selection.exclude->Matches(below)) return false;
  return !selection.include.has_value() || selection.include->Matches(below);
}

// Folder by folder, as a walk through them goes.
std::string WalkOrder(absl::string_view path) {
  std::string order(path);
  std::replace(order.begin(), order.end(), '/', '\0');
  return order;
}

absl::StatusOr<std::vector<Value>> ReadFile(absl::string_view path, absl::string_view text) {
  if (absl::StrContains(text, kSkipMark)) return std::vector<Value>();
  if (!absl::EndsWith(path, ".json")) return ParseManifests(text, path);
  std::vector<Value> one;
  ASSIGN_OR_RETURN(Value value, ParseJsonManifest(text, path));
  one.push_back(std::move(value));
  return one;
}

}  // namespace

absl::StatusOr<std::vector<Value>> RenderDirectory(const SourceTree& tree, absl::string_view path,
                                                   const Value& options) {
  ASSIGN_OR_RETURN(const Selection selection, ReadOptions(options));
  const std::optional<std::string> root = tree.Resolve(path);
  if (!root.has_value() || !tree.HasDirectory(*root)) {
    return RenderError(RenderReason::kPathNotFound,
                       absl::StrCat("the source has no directory ", path));
  }
  const std::string prefix = root->empty() ? "" : absl::StrCat(*root, "/");

  std::vector<std::pair<std::string, std::string>> files;  // Order, path.
  for (auto file = tree.files().lower_bound(prefix);
       file != tree.files().end() && absl::StartsWith(file->first, prefix); ++file) {
    const absl::string_view below = absl::string_view(file->first).substr(prefix.size());
    const bool manifest = absl::EndsWith(below, ".yaml") || absl::EndsWith(below, ".yml") ||
                          absl::EndsWith(below, ".json");
    const bool jsonnet = absl::EndsWith(below, ".jsonnet");
    if ((!manifest && !jsonnet) || !Selected(selection, below)) continue;
    if (jsonnet) {
      return RenderError(RenderReason::kUnsupportedSource,
                         absl::StrCat(file->first, ": Jsonnet is not supported yet"));
    }
    files.emplace_back(WalkOrder(file->first), file->first);
  }
  std::sort(files.begin(), files.end());

  uint64_t bytes = 0;
  std::vector<Value> objects;
  for (const auto& [order, name] : files) {
    const std::string* text = tree.Find(name);
    if (text == nullptr) {
      return RenderError(RenderReason::kPathNotFound,
                         absl::StrCat(name, " is a link to no file of the source"));
    }
    bytes += text->size();
    if (bytes > kManifestBytesMax) {
      return RenderError(RenderReason::kTooLarge,
                         absl::StrCat("the manifests in ", path, " have more than ",
                                      kManifestBytesMax >> 20, " MiB in all; split the source"));
    }
    ASSIGN_OR_RETURN(std::vector<Value> some, ReadFile(name, *text));
    for (Value& value : some) objects.push_back(std::move(value));
  }
  return ExpandLists(std::move(objects));
}

}  // namespace leidang::agent
