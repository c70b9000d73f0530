#pragma once

// ContentReader: files and tree manifests by the SHA-256 of their bytes, in pieces, as agents fetch
// them.
//
// MemoryContent is for simulation and tests; StoreContent reads the hub's store and keeps what was
// read last, since a commit makes many agents ask for the same few files within moments.
//
// Thread-safe.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/base/mutex.h"
#include "common/object/sha256.h"
#include "hub/store/store.h"

namespace leidang::hub {

struct ContentRange {
  uint64_t total = 0;  // Of the whole content.
  std::string bytes;   // From the offset on, at most what was asked for; empty at the end.
};

class ContentReader {
 public:
  virtual ~ContentReader() = default;

  // The whole, already verified. kNotFound, naming the digest; kDataLoss for damage. Shared because
  // many readers hold the same bytes.
  virtual absl::StatusOr<std::shared_ptr<const std::string>> Get(
      const object::Sha256& digest) const = 0;

  // kOutOfRange if `offset` is beyond the end.
  absl::StatusOr<ContentRange> GetRange(const object::Sha256& digest, uint64_t offset,
                                        uint64_t bytes_max) const;
};

class MemoryContent final : public ContentReader {
 public:
  object::Sha256 Put(absl::string_view bytes) ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(const object::Sha256& digest) ABSL_LOCKS_EXCLUDED(mu_);

  absl::StatusOr<std::shared_ptr<const std::string>> Get(
      const object::Sha256& digest) const override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable Mutex mu_;
  std::map<object::Sha256, std::shared_ptr<const std::string>> contents_ ABSL_GUARDED_BY(mu_);
};

class StoreContent final : public ContentReader {
 public:
  static constexpr uint64_t kCacheBytes = uint64_t{32} << 20;

  // `store` must outlive it.
  explicit StoreContent(const Store& store, uint64_t cache_bytes_max = kCacheBytes);

  absl::StatusOr<std::shared_ptr<const std::string>> Get(
      const object::Sha256& digest) const override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    object::Sha256 digest;
    std::shared_ptr<const std::string> bytes;
  };
  using Entries = std::list<Entry>;  // Last used first.

  void Keep(const object::Sha256& digest, const std::shared_ptr<const std::string>& bytes) const
      ABSL_LOCKS_EXCLUDED(mu_);

  const Store& store_;
  const uint64_t cache_bytes_max_;

  mutable Mutex mu_;
  mutable Entries entries_ ABSL_GUARDED_BY(mu_);
  mutable std::map<object::Sha256, Entries::iterator> by_digest_ ABSL_GUARDED_BY(mu_);
  mutable uint64_t cached_bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace leidang::hub
