#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/log/log.h"
#include "common/log/log_line.h"
#include "hub/control/dormancy.h"
#include "hub/session/options.h"

namespace leidang::hub {

enum class HubCommand {
  kServe,
  kCheck,
  kRebuild,
  kBackup,
  kListBackups,
  kRestore,
  kExportIdentity,
  kImportIdentity,
};

// What a hub is told at its start: flags, then LEIDANG_* variables, then /etc/leidang/hub.yaml,
// then these defaults.
struct HubOptions {
  std::string data_dir = "/var/lib/leidang-hub";
  std::string agent_listen = "0.0.0.0:7443";
  std::string user_listen = "0.0.0.0:7444";
  std::string http_listen;  // HTTPS for metrics and health; empty: off.
  // Host that agents and people reach this hub by; stands in the server certificate and in join
  // commands.
  std::string advertise = "localhost";
  absl::Duration poll_interval = absl::Seconds(180);
  absl::Duration poll_jitter = absl::Seconds(60);
  absl::Duration heartbeat = SessionOptions().heartbeat;
  // A cluster that is unseen for so long, or for which so many deletions wait while it is away.
  absl::Duration dormant_after = DormancyOptions().after;
  uint64_t dormant_tombstones = DormancyOptions().tombstones;
  std::string config_repo;  // Empty: there is no config repository.
  std::string config_path;
  std::string config_revision = "HEAD";
  std::string
      admin_token_file;    // A token that is made is written here instead of to standard output.
  std::string ports_file;  // The ports that were opened, for whoever asked for port 0.

  HubCommand command = HubCommand::kServe;
  // Of sub-commands.
  std::string folder;           // Of backups; empty: `backups` in the data directory.
  uint32_t keep = 7;            // Backups.
  uint32_t backup_id = 0;       // 0: the newest.
  std::string bundle;           // File of a sealed identity.
  std::string passphrase_file;  // Empty: LEIDANG_PASSPHRASE.

  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
};

// Parses the command line. Prints help, version or what is wrong, and returns the exit code, where
// the program is to end.
std::optional<int> ParseOptions(int argc, char** argv, HubOptions* options);

}  // namespace leidang::hub
