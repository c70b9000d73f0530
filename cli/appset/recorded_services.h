#pragma once

// The services that generators ask, answering from files. Immutable once made.

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/object/value.h"
#include "generators/world.h"

namespace leidang::cli {

// `scm.yaml`, with the rules of GitHub.
class RecordedScm final : public generators::ScmWorld, public generators::PullRequestWorld {
 public:
  absl::Status Load(const object::Value& file);

  absl::StatusOr<std::vector<generators::ScmRepository>> Repositories(
      const generators::ScmRequest& request) const override;
  absl::StatusOr<std::vector<generators::ScmBranch>> Branches(
      const generators::ScmRequest& request, const generators::ScmRepository& repository,
      Which which) const override;
  absl::StatusOr<bool> PathExists(const generators::ScmRequest& request,
                                  const generators::ScmRepository& repository,
                                  const generators::ScmBranch& branch,
                                  absl::string_view path) const override;
  absl::StatusOr<std::vector<generators::PullRequest>> List(
      const generators::ScmRequest& request) const override;

 private:
  struct Branch {
    generators::ScmBranch branch;
    std::vector<std::string> paths;
  };
  struct Repository {
    generators::ScmRepository repository;
    std::vector<Branch> branches;
    std::vector<generators::PullRequest> pulls;
  };
  const Repository* Find(absl::string_view organization, absl::string_view name) const;

  absl::Status error_;
  std::vector<Repository> repositories_;
};

// `plugin-responses.yaml` and `resources.yaml`.
class RecordedResources final : public generators::ResourceWorld, public generators::PluginWorld {
 public:
  absl::Status LoadPlugins(const object::Value& file);
  absl::Status LoadResources(const object::Value& file);

  absl::StatusOr<std::map<std::string, std::string>> ConfigMap(
      absl::string_view name) const override;
  absl::StatusOr<std::vector<object::Value>> List(const ListRequest& request) const override;
  absl::StatusOr<generators::PluginAnswer> Call(
      const generators::PluginRequest& request) const override;

 private:
  absl::Status LoadConfigMaps(const object::Value& file, bool plugin);

  std::map<std::string, std::map<std::string, std::string>> config_maps_;
  std::vector<object::Value> responses_;
  std::vector<object::Value> resources_;
};

}  // namespace leidang::cli
