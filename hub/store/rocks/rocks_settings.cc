#include "hub/store/rocks/rocks_settings.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "rocksdb/convenience.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"

namespace leidang::hub {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

bool HasZstd() {
  const std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  return std::find(supported.begin(), supported.end(), rocksdb::kZSTD) != supported.end();
}

}  // namespace

rocksdb::DBOptions DatabaseSettings() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // A record that a crash cut off at the end of the log was never acknowledged; damage anywhere
  // else stops the opening. Logs that were closed and are gone or short are found by the manifest.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.recycle_log_file_num = 0;
  options.track_and_verify_wals_in_manifest = true;
  options.avoid_flush_during_shutdown = true;
  options.db_write_buffer_size = 48 * kMiB;
  options.max_total_wal_size = 64 * kMiB;
  options.max_background_jobs = 2;
  options.allow_concurrent_memtable_write = false;  // One commit thread.
  options.enable_write_thread_adaptive_yield = false;
  options.bytes_per_sync = 1 * kMiB;
  options.max_open_files = 512;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = 4 * kMiB;
  options.keep_log_file_num = 4;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

std::shared_ptr<rocksdb::Cache> BlockCache() {
  rocksdb::LRUCacheOptions options;
  options.capacity = 48 * kMiB;
  // An index of a file takes up to half a megabyte: where a shard has no room for some of them,
  // each read decompresses one.
  options.num_shard_bits = 1;
  options.high_pri_pool_ratio = 0.5;  // For indexes and filters.
  return rocksdb::NewLRUCache(options);
}

rocksdb::ColumnFamilyOptions FamilySettings(Family family,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = 8 * kMiB;
  options.max_write_buffer_number = 2;
  options.target_file_size_base = 16 * kMiB;
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = HasZstd() ? rocksdb::kZSTD : rocksdb::kNoCompression;
  options.compression_opts.level = 1;
  if (family == Family::kContent) {
    // Files are written once and dropped whole: compaction need not move them about.
    options.enable_blob_files = true;
    options.min_blob_size = 8 * 1024;
    options.blob_compression_type = options.compression;
    options.enable_blob_garbage_collection = true;
  }
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.enable_index_compression = false;
  table.block_size = 8 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view what,
                       const std::string& directory) {
  if (status.ok()) return absl::OkStatus();
  const std::string message =
      absl::StrCat("cannot ", what, " the store in ", directory, ": ", status.ToString());
  if (status.IsCorruption()) {
    return absl::DataLossError(absl::StrCat(message, ". It is damaged: restore it from a backup."));
  }
  if (status.IsNoSpace()) {
    return absl::ResourceExhaustedError(absl::StrCat(message, ". Make room on that disk."));
  }
  if (status.IsIOError() && message.find("lock") != std::string::npos) {
    return absl::FailedPreconditionError(absl::StrCat(message, ". Another process uses it."));
  }
  if (status.IsIOError() || status.IsTimedOut() || status.IsBusy()) {
    return absl::UnavailableError(message);
  }
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return absl::FailedPreconditionError(message);
  }
  return absl::InternalError(message);
}

}  // namespace leidang::hub
