#include "hub/content/content_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace leidang::hub {

absl::StatusOr<ContentRange> ContentReader::GetRange(const object::Sha256& digest, uint64_t offset,
                                                     uint64_t bytes_max) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> whole, Get(digest));
  if (offset > whole->size()) {
    return absl::OutOfRangeError(absl::StrCat("content ", digest.Hex(), " has ", whole->size(),
                                              " bytes, so none from ", offset, " on"));
  }
  return ContentRange{whole->size(), whole->substr(offset, bytes_max)};
}

object::Sha256 MemoryContent::Put(absl::string_view bytes) {
  const object::Sha256 digest = object::Sha256::Of(bytes);
  auto content = std::make_shared<const std::string>(bytes);
  MutexLock lock(&mu_);
  contents_[digest] = std::move(content);
  return digest;
}

void MemoryContent::Remove(const object::Sha256& digest) {
  MutexLock lock(&mu_);
  contents_.erase(digest);
}

absl::StatusOr<std::shared_ptr<const std::string>> MemoryContent::Get(
    const object::Sha256& digest) const {
  MutexLock lock(&mu_);
  const auto it = contents_.find(digest);
  if (it != contents_.end()) return it->second;
  return absl::NotFoundError(absl::StrCat("no content with SHA-256 ", digest.Hex()));
}

StoreContent::StoreContent(const Store& store, uint64_t cache_bytes_max)
    : store_(store), cache_bytes_max_(cache_bytes_max) {}

absl::StatusOr<std::shared_ptr<const std::string>> StoreContent::Get(
    const object::Sha256& digest) const {
  {
    MutexLock lock(&mu_);
    const auto it = by_digest_.find(digest);
    if (it != by_digest_.end()) {
      entries_.splice(entries_.begin(), entries_, it->second);
      return it->second->bytes;
    }
  }
  ASSIGN_OR_RETURN(std::string bytes, store_.GetContent(digest));
  auto shared = std::make_shared<const std::string>(std::move(bytes));
  Keep(digest, shared);
  return shared;
}

void StoreContent::Keep(const object::Sha256& digest,
                        const std::shared_ptr<const std::string>& bytes) const {
  if (bytes->size() > cache_bytes_max_ / 4)
    return;  // One large file must not drive out all others.
  MutexLock lock(&mu_);
  if (by_digest_.contains(digest)) return;
  entries_.push_front({digest, bytes});
  by_digest_[digest] = entries_.begin();
  cached_bytes_ += bytes->size();
  while (cached_bytes_ > cache_bytes_max_) {
    cached_bytes_ -= entries_.back().bytes->size();
    by_digest_.erase(entries_.back().digest);
    entries_.pop_back();
  }
}

}  // namespace leidang::hub
