#include "cli/appset/directory_world.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "cli/appset/folder_tree.h"
#include "cli/appset/recorded_services.h"
#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"
#include "generators/kinds/fields.h"
#include "generators/template/template.h"

namespace leidang::cli {

namespace fs = std::filesystem;
using generators::Fields;
using object::FindString;
using object::Value;

namespace {

constexpr char kMain[] = "main";

// Commit hashes are text, also where they look like numbers.
std::string QuoteHashes(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (std::string& line : lines) {
    const size_t key = line.find("ha: ");
    if (key == std::string::npos) continue;
    const absl::string_view value =
        absl::StripAsciiWhitespace(absl::string_view(line).substr(key + 4));
    if (value.empty() || !std::all_of(value.begin(), value.end(), absl::ascii_isdigit)) continue;
    line = absl::StrCat(line.substr(0, key + 4), "'", value, "'");
  }
  return absl::StrJoin(lines, "\n");
}

absl::StatusOr<std::optional<Value>> ReadYamlFile(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::optional<Value>();
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (path.filename() == "scm.yaml") text = QuoteHashes(text);
  ASSIGN_OR_RETURN(Value value, yaml::ParseYaml(text, path.string()));
  return std::optional<Value>(std::move(value));
}

// Whether a version satisfies a constraint such as `1.x`, in the rules that templates have for it.
bool Satisfies(const std::string& constraint, const std::string& version) {
  const absl::StatusOr<generators::Template> compare =
      generators::Template::Compile("{{ semverCompare .c .v }}");
  if (!compare.ok()) return false;
  generators::TValue params = generators::TValue::Map();
  params.mutable_map()->Set("c", generators::TValue::String(constraint));
  params.mutable_map()->Set("v", generators::TValue::String(version));
  generators::RenderContext context;
  std::string out;
  return compare->Execute(params, &context, &out).ok() && out == "true";
}

// The order of plain versions `1.2.3`.
std::vector<int> VersionNumbers(absl::string_view version) {
  std::vector<int> out;
  absl::ConsumePrefix(&version, "v");
  for (const absl::string_view part : absl::StrSplit(version, absl::ByAnyChar(".-+"))) {
    int n = 0;
    if (!absl::SimpleAtoi(part, &n)) break;
    out.push_back(n);
  }
  return out;
}

}  // namespace

class DirectoryWorld::Git final : public generators::GitWorld {
 public:
  using TreePtr = std::shared_ptr<const generators::GitTree>;

  void Add(const std::string& url, const std::string& branch, TreePtr tree) {
    repositories_[url].branches[branch] = std::move(tree);
  }
  void AddTag(const std::string& url, const std::string& branch, const std::string& tag) {
    repositories_[url].tags[tag] = branch;
  }
  // Whatever the revision.
  void AddWorkingCopy(const std::string& url, TreePtr tree) {
    repositories_[url].working_copy = std::move(tree);
  }

  absl::StatusOr<TreePtr> Tree(const generators::GitRequest& request) const override {
    const auto it = repositories_.find(request.repo_url);
    if (it == repositories_.end()) {
      return absl::NotFoundError(absl::StrCat("repository ", request.repo_url, " not found"));
    }
    const Repository& repository = it->second;
    if (repository.working_copy != nullptr) return repository.working_copy;
    const std::string revision =
        request.revision.empty() || request.revision == "HEAD" ? kMain : request.revision;
    if (const auto b = repository.branches.find(revision); b != repository.branches.end()) {
      return b->second;
    }
    if (const auto t = repository.tags.find(revision); t != repository.tags.end()) {
      return repository.branches.at(t->second);
    }
    const std::string* best = nullptr;
    for (const auto& [tag, branch] : repository.tags) {
      if (!Satisfies(revision, tag)) continue;
      if (best == nullptr || VersionNumbers(*best) < VersionNumbers(tag)) best = &tag;
    }
    if (best != nullptr) return repository.branches.at(repository.tags.at(*best));
    // As Argo CD's repository server says it.
    return absl::NotFoundError(absl::StrCat(
        "rpc error: code = Internal desc = unable to resolve git revision : unable to resolve '",
        request.revision, "' to a commit SHA: revision not found"));
  }

 private:
  struct Repository {
    std::map<std::string, TreePtr> branches;
    std::map<std::string, std::string> tags;  // To a branch.
    TreePtr working_copy;
  };
  std::map<std::string, Repository> repositories_;
};

DirectoryWorld::DirectoryWorld()
    : git_(std::make_unique<Git>()),
      scm_(std::make_unique<RecordedScm>()),
      resources_(std::make_unique<RecordedResources>()) {
  world_.control_namespace = "argocd";
  world_.implicit_local_cluster = true;
  world_.projects = {"default"};
  world_.git = git_.get();
  world_.scm = scm_.get();
  world_.pull_requests = scm_.get();
  world_.plugins = resources_.get();
  world_.resources = resources_.get();
}

DirectoryWorld::~DirectoryWorld() = default;

absl::Status DirectoryWorld::Load(const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return absl::NotFoundError(absl::StrCat(directory, ": no such folder"));
  }
  const auto load = [&](const char* name, auto&& fn) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<Value> file, ReadYamlFile(fs::path(directory) / name));
    if (!file.has_value()) return absl::OkStatus();
    absl::Status status = fn(*file);
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat(directory, "/", status.message()));
  };
  RETURN_IF_ERROR(load("clusters.yaml", [&](const Value& v) { return LoadClusters(v); }));
  RETURN_IF_ERROR(load("projects.yaml", [&](const Value& v) { return LoadProjects(v); }));
  RETURN_IF_ERROR(load("options.yaml", [&](const Value& v) { return LoadOptions(v); }));
  RETURN_IF_ERROR(load("scm.yaml", [&](const Value& v) { return scm_->Load(v); }));
  RETURN_IF_ERROR(
      load("plugin-responses.yaml", [&](const Value& v) { return resources_->LoadPlugins(v); }));
  RETURN_IF_ERROR(
      load("resources.yaml", [&](const Value& v) { return resources_->LoadResources(v); }));
  RETURN_IF_ERROR(load("existing.yaml", [&](const Value& v) -> absl::Status {
    if (!v.is_array() && !v.is_null()) {
      return absl::InvalidArgumentError("existing.yaml: expected a list of Applications");
    }
    existing_.emplace();
    if (v.is_array()) existing_->assign(v.get_array().begin(), v.get_array().end());
    return absl::OkStatus();
  }));
  return LoadRepositories(directory);
}

