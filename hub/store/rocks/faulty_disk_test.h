#pragma once

// FaultyDisk: the machine's disk with faults, for databases under test. Full, failing to sync,
// cut off by a power cut (what was not synced is lost, the last of it torn), or giving back other
// bytes than were written.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

#include "common/base/mutex.h"
#include "common/random/random.h"
#include "hub/store/rocks/rocks_handle.h"

namespace leidang::hub {

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  enum class Fault { kNone, kFull, kSyncFails, kPowerCut };

  FaultyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  // From the write or sync after the next `after` ones on, until Heal.
  void FailAfter(uint64_t after, Fault fault) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    fault_ = fault;
    fails_at_ = operations_ + after;
  }
  void Heal() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    fault_ = Fault::kNone;
  }
  // Reads of tables flip a bit from now on.
  void CorruptReads(bool corrupt) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    corrupt_ = corrupt;
  }
  uint64_t operations() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return operations_;
  }
  bool failed() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return failed_;
  }

  // After a power cut, with the database closed: each file loses what was not synced, but for a
  // random part of it.
  void LoseUnsynced(Random& random) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    for (const auto& [path, sizes] : sizes_) {
      const uint64_t torn = random.Below(sizes.written - sizes.synced + 1);
      if (::truncate(path.c_str(), static_cast<off_t>(sizes.synced + torn)) != 0) continue;
    }
    sizes_.clear();
    fault_ = Fault::kNone;
    failed_ = false;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override {
    const rocksdb::IOStatus allowed = Allow();
    if (!allowed.ok()) return allowed;
    std::unique_ptr<rocksdb::FSWritableFile> inner;
    const rocksdb::IOStatus status = target()->NewWritableFile(path, options, &inner, context);
    if (!status.ok()) return status;
    {
      MutexLock lock(&mu_);
      sizes_[path] = {};
    }
    *file = std::make_unique<WritableFile>(*this, path, std::move(inner));
    return status;
  }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSRandomAccessFile> inner;
    const rocksdb::IOStatus status = target()->NewRandomAccessFile(path, options, &inner, context);
    if (!status.ok()) return status;
    *file = std::make_unique<ReadableFile>(*this, std::move(inner));
    return status;
  }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    const rocksdb::IOStatus allowed = Allow();
    if (!allowed.ok()) return allowed;
    const rocksdb::IOStatus status = target()->RenameFile(from, to, options, context);
    MutexLock lock(&mu_);
    if (const auto it = sizes_.find(from); status.ok() && it != sizes_.end()) {
      sizes_[to] = it->second;
      sizes_.erase(from);
    }
    return status;
  }

  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    const rocksdb::IOStatus allowed = Allow();
    if (!allowed.ok()) return allowed;
    const rocksdb::IOStatus status = target()->DeleteFile(path, options, context);
    MutexLock lock(&mu_);
    sizes_.erase(path);
    return status;
  }

 private:
  struct Sizes {
    uint64_t written = 0;
    uint64_t synced = 0;
  };

  class WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    WritableFile(FaultyFileSystem& disk, std::string path,
                 std::unique_ptr<rocksdb::FSWritableFile> file)
        : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), path_(std::move(path)) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      const rocksdb::IOStatus allowed = disk_.Allow();
      if (!allowed.ok()) return allowed;
      const rocksdb::IOStatus status = target()->Append(data, options, context);
      if (status.ok()) disk_.Written(path_, data.size());
      return status;
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* context) override {
      return Append(data, options, context);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
      const rocksdb::IOStatus allowed = disk_.Allow(Operation::kSync);
      if (!allowed.ok()) return allowed;
      const rocksdb::IOStatus status = target()->Sync(options, context);
      if (status.ok()) disk_.Synced(path_);
      return status;
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* context) override {
      return Sync(options, context);
    }

   private:
    FaultyFileSystem& disk_;
    const std::string path_;
  };

  class ReadableFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
   public:
    ReadableFile(FaultyFileSystem& disk, std::unique_ptr<rocksdb::FSRandomAccessFile> file)
        : FSRandomAccessFileOwnerWrapper(std::move(file)), disk_(disk) {}

    rocksdb::IOStatus Read(uint64_t offset, size_t size, const rocksdb::IOOptions& options,
                           rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext* context) const override {
      const rocksdb::IOStatus status =
          target()->Read(offset, size, options, result, scratch, context);
      if (!status.ok() || result->empty() || !disk_.corrupts()) return status;
      if (result->data() != scratch) std::copy_n(result->data(), result->size(), scratch);
      scratch[result->size() / 2] ^= 0x10;
      *result = rocksdb::Slice(scratch, result->size());
      return status;
    }
    rocksdb::IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count,
                                const rocksdb::IOOptions& options,
                                rocksdb::IODebugContext* context) override {
      for (size_t i = 0; i < count; ++i) {
        rocksdb::FSReadRequest& request = requests[i];
        request.status =
            Read(request.offset, request.len, options, &request.result, request.scratch, context);
      }
      return rocksdb::IOStatus::OK();
    }

   private:
    FaultyFileSystem& disk_;
  };

  enum class Operation { kWrite, kSync };

  rocksdb::IOStatus Allow(Operation operation = Operation::kWrite) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++operations_;
    if (fault_ == Fault::kNone || operations_ <= fails_at_) return rocksdb::IOStatus::OK();
    if (fault_ == Fault::kFull && operation == Operation::kWrite) {
      failed_ = true;
      return rocksdb::IOStatus::NoSpace("no space left on device");
    }
    if (fault_ == Fault::kSyncFails && operation == Operation::kSync) {
      failed_ = true;
      return rocksdb::IOStatus::IOError("fsync: input/output error");
    }
    if (fault_ == Fault::kPowerCut) {
      failed_ = true;
      return rocksdb::IOStatus::IOError("the power is gone");
    }
    return rocksdb::IOStatus::OK();
  }
  void Written(const std::string& path, uint64_t bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    sizes_[path].written += bytes;
  }
  void Synced(const std::string& path) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    Sizes& sizes = sizes_[path];
    sizes.synced = sizes.written;
  }
  bool corrupts() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return corrupt_;
  }

  mutable Mutex mu_;
  Fault fault_ ABSL_GUARDED_BY(mu_) = Fault::kNone;
  bool corrupt_ ABSL_GUARDED_BY(mu_) = false;
  bool failed_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t operations_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t fails_at_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, Sizes> sizes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::hub
