#include "hub/upkeep/upkeep.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include <sys/stat.h>

#include "common/base/status_macros.h"
#include "hub/auth/certificate_authority.h"
#include "hub/auth/sealed_box.h"
#include "hub/ledger/identity_bundle.h"
#include "hub/ledger/ledger_check.h"
#include "hub/store/store_check.h"
#include "hub/upkeep/durable_file.h"

namespace leidang::hub {
namespace {

constexpr char kCertificateFile[] = "/ca.crt";
constexpr char kKeyFile[] = "/ca.key";

absl::Status MakePrivateFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || ::chmod(path.c_str(), 0700) != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot make the folder ", path, ": ",
                     error ? error.message() : std::string("its mode cannot be set")));
  }
  return absl::OkStatus();
}

absl::StatusOr<CertificateAndKey> ReadAuthority(const std::string& folder) {
  CertificateAndKey authority;
  ASSIGN_OR_RETURN(authority.certificate_pem, ReadWholeFile(folder + kCertificateFile));
  ASSIGN_OR_RETURN(authority.key_pem, ReadWholeFile(folder + kKeyFile));
  RETURN_IF_ERROR(CertificateAuthority::Load(authority).status());
  return authority;
}

// The key first: a certificate without its key is what a start refuses.
absl::Status WriteAuthority(const std::string& folder, const CertificateAndKey& authority) {
  RETURN_IF_ERROR(MakePrivateFolder(folder));
  RETURN_IF_ERROR(WriteDurably(folder + kKeyFile, authority.key_pem, 0600));
  return WriteDurably(folder + kCertificateFile, authority.certificate_pem, 0644);
}

absl::Status MustBeNew(const std::string& data_dir) {
  std::error_code error;
  for (const char* part : {"/store", "/ca"}) {
    if (!std::filesystem::exists(data_dir + part, error)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(data_dir, part, " exists: move it away, or give another --data-dir"));
  }
  return absl::OkStatus();
}

DatabaseOptions OptionsFor(const std::string& directory) {
  DatabaseOptions options;
  options.directory = directory;
  options.sync_samples = 1;
  return options;
}

// A store that is being made has another name until it is complete.
absl::StatusOr<std::string> UnfinishedStore(const std::string& data_dir) {
  RETURN_IF_ERROR(MakePrivateFolder(data_dir));
  const std::string path = data_dir + "/store.unfinished";
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (!error) return path;
  return absl::UnavailableError(absl::StrCat("cannot remove ", path, ": ", error.message()));
}

absl::Status FinishStore(const std::string& data_dir, const std::string& unfinished,
                         const CertificateAndKey& authority) {
  RETURN_IF_ERROR(WriteAuthority(data_dir + "/ca", authority));
  std::error_code error;
  std::filesystem::rename(unfinished, data_dir + "/store", error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot rename ", unfinished, " to ", data_dir, "/store: ", error.message()));
  }
  return SyncFolder(data_dir);
}

}  // namespace

std::string DefaultBackups(const std::string& data_dir) { return data_dir + "/backups"; }

CheckReport Scrub(const RocksDatabase& database) {
  CheckReport report;
  if (const absl::Status status = database.VerifyFiles(); !status.ok()) {
    report.Damage(Family::kMeta, "", std::string(status.message()));
  }
  const std::shared_ptr<const RowView> view = database.Snapshot();
  CheckStore(*view, &report);
  CheckLedger(*view, &report);
  return report;
}

absl::StatusOr<BackupFacts> BackUp(const RocksDatabase& database, const std::string& data_dir,
                                   const std::string& backups, size_t keep) {
  ASSIGN_OR_RETURN(const CertificateAndKey authority, ReadAuthority(data_dir + "/ca"));
  RETURN_IF_ERROR(MakePrivateFolder(backups));
  const std::string folder = backups + "/ca";
  const absl::StatusOr<std::string> known = ReadWholeFile(folder + kCertificateFile);
  if (known.ok() && *known != authority.certificate_pem) {
    return absl::FailedPreconditionError(
        absl::StrCat(backups,
                     " has the backups of another certificate authority: give each hub a "
                     "folder of its own"));
  }
  if (!known.ok()) RETURN_IF_ERROR(WriteAuthority(folder, authority));
  return MakeBackup(database, backups, keep);
}

absl::StatusOr<BackupFacts> Restore(const std::string& data_dir, const std::string& backups,
                                    uint32_t id, const Clock& clock) {
  RETURN_IF_ERROR(MustBeNew(data_dir));
  ASSIGN_OR_RETURN(const std::string unfinished, UnfinishedStore(data_dir));
  ASSIGN_OR_RETURN(const BackupFacts facts, RestoreBackup(backups, id, unfinished));
  ASSIGN_OR_RETURN(const CertificateAndKey authority, ReadAuthority(backups + "/ca"));
  {
    ASSIGN_OR_RETURN(const auto database, RocksDatabase::Open(OptionsFor(unfinished), clock));
    RETURN_IF_ERROR(MarkAllRecovering(*database->rows()));
  }
  RETURN_IF_ERROR(FinishStore(data_dir, unfinished, authority));
  return facts;
}

absl::StatusOr<std::string> ExportIdentity(const RocksDatabase& database,
                                           const std::string& data_dir,
                                           absl::string_view passphrase, const Clock& clock,
                                           Random& random) {
  ASSIGN_OR_RETURN(IdentityBundle bundle, GatherIdentity(*database.Snapshot()));
  ASSIGN_OR_RETURN(CertificateAndKey authority, ReadAuthority(data_dir + "/ca"));
  bundle.ca_certificate_pem = std::move(authority.certificate_pem);
  bundle.ca_key_pem = std::move(authority.key_pem);
  bundle.exported_at = clock.Now();
  return SealBox(passphrase, EncodeBundle(bundle), random);
}

absl::StatusOr<ImportedIdentity> ImportIdentity(const std::string& data_dir,
                                                absl::string_view sealed,
                                                absl::string_view passphrase, const Clock& clock,
                                                Random& random) {
  RETURN_IF_ERROR(MustBeNew(data_dir));
  ASSIGN_OR_RETURN(const std::string bytes, OpenBox(passphrase, sealed));
  ASSIGN_OR_RETURN(const IdentityBundle bundle, DecodeBundle(bytes));
  const CertificateAndKey authority{bundle.ca_certificate_pem, bundle.ca_key_pem};
  RETURN_IF_ERROR(CertificateAuthority::Load(authority).status());
  ASSIGN_OR_RETURN(const std::string unfinished, UnfinishedStore(data_dir));
  {
    DatabaseOptions options = OptionsFor(unfinished);
    options.new_hub_id = bundle.hub;
    ASSIGN_OR_RETURN(const auto database, RocksDatabase::Open(options, clock));
    RETURN_IF_ERROR(ImportIdentity(bundle, random, *database->rows()));
  }
  RETURN_IF_ERROR(FinishStore(data_dir, unfinished, authority));
  return ImportedIdentity{bundle.hub, bundle.exported_at, bundle.clusters.size()};
}

absl::Status Rebuild(const std::string& data_dir, const Clock& clock) {
  std::error_code error;
  if (!std::filesystem::exists(data_dir + "/store", error)) {
    return absl::NotFoundError(absl::StrCat("there is no store in ", data_dir));
  }
  ASSIGN_OR_RETURN(const auto database,
                   RocksDatabase::Open(OptionsFor(data_dir + "/store"), clock));
  return database->DeleteDerived();
}

}  // namespace leidang::hub
