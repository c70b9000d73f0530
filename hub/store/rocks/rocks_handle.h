#pragma once

// The inside of RocksDatabase. Included by hub/store/rocks/*.cc and their tests only.

#include <array>
#include <memory>
#include <string>

#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"

#include "hub/store/rocks/rocks_database.h"

namespace leidang::hub {

// What a database's files are reached through; tests put a disk with faults here.
struct DatabaseDisk {
  rocksdb::Env* env = nullptr;
};

// The open database. Views keep it alive.
struct RocksDatabase::Handle {
  ~Handle() {
    for (rocksdb::ColumnFamilyHandle* family : families) {
      if (family != nullptr) db->DestroyColumnFamilyHandle(family);
    }
    if (default_family != nullptr) db->DestroyColumnFamilyHandle(default_family);
  }

  rocksdb::ColumnFamilyHandle* of(Family family) const {
    return families[static_cast<size_t>(family)];
  }

  std::string directory;
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families{};
  rocksdb::ColumnFamilyHandle* default_family = nullptr;  // RocksDB insists on one; it is empty.
};

}  // namespace leidang::hub
