#pragma once

// Shared by the sources of SqliteDatabase.

#include <sqlite3.h>

#include "agent/state/sqlite_database.h"

namespace leidang::agent {

struct SqliteDatabase::Impl {
  sqlite3* db = nullptr;
  ~Impl() { sqlite3_close(db); }

  absl::Status Execute(const char* sql);
};

}  // namespace leidang::agent
