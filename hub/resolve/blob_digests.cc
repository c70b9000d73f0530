#include "hub/resolve/blob_digests.h"

#include "common/base/status_macros.h"

namespace leidang::hub {

absl::StatusOr<BlobDigests::Facts> BlobDigests::Of(const GitTree& tree, const GitId& blob,
                                                   uint64_t size_max) {
  {
    MutexLock lock(&mu_);
    const auto it = facts_.find(blob);
    if (it != facts_.end() && it->second.size <= size_max) return it->second;
  }
  ASSIGN_OR_RETURN(const std::string content, tree.ReadBlob(blob, size_max));
  const Facts facts{object::Sha256::Of(content), content.size()};
  MutexLock lock(&mu_);
  if (facts_.size() >= entries_max_) facts_.clear();
  facts_[blob] = facts;
  return facts;
}

}  // namespace leidang::hub
