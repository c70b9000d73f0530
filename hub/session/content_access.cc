#include "hub/session/content_access.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/tree/tree_manifest.h"

namespace leidang::hub {

ContentSender::ContentSender(ContentAccess& access, const intent::ClusterId& cluster,
                             std::string bytes, uint64_t offset)
    : access_(access), cluster_(cluster), bytes_(std::move(bytes)), offset_(offset) {
  ++access_.readers_;
  ++access_.ShareOf(cluster_).readers;
}

ContentSender::~ContentSender() {
  --access_.readers_;
  --access_.ShareOf(cluster_).readers;
}

std::string ContentSender::Next(size_t bytes_max) {
  std::string next = bytes_.substr(offset_, bytes_max);
  offset_ += next.size();
  return next;
}

absl::Duration ContentSender::Take(size_t bytes, absl::Duration now) {
  const auto amount = static_cast<double>(bytes);
  return std::max(access_.ShareOf(cluster_).bytes.Take(amount, now),
                  access_.all_bytes_.Take(amount, now));
}

ContentAccess::Share& ContentAccess::ShareOf(const intent::ClusterId& cluster) {
  const auto found = shares_.find(cluster);
  if (found != shares_.end()) return found->second;
  return shares_
      .emplace(cluster,
               Share{TokenBucket(options_.fetches_per_second, options_.fetches_burst),
                     TokenBucket(options_.fetched_bytes_per_second, options_.fetched_bytes_burst)})
      .first->second;
}

absl::Duration ContentAccess::TakeFetch(const intent::ClusterId& cluster, absl::Duration now) {
  return ShareOf(cluster).fetches.Take(1, now);
}

absl::StatusOr<std::set<object::Sha256>> ContentAccess::TreesOf(
    const intent::ClusterId& cluster) const {
  std::set<object::Sha256> trees;
  PageRequest request;
  do {
    ASSIGN_OR_RETURN(const Page<LiveAssignment> page, store_.Assignments(cluster, request));
    for (const LiveAssignment& live : page.items) {
      for (const intent::Source& source : live.assignment.sources) trees.insert(source.tree);
    }
    request.token = page.next;
  } while (!request.token.empty());
  return trees;
}

absl::StatusOr<const ContentAccess::Tree*> ContentAccess::Load(const object::Sha256& tree) {
  if (const auto it = trees_.find(tree); it != trees_.end()) {
    recent_.splice(recent_.begin(), recent_, it->second.used);
    return &it->second;
  }
  ASSIGN_OR_RETURN(const std::string bytes, store_.GetContent(tree));
  ASSIGN_OR_RETURN(const tree::TreeManifest manifest, tree::Parse(bytes));
  if (trees_.size() >= options_.trees_cached_max) {
    trees_.erase(recent_.back());
    recent_.pop_back();
  }
  Tree& loaded = trees_[tree];
  for (const tree::TreeFile& file : manifest.files) loaded.files.insert(file.digest);
  recent_.push_front(tree);
  loaded.used = recent_.begin();
  return &loaded;
}

absl::StatusOr<bool> ContentAccess::MayRead(const intent::ClusterId& cluster,
                                            const object::Sha256& digest) {
  ASSIGN_OR_RETURN(const std::set<object::Sha256> trees, TreesOf(cluster));
  if (trees.contains(digest)) return true;
  for (const object::Sha256& tree : trees) {
    const absl::StatusOr<const Tree*> loaded = Load(tree);
    // A tree that is damaged or missing gives no right, and takes none away from the others.
    if (loaded.ok() && (*loaded)->files.contains(digest)) return true;
  }
  return false;
}

absl::StatusOr<std::unique_ptr<ContentSender>> ContentAccess::Open(const intent::ClusterId& cluster,
                                                                   const object::Sha256& digest,
                                                                   uint64_t offset) {
  if (readers_ >= options_.fetches_max ||
      ShareOf(cluster).readers >= options_.fetches_per_cluster_max) {
    return absl::ResourceExhaustedError("too many fetches at a time: try again later");
  }
  ASSIGN_OR_RETURN(const bool may, MayRead(cluster, digest));
  if (!may) {
    return absl::PermissionDeniedError(absl::StrCat(
        "content ", digest.Hex(), " belongs to no assignment of cluster ", cluster.Hex()));
  }
  ASSIGN_OR_RETURN(std::string bytes, store_.GetContent(digest));
  if (offset > bytes.size()) {
    return absl::OutOfRangeError(absl::StrCat("content ", digest.Hex(), " has ", bytes.size(),
                                              " bytes, so there is no offset ", offset));
  }
  return std::unique_ptr<ContentSender>(
      new ContentSender(*this, cluster, std::move(bytes), offset));
}

}  // namespace leidang::hub
