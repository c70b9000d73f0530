// The generators whose data comes from other services: scmProvider, pullRequest, plugin,
// clusterDecisionResource.

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/match/regexp.h"
#include "generators/application/typed.h"
#include "generators/kinds/evaluation.h"
#include "generators/kinds/slug.h"
#include "generators/params/params.h"
#include "generators/template/fmt.h"
#include "generators/template/go_json.h"
#include "generators/template/normalize.h"
#include "generators/template/value_json.h"
#include "generators/template/yaml_text.h"

namespace leidang::generators {

namespace {

using object::FindString;
using object::Value;

absl::Status Wrap(absl::string_view what, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(what, status.message()));
}

absl::Status NotConfigured(absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat("no ", what, " can be asked here"));
}

constexpr char kValues[] = "failed to append templated values: ";

std::string Quote(absl::string_view text) {
  return object::ToJson(Value(boost::json::string_view(text.data(), text.size())));
}

absl::StatusOr<std::optional<match::GoRegexp>> CompileMatch(
    const std::optional<std::string>& pattern, absl::string_view field) {
  if (!pattern.has_value()) return std::optional<match::GoRegexp>();
  absl::StatusOr<match::GoRegexp> compiled = match::GoRegexp::Compile(*pattern);
  if (compiled.ok()) return std::optional<match::GoRegexp>(*std::move(compiled));
  return Wrap(absl::StrCat("error compiling ", field, " regexp ", Quote(*pattern), ": "),
              compiled.status());
}

// Where a provider's block names the API that it is to be asked at. AWS has no such field.
std::string ApiUrl(const ProviderBlock& provider) {
  return std::string(FindString(provider.block, {"api"}));
}

absl::string_view First(absl::string_view text, size_t count) {
  return text.substr(0, std::min(text.size(), count));
}

}  // namespace

absl::Status Evaluation::CheckScmAllowed(const ProviderBlock& provider) const {
  const std::string url = ApiUrl(provider);
  const std::vector<std::string>& allowed = world_.options.allowed_scm_providers;
  if (url.empty() || allowed.empty() ||
      std::find(allowed.begin(), allowed.end(), url) != allowed.end()) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("scm provider not allowed: scm provider ", Quote(url),
                   " not allowed, must use one of the following: ", absl::StrJoin(allowed, ", ")));
}

namespace {

// A filter with any condition on a branch or its paths is applied to branches, as a whole; one on
// repositories only to repositories; an empty one not at all.
struct CompiledScmFilter {
  enum class Phase { kNone, kRepository, kBranch } phase = Phase::kNone;
  std::optional<match::GoRegexp> repository;
  std::optional<match::GoRegexp> label;
  std::optional<match::GoRegexp> branch;
  std::vector<std::string> paths_exist;
  std::vector<std::string> paths_do_not_exist;
};

std::vector<std::string> WithoutSlashes(const std::optional<std::vector<std::string>>& paths) {
  std::vector<std::string> out;
  if (!paths.has_value()) return out;
  for (absl::string_view path : *paths) {
    while (absl::ConsumeSuffix(&path, "/")) {
    }
    out.emplace_back(path);
  }
  return out;
}

absl::StatusOr<std::vector<CompiledScmFilter>> CompileFilters(const std::vector<ScmFilter>& filters,
                                                              bool interpolated) {
  std::vector<CompiledScmFilter> out;
  for (const ScmFilter& filter : filters) {
    CompiledScmFilter c;
    ASSIGN_OR_RETURN(c.repository, CompileMatch(filter.repository_match, "RepositoryMatch"));
    ASSIGN_OR_RETURN(c.label, CompileMatch(filter.label_match, "LabelMatch"));
    ASSIGN_OR_RETURN(c.branch, CompileMatch(filter.branch_match, "BranchMatch"));
    c.paths_exist = WithoutSlashes(filter.paths_exist);
    c.paths_do_not_exist = WithoutSlashes(filter.paths_do_not_exist);
    if (c.repository.has_value() || c.label.has_value()) {
      c.phase = CompiledScmFilter::Phase::kRepository;
    }
    // A first child of a matrix makes Argo CD take absent lists of paths for empty ones.
    if (interpolated || c.branch.has_value() || filter.paths_exist.has_value() ||
        filter.paths_do_not_exist.has_value()) {
      c.phase = CompiledScmFilter::Phase::kBranch;
    }
    out.push_back(std::move(c));
  }
  return out;
}

// Lists repositories and branches through the filters.
class ScmListing {
 public:
  ScmListing(const ScmWorld& scm, const ScmConfig& config, std::vector<CompiledScmFilter> filters)
      : scm_(scm), config_(config), filters_(std::move(filters)) {
    request_ = {config.provider.provider, config.provider.block};
  }

