#include "hub/store/rocks/rocks_backup.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "rocksdb/utilities/backup_engine.h"
#include <sys/stat.h>

#include "common/base/status_macros.h"
#include "hub/store/rocks/rocks_handle.h"
#include "hub/store/rocks/rocks_settings.h"

namespace leidang::hub {
namespace {

// Before the hub's id, in what RocksDB keeps about each backup.
constexpr char kMetadata[] = "leidang-hub ";

rocksdb::BackupEngineOptions Settings(const std::string& directory) {
  rocksdb::BackupEngineOptions options(directory);
  options.share_table_files = true;
  options.share_files_with_checksum = true;
  options.sync = true;
  options.backup_log_files = true;
  options.max_background_operations = 1;
  return options;
}

BackupFacts FactsOf(const rocksdb::BackupInfo& info) {
  BackupFacts facts;
  facts.id = info.backup_id;
  facts.made_at = absl::FromUnixSeconds(info.timestamp);
  facts.bytes = info.size;
  absl::string_view hub = info.app_metadata;
  if (absl::ConsumePrefix(&hub, kMetadata)) {
    facts.hub = intent::HubId::FromHex(hub).value_or(intent::HubId());
  }
  return facts;
}

absl::StatusOr<std::unique_ptr<rocksdb::BackupEngineReadOnly>> OpenForReading(
    const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    return absl::NotFoundError(absl::StrCat("there is no folder of backups ", directory));
  }
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  const rocksdb::IOStatus status =
      rocksdb::BackupEngineReadOnly::Open(Settings(directory), rocksdb::Env::Default(), &engine);
  if (!status.ok()) return FromRocks(status, "read backups of", directory);
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>(engine);
}

std::vector<BackupFacts> FactsOfAll(const std::vector<rocksdb::BackupInfo>& infos) {
  std::vector<BackupFacts> all;
  for (const rocksdb::BackupInfo& info : infos) all.push_back(FactsOf(info));
  std::sort(all.begin(), all.end(),
            [](const BackupFacts& a, const BackupFacts& b) { return a.id < b.id; });
  return all;
}

absl::Status MakeFolder(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error && ::chmod(directory.c_str(), 0700) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (!error) return absl::OkStatus();
  const std::string message =
      absl::StrCat("cannot use the folder of backups ", directory, ": ", error.message());
  return error == std::errc::no_space_on_device ? absl::ResourceExhaustedError(message)
                                                : absl::UnavailableError(message);
}

}  // namespace

absl::StatusOr<BackupFacts> MakeBackup(const RocksDatabase& database, const std::string& directory,
                                       size_t keep) {
  RETURN_IF_ERROR(MakeFolder(directory));
  rocksdb::BackupEngine* raw = nullptr;
  rocksdb::Status status =
      rocksdb::BackupEngine::Open(Settings(directory), rocksdb::Env::Default(), &raw);
  if (!status.ok()) return FromRocks(status, "back up into", directory);
  const std::unique_ptr<rocksdb::BackupEngine> engine(raw);
  std::vector<rocksdb::BackupInfo> before;
  engine->GetBackupInfo(&before);
  for (const rocksdb::BackupInfo& info : before) {
    const BackupFacts facts = FactsOf(info);
    if (facts.hub == database.hub_id()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(directory, " has backups of hub ", facts.hub.Hex(), ", this is hub ",
                     database.hub_id().Hex(), ": give each hub a folder of its own"));
  }
  rocksdb::CreateBackupOptions how;
  rocksdb::BackupID id = 0;
  status = engine->CreateNewBackupWithMetadata(
      how, database.handle().db.get(), absl::StrCat(kMetadata, database.hub_id().Hex()), &id);
  if (!status.ok()) return FromRocks(status, "back up into", directory);
  status = engine->PurgeOldBackups(static_cast<uint32_t>(std::max<size_t>(keep, 1)));
  if (!status.ok()) return FromRocks(status, "remove old backups in", directory);
  rocksdb::BackupInfo made;
  status = engine->GetBackupInfo(id, &made);
  if (!status.ok()) return FromRocks(status, "read backups of", directory);
  return FactsOf(made);
}

absl::StatusOr<std::vector<BackupFacts>> ListBackups(const std::string& directory) {
  ASSIGN_OR_RETURN(const auto engine, OpenForReading(directory));
  std::vector<rocksdb::BackupInfo> infos;
  engine->GetBackupInfo(&infos);
  return FactsOfAll(infos);
}

absl::Status VerifyBackup(const std::string& directory, uint32_t id) {
  ASSIGN_OR_RETURN(const auto engine, OpenForReading(directory));
  const rocksdb::IOStatus status = engine->VerifyBackup(id, /*verify_with_checksum=*/true);
  if (status.IsNotFound()) {
    return absl::DataLossError(absl::StrCat(
        "backup ", id, " in ", directory, " lacks a file, or does not exist: ", status.ToString()));
  }
  return FromRocks(status, absl::StrCat("verify backup ", id, " of"), directory);
}

absl::StatusOr<BackupFacts> RestoreBackup(const std::string& directory, uint32_t id,
                                          const std::string& target) {
  ASSIGN_OR_RETURN(const std::vector<BackupFacts> all, ListBackups(directory));
  const auto chosen = id == 0
                          ? (all.empty() ? all.end() : all.end() - 1)
                          : std::find_if(all.begin(), all.end(),
                                         [id](const BackupFacts& facts) { return facts.id == id; });
  if (chosen == all.end()) {
    return absl::NotFoundError(id == 0
                                   ? absl::StrCat("there is no backup in ", directory)
                                   : absl::StrCat("there is no backup ", id, " in ", directory));
  }
  std::error_code error;
  if (std::filesystem::exists(target, error)) {
    return absl::FailedPreconditionError(
        absl::StrCat(target, " exists: move it away, a restore overwrites nothing"));
  }
  RETURN_IF_ERROR(VerifyBackup(directory, chosen->id));
  ASSIGN_OR_RETURN(const auto engine, OpenForReading(directory));
  RETURN_IF_ERROR(MakeFolder(target));
  const rocksdb::IOStatus status =
      engine->RestoreDBFromBackup(chosen->id, target, target, rocksdb::RestoreOptions());
  if (!status.ok()) return FromRocks(status, "restore a backup to", target);
  return *chosen;
}

}  // namespace leidang::hub
