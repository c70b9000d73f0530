#include "hub/store/rocks/rocks_database.h"

#include <array>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include <sys/stat.h>

#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/time/real_clock.h"
#include "hub/store/meta_record.h"
#include "hub/store/migration.h"
#include "hub/store/rocks/rocks_handle.h"
#include "hub/store/rocks/rocks_settings.h"
#include "hub/store/rocks/sync_probe.h"
#include "hub/store/row_store.h"

namespace leidang::hub {
namespace {

// There while derived families are being dropped.
constexpr char kDroppingKey[] = "dropping-derived";
constexpr Family kDerivedFamilies[] = {Family::kDerived, Family::kAssign, Family::kLog,
                                       Family::kStatus, Family::kContent};

rocksdb::Slice SliceOf(absl::string_view text) { return rocksdb::Slice(text.data(), text.size()); }

absl::string_view ViewOf(const rocksdb::Slice& slice) {
  return absl::string_view(slice.data(), slice.size());
}

std::string NameOf(Family family) { return std::string(FamilyName(family)); }

}  // namespace

class RocksDatabase::View final : public RowView {
 public:
  explicit View(std::shared_ptr<const Handle> handle)
      : handle_(std::move(handle)), snapshot_(handle_->db->GetSnapshot()) {}
  ~View() override { handle_->db->ReleaseSnapshot(snapshot_); }

