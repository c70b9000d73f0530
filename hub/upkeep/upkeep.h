#pragma once

// Upkeep of a hub's data directory: check, backup and restore, and the identity of the hub.
//
// What takes a RocksDatabase works beside a running hub, on any thread; what takes a data directory
// needs it for itself (DirectoryLock).

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/random/random.h"
#include "common/time/clock.h"
#include "hub/store/check_report.h"
#include "hub/store/rocks/rocks_backup.h"
#include "hub/store/rocks/rocks_database.h"

namespace leidang::hub {

inline constexpr size_t kBackupsKept = 7;

// "<data_dir>/backups".
std::string DefaultBackups(const std::string& data_dir);

// Scrubs everything, of one moment: the checksums of all files, then every row.
CheckReport Scrub(const RocksDatabase& database);

// Backs up the database and the certificate authority (its key among it: guard the folder as the
// data directory). Errors of MakeBackup; kFailedPrecondition where the folder has another
// authority's backups.
absl::StatusOr<BackupFacts> BackUp(const RocksDatabase& database, const std::string& data_dir,
                                   const std::string& backups, size_t keep);

// Makes a data directory of a backup, `id` 0: of the newest. Every cluster in it is recovering: it
// is sent nothing until it has been compared and accepted. kFailedPrecondition where `data_dir` has
// a store or an authority; what fails in between can be done again.
absl::StatusOr<BackupFacts> Restore(const std::string& data_dir, const std::string& backups,
                                    uint32_t id, const Clock& clock);

// The identity bundle of the hub, sealed under the passphrase (hub/auth/sealed_box.h).
absl::StatusOr<std::string> ExportIdentity(const RocksDatabase& database,
                                           const std::string& data_dir,
                                           absl::string_view passphrase, const Clock& clock,
                                           Random& random);

struct ImportedIdentity {
  intent::HubId hub;
  absl::Time exported_at;
  size_t clusters = 0;
};
// Makes a data directory of a sealed bundle; every cluster in it is recovering. Errors of OpenBox;
// kFailedPrecondition where `data_dir` has a store or an authority.
absl::StatusOr<ImportedIdentity> ImportIdentity(const std::string& data_dir,
                                                absl::string_view sealed,
                                                absl::string_view passphrase, const Clock& clock,
                                                Random& random);

// Drops all derived data of a data directory: the next start builds it anew.
absl::Status Rebuild(const std::string& data_dir, const Clock& clock);

}  // namespace leidang::hub