  struct Item {
    ScmRepository repository;
    std::string url;
    ScmBranch branch;
  };

  absl::StatusOr<std::vector<Item>> Run() {
    ASSIGN_OR_RETURN(const std::vector<ScmRepository> repositories, scm_.Repositories(request_));
    const bool all = AllBranches();
    std::vector<Item> items;
    for (const ScmRepository& repository : repositories) {
      ASSIGN_OR_RETURN(const std::string url, Url(repository));
      ASSIGN_OR_RETURN(const bool wanted,
                       Passes(CompiledScmFilter::Phase::kRepository, repository, nullptr));
      if (!wanted) continue;
      ASSIGN_OR_RETURN(
          const std::vector<ScmBranch> branches,
          scm_.Branches(request_, repository,
                        all ? ScmWorld::Which::kAllBranches : ScmWorld::Which::kDefaultBranch));
      for (const ScmBranch& branch : branches) {
        ASSIGN_OR_RETURN(const bool taken,
                         Passes(CompiledScmFilter::Phase::kBranch, repository, &branch));
        if (taken) items.push_back({repository, url, branch});
      }
    }
    return items;
  }

 private:
  bool AllBranches() const {
    const Value* flag = object::Find(config_.provider.block, {"allBranches"});
    return flag != nullptr && flag->is_bool() && flag->get_bool();
  }

  absl::StatusOr<std::string> Url(const ScmRepository& repository) const {
    std::string protocol = config_.clone_protocol.empty() ? "ssh" : config_.clone_protocol;
    // Azure DevOps is always cloned through https.
    if (config_.provider.provider == "azureDevOps") protocol = "https";
    const bool known = protocol == "ssh" || protocol == "https" ||
                       (protocol == "https-fips" && config_.provider.provider == "awsCodeCommit");
    if (!known) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown clone protocol for GitHub ", config_.clone_protocol));
    }
    const auto it = repository.clone_urls.find(protocol);
    return it == repository.clone_urls.end() ? std::string() : it->second;
  }

  // True where the phase has no filter, or one that all of its conditions hold for.
  absl::StatusOr<bool> Passes(CompiledScmFilter::Phase phase, const ScmRepository& repository,
                              const ScmBranch* branch) const {
    bool any = false;
    for (const CompiledScmFilter& filter : filters_) {
      if (filter.phase != phase) continue;
      any = true;
      ASSIGN_OR_RETURN(const bool matches, Matches(filter, repository, branch));
      if (matches) return true;
    }
    return !any;
  }

  absl::StatusOr<bool> Matches(const CompiledScmFilter& filter, const ScmRepository& repository,
                               const ScmBranch* branch) const {
    if (filter.repository.has_value() && !filter.repository->Matches(repository.name)) return false;
    if (filter.branch.has_value() && !filter.branch->Matches(branch->name)) return false;
    if (filter.label.has_value() &&
        std::none_of(repository.labels.begin(), repository.labels.end(),
                     [&](const std::string& label) { return filter.label->Matches(label); })) {
      return false;
    }
    for (const std::string& path : filter.paths_exist) {
      ASSIGN_OR_RETURN(const bool there, scm_.PathExists(request_, repository, *branch, path));
      if (!there) return false;
    }
    for (const std::string& path : filter.paths_do_not_exist) {
      ASSIGN_OR_RETURN(const bool there, scm_.PathExists(request_, repository, *branch, path));
      if (there) return false;
    }
    return true;
  }

