#include "agent/options.h"

#include <iostream>

#include "CLI/CLI.hpp"

namespace leidang::agent {

std::optional<int> ParseOptions(int argc, char** argv, AgentOptions* options) {
  CLI::App app(
      "Pulls what a Leidang hub assigns to this cluster, and keeps the cluster equal to it.",
      "leidang-agent");
  app.set_version_flag("--version", std::string("leidang-agent ") + LEIDANG_VERSION);
  app.set_config("--config", "/etc/leidang/agent.yaml", "Configuration file");
  const auto add = [&](const char* flag, std::string& value, const char* env, const char* help) {
    return app.add_option(flag, value, help)->envname(env)->capture_default_str();
  };
  add("--data-dir", options->data_dir, "LEIDANG_DATA_DIR", "Everything that the agent keeps");
  add("--hub", options->hub, "LEIDANG_HUB", "HOST:PORT of the hub's user port, for joining");
  add("--join-token", options->join_token, "LEIDANG_JOIN_TOKEN",
      "One-time token of `leidang cluster register`");
  add("--ca-pin", options->ca_pin, "LEIDANG_CA_PIN",
      "sha256:… of the hub's authority, printed with the token");
  CLI::Option_group* target = app.add_option_group("Target", "What is kept as the hub says");
  const auto add_target = [&](const char* flag, std::string& value, const char* env,
                              const char* help) {
    return target->add_option(flag, value, help)->envname(env);
  };
  add_target("--directory", options->directory, "LEIDANG_DIRECTORY",
             "A folder of manifests, for whatever reads such");
  add_target("--kubeconfig", options->kubeconfig, "LEIDANG_KUBECONFIG",
             "The Kubernetes API server of this file's current context");
  target->add_flag("--in-cluster", options->in_cluster, "The Kubernetes cluster this pod runs in")
      ->envname("LEIDANG_IN_CLUSTER");
  target->require_option(0, 1);
  add("--context", options->context, "LEIDANG_CONTEXT", "Another context of the kubeconfig");
  add("--namespace", options->inventory_namespace, "LEIDANG_NAMESPACE",
      "Namespace of the cluster in which inventories are kept");
  app.add_option("--namespaces", options->namespaces,
                 "Look after these namespaces of the cluster alone, needing rights in no others "
                 "(default: the whole cluster)")
      ->envname("LEIDANG_NAMESPACES")
      ->delimiter(',');
  add("--kustomize", options->kustomize, "LEIDANG_KUSTOMIZE",
      "The kustomize program (default: the one in PATH)");
  add("--health-checks", options->health_checks, "LEIDANG_HEALTH_CHECKS",
      "A file of Lua health checks, as the settings of Argo CD have them");
  add("--policy", options->policy, "LEIDANG_POLICY",
      "A file with what this agent may do in its cluster, read again when it changes");
  app.add_option("--agent-hub", options->agent_hubs,
                 "HOST:PORT of the hub's agent port, repeated for several")
      ->envname("LEIDANG_AGENT_HUBS")
      ->delimiter(',');
  app.add_option("--log-format", options->log_format, "text or json")
      ->envname("LEIDANG_LOG_FORMAT")
      ->transform(CLI::CheckedTransformer(LogFormats()));
  app.add_option("--log-level", options->log_level, "debug, info, warning or error")
      ->envname("LEIDANG_LOG_LEVEL")
      ->transform(CLI::CheckedTransformer(LogLevels()));
  app.require_subcommand(0, 1);
  CLI::App* trust = app.add_subcommand(
      "trust-hub", "Accept another hub, whose offer this agent refuses; the agent may be running");
  trust->fallthrough();
  trust->add_option("hub-id", options->trust_hub, "Its id, as the refusal names it")->required();
  trust->add_flag("--rejoin", options->rejoin,
                  "Its authority is another one, too: join it, with --hub, --join-token and "
                  "--ca-pin; the agent must be stopped");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  const bool target_named =
      options->in_cluster || !options->directory.empty() || !options->kubeconfig.empty();
  if (options->trust_hub.empty() && !target_named) {
    std::cerr << "one of --kubeconfig, --in-cluster and --directory is required\nRun with --help "
                 "for more information.\n";
    return 64;
  }
  return std::nullopt;
}

}  // namespace leidang::agent
