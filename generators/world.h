#pragma once

// World: everything outside an ApplicationSet that its expansion may look at, pinned before the
// expansion starts.
//
// Generators do no I/O. What has to be fetched (Git trees, pull requests, plugin answers, …) stands
// behind the small ports below; an implementation answers from data that is already there. Each
// port tells three cases apart:
//   kUnavailable   not fetched yet. The caller's port notes what was asked, the expansion goes on
//   with everything else
//                  (so that one pass finds all that is missing) and ends `incomplete`; fetch, then
//                  expand again;
//   any other error  the source answered with a failure: a failed generator, which keeps the last
//   good expansion; a value        the answer, empty or not.
// A port must answer the same question in the same way for as long as the expansion runs.
//
// Ownership: World holds plain values and pointers to ports; the ports must outlive every expansion
// that uses them. A null port means that this kind of source is not configured: asking it is an
// error that says so. Thread rule: immutable during an expansion; ports are called on the expanding
// thread only, through const methods.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

#include "common/object/sha256.h"
#include "common/object/value.h"

namespace leidang::generators {

// What Argo CD calls the cluster that it runs in.
inline constexpr char kLocalClusterName[] = "in-cluster";
inline constexpr char kLocalClusterServer[] = "https://kubernetes.default.svc";

// A registered cluster as the clusters generator sees it.
struct Cluster {
  std::string name;
  std::string server;
  std::optional<std::string> project;  // Absent and empty give the same parameter.
  // All labels of the registration. A registration made from a cluster Secret has
  // `argocd.argoproj.io/secret-type: cluster` among them; the hub adds it to its own registrations
  // too.
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  // Breaks ties between registrations of one name: the greatest one counts (names are unique at the
  // hub).
  std::string secret_name;
};

// One committed version of a repository's files.
class GitTree {
 public:
  enum class Mode { kRegular, kExecutable, kSymlink };

  struct File {
    std::string path;  // Relative to the root, '/' between names, no leading one.
    Mode mode = Mode::kRegular;
  };

  virtual ~GitTree() = default;

  // 40 (or 64) lower-case hexadecimal digits.
  virtual absl::string_view Commit() const = 0;
  // Every directory but the root, submodules included, sorted by the bytes of the path.
  virtual absl::Span<const std::string> Directories() const = 0;
  // Every file and symbolic link, sorted by the bytes of the path.
  virtual absl::Span<const File> Files() const = 0;
  // The content of a file, or the target text of a symbolic link. The view lives as long as the
  // tree. kNotFound where `path` is no entry of Files().
  virtual absl::StatusOr<absl::string_view> Read(absl::string_view path) const = 0;
};

struct GitRequest {
  std::string repo_url;  // As written in the generator.
  std::string revision;  // Branch, tag, commit, `HEAD`, or a semver range over tags.
  // Whose credentials apply; empty for a templated or absent project.
  std::string project;
};

class GitWorld {
 public:
  virtual ~GitWorld() = default;
  // kNotFound: no such repository or revision.
  virtual absl::StatusOr<std::shared_ptr<const GitTree>> Tree(const GitRequest& request) const = 0;
};

// One repository of an SCM provider, as its listing shows it.
struct ScmRepository {
  std::string organization;
  std::string name;
  // As the provider counts them; printed as a number, or as text where the provider's ids are text.
  object::Value id;
  std::string default_branch;
  std::vector<std::string> labels;
  std::map<std::string, std::string> clone_urls;  // By protocol: `ssh`, `https`, `https-fips`.
};

struct ScmBranch {
  std::string name;
  std::string sha;
};

// `provider` is the field's name (`github`, `gitlab`, …), `block` its content after interpolation.
struct ScmRequest {
  std::string provider;
  object::Value block;
};

class ScmWorld {
 public:
  virtual ~ScmWorld() = default;
  virtual absl::StatusOr<std::vector<ScmRepository>> Repositories(
      const ScmRequest& request) const = 0;
  // All branches, or only the default one (none if that does not exist).
  enum class Which { kDefaultBranch, kAllBranches };
  virtual absl::StatusOr<std::vector<ScmBranch>> Branches(const ScmRequest& request,
                                                          const ScmRepository& repository,
                                                          Which which) const = 0;
  // True for a file and for a directory.
  virtual absl::StatusOr<bool> PathExists(const ScmRequest& request,
                                          const ScmRepository& repository, const ScmBranch& branch,
                                          absl::string_view path) const = 0;
};

struct PullRequest {
  // Fits every provider; printed in decimal.
  int64_t number = 0;
  std::string title;
  std::string branch;
  std::string target_branch;
  std::string head_sha;
  std::string author;
  std::vector<std::string> labels;
};

class PullRequestWorld {
 public:
  virtual ~PullRequestWorld() = default;
  // All that the provider lists for `block` (the generator filters by its `labels` and `filters`).
  // kNotFound: no such repository, which `continueOnRepoNotFoundError` turns into none.
  virtual absl::StatusOr<std::vector<PullRequest>> List(const ScmRequest& request) const = 0;
};

// A call of a plugin, complete but for the secret's value.
struct PluginRequest {
  std::string application_set;
  std::string config_map;
  std::string base_url;
  // Where the token is: `$key` means the default secret.
  std::string token_secret;
  std::string token_key;
  absl::Duration timeout;
  object::Value parameters;  // The object under `input.parameters`.
};

struct PluginAnswer {
  int http_status = 200;
  std::string body;
};

class PluginWorld {
 public:
  virtual ~PluginWorld() = default;
  virtual absl::StatusOr<PluginAnswer> Call(const PluginRequest& request) const = 0;
};

// Objects of the control namespace that generators read.
class ResourceWorld {
 public:
  virtual ~ResourceWorld() = default;
  // `data` of a ConfigMap. kNotFound where there is none.
  virtual absl::StatusOr<std::map<std::string, std::string>> ConfigMap(
      absl::string_view name) const = 0;

  struct ListRequest {
    std::string group;
    std::string version;
    std::string plural;  // Lower case, as in the resource's path.
  };
  // Every object of a resource, sorted by name. kNotFound where the API server does not know the
  // resource.
  virtual absl::StatusOr<std::vector<object::Value>> List(const ListRequest& request) const = 0;
};

// Settings of the server that change what a generator gives.
struct ServerOptions {
  bool new_git_file_globbing = false;
  bool include_hidden_directories = false;
  bool scm_providers_disabled = false;
  // API URLs that SCM and pull request generators may name. Empty: any.
  std::vector<std::string> allowed_scm_providers;
};

struct World {
  std::string control_namespace = "leidang";

  std::vector<Cluster> clusters;  // In any order.
  // Whether the clusters generator adds kLocalClusterName where no registration has its server and
  // no selector is given, and whether a destination may name it without registration.
  bool implicit_local_cluster = false;

  std::set<std::string> projects;  // Names of the AppProjects.

  const GitWorld* git = nullptr;
  const ScmWorld* scm = nullptr;
  const PullRequestWorld* pull_requests = nullptr;
  const PluginWorld* plugins = nullptr;
  const ResourceWorld* resources = nullptr;

  ServerOptions options;

  // Digest of the set's pinned inputs: what `rand*`, `uuidv4` and `gen*` in templates are seeded
  // from, so that output changes only when an input does.
  object::Sha256 seed;
  // What `now` gives: the time at which the inputs were pinned, never the time of the expansion.
  absl::Time pinned_at = absl::UnixEpoch();
};

}  // namespace leidang::generators
