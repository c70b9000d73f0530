#include "agent/state/sqlite_database.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include <sys/stat.h>

#include "agent/state/sqlite_impl.h"
#include "agent/state/sqlite_statement.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

constexpr int kSchemaVersion = 1;

constexpr char kSchema[] = R"(
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE entries(key TEXT NOT NULL, uid BLOB NOT NULL, phase INTEGER NOT NULL, epoch INTEGER NOT NULL,
  revision INTEGER NOT NULL, element BLOB NOT NULL, applied BLOB NOT NULL, policy INTEGER NOT NULL, note BLOB NOT NULL,
  assignment BLOB,
  PRIMARY KEY(key, uid)) WITHOUT ROWID;
CREATE TABLE inventory(key TEXT NOT NULL, uid BLOB NOT NULL, grp TEXT NOT NULL, kind TEXT NOT NULL, ns TEXT NOT NULL,
  name TEXT NOT NULL, object_uid BLOB NOT NULL, hash BLOB NOT NULL,
  PRIMARY KEY(key, uid, grp, kind, ns, name)) WITHOUT ROWID;
CREATE TABLE statuses(key TEXT NOT NULL, uid BLOB NOT NULL, number INTEGER NOT NULL, waiting INTEGER NOT NULL,
  status BLOB NOT NULL, PRIMARY KEY(key, uid)) WITHOUT ROWID;
CREATE TABLE operations(id BLOB PRIMARY KEY, key TEXT NOT NULL, uid BLOB NOT NULL, kind INTEGER NOT NULL,
  parameters BLOB NOT NULL, expires INTEGER NOT NULL, state INTEGER NOT NULL, message BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE content(digest BLOB PRIMARY KEY, bytes BLOB NOT NULL);
)";

}  // namespace

SqliteDatabase::SqliteDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteDatabase::~SqliteDatabase() = default;

absl::Status SqliteDatabase::Impl::Execute(const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return SqliteError(db, "execute");
  return absl::OkStatus();
}

// The file is made with its final mode: what it holds is nobody else's business.
static absl::Status Touch(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return absl::PermissionDeniedError(absl::StrCat("cannot open the agent's state ", path));
  ::close(fd);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path,
                                                                     Access access) {
  auto impl = std::make_unique<Impl>();
  if (access == Access::kReadWrite) RETURN_IF_ERROR(Touch(path));
  const int flags = access == Access::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  if (sqlite3_open_v2(path.c_str(), &impl->db, flags | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
    return SqliteError(impl->db, absl::StrCat("open ", path));
  }
  sqlite3_busy_timeout(impl->db, 10'000);
  sqlite3_extended_result_codes(impl->db, 0);
  if (access == Access::kReadOnly)
    return std::unique_ptr<SqliteDatabase>(new SqliteDatabase(std::move(impl)));
  RETURN_IF_ERROR(
      impl->Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1024;"));
  Statement version(impl->db, "PRAGMA user_version");
  const uint64_t found = version.Next() ? version.TakeNumber() : 0;
  RETURN_IF_ERROR(version.status());
  if (found > kSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " was written by a later version of the agent (format ", found,
                     ", this one knows ", kSchemaVersion, "): start that one"));
  }
  if (found == 0) {
    RETURN_IF_ERROR(impl->Execute("BEGIN IMMEDIATE"));
    RETURN_IF_ERROR(impl->Execute(kSchema));
    RETURN_IF_ERROR(impl->Execute(absl::StrCat("PRAGMA user_version=", kSchemaVersion).c_str()));
    RETURN_IF_ERROR(impl->Execute("COMMIT"));
  }
  Statement check(impl->db, "PRAGMA quick_check(1)");
  const std::string verdict = check.Next() ? check.TakeBytes() : "";
  RETURN_IF_ERROR(check.status());
  if (verdict != "ok") {
    return absl::DataLossError(absl::StrCat(
        path, " is damaged (", verdict,
        "): move it away; the agent then starts from the hub and adopts what it finds"));
  }
  return std::unique_ptr<SqliteDatabase>(new SqliteDatabase(std::move(impl)));
}

absl::Status SqliteDatabase::Write(const RowWrites& writes) {
  RETURN_IF_ERROR(impl_->Execute("BEGIN IMMEDIATE"));
  absl::Status status = WriteEntries(writes);
  if (status.ok()) status = WriteItems(writes);
  if (status.ok()) status = WriteStatuses(writes);
  if (status.ok()) status = WriteOperations(writes);
  if (status.ok()) status = WriteContent(writes);
  if (status.ok()) status = WriteMeta(writes);
  if (status.ok()) status = impl_->Execute("COMMIT");
  if (!status.ok() && sqlite3_get_autocommit(impl_->db) == 0)
    impl_->Execute("ROLLBACK").IgnoreError();
  return status;
}

absl::StatusOr<std::string> SqliteDatabase::ReadContent(const object::Sha256& digest) {
  Statement read(impl_->db, "SELECT bytes FROM content WHERE digest = ?");
  read.Blob(digest.Raw());
  if (read.Next()) return read.TakeBytes();
  RETURN_IF_ERROR(read.status());
  return absl::NotFoundError(absl::StrCat("content ", digest.Hex(), " is not held"));
}

}  // namespace leidang::agent
