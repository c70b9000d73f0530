#pragma once

// For tests: a small world, and sets from YAML.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/base/check.h"
#include "common/yaml/yaml.h"
#include "generators/expand.h"
#include "generators/world.h"

namespace leidang::generators {

// One tree for every repository and revision, until told otherwise.
class FakeTree final : public GitTree {
 public:
  explicit FakeTree(std::map<std::string, std::string> files) : content_(std::move(files)) {
    std::map<std::string, bool> directories;
    for (const auto& [path, content] : content_) {
      const bool link = content.rfind("->", 0) == 0;
      files_.push_back({path, link ? Mode::kSymlink : Mode::kRegular});
      for (size_t slash = path.find('/'); slash != std::string::npos;
           slash = path.find('/', slash + 1)) {
        directories[path.substr(0, slash)] = true;
      }
    }
    for (const auto& [path, unused] : directories) directories_.push_back(path);
  }
  absl::string_view Commit() const override { return "c0ffee"; }
  absl::Span<const std::string> Directories() const override { return directories_; }
  absl::Span<const File> Files() const override { return files_; }
  absl::StatusOr<absl::string_view> Read(absl::string_view path) const override {
    const auto it = content_.find(std::string(path));
    if (it == content_.end()) return absl::NotFoundError("no such file");
    const absl::string_view text = it->second;
    return text.substr(0, 2) == "->" ? text.substr(2) : text;
  }

 private:
  std::map<std::string, std::string> content_;
  std::vector<std::string> directories_;
  std::vector<File> files_;
};

class FakeGit final : public GitWorld {
 public:
  absl::StatusOr<std::shared_ptr<const GitTree>> Tree(const GitRequest& request) const override {
    asked.push_back(request.repo_url);
    if (!status.ok()) return status;
    return tree;
  }
  absl::Status status;
  std::shared_ptr<const GitTree> tree =
      std::make_shared<FakeTree>(std::map<std::string, std::string>());
  mutable std::vector<std::string> asked;
};

class KeepingSink final : public Sink {
 public:
  void OnApplication(const GeneratedApplication& application) override {
    names.emplace_back(application.name());
    jsons.emplace_back(application.CanonicalJson());
    // What is streamed, what is shown as a tree, and the facts beside it are one thing.
    CHECK(object::CanonicalJson(application.Manifest()) == application.CanonicalJson());
    CHECK(object::FindString(application.Manifest(), {"spec", "destination", "server"}) ==
          application.destination_server());
    CHECK(object::FindString(application.Manifest(), {"metadata", "name"}) == application.name());
  }
  void OnError(const ParameterSetError& error) override { errors.push_back(error); }

  std::vector<std::string> names;
  std::vector<std::string> jsons;
  std::vector<ParameterSetError> errors;
};

// `spec` is the set's spec as YAML.
inline ApplicationSet SetOf(const std::string& spec, bool strict = false) {
  const absl::StatusOr<object::Value> parsed = yaml::ParseYaml(spec, "spec");
  CHECK(parsed.ok());
  object::Object metadata;
  metadata["name"] = "set";
  metadata["namespace"] = "argocd";
  if (strict) metadata["annotations"] = object::Object{{kStrictExpansionAnnotation, "true"}};
  object::Object root;
  root["kind"] = "ApplicationSet";
  root["metadata"] = std::move(metadata);
  root["spec"] = *parsed;
  absl::StatusOr<ApplicationSet> set = ApplicationSet::Parse(root);
  CHECK(set.ok());
  return *std::move(set);
}

struct FakeWorld {
  FakeWorld() {
    world.control_namespace = "argocd";
    world.projects = {"default"};
    world.git = &git;
  }
  void AddCluster(const std::string& name, std::map<std::string, std::string> labels = {}) {
    Cluster cluster;
    cluster.name = name;
    cluster.server = "https://" + name;
    cluster.labels = std::move(labels);
    world.clusters.push_back(std::move(cluster));
  }
  FakeGit git;
  World world;
};

}  // namespace leidang::generators
