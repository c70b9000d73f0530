#pragma once

// KubernetesFleet: a hub, two agents and the two real Kubernetes clusters that they look after,
// with a Git repository that tests commit to. Started once for all tests of a suite; each uses
// Applications and namespaces of its own.
//
// The agents have the service account and the rights that deploy/agent gives, and no others.

#include <functional>
#include <map>
#include <memory>
#include <string>

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
  KubernetesFleet();

  KubernetesCluster& one() { return one_; }
  KubernetesCluster& two() { return two_; }
  RunningFleet& fleet() { return fleet_; }
  // Gives the agent of `cluster` ("one", "two") another token, which ends with the Secret
  // `bound_to` of the namespace leidang-agent.
  void SetToken(const std::string& cluster, const std::string& bound_to);

  // What the owner of `cluster` lets its agent do from now on; `{}` at first. Returns when the
  // agent has read it.
  void SetPolicy(const std::string& cluster, const std::string& policy);

  // Commits these files (path below apps/NAME/, content), which take the place of all there were.
  void Commit(const std::string& name, const std::map<std::string, std::string>& files);
  // An Application of apps/NAME on `cluster`, into the namespace NAME, which is created; automated
  // with prune and selfHeal. `more` is YAML of its syncPolicy, indented by four, where `automated`
  // and `syncOptions` take the place of that; `spec` of its spec, indented by two.
  void AddApplication(const std::string& name, const std::string& cluster,
                      absl::string_view more = "", absl::string_view spec = "");
  // Until it is Synced and Healthy with the newest commit.
  void Wait(const std::string& name);
  // What `leidang app get` shows, as an object.
  object::Value Show(const std::string& name);

  // Looks every 20 ms, for at most `patience`.
  static ::testing::AssertionResult Until(const std::function<bool()>& holds,
                                          absl::Duration patience = absl::Seconds(30));
  static void Rest(absl::Duration time);

 private:
  KubernetesCluster& ClusterOf(const std::string& name) { return name == "one" ? one_ : two_; }
  void AddAgent(const std::string& name);

  TempDir folder_;
  GitRepository git_;
  KubernetesCluster one_{KubernetesCluster::Size::kControllers};
  KubernetesCluster two_{KubernetesCluster::Size::kServerOnly};
  RunningFleet fleet_;
  std::map<std::string, std::map<std::string, std::string>> apps_;
  std::string commit_;  // The newest.
};

}  // namespace leidang::testing
