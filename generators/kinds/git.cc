// The git generator: directories and files of a repository.

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"
#include "common/match/doublestar.h"
#include "common/match/path_match.h"
#include "common/match/pathspec.h"
#include "generators/kinds/evaluation.h"
#include "generators/params/params.h"
#include "generators/params/text_template.h"
#include "generators/template/normalize.h"
#include "generators/template/value_json.h"

namespace leidang::generators {

namespace {

// Go's path.Base and path.Dir of a clean relative path.
absl::string_view BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? path : path.substr(slash + 1);
}

absl::string_view DirName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "." : path.substr(0, slash);
}

bool IsHidden(absl::string_view path) {
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (absl::StartsWith(part, ".")) return true;
  }
  return false;
}

// Where a path's parameters go.
struct PathParams {
  absl::string_view directory;
  absl::string_view file;  // Of the whole path; empty for a directory's parameters.
  absl::string_view prefix;
};

void AddGoPath(const PathParams& p, TMap* params) {
  TValue path = TValue::Map();
  TMap* map = path.mutable_map();
  map->Set("basename", TValue::String(BaseName(p.directory)));
  map->Set("basenameNormalized", TValue::String(Normalize(BaseName(p.directory))));
  if (!p.file.empty()) {
    map->Set("filename", TValue::String(BaseName(p.file)));
    map->Set("filenameNormalized", TValue::String(Normalize(BaseName(p.file))));
  }
  map->Set("path", TValue::String(p.directory));
  const std::vector<std::string> segments = absl::StrSplit(p.directory, '/');
  map->Set("segments", TValue::StringList(segments));
  if (p.prefix.empty()) {
    params->Set("path", std::move(path));
    return;
  }
  TValue outer = TValue::Map();
  outer.mutable_map()->Set("path", std::move(path));
  params->Set(p.prefix, std::move(outer));
}

void AddFlatPath(const PathParams& p, TMap* params) {
  const std::string name = p.prefix.empty() ? "path" : absl::StrCat(p.prefix, ".path");
  const auto set = [&](absl::string_view suffix, absl::string_view value) {
    params->Set(absl::StrCat(name, suffix), TValue::String(value));
  };
  set("", p.directory);
  set(".basename", BaseName(p.directory));
  set(".basenameNormalized", Normalize(BaseName(p.directory)));
  if (!p.file.empty()) {
    set(".filename", BaseName(p.file));
    set(".filenameNormalized", Normalize(BaseName(p.file)));
  }
  size_t i = 0;
  for (const absl::string_view segment : absl::StrSplit(p.directory, '/')) {
    if (!segment.empty()) set(absl::StrCat("[", i, "]"), segment);
    ++i;
  }
}

void AddPath(const PathParams& p, bool go, TMap* params) {
  go ? AddGoPath(p, params) : AddFlatPath(p, params);
}

absl::Status Wrap(absl::string_view what, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(what, status.message()));
}

}  // namespace

// The files that a git generator selects, and their content.
class GitFiles {
 public:
  GitFiles(Evaluation* evaluation, const GitTree& tree) : e_(*evaluation), tree_(tree) {}

  // Paths in order, excluded ones taken out.
  absl::StatusOr<std::vector<std::string>> Select(const std::vector<PathRule>& rules) {
    std::set<std::string> selected;
    for (const PathRule& rule : rules) {
      if (rule.exclude) continue;
      ASSIGN_OR_RETURN(const std::vector<std::string> found, Find(rule.path));
      selected.insert(found.begin(), found.end());
    }
    for (const PathRule& rule : rules) {
      if (!rule.exclude) continue;
      ASSIGN_OR_RETURN(const std::vector<std::string> found, Find(rule.path));
      for (const std::string& path : found) selected.erase(path);
    }
    return std::vector<std::string>(selected.begin(), selected.end());
  }

  absl::StatusOr<std::vector<TValue>> Params(const std::string& path) {
    const auto key = std::make_pair(&tree_, path);
    if (const auto it = e_.files_.find(key); it != e_.files_.end()) return it->second;
    absl::StatusOr<std::vector<TValue>> params = Read(path);
    e_.files_.emplace(key, params);
    return params;
  }

 private:
  // Every match must be a file that can be read, as Argo CD reads it at once.
  absl::StatusOr<std::vector<std::string>> Find(const std::string& pattern) {
    std::vector<std::string> found;
    if (e_.world_.options.new_git_file_globbing) {
      ASSIGN_OR_RETURN(found, match::DoublestarGlob(pattern, Tree()));
    } else {
      ASSIGN_OR_RETURN(const match::Pathspec spec, match::Pathspec::Parse(pattern));
      for (const GitTree::File& file : tree_.Files()) {
        if (spec.Matches(file.path)) found.push_back(file.path);
      }
    }
    for (const std::string& path : found) RETURN_IF_ERROR(Target(path).status());
    return found;
  }

  // The path of the file that holds the content: behind symbolic links, never outside the
  // repository.
  absl::StatusOr<std::string> Target(const std::string& path) {
    const auto file =
        std::lower_bound(tree_.Files().begin(), tree_.Files().end(), path,
                         [](const GitTree::File& f, const std::string& p) { return f.path < p; });
    const bool listed = file != tree_.Files().end() && file->path == path;
    if (listed && file->mode != GitTree::Mode::kSymlink) return path;
    const match::WorkTree::Resolved r = Tree().Resolve(path);
    if (r.where == match::WorkTree::Where::kOutside) {
      return absl::FailedPreconditionError(
          absl::StrCat("symbolic link ", path, " leads out of the repository"));
    }
    if (r.where == match::WorkTree::Where::kMissing) {
      return absl::NotFoundError(absl::StrCat("open ", path, ": no such file or directory"));
    }
    if (r.kind == match::WorkTree::Kind::kDirectory) {
      return absl::FailedPreconditionError(absl::StrCat("read ", path, ": is a directory"));
    }
    return r.path;
  }

