#include "generators/kinds/config.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "generators/application/typed.h"
#include "generators/kinds/fields.h"
#include "generators/params/text_template.h"

namespace leidang::generators {

namespace {

using object::Value;

constexpr absl::string_view kScmProviders[] = {
    "github", "gitlab", "gitea", "bitbucketServer", "azureDevOps", "bitbucket", "awsCodeCommit"};
constexpr absl::string_view kPullRequestProviders[] = {
    "github", "gitlab", "gitea", "bitbucketServer", "bitbucket", "azuredevops"};

constexpr absl::Duration kGitRequeue = absl::Minutes(3);
constexpr absl::Duration kScmRequeue = absl::Minutes(30);

template <size_t N>
absl::StatusOr<ProviderBlock> ReadProvider(const Fields& fields,
                                           const absl::string_view (&providers)[N]) {
  for (const absl::string_view provider : providers) {
    ASSIGN_OR_RETURN(const Value* block, fields.Object(provider));
    if (block != nullptr) return ProviderBlock{std::string(provider), *block};
  }
  return ProviderBlock{};
}

absl::StatusOr<std::vector<PathRule>> ReadRules(const Fields& fields, absl::string_view name) {
  std::vector<PathRule> rules;
  ASSIGN_OR_RETURN(const std::vector<Fields> items, fields.Structs(name));
  for (const Fields& item : items) {
    PathRule rule;
    ASSIGN_OR_RETURN(rule.path, item.Text("path"));
    ASSIGN_OR_RETURN(rule.exclude, item.Flag("exclude"));
    rules.push_back(std::move(rule));
  }
  return rules;
}

absl::StatusOr<ListConfig> ReadList(const Fields& fields) {
  ListConfig config;
  ASSIGN_OR_RETURN(config.elements, fields.List("elements"));
  ASSIGN_OR_RETURN(config.elements_yaml, fields.Text("elementsYaml"));
  return config;
}

absl::StatusOr<ClustersConfig> ReadClusters(const Fields& fields) {
  ClustersConfig config;
  ASSIGN_OR_RETURN(const Value* selector, fields.Object("selector"));
  config.selector = selector == nullptr ? Value(object::Object()) : *selector;
  ASSIGN_OR_RETURN(config.values, fields.TextMap("values"));
  ASSIGN_OR_RETURN(config.flat_list, fields.Flag("flatList"));
  return config;
}

absl::StatusOr<GitConfig> ReadGit(const Fields& fields) {
  GitConfig config;
  ASSIGN_OR_RETURN(config.repo_url, fields.Text("repoURL"));
  ASSIGN_OR_RETURN(config.revision, fields.Text("revision"));
  ASSIGN_OR_RETURN(config.directories, ReadRules(fields, "directories"));
  ASSIGN_OR_RETURN(config.files, ReadRules(fields, "files"));
  ASSIGN_OR_RETURN(config.path_param_prefix, fields.Text("pathParamPrefix"));
  ASSIGN_OR_RETURN(config.values, fields.TextMap("values"));
  return config;
}

absl::StatusOr<ScmConfig> ReadScm(const Fields& fields) {
  ScmConfig config;
  ASSIGN_OR_RETURN(config.provider, ReadProvider(fields, kScmProviders));
  ASSIGN_OR_RETURN(config.clone_protocol, fields.Text("cloneProtocol"));
  ASSIGN_OR_RETURN(const std::vector<Fields> filters, fields.Structs("filters"));
  for (const Fields& item : filters) {
    ScmFilter filter;
    ASSIGN_OR_RETURN(filter.repository_match, item.OptionalText("repositoryMatch"));
    ASSIGN_OR_RETURN(filter.label_match, item.OptionalText("labelMatch"));
    ASSIGN_OR_RETURN(filter.branch_match, item.OptionalText("branchMatch"));
    ASSIGN_OR_RETURN(filter.paths_exist, item.OptionalTexts("pathsExist"));
    ASSIGN_OR_RETURN(filter.paths_do_not_exist, item.OptionalTexts("pathsDoNotExist"));
    config.filters.push_back(std::move(filter));
  }
  ASSIGN_OR_RETURN(config.values, fields.TextMap("values"));
  return config;
}

absl::StatusOr<PullRequestConfig> ReadPullRequest(const Fields& fields) {
  PullRequestConfig config;
  ASSIGN_OR_RETURN(config.provider, ReadProvider(fields, kPullRequestProviders));
  ASSIGN_OR_RETURN(const std::vector<Fields> filters, fields.Structs("filters"));
  for (const Fields& item : filters) {
    PullRequestFilter filter;
    ASSIGN_OR_RETURN(filter.branch_match, item.OptionalText("branchMatch"));
    ASSIGN_OR_RETURN(filter.target_branch_match, item.OptionalText("targetBranchMatch"));
    ASSIGN_OR_RETURN(filter.title_match, item.OptionalText("titleMatch"));
    config.filters.push_back(std::move(filter));
  }
  ASSIGN_OR_RETURN(config.continue_on_repo_not_found, fields.Flag("continueOnRepoNotFoundError"));
  ASSIGN_OR_RETURN(config.values, fields.TextMap("values"));
  return config;
}

absl::StatusOr<PluginConfig> ReadPlugin(const Fields& fields) {
  PluginConfig config;
  ASSIGN_OR_RETURN(const std::optional<Fields> reference, fields.Struct("configMapRef"));
  if (reference.has_value()) {
    ASSIGN_OR_RETURN(config.config_map, reference->Text("name"));
  }
  config.parameters = object::Object();
  ASSIGN_OR_RETURN(const std::optional<Fields> input, fields.Struct("input"));
  if (input.has_value()) {
    ASSIGN_OR_RETURN(const Value* parameters, input->Object("parameters"));
    config.has_parameters = parameters != nullptr;
    if (parameters != nullptr) config.parameters = *parameters;
  }
  ASSIGN_OR_RETURN(config.values, fields.TextMap("values"));
  return config;
}

absl::StatusOr<DecisionConfig> ReadDecision(const Fields& fields) {
  DecisionConfig config;
  ASSIGN_OR_RETURN(config.config_map, fields.Text("configMapRef"));
  ASSIGN_OR_RETURN(config.name, fields.Text("name"));
  ASSIGN_OR_RETURN(const Value* selector, fields.Object("labelSelector"));
  if (selector != nullptr) config.label_selector = *selector;
  ASSIGN_OR_RETURN(config.values, fields.TextMap("values"));
  return config;
}

// How a kind is read: its fields, and how long what it fetches may age.
struct KindRule {
  absl::string_view kind;
  std::vector<absl::string_view> fields;
  std::optional<absl::Duration> requeue;
};

const std::vector<KindRule>& Rules() {
  static const std::vector<KindRule> rules = {
      {"list", {"elements", "elementsYaml", "template"}, std::nullopt},
      {"clusters", {"selector", "values", "flatList", "template"}, std::nullopt},
      {"git",
       {"repoURL", "revision", "directories", "files", "pathParamPrefix", "values",
        "requeueAfterSeconds", "template"},
       kGitRequeue},
      {"scmProvider",
       {"github", "gitlab", "gitea", "bitbucketServer", "azureDevOps", "bitbucket", "awsCodeCommit",
        "cloneProtocol", "filters", "values", "requeueAfterSeconds", "template"},
       kScmRequeue},
      {"clusterDecisionResource",
       {"configMapRef", "name", "labelSelector", "values", "requeueAfterSeconds", "template"},
       kGitRequeue},
      {"pullRequest",
       {"github", "gitlab", "gitea", "bitbucketServer", "bitbucket", "azuredevops", "filters",
        "continueOnRepoNotFoundError", "values", "requeueAfterSeconds", "template"},
       kScmRequeue},
      {"matrix", {"generators", "template"}, std::nullopt},
      {"merge", {"generators", "mergeKeys", "template"}, std::nullopt},
      {"plugin",
       {"configMapRef", "input", "values", "requeueAfterSeconds", "template"},
       kScmRequeue},
  };
  return rules;
}

bool HoldsTemplate(const Value& value) {
  if (value.is_string()) {
    return HasTemplate({value.get_string().data(), value.get_string().size()});
  }
  if (value.is_array()) {
    return std::any_of(value.get_array().begin(), value.get_array().end(), HoldsTemplate);
  }
  if (!value.is_object()) return false;
  return std::any_of(value.get_object().begin(), value.get_object().end(), [](const auto& member) {
    return HasTemplate({member.key().data(), member.key().size()}) || HoldsTemplate(member.value());
  });
}

template <typename Config>
absl::Status Assign(absl::StatusOr<Config> config, Body* body) {
  if (!config.ok()) return config.status();
  body->config = *std::move(config);
  return absl::OkStatus();
}

std::optional<absl::Duration> LeastRequeue(const std::vector<Entry>& entries) {
  std::optional<absl::Duration> least;
  for (const Entry& entry : entries) {
    for (const Body& body : entry.bodies) {
      if (body.requeue_after.has_value() && (!least.has_value() || *body.requeue_after < *least)) {
        least = body.requeue_after;
      }
    }
  }
  return least;
}

absl::Status ReadChildren(const Fields& fields, Nesting nesting, int depth, Body* body) {
  const Value* list = fields.Find("generators");
  const std::string path = absl::StrCat(body->path, ".generators");
  ASSIGN_OR_RETURN(std::vector<Entry> children,
                   ParseEntries(list == nullptr ? Value() : *list, path, nesting, depth + 1));
  body->requeue_after = LeastRequeue(children);
  if (body->kind == "matrix") {
    body->config = MatrixConfig{std::move(children)};
    return absl::OkStatus();
  }
  MergeConfig config{std::move(children), {}};
  ASSIGN_OR_RETURN(config.keys, fields.Texts("mergeKeys"));
  body->config = std::move(config);
  return absl::OkStatus();
}

absl::Status ReadConfig(const Fields& fields, Nesting nesting, int depth, Body* body) {
  if (body->kind == "list") return Assign(ReadList(fields), body);
  if (body->kind == "clusters") return Assign(ReadClusters(fields), body);
  if (body->kind == "git") return Assign(ReadGit(fields), body);
  if (body->kind == "scmProvider") return Assign(ReadScm(fields), body);
  if (body->kind == "clusterDecisionResource") return Assign(ReadDecision(fields), body);
  if (body->kind == "pullRequest") return Assign(ReadPullRequest(fields), body);
  if (body->kind == "plugin") return Assign(ReadPlugin(fields), body);
  return ReadChildren(fields, nesting, depth, body);
}

absl::Status ReadRequeue(const Fields& fields, std::optional<absl::Duration> normal, Body* body) {
  if (!normal.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<int64_t> seconds,
                   fields.OptionalInteger("requeueAfterSeconds"));
  if (!seconds.has_value()) {
    body->requeue_after = normal;
  } else if (*seconds > 0) {
    body->requeue_after = absl::Seconds(*seconds);
  }
  return absl::OkStatus();
}

absl::StatusOr<Body> ReadBody(const Value& value, const KindRule& rule, const std::string& path,
                              Nesting nesting, int depth) {
  Body body;
  body.path = path;
  body.kind = rule.kind;
  if (!value.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected an object, found ", KindOf(value)));
  }
  object::Object known;
  for (const absl::string_view name : rule.fields) {
    if (const Value* field = object::Find(value, {name})) {
      known[boost::json::string_view(name.data(), name.size())] = *field;
    }
  }
  body.source = std::move(known);
  body.templated = HoldsTemplate(body.source);
  const Fields fields(body.source, path);
  RETURN_IF_ERROR(ReadConfig(fields, nesting, depth, &body));
  RETURN_IF_ERROR(ReadRequeue(fields, rule.requeue, &body));
  const Value* own = fields.Find("template");
  ASSIGN_OR_RETURN(body.own_template, ThroughType(own == nullptr ? Value() : *own, TemplateType(),
                                                  absl::StrCat(path, ".template")));
  return body;
}

}  // namespace

const std::vector<absl::string_view>& KnownKinds() {
  static const std::vector<absl::string_view> kinds = [] {
    std::vector<absl::string_view> out;
    for (const KindRule& rule : Rules()) out.push_back(rule.kind);
    return out;
  }();
  return kinds;
}

absl::StatusOr<Entry> ParseEntry(const Value& value, const std::string& path, Nesting nesting,
                                 int depth) {
  constexpr int kDepthMax = 50;
  if (depth > kDepthMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": generators nest deeper than ", kDepthMax, " levels"));
  }
  Entry entry;
  entry.path = path;
  if (value.is_null()) return entry;
  if (!value.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected an object, found ", KindOf(value)));
  }
  const Value* selector = object::Find(value, {"selector"});
  if (selector != nullptr && !selector->is_null()) entry.selector = *selector;
  for (const KindRule& rule : Rules()) {
    const Value* body = object::Find(value, {rule.kind});
    if (body == nullptr || body->is_null()) continue;
    const bool nests = rule.kind == "matrix" || rule.kind == "merge";
    if (nests && depth >= 2 && nesting == Nesting::kAsArgoCd) continue;
    ASSIGN_OR_RETURN(Body read,
                     ReadBody(*body, rule, absl::StrCat(path, ".", rule.kind), nesting, depth));
    entry.bodies.push_back(std::move(read));
  }
  return entry;
}

absl::StatusOr<std::vector<Entry>> ParseEntries(const Value& list, const std::string& path,
                                                Nesting nesting, int depth) {
  std::vector<Entry> entries;
  if (list.is_null()) return entries;
  if (!list.is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected a list, found ", KindOf(list)));
  }
  for (size_t i = 0; i < list.get_array().size(); ++i) {
    ASSIGN_OR_RETURN(Entry entry, ParseEntry(list.get_array()[i], absl::StrCat(path, "[", i, "]"),
                                             nesting, depth));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace leidang::generators
