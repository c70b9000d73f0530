#pragma once

// Generators as a set spells them, read and checked. Plain data; thread-safe once built.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/object/value.h"

namespace leidang::generators {

// User constants: name to template.
using Values = std::map<std::string, std::string>;

struct ListConfig {
  std::vector<object::Value> elements;
  std::string elements_yaml;
};

struct ClustersConfig {
  object::Value selector;  // An object; empty where none is given.
  Values values;
  bool flat_list = false;
};

struct PathRule {
  std::string path;
  bool exclude = false;
};

struct GitConfig {
  std::string repo_url;
  std::string revision;
  std::vector<PathRule> directories;
  std::vector<PathRule> files;
  std::string path_param_prefix;
  Values values;
};

// `scmProvider` and `pullRequest` name their provider by which block is there.
struct ProviderBlock {
  std::string provider;  // Empty where there is none.
  object::Value block;
};

struct ScmFilter {
  std::optional<std::string> repository_match;
  std::optional<std::string> label_match;
  std::optional<std::string> branch_match;
  std::optional<std::vector<std::string>> paths_exist;
  std::optional<std::vector<std::string>> paths_do_not_exist;
};

struct ScmConfig {
  ProviderBlock provider;
  std::string clone_protocol;
  std::vector<ScmFilter> filters;
  Values values;
};

struct PullRequestFilter {
  std::optional<std::string> branch_match;
  std::optional<std::string> target_branch_match;
  std::optional<std::string> title_match;
};

struct PullRequestConfig {
  ProviderBlock provider;
  std::vector<PullRequestFilter> filters;
  bool continue_on_repo_not_found = false;
  Values values;
};

struct PluginConfig {
  std::string config_map;
  object::Value parameters;  // An object.
  bool has_parameters = false;
  Values values;
};

struct DecisionConfig {
  std::string config_map;
  std::string name;
  object::Value label_selector;  // An object, or null where none is given.
  Values values;
};

struct Entry;

struct MatrixConfig {
  std::vector<Entry> generators;
};

struct MergeConfig {
  std::vector<Entry> generators;
  std::vector<std::string> keys;
};

// One generator of one kind.
struct Body {
  std::string path;  // `spec.generators[0].git`.
  absl::string_view kind;
  object::Value source;  // As written, without fields that Argo CD does not know.
  std::variant<ListConfig, ClustersConfig, GitConfig, ScmConfig, DecisionConfig, PullRequestConfig,
               MatrixConfig, MergeConfig, PluginConfig>
      config;
  object::Value own_template;  // Has passed ThroughType with TemplateType().
  // Some text of it, its children's included, may hold a template: then a matrix's first child can
  // change it.
  bool templated = false;
  std::optional<absl::Duration> requeue_after;
};

// One element of a list `generators`: usually one generator, with its post-selector.
struct Entry {
  std::string path;
  std::optional<object::Value> selector;
  std::vector<Body> bodies;  // In Argo CD's order of evaluation.
};

// What nested matrix and merge generators may hold.
enum class Nesting {
  kAsArgoCd,  // Two levels, and then terminal generators only; a deeper one reads as nothing.
  kAnyDepth,
};

// kInvalidArgument "<path>.repoURL: expected text, found a number".
absl::StatusOr<std::vector<Entry>> ParseEntries(const object::Value& list, const std::string& path,
                                                Nesting nesting, int depth);
absl::StatusOr<Entry> ParseEntry(const object::Value& entry, const std::string& path,
                                 Nesting nesting, int depth);

// Member names that are generator kinds, in the order of evaluation.
const std::vector<absl::string_view>& KnownKinds();

}  // namespace leidang::generators
