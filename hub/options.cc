#include "hub/options.h"

#include <map>

#include "CLI/CLI.hpp"

namespace leidang::hub {

std::optional<int> ParseOptions(int argc, char** argv, HubOptions* options) {
  double poll_interval_s = absl::ToDoubleSeconds(options->poll_interval);
  double poll_jitter_s = absl::ToDoubleSeconds(options->poll_jitter);
  CLI::App app(
      "The hub of a Leidang fleet: expands ApplicationSets and hands each cluster its own.",
      "leidang-hub");
  app.set_version_flag("--version", std::string("leidang-hub ") + LEIDANG_VERSION);
  app.set_config("--config", "/etc/leidang/hub.yaml", "Configuration file");
  const auto add = [&](const char* flag, std::string& value, const char* env, const char* help) {
    app.add_option(flag, value, help)->envname(env)->capture_default_str();
  };
  add("--data-dir", options->data_dir, "LEIDANG_DATA_DIR", "Everything that the hub keeps");
  add("--agent-listen", options->agent_listen, "LEIDANG_AGENT_LISTEN",
      "HOST:PORT for agents; port 0 picks a free one");
  add("--user-listen", options->user_listen, "LEIDANG_USER_LISTEN",
      "HOST:PORT for people, tools and enrolment");
  add("--advertise", options->advertise, "LEIDANG_ADVERTISE",
      "Host name or address that others reach this hub by");
  add("--config-repo", options->config_repo, "LEIDANG_CONFIG_REPO",
      "Git repository whose objects this hub follows");
  add("--config-path", options->config_path, "LEIDANG_CONFIG_PATH", "Folder in it");
  add("--config-revision", options->config_revision, "LEIDANG_CONFIG_REVISION",
      "Branch, tag or commit of it");
  add("--admin-token-file", options->admin_token_file, "LEIDANG_ADMIN_TOKEN_FILE",
      "Where the first start writes the admin token (default: standard output, once)");
  add("--ports-file", options->ports_file, "LEIDANG_PORTS_FILE",
      "Where the opened ports are written");
  app.add_option("--poll-interval", poll_interval_s, "Seconds between looks at each repository")
      ->envname("LEIDANG_POLL_INTERVAL")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
  app.add_option("--poll-jitter", poll_jitter_s, "Seconds at most that are added to it")
      ->envname("LEIDANG_POLL_JITTER")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--log-format", options->log_format, "text or json")
      ->envname("LEIDANG_LOG_FORMAT")
      ->transform(CLI::CheckedTransformer(std::map<std::string, LogFormat>{
          {"text", LogFormat::kText}, {"json", LogFormat::kJson}}));
  app.add_option("--log-level", options->log_level, "debug, info, warning or error")
      ->envname("LEIDANG_LOG_LEVEL")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, LogLevel>{{"debug", LogLevel::kDebug},
                                                                  {"info", LogLevel::kInfo},
                                                                  {"warning", LogLevel::kWarning},
                                                                  {"error", LogLevel::kError}}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  options->poll_interval = absl::Seconds(poll_interval_s);
  options->poll_jitter = absl::Seconds(poll_jitter_s);
  return std::nullopt;
}

}  // namespace leidang::hub
