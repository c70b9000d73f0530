#pragma once

// KubernetesFleet: a hub, two agents and the two real Kubernetes clusters that they look after,
// with a Git repository that tests commit to. Started once for all tests of a suite; each uses
// Applications and namespaces of its own.
//
// The agents have the service account and the rights that deploy/agent, or one of its variants,
// gives, and no others.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "tests/support/git/git_repository.h"
#include "tests/support/kubernetes/kubernetes_cluster.h"
#include "tests/support/program/running_fleet.h"
#include "tests/support/temp_dir.h"

namespace leidang::testing {

class KubernetesFleet {
 public:
  // With the agents of these clusters: "one" with its controllers, all others without.
  explicit KubernetesFleet(const std::vector<std::string>& clusters = {"one", "two"});

  // Adds the agent of a cluster of its own, with the rights that this kustomization gives.
  // `options` are more of leidang-agent's.
  void AddCluster(const std::string& name, const std::string& kustomization = "deploy/agent",
                  const std::vector<std::string>& options = {});

  KubernetesCluster& cluster(const std::string& name) { return *clusters_.at(name); }
  KubernetesCluster& one() { return cluster("one"); }
  KubernetesCluster& two() { return cluster("two"); }
  RunningFleet& fleet() { return fleet_; }
  // Gives the agent of `cluster` ("one", "two") another token, which ends with the Secret
  // `bound_to` of the namespace leidang-agent.
  void SetToken(const std::string& cluster, const std::string& bound_to);

  // Kills the agent of that cluster and starts it without what it knew, its identity excepted.
  void LoseDisk(const std::string& cluster);
  std::string repository() const { return "file://" + git_.path(); }

  // What the owner of `cluster` lets its agent do from now on; `{}` at first. Returns when the
  // agent has read it.
  void SetPolicy(const std::string& cluster, const std::string& policy);

  // Commits these files (path below apps/NAME/, content), which take the place of all there were.
  void Commit(const std::string& name, const std::map<std::string, std::string>& files);
  // The same in two steps, for many Applications in one commit.
  void Put(const std::string& name, const std::map<std::string, std::string>& files);
  void CommitAll();
  // An Application of apps/NAME on `cluster`, into the namespace NAME, which is created; automated
  // with prune and selfHeal. `more` is YAML of its syncPolicy, indented by four, where `automated`
  // and `syncOptions` take the place of that; `spec` of its spec, indented by two.
  void AddApplication(const std::string& name, const std::string& cluster,
                      absl::string_view more = "", absl::string_view spec = "");
  // Applies the same Application with this annotation.
  void Annotate(const std::string& name, const std::string& annotation, const std::string& value);
  // Until it is Synced and Healthy with the newest commit.
  void Wait(const std::string& name);
  // What `leidang app get` shows, as an object.
  object::Value Show(const std::string& name);

  // Looks every 20 ms, for at most `patience`.
  static ::testing::AssertionResult Until(const std::function<bool()>& holds,
                                          absl::Duration patience = absl::Seconds(30));
  static void Rest(absl::Duration time);

 private:
  void ApplyManifest(const std::string& name);

  TempDir folder_;
  GitRepository git_;
  std::map<std::string, std::unique_ptr<KubernetesCluster>> clusters_;
  RunningFleet fleet_;
  std::map<std::string, std::map<std::string, std::string>> apps_;
  std::map<std::string, std::string> manifests_;  // Of Applications, by name.
  std::string commit_;                            // The newest.
};

}  // namespace leidang::testing