absl::Status DirectoryWorld::LoadClusters(const Value& list) {
  object::Object wrapped;
  wrapped["clusters"] = list;
  const Value root(std::move(wrapped));
  ASSIGN_OR_RETURN(const std::vector<Fields> items,
                   Fields(root, "clusters.yaml").Structs("clusters"));
  for (const Fields& item : items) {
    generators::Cluster cluster;
    ASSIGN_OR_RETURN(cluster.name, item.Text("name"));
    ASSIGN_OR_RETURN(cluster.server, item.Text("server"));
    ASSIGN_OR_RETURN(cluster.project, item.OptionalText("project"));
    ASSIGN_OR_RETURN(cluster.labels, item.TextMap("labels"));
    ASSIGN_OR_RETURN(cluster.annotations, item.TextMap("annotations"));
    ASSIGN_OR_RETURN(cluster.secret_name, item.Text("secretName"));
    cluster.labels["argocd.argoproj.io/secret-type"] = "cluster";
    world_.clusters.push_back(std::move(cluster));
  }
  return absl::OkStatus();
}

absl::Status DirectoryWorld::LoadProjects(const Value& list) {
  if (!list.is_array() && !list.is_null()) {
    return absl::InvalidArgumentError("projects.yaml: expected a list of AppProjects");
  }
  world_.projects.clear();
  if (list.is_null()) return absl::OkStatus();
  for (const Value& project : list.get_array()) {
    world_.projects.emplace(FindString(project, {"metadata", "name"}));
  }
  return absl::OkStatus();
}

absl::Status DirectoryWorld::LoadOptions(const Value& options) {
  const Fields fields(options, "options.yaml");
  generators::ServerOptions& server = world_.options;
  ASSIGN_OR_RETURN(server.new_git_file_globbing, fields.Flag("newGitFileGlobbing"));
  ASSIGN_OR_RETURN(server.include_hidden_directories, fields.Flag("includeHiddenDirectories"));
  ASSIGN_OR_RETURN(server.scm_providers_disabled, fields.Flag("scmProvidersDisabled"));
  ASSIGN_OR_RETURN(server.allowed_scm_providers, fields.Texts("allowedScmProviders"));
  ASSIGN_OR_RETURN(validate_, fields.Flag("validate"));
  ASSIGN_OR_RETURN(policy_.preserved_annotations, fields.Texts("globalPreservedAnnotations"));
  ASSIGN_OR_RETURN(policy_.preserved_labels, fields.Texts("globalPreservedLabels"));
  ASSIGN_OR_RETURN(const std::string policy, fields.Text("policy"));
  if (!policy.empty()) {
    const std::optional<generators::ApplicationsSync> known = generators::ParsePolicy(policy);
    if (!known.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("options.yaml.policy: unknown policy ", policy));
    }
    policy_.policy = *known;
    policy_.override_enabled = false;
  }
  if (fields.Find("policyOverride") != nullptr) {
    ASSIGN_OR_RETURN(policy_.override_enabled, fields.Flag("policyOverride"));
  }
  ASSIGN_OR_RETURN(const Value* tags, fields.Object("tags"));
  if (tags == nullptr) return absl::OkStatus();
  const Fields by_tree(*tags, "options.yaml.tags");
  for (const auto& member : tags->get_object()) {
    const std::string tree(member.key().data(), member.key().size());
    ASSIGN_OR_RETURN(tags_[tree], by_tree.Texts(tree));
  }
  return absl::OkStatus();
}

absl::Status DirectoryWorld::LoadRepositories(const std::string& directory) {
  const fs::path repos = fs::path(directory) / "repos";
  std::error_code error;
  if (!fs::is_directory(repos, error)) return absl::OkStatus();
  for (const auto& entry : fs::directory_iterator(repos, error)) {
    const std::string folder = entry.path().filename().string();
    const std::vector<std::string> parts = absl::StrSplit(folder, absl::MaxSplits('@', 1));
    const std::string url = absl::StrCat("https://git.example.com/", parts[0], ".git");
    const std::string branch = parts.size() > 1 ? parts[1] : kMain;
    ASSIGN_OR_RETURN(std::shared_ptr<const FolderTree> tree,
                     FolderTree::Read(entry.path().string()));
    git_->Add(url, branch, std::move(tree));
    for (const std::string& tag : tags_[folder]) git_->AddTag(url, branch, tag);
  }
  return absl::OkStatus();
}

absl::Status DirectoryWorld::AddRepository(const std::string& url, const std::string& directory) {
  ASSIGN_OR_RETURN(std::shared_ptr<const FolderTree> tree, FolderTree::Read(directory));
  git_->AddWorkingCopy(url, std::move(tree));
  return absl::OkStatus();
}

}  // namespace leidang::cli