  const ScmWorld& scm_;
  const ScmConfig& config_;
  const std::vector<CompiledScmFilter> filters_;
  ScmRequest request_;
};

TValue ScmParams(const ScmListing::Item& item) {
  const std::string& sha = item.branch.sha;
  TValue params = TValue::Map();
  TMap* map = params.mutable_map();
  map->Set("branch", TValue::String(item.branch.name));
  map->Set("branchNormalized", TValue::String(Normalize(item.branch.name)));
  map->Set("labels", TValue::String(absl::StrJoin(item.repository.labels, ",")));
  map->Set("organization", TValue::String(item.repository.organization));
  map->Set("repository", TValue::String(item.repository.name));
  const Value& id = item.repository.id;
  map->Set("repository_id", id.is_int64() ? TValue::Int64(id.get_int64()) : FromJson(id));
  map->Set("sha", TValue::String(sha));
  map->Set("short_sha", TValue::String(First(sha, 8)));
  map->Set("short_sha_7", TValue::String(First(sha, 7)));
  map->Set("url", TValue::String(item.url));
  return params;
}

}  // namespace

absl::Status Evaluation::Scm(const Body& body, const ScmConfig& config, bool interpolated,
                             Emit emit) {
  if (world_.options.scm_providers_disabled) {
    return absl::FailedPreconditionError("scm providers are disabled");
  }
  RETURN_IF_ERROR(CheckScmAllowed(config.provider));
  if (config.provider.provider.empty()) {
    return absl::InvalidArgumentError("no SCM provider implementation configured");
  }
  absl::StatusOr<std::vector<CompiledScmFilter>> filters =
      CompileFilters(config.filters, interpolated);
  if (!filters.ok()) return Wrap("error listing repos: ", filters.status());
  if (world_.scm == nullptr) return NotConfigured("SCM provider");
  const absl::StatusOr<std::vector<ScmListing::Item>> items =
      ScmListing(*world_.scm, config, *std::move(filters)).Run();
  if (!items.ok()) return Wrap("error listing repos: ", items.status());
  for (const ScmListing::Item& item : *items) {
    EmitWithValues(body, config.values, kValues, ScmParams(item), emit);
  }
  return absl::OkStatus();
}

namespace {

struct CompiledPullRequestFilter {
  std::optional<match::GoRegexp> branch;
  std::optional<match::GoRegexp> target_branch;
  std::optional<match::GoRegexp> title;