  absl::StatusOr<std::optional<std::string>> Get(Family family,
                                                 absl::string_view key) const override {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    std::string value;
    const rocksdb::Status status =
        handle_->db->Get(options, handle_->of(family), SliceOf(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return FromRocks(status, "read", handle_->directory);
    return std::optional<std::string>(std::move(value));
  }

  absl::Status Scan(Family family, absl::string_view begin, absl::string_view end,
                    const Visit& visit) const override {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    const rocksdb::Slice upper = SliceOf(end);
    if (!end.empty()) options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> rows(
        handle_->db->NewIterator(options, handle_->of(family)));
    for (rows->Seek(SliceOf(begin)); rows->Valid(); rows->Next()) {
      if (!visit(ViewOf(rows->key()), ViewOf(rows->value()))) return absl::OkStatus();
    }
    return FromRocks(rows->status(), "read", handle_->directory);
  }

 private:
  const std::shared_ptr<const Handle> handle_;
  const rocksdb::Snapshot* const snapshot_;
};

class RocksDatabase::TheRows final : public Rows {
 public:
  TheRows(std::shared_ptr<Handle> handle, std::function<void(absl::Duration)> on_synced)
      : handle_(std::move(handle)), on_synced_(std::move(on_synced)) {}

  absl::Status Persist(RowBatch batch, Durability durability) override {
    rocksdb::WriteBatch writes;
    for (const auto& [key, value] : batch.rows()) {
      rocksdb::ColumnFamilyHandle* const family = handle_->of(key.first);
      const rocksdb::Status status = value.has_value() ? writes.Put(family, key.second, *value)
                                                       : writes.Delete(family, key.second);
      if (!status.ok()) return FromRocks(status, "write to", handle_->directory);
    }
    rocksdb::WriteOptions options;
    options.sync = durability == Durability::kSynced;
    const absl::Duration begin = clock_.Monotonic();
    const absl::Status status =
        FromRocks(handle_->db->Write(options, &writes), "write to", handle_->directory);
    if (!status.ok()) {
      MutexLock lock(&mu_);
      health_ = status;
    } else if (options.sync && on_synced_ != nullptr) {
      on_synced_(clock_.Monotonic() - begin);
    }
    return status;
  }
  absl::Status health() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return health_;
  }

  std::shared_ptr<const RowView> Reveal(std::shared_ptr<const RowView> previous) override {
    previous.reset();
    return std::make_shared<View>(handle_);
  }

 private:
  const std::shared_ptr<Handle> handle_;
  const std::function<void(absl::Duration)> on_synced_;
  const RealClock clock_;
  mutable Mutex mu_;
  absl::Status health_ ABSL_GUARDED_BY(mu_);
};

namespace {

// RocksDB makes a new database where its file CURRENT is missing, whatever else is there.
absl::Status PrepareDirectory(const std::string& directory) {
  std::error_code error;
  const bool created = std::filesystem::create_directories(directory, error);
  if (!error && created && ::chmod(directory.c_str(), 0700) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  std::filesystem::directory_iterator files;
  if (!error) files = std::filesystem::directory_iterator(directory, error);
  if (error) {
    const std::string message =
        absl::StrCat("cannot use the store's directory ", directory, ": ", error.message());
    return error == std::errc::permission_denied ? absl::PermissionDeniedError(message)
                                                 : absl::UnavailableError(message);
  }
  bool has_current = false;
  std::string data_file;
  for (; files != std::filesystem::directory_iterator(); files.increment(error)) {
    const std::string name = files->path().filename().string();
    has_current = has_current || name == "CURRENT";
    // The very first manifest may be there without the rest: a birth that was cut off.
    if (absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log") ||
        (absl::StartsWith(name, "MANIFEST-") && name != "MANIFEST-000001")) {
      data_file = name;
    }
    if (error) break;
  }
  if (!has_current && !data_file.empty()) {
    return absl::DataLossError(absl::StrCat("the store in ", directory, " has the file ", data_file,
                                            " but no CURRENT: files are missing. Restore it from "
                                            "a backup."));
  }
  return absl::OkStatus();
}

absl::Status CheckFamilies(const rocksdb::DBOptions& options, const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory + "/CURRENT", error)) return absl::OkStatus();
  std::vector<std::string> names;
  const rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(options, directory, &names);
  if (!listed.ok()) return FromRocks(listed, "open", directory);
  for (const std::string& name : names) {
    bool known = name == rocksdb::kDefaultColumnFamilyName;
    for (size_t i = 0; i < kFamilies; ++i) {
      known = known || name == FamilyName(static_cast<Family>(i));
    }
    if (!known) {
      return absl::FailedPreconditionError(
          absl::StrCat("the store in ", directory, " has a family \"", name,
                       "\", which a later leidang-hub made: run that version"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

RocksDatabase::RocksDatabase(std::shared_ptr<Handle> handle, std::string directory,
                             std::function<void(absl::Duration)> on_synced)
    : handle_(std::move(handle)),
      rows_(std::make_unique<TheRows>(handle_, std::move(on_synced))),
      directory_(std::move(directory)) {}

RocksDatabase::~RocksDatabase() = default;

Rows* RocksDatabase::rows() { return rows_.get(); }

absl::Status RocksDatabase::WriteHealth() const { return rows_->health(); }

std::shared_ptr<const RowView> RocksDatabase::Snapshot() const {
  return std::make_shared<View>(handle_);
}

absl::StatusOr<std::unique_ptr<RocksDatabase>> RocksDatabase::Open(const DatabaseOptions& options,
                                                                   const Clock& clock) {
  const std::string& directory = options.directory;
  RETURN_IF_ERROR(PrepareDirectory(directory));
  rocksdb::DBOptions settings = DatabaseSettings();
  if (options.disk != nullptr) settings.env = options.disk->env;
  RETURN_IF_ERROR(CheckFamilies(settings, directory));
  const std::shared_ptr<rocksdb::Cache> cache = BlockCache();
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, FamilySettings(Family::kMeta, cache));
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    families.emplace_back(NameOf(family), FamilySettings(family, cache));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(settings, directory, families, &handles, &db);
  if (!status.ok()) return FromRocks(status, "open", directory);
  auto handle = std::make_shared<Handle>();
  handle->directory = directory;
  handle->cache = cache;
  handle->db.reset(db);
  handle->default_family = handles[0];
  for (size_t i = 0; i < kFamilies; ++i) handle->families[i] = handles[i + 1];

  std::unique_ptr<RocksDatabase> database(
      new RocksDatabase(std::move(handle), directory, options.on_synced));
  RETURN_IF_ERROR(database->CheckMeta(options, clock));
  ASSIGN_OR_RETURN(database->sync_latency_, MeasureSync(directory, options.sync_samples, clock));
  return database;
}

absl::Status RocksDatabase::CheckMeta(const DatabaseOptions& options, const Clock& clock) {
  const std::shared_ptr<const RowView> view = rows_->Reveal(nullptr);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, view->Get(Family::kMeta, kMetaStoreKey));
  if (!value.has_value()) {
    for (size_t i = 0; i < kFamilies; ++i) {
      bool empty = true;
      RETURN_IF_ERROR(
          view->Scan(static_cast<Family>(i), "", "",
                     [&empty](absl::string_view, absl::string_view) { return empty = false; }));
      if (empty) continue;
      return absl::DataLossError(absl::StrCat("the store in ", directory_,
                                              " does not say which hub's it is, but has data: it "
                                              "is damaged. Restore it from a backup."));
    }
    const MetaFacts born{options.new_hub_id, clock.Now()};
    if (born.hub_id.IsNone()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the store in ", directory_, " is new and was given no hub id"));
    }
    RowBatch batch;
    batch.Put(Family::kMeta, kMetaStoreKey, EncodeMeta(born));
    RETURN_IF_ERROR(rows_->Persist(std::move(batch), Durability::kSynced));
    hub_id_ = born.hub_id;
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(Migrate(*rows_, StoreMigrations(), kFormat).status());
  ASSIGN_OR_RETURN(const MetaFacts facts, DecodeMeta(kMetaStoreKey, *value));
  hub_id_ = facts.hub_id;
  if (!options.expected_hub_id.IsNone() && options.expected_hub_id != hub_id_) {
    return absl::FailedPreconditionError(
        absl::StrCat("the store in ", directory_, " belongs to hub ", hub_id_.Hex(),
                     ", expected was hub ", options.expected_hub_id.Hex(), ": check --data-dir"));
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> dropping,
                   view->Get(Family::kMeta, kDroppingKey));
  return dropping.has_value() ? DropDerivedFamilies() : absl::OkStatus();
}

absl::Status RocksDatabase::DeleteDerived() {
  RowBatch mark;
  mark.Put(Family::kMeta, kDroppingKey, "1");
  RETURN_IF_ERROR(rows_->Persist(std::move(mark), Durability::kSynced));
  return DropDerivedFamilies();
}

absl::Status RocksDatabase::DropDerivedFamilies() {
  for (const Family family : kDerivedFamilies) {
    rocksdb::ColumnFamilyHandle*& handle = handle_->families[static_cast<size_t>(family)];
    const auto check = [&](const rocksdb::Status& status) {
      return FromRocks(status, absl::StrCat("drop family ", FamilyName(family), " of"), directory_);
    };
    RETURN_IF_ERROR(check(handle_->db->DropColumnFamily(handle)));
    RETURN_IF_ERROR(check(handle_->db->DestroyColumnFamilyHandle(handle)));
    handle = nullptr;
    RETURN_IF_ERROR(check(handle_->db->CreateColumnFamily(FamilySettings(family, handle_->cache),
                                                          NameOf(family), &handle)));
  }
  RowBatch done;
  done.Delete(Family::kMeta, kDroppingKey);
  return rows_->Persist(std::move(done), Durability::kSynced);
}

std::string RocksDatabase::SlowDiskWarning() const {
  if (!sync_latency_.Slow()) return "";
  return absl::StrCat(
      "the disk of ", directory_, " takes ", absl::FormatDuration(sync_latency_.p99), " (p99 of ",
      sync_latency_.samples, ") to sync a small write; above ",
      absl::FormatDuration(SyncLatency::kWarnAbove), " every change in the fleet waits for it");
}

absl::Status RocksDatabase::Flush() {
  for (rocksdb::ColumnFamilyHandle* family : handle_->families) {
    const rocksdb::Status status = handle_->db->Flush(rocksdb::FlushOptions(), family);
    if (!status.ok()) return FromRocks(status, "flush", directory_);
  }
  return absl::OkStatus();
}

absl::Status RocksDatabase::VerifyFiles() const {
  return FromRocks(handle_->db->VerifyChecksum(), "verify the files of", directory_);
}

absl::StatusOr<uint64_t> RocksDatabase::DiskBytes() const {
  std::error_code error;
  uint64_t bytes = 0;
  std::filesystem::directory_iterator files(directory_, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    std::error_code gone;  // A file that compaction removes meanwhile counts nothing.
    const uint64_t size = files->file_size(gone);
    if (!gone) bytes += size;
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot list the store's directory ", directory_, ": ", error.message()));
  }
  return bytes;
}

absl::StatusOr<std::unique_ptr<Store>> OpenRocksStore(RocksDatabase& database,
                                                      EventLoop* commit_loop) {
  ASSIGN_OR_RETURN(std::unique_ptr<RowStore> store,
                   RowStore::Open(database.rows(), commit_loop, CommitLimits()));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace leidang::hub
