#include "hub/options.h"

#include <tuple>

#include "CLI/CLI.hpp"

namespace leidang::hub {
namespace {

// What is done to a data directory, besides serving it.
void AddCommands(CLI::App& app, HubOptions* options) {
  app.require_subcommand(0, 1);
  app.fallthrough();
  const auto add = [options](CLI::App& parent, const char* name, HubCommand command,
                             const char* help) {
    CLI::App* sub = parent.add_subcommand(name, help);
    sub->fallthrough();
    sub->callback([options, command] { options->command = command; });
    return sub;
  };
  add(app, "check", HubCommand::kCheck, "Read and verify everything that is stored");
  add(app, "rebuild", HubCommand::kRebuild,
      "Drop all derived data of a stopped hub; its next start builds it anew");
  CLI::App* backup = add(app, "backup", HubCommand::kBackup, "Back up a hub, which may be running");
  backup->add_option("--to", options->folder, "Folder of backups (default: in the data directory)");
  backup->add_option("--keep", options->keep, "How many backups to keep")
      ->check(CLI::Range(1u, 10000u))
      ->capture_default_str();
  CLI::App* list = add(app, "backups", HubCommand::kListBackups, "List backups");
  list->add_option("--in", options->folder, "Folder of backups (default: in the data directory)");
  CLI::App* restore =
      add(app, "restore", HubCommand::kRestore, "Make a new data directory of a backup");
  restore->add_option("--from", options->folder, "Folder of backups")->required();
  restore->add_option("--id", options->backup_id, "Number of the backup (default: the newest)");
  CLI::App* identity = app.add_subcommand("identity", "Who this hub is, for the day its disk dies");
  identity->require_subcommand(1);
  identity->fallthrough();
  for (const auto& [name, command, help] :
       {std::tuple("export", HubCommand::kExportIdentity, "Seal the identity in a file"),
        std::tuple("import", HubCommand::kImportIdentity,
                   "Make a new data directory of a sealed identity")}) {
    CLI::App* sub = add(*identity, name, command, help);
    sub->add_option("file", options->bundle, "The sealed file")->required();
    sub->add_option("--passphrase-file", options->passphrase_file,
                    "File with the passphrase (default: LEIDANG_PASSPHRASE)");
  }
}

}  // namespace

std::optional<int> ParseOptions(int argc, char** argv, HubOptions* options) {
  double poll_interval_s = absl::ToDoubleSeconds(options->poll_interval);
  double poll_jitter_s = absl::ToDoubleSeconds(options->poll_jitter);
  double heartbeat_s = absl::ToDoubleSeconds(options->heartbeat);
  uint32_t dormant_days = static_cast<uint32_t>(options->dormant_after / absl::Hours(24));
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
  add("--http-listen", options->http_listen, "LEIDANG_HTTP_LISTEN",
      "ADDRESS:PORT of HTTPS for /metrics, /healthz and /readyz, such as 127.0.0.1:7480 (default: "
      "off)");
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
  app.add_option(
         "--heartbeat", heartbeat_s,
         "Seconds within which each agent says that it is there; below the time after which "
         "anything on the way cuts idle connections")
      ->envname("LEIDANG_HEARTBEAT")
      ->check(CLI::Range(0.5, 300.0))
      ->capture_default_str();
  app.add_option("--dormant-after", dormant_days,
                 "Days after which deletions do not wait any more for a cluster that is away; what "
                 "it then brings back is unclaimed")
      ->envname("LEIDANG_DORMANT_AFTER")
      ->check(CLI::Range(1u, 36500u))
      ->capture_default_str();
  app.add_option("--dormant-tombstones", options->dormant_tombstones,
                 "Deletions that wait for a cluster that is away, at most, with the same end")
      ->envname("LEIDANG_DORMANT_TOMBSTONES")
      ->check(CLI::Range(uint64_t{100}, uint64_t{10'000'000}))
      ->capture_default_str();
  app.add_option("--log-format", options->log_format, "text or json")
      ->envname("LEIDANG_LOG_FORMAT")
      ->transform(CLI::CheckedTransformer(LogFormats()));
  app.add_option("--log-level", options->log_level, "debug, info, warning or error")
      ->envname("LEIDANG_LOG_LEVEL")
      ->transform(CLI::CheckedTransformer(LogLevels()));
  AddCommands(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  options->poll_interval = absl::Seconds(poll_interval_s);
  options->poll_jitter = absl::Seconds(poll_jitter_s);
  options->heartbeat = absl::Seconds(heartbeat_s);
  options->dormant_after = absl::Hours(24) * dormant_days;
  return std::nullopt;
}

}  // namespace leidang::hub
