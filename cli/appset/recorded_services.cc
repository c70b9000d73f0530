#include "cli/appset/recorded_services.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "generators/kinds/fields.h"

namespace leidang::cli {

namespace {

using generators::Fields;
using object::FindString;
using object::Value;

// How providers call what GitHub calls organization or owner.
std::string OwnerOf(const generators::ScmRequest& request) {
  for (const char* field : {"organization", "owner", "group", "project"}) {
    const absl::string_view text = FindString(request.block, {field});
    if (!text.empty()) return std::string(text);
  }
  return "";
}

absl::StatusOr<std::vector<generators::PullRequest>> ReadPulls(const Fields& repository) {
  std::vector<generators::PullRequest> out;
  ASSIGN_OR_RETURN(const std::vector<Fields> pulls, repository.Structs("pulls"));
  for (const Fields& pull : pulls) {
    generators::PullRequest p;
    ASSIGN_OR_RETURN(const std::optional<int64_t> number, pull.OptionalInteger("number"));
    p.number = number.value_or(0);
    ASSIGN_OR_RETURN(p.title, pull.Text("title"));
    ASSIGN_OR_RETURN(p.branch, pull.Text("branch"));
    ASSIGN_OR_RETURN(p.target_branch, pull.Text("targetBranch"));
    ASSIGN_OR_RETURN(p.head_sha, pull.Text("headSha"));
    ASSIGN_OR_RETURN(p.author, pull.Text("author"));
    ASSIGN_OR_RETURN(p.labels, pull.Texts("labels"));
    out.push_back(std::move(p));
  }
  return out;
}

}  // namespace

absl::Status RecordedScm::Load(const Value& file) {
  const Fields root(file, "scm.yaml");
  ASSIGN_OR_RETURN(const std::string error, root.Text("error"));
  if (!error.empty()) error_ = absl::FailedPreconditionError(error);
  ASSIGN_OR_RETURN(const std::vector<Fields> repositories, root.Structs("repositories"));
  for (const Fields& item : repositories) {
    Repository r;
    ASSIGN_OR_RETURN(r.repository.organization, item.Text("organization"));
    ASSIGN_OR_RETURN(r.repository.name, item.Text("name"));
    ASSIGN_OR_RETURN(r.repository.default_branch, item.Text("defaultBranch"));
    ASSIGN_OR_RETURN(r.repository.labels, item.Texts("labels"));
    const Value* id = item.Find("id");
    r.repository.id = id == nullptr ? Value(0) : *id;
    const std::string path =
        absl::StrCat(r.repository.organization, "/", r.repository.name, ".git");
    r.repository.clone_urls["ssh"] = absl::StrCat("git@github.com:", path);
    r.repository.clone_urls["https"] = absl::StrCat("https://github.com/", path);
    ASSIGN_OR_RETURN(const std::vector<Fields> branches, item.Structs("branches"));
    for (const Fields& branch : branches) {
      Branch b;
      ASSIGN_OR_RETURN(b.branch.name, branch.Text("name"));
      ASSIGN_OR_RETURN(b.branch.sha, branch.Text("sha"));
      ASSIGN_OR_RETURN(b.paths, branch.Texts("paths"));
      r.branches.push_back(std::move(b));
    }
    ASSIGN_OR_RETURN(r.pulls, ReadPulls(item));
    repositories_.push_back(std::move(r));
  }
  return absl::OkStatus();
}

const RecordedScm::Repository* RecordedScm::Find(absl::string_view organization,
                                                 absl::string_view name) const {
  const auto it =
      std::find_if(repositories_.begin(), repositories_.end(), [&](const Repository& r) {
        return r.repository.organization == organization && r.repository.name == name;
      });
  return it == repositories_.end() ? nullptr : &*it;
}

absl::StatusOr<std::vector<generators::ScmRepository>> RecordedScm::Repositories(
    const generators::ScmRequest& request) const {
  RETURN_IF_ERROR(error_);
  std::vector<generators::ScmRepository> out;
  for (const Repository& r : repositories_) {
    if (r.repository.organization == OwnerOf(request)) out.push_back(r.repository);
  }
  return out;
}

absl::StatusOr<std::vector<generators::ScmBranch>> RecordedScm::Branches(
    const generators::ScmRequest&, const generators::ScmRepository& repository, Which which) const {
  RETURN_IF_ERROR(error_);
  std::vector<generators::ScmBranch> out;
  const Repository* r = Find(repository.organization, repository.name);
  if (r == nullptr) return out;
  for (const Branch& b : r->branches) {
    if (which == Which::kAllBranches || b.branch.name == r->repository.default_branch) {
      out.push_back(b.branch);
    }
  }
  return out;
}

absl::StatusOr<bool> RecordedScm::PathExists(const generators::ScmRequest&,
                                             const generators::ScmRepository& repository,
                                             const generators::ScmBranch& branch,
                                             absl::string_view path) const {
  const Repository* r = Find(repository.organization, repository.name);
  if (r == nullptr) return false;
  for (const Branch& b : r->branches) {
    if (b.branch.name != branch.name) continue;
    return std::any_of(b.paths.begin(), b.paths.end(), [&](const std::string& p) {
      return p == path || absl::StartsWith(p, absl::StrCat(path, "/"));
    });
  }
  return false;
}

absl::StatusOr<std::vector<generators::PullRequest>> RecordedScm::List(
    const generators::ScmRequest& request) const {
  RETURN_IF_ERROR(error_);
  const std::string name(FindString(request.block, {"repo"}));
  const Repository* r = Find(OwnerOf(request), name);
  if (r == nullptr) {
    // As GitHub says it to Argo CD.
    const std::string api(FindString(request.block, {"api"}));
    return absl::NotFoundError(absl::StrCat(
        "GET ", api.empty() ? "https://api.github.com" : absl::StrCat(api, "/api/v3"), "/repos/",
        OwnerOf(request), "/", name, "/pulls?per_page=100: 404 Not Found []"));
  }
  return r->pulls;
}

absl::Status RecordedResources::LoadConfigMaps(const Value& file, bool plugin) {
  const Fields root(file, plugin ? "plugin-responses.yaml" : "resources.yaml");
  ASSIGN_OR_RETURN(const std::vector<Fields> maps, root.Structs("configMaps"));
  for (const Fields& item : maps) {
    ASSIGN_OR_RETURN(const std::string name, item.Text("name"));
    ASSIGN_OR_RETURN(const Value* data, item.Object("data"));
    std::map<std::string, std::string>& map = config_maps_[name];
    if (data != nullptr) {
      ASSIGN_OR_RETURN(map, item.TextMap("data"));
    } else if (plugin) {
      map["baseUrl"] = absl::StrCat("http://plugin.example.com/", name);
      map["token"] = "$plugin.token";
    }
  }
  return absl::OkStatus();
}

absl::Status RecordedResources::LoadPlugins(const Value& file) {
  RETURN_IF_ERROR(LoadConfigMaps(file, true));
  ASSIGN_OR_RETURN(responses_, Fields(file, "plugin-responses.yaml").List("responses"));
  return absl::OkStatus();
}

absl::Status RecordedResources::LoadResources(const Value& file) {
  RETURN_IF_ERROR(LoadConfigMaps(file, false));
  ASSIGN_OR_RETURN(resources_, Fields(file, "resources.yaml").List("resources"));
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> RecordedResources::ConfigMap(
    absl::string_view name) const {
  const auto it = config_maps_.find(std::string(name));
  if (it == config_maps_.end()) {
    return absl::NotFoundError(absl::StrCat("configmaps \"", name, "\" not found"));
  }
  return it->second;
}

absl::StatusOr<std::vector<Value>> RecordedResources::List(const ListRequest& request) const {
  std::vector<Value> out;
  const std::string api_version = absl::StrCat(request.group, "/", request.version);
  for (const Value& resource : resources_) {
    const std::string plural =
        absl::StrCat(absl::AsciiStrToLower(FindString(resource, {"kind"})), "s");
    if (FindString(resource, {"apiVersion"}) == api_version && plural == request.plural) {
      out.push_back(resource);
    }
  }
  std::sort(out.begin(), out.end(), [](const Value& a, const Value& b) {
    return FindString(a, {"metadata", "name"}) < FindString(b, {"metadata", "name"});
  });
  return out;
}

absl::StatusOr<generators::PluginAnswer> RecordedResources::Call(
    const generators::PluginRequest& request) const {
  if (request.token_secret != "argocd-secret" || request.token_key != "plugin.token") {
    return generators::PluginAnswer{403, "forbidden"};
  }
  for (const Value& response : responses_) {
    if (FindString(response, {"configMap"}) != request.config_map) continue;
    const Value* when = object::Find(response, {"when"});
    if (when != nullptr && !object::Equal(*when, request.parameters)) continue;
    generators::PluginAnswer answer;
    const Value* status = object::Find(response, {"status"});
    if (status != nullptr && status->is_int64())
      answer.http_status = static_cast<int>(status->get_int64());
    if (const Value* output = object::Find(response, {"output"})) {
      object::Object body;
      body["output"] = *output;
      answer.body = object::ToJson(Value(std::move(body)));
    } else {
      answer.body = std::string(FindString(response, {"body"}));
    }
    return answer;
  }
  return generators::PluginAnswer{404, "no recorded response fits"};
}

}  // namespace leidang::cli
