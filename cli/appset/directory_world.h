#pragma once

// A World read from a folder: what an ApplicationSet is expanded against without a hub.
//
//   clusters.yaml projects.yaml options.yaml scm.yaml plugin-responses.yaml resources.yaml
//   existing.yaml repos/<name>/…  repos/<name>@<branch>/…      trees of
//   https://git.example.com/<name>.git
//
// docs/APPSET.md describes the files. All of them may be absent. Everything is read at once;
// nothing is written.
//
// Thread-compatible; world() may be shared once nothing is added any more.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"
#include "generators/reconcile.h"
#include "generators/world.h"

namespace leidang::cli {

class RecordedResources;
class RecordedScm;

class DirectoryWorld {
 public:
  // Nothing but the project `default` and the local cluster.
  DirectoryWorld();
  ~DirectoryWorld();
  DirectoryWorld(const DirectoryWorld&) = delete;
  DirectoryWorld& operator=(const DirectoryWorld&) = delete;

  // kNotFound where there is no such folder; kInvalidArgument naming file, place and field.
  absl::Status Load(const std::string& directory);

  // A working copy as every revision of a repository; `.git` is left out.
  absl::Status AddRepository(const std::string& url, const std::string& directory);

  generators::World& world() { return world_; }
  const generators::ServerPolicy& policy() const { return policy_; }
  // The Applications that exist before a reconcile, where the folder says so.
  const std::optional<std::vector<object::Value>>& existing() const { return existing_; }
  bool validate() const { return validate_; }

 private:
  class Git;

  absl::Status LoadClusters(const object::Value& list);
  absl::Status LoadProjects(const object::Value& list);
  absl::Status LoadOptions(const object::Value& options);
  absl::Status LoadRepositories(const std::string& directory);

  generators::World world_;
  generators::ServerPolicy policy_;
  std::optional<std::vector<object::Value>> existing_;
  bool validate_ = false;
  std::map<std::string, std::vector<std::string>> tags_;
  std::unique_ptr<Git> git_;
  std::unique_ptr<RecordedScm> scm_;
  std::unique_ptr<RecordedResources> resources_;
};

}  // namespace leidang::cli