  bool Matches(const PullRequest& pull) const {
    return (!branch.has_value() || branch->Matches(pull.branch)) &&
           (!target_branch.has_value() || target_branch->Matches(pull.target_branch)) &&
           (!title.has_value() || title->Matches(pull.title));
  }
};

absl::StatusOr<std::vector<CompiledPullRequestFilter>> CompileFilters(
    const std::vector<PullRequestFilter>& filters) {
  std::vector<CompiledPullRequestFilter> out;
  for (const PullRequestFilter& filter : filters) {
    CompiledPullRequestFilter c;
    ASSIGN_OR_RETURN(c.branch, CompileMatch(filter.branch_match, "BranchMatch"));
    ASSIGN_OR_RETURN(c.target_branch,
                     CompileMatch(filter.target_branch_match, "TargetBranchMatch"));
    ASSIGN_OR_RETURN(c.title, CompileMatch(filter.title_match, "TitleMatch"));
    out.push_back(std::move(c));
  }
  return out;
}

bool HasLabels(const PullRequest& pull, const Value& block) {
  const Value* wanted = object::Find(block, {"labels"});
  if (wanted == nullptr || !wanted->is_array()) return true;
  return std::all_of(wanted->get_array().begin(), wanted->get_array().end(), [&](const Value& v) {
    if (!v.is_string()) return false;
    const std::string label(v.get_string().data(), v.get_string().size());
    return std::find(pull.labels.begin(), pull.labels.end(), label) != pull.labels.end();
  });
}

TValue PullRequestParams(const PullRequest& pull, bool go) {
  TValue params = TValue::Map();
  TMap* map = params.mutable_map();
  map->Set("author", TValue::String(pull.author));
  map->Set("branch", TValue::String(pull.branch));
  map->Set("branch_slug", TValue::String(BranchSlug(pull.branch)));
  map->Set("head_sha", TValue::String(pull.head_sha));
  map->Set("head_short_sha", TValue::String(First(pull.head_sha, 8)));
  map->Set("head_short_sha_7", TValue::String(First(pull.head_sha, 7)));
  // Go prints a list that was never filled as null.
  if (go) {
    map->Set("labels", pull.labels.empty() ? TValue::TypedNil(GoType::kStringList)
                                           : TValue::StringList(pull.labels));
  }
  map->Set("number", TValue::String(absl::StrCat(pull.number)));
  map->Set("target_branch", TValue::String(pull.target_branch));
  map->Set("target_branch_slug", TValue::String(BranchSlug(pull.target_branch)));
  map->Set("title", TValue::String(pull.title));
  return params;
}

}  // namespace

absl::Status Evaluation::PullRequests(const Body& body, const PullRequestConfig& config,
                                      Emit emit) {
  constexpr char kSelecting[] = "failed to select pull request service provider: ";
  if (world_.options.scm_providers_disabled) {
    return absl::FailedPreconditionError(absl::StrCat(kSelecting, "scm providers are disabled"));
  }
  if (absl::Status allowed = CheckScmAllowed(config.provider); !allowed.ok()) {
    return Wrap(kSelecting, allowed);
  }
  if (config.provider.provider.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kSelecting, "no Pull Request provider implementation configured"));
  }
  const absl::StatusOr<std::vector<CompiledPullRequestFilter>> filters =
      CompileFilters(config.filters);
  if (!filters.ok()) return Wrap("error listing repos: ", filters.status());
  if (world_.pull_requests == nullptr) return NotConfigured("pull request service");
  const absl::StatusOr<std::vector<PullRequest>> pulls =
      world_.pull_requests->List({config.provider.provider, config.provider.block});
  if (!pulls.ok()) {
    if (absl::IsNotFound(pulls.status()) && config.continue_on_repo_not_found) {
      return absl::OkStatus();
    }
    return Wrap("error listing repos: ", pulls.status());
  }
  for (const PullRequest& pull : *pulls) {
    const bool matches =
        filters->empty() || std::any_of(filters->begin(), filters->end(),
                                        [&](const auto& filter) { return filter.Matches(pull); });
    if (!matches || !HasLabels(pull, config.provider.block)) continue;
    EmitWithValues(body, config.values, kValues, PullRequestParams(pull, go()), emit);
  }
  return absl::OkStatus();
}