  absl::StatusOr<std::vector<TValue>> Read(const std::string& path) {
    ASSIGN_OR_RETURN(const std::string target, Target(path));
    ASSIGN_OR_RETURN(const absl::string_view content, tree_.Read(target));
    return ReadObjects(content, path, SingleObject::kYes);
  }

  const match::WorkTree& Tree() {
    std::unique_ptr<match::WorkTree>& slot = e_.work_trees_[&tree_];
    if (slot != nullptr) return *slot;
    slot = std::make_unique<match::WorkTree>();
    for (const GitTree::File& file : tree_.Files()) {
      if (file.mode != GitTree::Mode::kSymlink) {
        slot->AddFile(file.path);
        continue;
      }
      const absl::StatusOr<absl::string_view> target = tree_.Read(file.path);
      slot->AddSymlink(file.path, target.ok() ? *target : "");
    }
    for (const std::string& directory : tree_.Directories()) slot->AddDirectory(directory);
    // Argo CD's globbing sees the directory of its own checkout.
    slot->AddDirectory(".git");
    slot->Finish();
    return *slot;
  }

  Evaluation& e_;
  const GitTree& tree_;
};

absl::Status Evaluation::Git(const Body& body, const GitConfig& config, Emit emit) {
  const bool templated_project = HasTemplate(set_.project);
  if (!templated_project && world_.projects.count(set_.project) == 0) {
    return absl::NotFoundError(absl::StrCat("error getting project ", set_.project,
                                            ": appprojects.argoproj.io \"", set_.project,
                                            "\" not found"));
  }
  if (config.directories.empty() && config.files.empty()) {
    Fail(absl::StrCat(body.path, ", neither directories nor files are named"), nullptr,
         absl::InvalidArgumentError("ApplicationSet is empty"));
    return absl::OkStatus();
  }
  if (world_.git == nullptr) {
    return absl::FailedPreconditionError("no Git repository can be read here");
  }
  const GitRequest request{config.repo_url, config.revision, templated_project ? "" : set_.project};
  const TreeKey key{request.repo_url, request.revision, request.project};
  auto found = trees_.find(key);
  if (found == trees_.end()) found = trees_.emplace(key, world_.git->Tree(request)).first;
  const bool by_directory = !config.directories.empty();
  if (!found->second.ok()) {
    return Wrap(absl::StrCat("error generating params from git: ",
                             by_directory ? "error getting directories from repo: error retrieving "
                                            "Git Directories: "
                                          : "error retrieving Git files: "),
                found->second.status());
  }
  const GitTree& tree = **found->second;
  if (by_directory) return GitDirectories(body, config, tree, emit);
  GitFiles files(this, tree);
  const absl::StatusOr<std::vector<std::string>> paths = files.Select(config.files);
  if (!paths.ok()) {
    return Wrap("error generating params from git: error retrieving Git files: ", paths.status());
  }
  for (const std::string& path : *paths) {
    const absl::StatusOr<std::vector<TValue>> sets = files.Params(path);
    const std::string says =
        absl::StrCat("error generating params from git: unable to process file '", path,
                     "' from repository '", config.repo_url, "': ");
    if (!sets.ok()) {
      const std::string detail = DetailOf(sets.status());
      Fail(absl::StrCat(body.path, detail.empty() ? "" : ", ", detail), nullptr,
           Wrap(absl::StrCat(says, "unable to parse file: "), sets.status()));
      continue;
    }
    const std::string values = absl::StrCat(says, "failed to append templated values: ");
    for (const TValue& object : *sets) {
      TValue own = TValue::Map();
      AddPath({DirName(path), path, config.path_param_prefix}, go(), own.mutable_map());
      TValue params = TValue::Layered({own, go() ? object : FlatParamsOf(object)});
      EmitWithValues(body, config.values, values, params, emit);
    }
  }
  return absl::OkStatus();
}

absl::Status Evaluation::GitDirectories(const Body& body, const GitConfig& config,
                                        const GitTree& tree, Emit emit) {
  for (const std::string& directory : tree.Directories()) {
    if (!world_.options.include_hidden_directories && IsHidden(directory)) continue;
    bool included = false;
    bool excluded = false;
    for (const PathRule& rule : config.directories) {
      const absl::StatusOr<bool> matches = match::PathMatch(rule.path, directory);
      if (!matches.ok()) {
        warnings_.insert(absl::StrCat(body.path, ": the pattern ", rule.path,
                                      " is malformed and matches nothing"));
        continue;
      }
      if (*matches) (rule.exclude ? excluded : included) = true;
    }
    if (!included || excluded) continue;
    TValue params = TValue::Map();
    AddPath({directory, "", config.path_param_prefix}, go(), params.mutable_map());
    EmitWithValues(body, config.values,
                   "error generating params from git: error generating params from apps: failed to "
                   "append templated values: ",
                   params, emit);
  }
  return absl::OkStatus();
}

}  // namespace leidang::generators
