#pragma once

// RocksDB as a hub on two cores wants it. Included by hub/store/rocks/*.cc only.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/options.h"
#include "rocksdb/status.h"

#include "hub/store/rows.h"

namespace leidang::hub {

rocksdb::DBOptions DatabaseSettings();
rocksdb::ColumnFamilyOptions FamilySettings(Family family);

// Says what failed, in which directory, and what to do.
absl::Status FromRocks(const rocksdb::Status& status, absl::string_view what,
                       const std::string& directory);

}  // namespace leidang::hub