namespace {

constexpr char kDefaultSecret[] = "argocd-secret";

// `$key`, or `$secret:key`.
void ReadTokenReference(absl::string_view token, PluginRequest* request) {
  const std::vector<std::string> parts = absl::StrSplit(token, ':');
  if (parts.size() < 2) {
    request->token_secret = kDefaultSecret;
    request->token_key = std::string(token.substr(1));
    return;
  }
  request->token_secret = parts[0].substr(1);
  request->token_key = parts[1];
}

absl::StatusOr<PluginRequest> MakePluginRequest(const PluginConfig& config,
                                                const std::map<std::string, std::string>& data) {
  const auto member = [&](const char* name) {
    const auto it = data.find(name);
    return it == data.end() ? std::string() : it->second;
  };
  PluginRequest request;
  request.config_map = config.config_map;
  request.base_url = member("baseUrl");
  if (request.base_url.empty()) {
    return absl::InvalidArgumentError("error fetching ConfigMap: baseUrl not found in ConfigMap");
  }
  const std::string token = member("token");
  if (token.empty()) {
    return absl::InvalidArgumentError("error fetching ConfigMap: token not found in ConfigMap");
  }
  if (!absl::StartsWith(token, "$")) {
    return absl::InvalidArgumentError(
        absl::StrCat("error fetching Secret token: token is empty, or does not reference a secret "
                     "key starting with '$': ",
                     token));
  }
  ReadTokenReference(token, &request);
  int seconds = 30;
  if (data.count("requestTimeout") > 0 && !absl::SimpleAtoi(member("requestTimeout"), &seconds)) {
    return absl::InvalidArgumentError(
        absl::StrCat("error set requestTimeout : strconv.Atoi: parsing ",
                     Quote(member("requestTimeout")), ": invalid syntax"));
  }
  request.timeout = absl::Seconds(seconds == 0 ? 30 : seconds);
  request.parameters = config.parameters;
  return request;
}

// The first JSON value of a text, to its end where it is not complete; what stands behind it is not
// looked at.
absl::string_view FirstJson(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth <= 0) return text.substr(0, i + 1);
    } else if (depth == 0 && absl::ascii_isspace(static_cast<unsigned char>(c))) {
      return text.substr(0, i);
    }
  }
  return text;
}

// What an answer that reports an error says: its `message` or `error`, or all of it where it is no
// JSON object.
std::string ErrorMessage(const std::string& body) {
  const absl::StatusOr<Value> parsed = object::ParseJson(body);
  if (!parsed.ok() || !(parsed->is_object() || parsed->is_null())) return body;
  for (const absl::string_view field : {"message", "error"}) {
    const Value* text = object::Find(*parsed, {field});
    if (text != nullptr && text->is_string()) return std::string(FindString(*parsed, {field}));
  }
  return "";
}

// The objects of `output.parameters`; none in an empty body.
absl::StatusOr<std::vector<TValue>> ReadPluginAnswer(const PluginAnswer& answer) {
  if (answer.http_status < 200 || answer.http_status > 299) {
    return absl::FailedPreconditionError(absl::StrCat(
        "API error with status code ", answer.http_status, ": ", ErrorMessage(answer.body)));
  }
  std::vector<TValue> sets;
  const absl::string_view text = FirstJson(answer.body);
  if (text.empty()) return sets;
  const auto refused = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(why, ": ", answer.body));
  };
  TValue unused;
  if (absl::Status read = go::DecodeJson(text, &unused); !read.ok()) {
    return refused(read.message() == "unexpected end of JSON input" ? "unexpected EOF"
                                                                    : read.message());
  }
  ASSIGN_OR_RETURN(const Value body, object::ParseJson(text));
  const auto mistyped = [&](const Value& found, absl::string_view field, absl::string_view type) {
    return refused(gotmpl::JsonTypeError(found, type, field));
  };
  if (!body.is_object() && !body.is_null()) return mistyped(body, "", "plugin.ServiceResponse");
  const Value* output = object::Find(body, {"output"});
  if (output == nullptr || output->is_null()) return sets;
  if (!output->is_object()) return mistyped(*output, "ServiceResponse.output", "plugin.Output");
  const Value* list = object::Find(*output, {"parameters"});
  if (list == nullptr || list->is_null()) return sets;
  constexpr char kField[] = "Output.output.parameters";
  if (!list->is_array()) return mistyped(*list, kField, "[]map[string]interface {}");
  for (const Value& item : list->get_array()) {
    if (!item.is_object() && !item.is_null()) {
      return mistyped(item, kField, "map[string]interface {}");
    }
    sets.push_back(item.is_null() ? TValue::Map() : FromJson(item));
  }
  return sets;
}

}  // namespace

