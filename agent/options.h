#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "common/log/log_line.h"

namespace leidang::agent {

// What an agent is told at its start: flags, then LEIDANG_* variables, then
// /etc/leidang/agent.yaml, then these defaults.
struct AgentOptions {
  std::string data_dir = "/var/lib/leidang-agent";
  // "host:port" of the hub's user port, for joining. Needed once.
  std::string hub;
  std::string join_token;
  std::string ca_pin;
  // "host:port" of agent ports, tried in turn. Empty: what the hub said when this agent joined.
  std::vector<std::string> agent_hubs;
  // The target, one of these: a folder of manifests, or a Kubernetes API server, as a context of a
  // kubeconfig names it or as a pod finds its own.
  std::string directory;
  std::string kubeconfig;
  std::string context;  // Of the kubeconfig; empty: its current one.
  bool in_cluster = false;
  // Of a Kubernetes cluster: those that it looks after; empty: all, and the cluster's own objects.
  std::vector<std::string> namespaces;
  std::string inventory_namespace = "leidang-agent";  // Of a Kubernetes cluster.
  // A file of health checks in Argo CD's form (agent/scripts/health_scripts.h); empty: none.
  std::string health_checks;
  // A file of the cluster's owner (agent/policy/cluster_policy.h); empty: nothing is limited.
  std::string policy;
  std::string kustomize;  // Path of the program; empty: found in PATH.
  // Of the sub-command `trust-hub`.
  std::string trust_hub;  // Empty: run the agent.
  bool rejoin = false;

  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
};

// Parses the command line. Prints help, version or what is wrong, and returns the exit code, where
// the program is to end.
std::optional<int> ParseOptions(int argc, char** argv, AgentOptions* options);

}  // namespace leidang::agent
