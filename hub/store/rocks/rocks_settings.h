#pragma once

// RocksDB as a hub on two cores wants it. Included by hub/store/rocks/*.cc only.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/cache.h"
#include "rocksdb/options.h"
#include "rocksdb/status.h"

#include "hub/store/rows.h"

namespace leidang::hub {

rocksdb::DBOptions DatabaseSettings();
// What a database keeps of its files in memory, all families together.
std::shared_ptr<rocksdb::Cache> BlockCache();
rocksdb::ColumnFamilyOptions FamilySettings(Family family,
                                            const std::shared_ptr<rocksdb::Cache>& cache);

// Says what failed, in which directory, and what to do.
absl::Status FromRocks(const rocksdb::Status& status, absl::string_view what,
                       const std::string& directory);

}  // namespace leidang::hub