absl::Status Evaluation::Plugin(const Body& body, const PluginConfig& config, bool interpolated,
                                Emit emit) {
  constexpr char kPlugin[] = "error getting plugin from generator: ";
  if (world_.resources == nullptr || world_.plugins == nullptr) {
    return NotConfigured("generator plugin");
  }
  const auto data = world_.resources->ConfigMap(config.config_map);
  if (!data.ok()) {
    return Wrap(absl::StrCat(kPlugin, "error fetching ConfigMap: "), data.status());
  }
  absl::StatusOr<PluginRequest> request = MakePluginRequest(config, *data);
  if (!request.ok()) return Wrap(kPlugin, request.status());
  request->application_set = set_.name;
  const auto listing = [&](const absl::Status& status) {
    return Wrap(absl::StrCat("error listing params: error get api '", set_.name, "': "), status);
  };
  const absl::StatusOr<PluginAnswer> answer = world_.plugins->Call(*request);
  if (!answer.ok()) return listing(answer.status());
  const absl::StatusOr<std::vector<TValue>> sets = ReadPluginAnswer(*answer);
  if (!sets.ok()) return listing(sets.status());
  TValue input = TValue::Map();
  // Go prints a map that is not there as null, and interpolation makes one.
  const bool absent = !config.has_parameters && !interpolated;
  input.mutable_map()->Set(
      "parameters", absent ? TValue::TypedNil(GoType::kAnyMap) : RawParameters(config.parameters));
  TValue generator = TValue::Map();
  generator.mutable_map()->Set("input", std::move(input));
  TValue own = TValue::Map();
  own.mutable_map()->Set("generator", std::move(generator));
  for (const TValue& object : *sets) {
    TValue params = TValue::Layered({own, go() ? object : FlatParamsOf(object)});
    EmitWithValues(body, config.values, "error generating params: ", params, emit);
  }
  return absl::OkStatus();
}

namespace {

bool HasSelector(const Value& selector) {
  for (const absl::string_view name : {"matchLabels", "matchExpressions"}) {
    const Value* member = object::Find(selector, {name});
    if (member != nullptr && !member->is_null()) return true;
  }
  return false;
}

// What the decision's ConfigMap says.
struct DecisionRules {
  ResourceWorld::ListRequest resource;
  std::string list_key;
  std::string match_key;
};

absl::StatusOr<DecisionRules> ReadRules(const std::map<std::string, std::string>& data) {
  const auto member = [&](const char* name) {
    const auto it = data.find(name);
    return it == data.end() ? std::string() : it->second;
  };
  DecisionRules rules;
  const std::string api_version = member("apiVersion");
  const size_t slash = api_version.find('/');
  rules.resource.plural = member("kind");
  if (rules.resource.plural.empty() || slash == std::string::npos || slash == 0) {
    return absl::InvalidArgumentError(
        "there is a problem with the apiVersion, kind or resourceName provided");
  }
  rules.resource.group = api_version.substr(0, slash);
  rules.resource.version = api_version.substr(slash + 1);
  rules.list_key = member("statusListKey");
  if (rules.list_key.empty()) rules.list_key = "clusters";
  rules.match_key = member("matchKey");
  return rules;
}

// The entries of the status of each object. A list that is not there although there is a status
// makes Argo CD crash.
absl::StatusOr<std::vector<Value>> ReadDecisions(const std::vector<Value>& objects,
                                                 const std::string& list_key) {
  std::vector<Value> out;
  for (const Value& object : objects) {
    const Value* status = object::Find(object, {"status"});
    if (status == nullptr || !status->is_object() || status->get_object().empty()) continue;
    const Value* list = object::Find(*status, {list_key});
    const std::string name(FindString(object, {"metadata", "name"}));
    if (list == nullptr || !list->is_array()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the status of ", name, " has no list ", list_key));
    }
    for (const Value& item : list->get_array()) {
      if (!item.is_object()) {
        return absl::InvalidArgumentError(
            absl::StrCat("status.", list_key, " of ", name, " holds something else than objects"));
      }
      out.push_back(item);
    }
  }
  return out;
}

}  // namespace

