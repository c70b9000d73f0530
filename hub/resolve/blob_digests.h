#pragma once

// BlobDigests remembers the SHA-256 of Git blobs, so that a file is hashed once however many
// commits and Applications have it. A blob's id names its content, so nothing here grows old.
//
// Thread-safe.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "common/base/mutex.h"
#include "common/object/sha256.h"
#include "hub/source/git_tree.h"
#include "hub/source/git_types.h"

namespace leidang::hub {

class BlobDigests {
 public:
  struct Facts {
    object::Sha256 digest;
    uint64_t size = 0;
  };

  // When there are more it starts afresh.
  explicit BlobDigests(size_t entries_max = 500'000) : entries_max_(entries_max) {}

  // TooLarge beyond `size_max` bytes; errors of reading.
  absl::StatusOr<Facts> Of(const GitTree& tree, const GitId& blob, uint64_t size_max)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const size_t entries_max_;
  Mutex mu_;
  absl::flat_hash_map<GitId, Facts> facts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::hub
