#pragma once

// One prepared statement. Included by the sources of SqliteDatabase only.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <sqlite3.h>

namespace leidang::agent {

// What SQLite last said, as a status that says what to do.
inline absl::Status SqliteError(sqlite3* db, absl::string_view what) {
  const int code = sqlite3_errcode(db);
  const std::string text = absl::StrCat("agent state: ", what, ": ", sqlite3_errmsg(db));
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(absl::StrCat(text, ": free some space on its disk"));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(absl::StrCat(
          text,
          ": move the file away; the agent then starts from the hub and adopts what it finds"));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return absl::PermissionDeniedError(text);
    default:
      return absl::InternalError(text);
  }
}

class Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) {
    if (sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) != SQLITE_OK)
      error_ = SqliteError(db, sql);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Text(absl::string_view value) {
    if (error_.ok())
      sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8);
    return *this;
  }
  Statement& Blob(absl::string_view value) {
    if (error_.ok())
      sqlite3_bind_blob64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& Number(uint64_t value) {
    if (error_.ok()) sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(value));
    return *this;
  }
  Statement& Null() {
    if (error_.ok()) sqlite3_bind_null(statement_, ++bound_);
    return *this;
  }

  // Runs a statement that gives no rows, and makes it ready for the next values.
  absl::Status Run() {
    if (!error_.ok()) return error_;
    const int code = sqlite3_step(statement_);
    absl::Status status =
        code == SQLITE_DONE || code == SQLITE_ROW ? absl::OkStatus() : SqliteError(db_, "write");
    sqlite3_reset(statement_);
    bound_ = 0;
    return status;
  }

  // True while there is a row; then read columns in order. `status` says how it ended.
  bool Next() {
    column_ = 0;
    if (!error_.ok()) return false;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) error_ = SqliteError(db_, "read");
    return false;
  }
  const absl::Status& status() const { return error_; }

  bool IsNull() const { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }
  void Skip() { ++column_; }
  uint64_t TakeNumber() {
    return static_cast<uint64_t>(sqlite3_column_int64(statement_, column_++));
  }
  std::string TakeBytes() {
    const void* data = sqlite3_column_blob(statement_, column_);
    const int size = sqlite3_column_bytes(statement_, column_);
    ++column_;
    return data == nullptr ? std::string()
                           : std::string(static_cast<const char*>(data), static_cast<size_t>(size));
  }

 private:
  sqlite3* const db_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int column_ = 0;
  absl::Status error_;
};

}  // namespace leidang::agent