absl::Status Evaluation::Decisions(const Body&, const DecisionConfig& config, bool interpolated,
                                   Emit emit) {
  if (world_.resources == nullptr) return NotConfigured("resource of the control namespace");
  const auto data = world_.resources->ConfigMap(config.config_map);
  if (!data.ok()) return Wrap("error reading configMapRef: ", data.status());
  ASSIGN_OR_RETURN(const DecisionRules rules, ReadRules(*data));
  // A first child of a matrix makes Argo CD take an absent selector for a present one.
  const bool selects = interpolated || HasSelector(config.label_selector);
  if (config.name.empty() != selects) {
    return absl::InvalidArgumentError(
        "there is a problem with the definition of the ClusterDecisionResource generator");
  }
  const Value chosen =
      config.label_selector.is_null() ? Value(object::Object()) : config.label_selector;
  ASSIGN_OR_RETURN(const match::Selector selector,
                   match::Selector::Parse(chosen, match::Selector::Rules::kLabels));
  absl::StatusOr<std::vector<Value>> objects = world_.resources->List(rules.resource);
  if (!objects.ok()) return Wrap("failed to get dynamic resources: ", objects.status());
  const auto unwanted = [&](const Value& object) {
    if (!config.name.empty()) return FindString(object, {"metadata", "name"}) != config.name;
    const Value* labels = object::Find(object, {"metadata", "labels"});
    return !selector.Matches([&](absl::string_view key) -> std::optional<absl::string_view> {
      const Value* v = labels == nullptr ? nullptr : object::Find(*labels, {key});
      if (v == nullptr || !v->is_string()) return std::nullopt;
      return absl::string_view(v->get_string().data(), v->get_string().size());
    });
  };
  objects->erase(std::remove_if(objects->begin(), objects->end(), unwanted), objects->end());
  if (objects->empty()) return absl::NotFoundError("no clusterDecisionResources found");
  if (rules.match_key.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Value> decisions, ReadDecisions(*objects, rules.list_key));
  std::map<std::string, const Cluster*> clusters;
  bool local = world_.implicit_local_cluster;
  for (const Cluster& cluster : world_.clusters) {
    clusters.emplace(cluster.name, &cluster);
    local = local && cluster.server != kLocalClusterServer;
  }
  Cluster implicit;
  implicit.name = kLocalClusterName;
  implicit.server = kLocalClusterServer;
  if (local) clusters.emplace(implicit.name, &implicit);
  for (const Value& decision : decisions) {
    const Value* match = object::Find(decision, {rules.match_key});
    if (match == nullptr || match->is_null()) continue;
    const auto cluster = clusters.find(go::Plain(FromUnstructured(*match)));
    if (cluster == clusters.end()) continue;
    TValue params = TValue::Map();
    TMap* map = params.mutable_map();
    map->Set("name", TValue::String(cluster->second->name));
    map->Set("server", TValue::String(cluster->second->server));
    for (const auto& [key, value] : decision.get_object()) {
      map->Set({key.data(), key.size()}, TValue::String(go::Plain(FromUnstructured(value))));
    }
    if (go() && !config.values.empty()) map->Set("values", TextMap(config.values));
    for (const auto& [key, value] : config.values) {
      if (!go()) map->Set(absl::StrCat("values.", key), TValue::String(value));
    }
    emit(std::move(params));
  }
  return absl::OkStatus();
}

}  // namespace leidang::generators
