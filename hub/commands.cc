#include "hub/commands.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/random/random.h"
#include "common/time/real_clock.h"
#include "hub/rpc/admin_service.h"
#include "hub/store/directory_lock.h"
#include "hub/upkeep/durable_file.h"
#include "hub/upkeep/upkeep.h"

namespace leidang::hub {
namespace {

// As docs/OPERATIONS.md has them.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kDamaged = 2;

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kDone;
    case absl::StatusCode::kDataLoss:
      return kDamaged;
    case absl::StatusCode::kNotFound:
      return 3;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return 4;
    case absl::StatusCode::kDeadlineExceeded:
      return 5;
    case absl::StatusCode::kUnavailable:
      return 6;
    case absl::StatusCode::kInvalidArgument:
      return 64;
    default:
      return kFailed;
  }
}

void Say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

std::string Time(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

// A data directory that no hub uses, and its database.
struct Offline {
  std::unique_ptr<DirectoryLock> lock;
  std::unique_ptr<RocksDatabase> database;
};

class Command {
 public:
  explicit Command(const HubOptions& options) : options_(options) {}

  int Run() {
    absl::StatusOr<int> code = Dispatch();
    if (code.ok()) return *code;
    std::fprintf(stderr, "leidang-hub: %s\n", std::string(code.status().message()).c_str());
    return ExitCodeOf(code.status());
  }

 private:
  absl::StatusOr<int> Dispatch() {
    switch (options_.command) {
      case HubCommand::kCheck:
        return Check();
      case HubCommand::kRebuild:
        return RebuildDerived();
      case HubCommand::kBackup:
        return Backup();
      case HubCommand::kListBackups:
        return List();
      case HubCommand::kRestore:
        return RestoreInto();
      case HubCommand::kExportIdentity:
        return Export();
      case HubCommand::kImportIdentity:
        return Import();
      case HubCommand::kServe:
        break;
    }
    return absl::InternalError("the hub itself is no command");
  }

  absl::StatusOr<std::unique_ptr<DirectoryLock>> Lock() const {
    return DirectoryLock::Acquire(options_.data_dir);
  }

  absl::StatusOr<Offline> Open() const {
    std::error_code error;
    const std::string directory = options_.data_dir + "/store";
    if (!std::filesystem::exists(directory, error)) {
      return absl::NotFoundError(absl::StrCat("there is no store in ", options_.data_dir));
    }
    Offline offline;
    ASSIGN_OR_RETURN(offline.lock, Lock());
    DatabaseOptions database;
    database.directory = directory;
    database.sync_samples = 1;
    ASSIGN_OR_RETURN(offline.database, RocksDatabase::Open(database, clock_));
    return offline;
  }

  absl::StatusOr<std::string> Passphrase() const {
    if (!options_.passphrase_file.empty()) {
      ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(options_.passphrase_file));
      return std::string(absl::StripSuffix(text, "\n"));
    }
    if (const char* given = std::getenv("LEIDANG_PASSPHRASE")) return std::string(given);
    return absl::InvalidArgumentError(
        "no passphrase: give --passphrase-file, or LEIDANG_PASSPHRASE in the environment");
  }

  absl::StatusOr<int> Check() const {
    if (const auto hub = AdminClient::Connect(options_.data_dir); hub.ok()) {
      ASSIGN_OR_RETURN(const v1::CheckResponse report, (*hub)->Check({}));
      Say(std::string(absl::StripSuffix(report.text(), "\n")));
      return report.damages() == 0 ? kDone : kDamaged;
    }
    ASSIGN_OR_RETURN(const Offline offline, Open());
    const CheckReport report = Scrub(*offline.database);
    Say(std::string(absl::StripSuffix(report.ToText(), "\n")));
    return report.damages() == 0 ? kDone : kDamaged;
  }

  absl::StatusOr<int> RebuildDerived() const {
    ASSIGN_OR_RETURN(const auto lock, Lock());
    RETURN_IF_ERROR(Rebuild(options_.data_dir, clock_));
    Say("derived data is dropped; the next start of the hub builds it anew");
    return kDone;
  }

  absl::StatusOr<int> Backup() const {
    const std::string folder =
        Absolute(options_.folder.empty() ? DefaultBackups(options_.data_dir) : options_.folder);
    if (const auto hub = AdminClient::Connect(options_.data_dir); hub.ok()) {
      v1::BackupRequest request;
      request.set_folder(folder);
      request.set_keep(options_.keep);
      ASSIGN_OR_RETURN(const v1::BackupResponse made, (*hub)->Backup(request));
      Say(absl::StrCat("backup ", made.id(), " in ", folder, ", ", made.bytes(), " bytes"));
      return kDone;
    }
    ASSIGN_OR_RETURN(const Offline offline, Open());
    ASSIGN_OR_RETURN(const BackupFacts made,
                     BackUp(*offline.database, options_.data_dir, folder, options_.keep));
    Say(absl::StrCat("backup ", made.id, " in ", folder, ", ", made.bytes, " bytes"));
    return kDone;
  }

  absl::StatusOr<int> List() const {
    const std::string folder =
        options_.folder.empty() ? DefaultBackups(options_.data_dir) : options_.folder;
    ASSIGN_OR_RETURN(const std::vector<BackupFacts> all, ListBackups(folder));
    Say("ID  MADE                  BYTES  HUB");
    for (const BackupFacts& facts : all) {
      Say(absl::StrCat(facts.id, "  ", Time(facts.made_at), "  ", facts.bytes, "  ",
                       facts.hub.Hex()));
    }
    return kDone;
  }

  absl::StatusOr<int> RestoreInto() const {
    ASSIGN_OR_RETURN(const auto lock, Lock());
    ASSIGN_OR_RETURN(const BackupFacts facts,
                     Restore(options_.data_dir, options_.folder, options_.backup_id, clock_));
    Say(absl::StrCat("backup ", facts.id, " of ", Time(facts.made_at), " is restored to ",
                     options_.data_dir,
                     ". The hub will send nothing to a cluster before it has been compared; see "
                     "`leidang recover`."));
    return kDone;
  }

  absl::StatusOr<int> Export() {
    ASSIGN_OR_RETURN(const std::string passphrase, Passphrase());
    std::string sealed;
    if (const auto hub = AdminClient::Connect(options_.data_dir); hub.ok()) {
      v1::ExportIdentityRequest request;
      request.set_passphrase(passphrase);
      ASSIGN_OR_RETURN(v1::ExportIdentityResponse response, (*hub)->ExportIdentity(request));
      sealed = std::move(*response.mutable_sealed());
    } else {
      ASSIGN_OR_RETURN(const Offline offline, Open());
      ASSIGN_OR_RETURN(sealed, ExportIdentity(*offline.database, options_.data_dir, passphrase,
                                              clock_, random_));
    }
    RETURN_IF_ERROR(WriteDurably(Absolute(options_.bundle), sealed, 0600));
    Say(absl::StrCat("the hub's identity is sealed in ", options_.bundle,
                     "; keep it, and its passphrase, apart from this machine"));
    return kDone;
  }

  absl::StatusOr<int> Import() {
    ASSIGN_OR_RETURN(const std::string passphrase, Passphrase());
    ASSIGN_OR_RETURN(const std::string sealed, ReadWholeFile(options_.bundle));
    ASSIGN_OR_RETURN(const auto lock, Lock());
    ASSIGN_OR_RETURN(const ImportedIdentity identity,
                     ImportIdentity(options_.data_dir, sealed, passphrase, clock_, random_));
    Say(absl::StrCat("hub ", identity.hub.Hex(), " with ", identity.clusters, " clusters, of ",
                     Time(identity.exported_at), ", is imported to ", options_.data_dir,
                     ". The hub will send nothing to a cluster before it has been compared; see "
                     "`leidang recover`."));
    return kDone;
  }

  const HubOptions& options_;
  RealClock clock_;
  SystemRandom random_;
};

}  // namespace

int RunCommand(const HubOptions& options) { return Command(options).Run(); }

}  // namespace leidang::hub
