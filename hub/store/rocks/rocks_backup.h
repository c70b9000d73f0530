#pragma once

// Backups of a hub's database, hot: the hub goes on writing. A backup is the state at one moment,
// all families together; files that backups share are kept once.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "hub/store/rocks/rocks_database.h"

namespace leidang::hub {

struct BackupFacts {
  uint32_t id = 0;  // Grows; 0 is none.
  absl::Time made_at;
  uint64_t bytes = 0;
  intent::HubId hub;
};

// Makes a backup in `directory` (mode 0700, made if it is not there), then removes all but the
// newest `keep`. kFailedPrecondition if the directory has backups of another hub;
// kResourceExhausted when there is no room: what was there before stays whole. Any thread, one at
// a time; calls fsync on the thread that it is called on, for the files of the backup.
absl::StatusOr<BackupFacts> MakeBackup(const RocksDatabase& database, const std::string& directory,
                                       size_t keep);

// Oldest first. kNotFound if there is no such directory.
absl::StatusOr<std::vector<BackupFacts>> ListBackups(const std::string& directory);

// Reads all files of the backup and compares their checksums: kDataLoss names what is damaged.
absl::Status VerifyBackup(const std::string& directory, uint32_t id);

// Verifies a backup, then puts it into `target`, which must not exist. `id` 0: the newest.
// kNotFound if there is none of that number.
absl::StatusOr<BackupFacts> RestoreBackup(const std::string& directory, uint32_t id,
                                          const std::string& target);

}  // namespace leidang::hub
