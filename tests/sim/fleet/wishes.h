#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace leidang::sim {

// What people want, told without the code that is proven: directories of apps on every cluster
// labelled env=dev, and apps that a file each puts on one cluster.
class Wishes {
 public:
  void SetLabel(const std::string& cluster, const std::string& env) { env_[cluster] = env; }
  void Forget(const std::string& cluster) {
    env_.erase(cluster);
    since_.erase(cluster);
  }
  void SetDirectories(std::set<std::string> names) { directories_ = std::move(names); }
  // App to cluster.
  void SetFiles(std::map<std::string, std::string> files) { files_ = std::move(files); }

  const std::map<std::string, std::string>& labels() const { return env_; }
  const std::set<std::string>& directories() const { return directories_; }
  const std::map<std::string, std::string>& files() const { return files_; }

  // Names of the Applications that a cluster is to have.
  std::set<std::string> On(const std::string& cluster) const {
    std::set<std::string> names;
    for (const std::string& directory : directories_) {
      if (env_.at(cluster) == "dev") names.insert(directory + "-" + cluster);
    }
    for (const auto& [app, place] : files_) {
      if (place == cluster) names.insert("f-" + app);
    }
    return names;
  }

  // After every change: remembers since when each is wanted.
  void Date(absl::Duration now) {
    for (const auto& [cluster, env] : env_) {
      const std::set<std::string> names = On(cluster);
      std::map<std::string, absl::Duration>& since = since_[cluster];
      std::erase_if(since, [&](const auto& entry) { return !names.contains(entry.first); });
      for (const std::string& name : names) since.emplace(name, now);
    }
  }
  // Infinite if it is not wanted now.
  absl::Duration Since(const std::string& cluster, const std::string& name) const {
    const auto row = since_.find(cluster);
    if (row == since_.end() || !row->second.contains(name)) return absl::InfiniteDuration();
    return row->second.at(name);
  }

 private:
  std::map<std::string, std::string> env_;
  std::set<std::string> directories_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::map<std::string, absl::Duration>> since_;
};

}  // namespace leidang::sim
