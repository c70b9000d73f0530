#pragma once

// ContentAccess serves content to agents. OwnOnly: a cluster reads a tree that one of its own live
// assignments names, or a file of such a tree, and nothing else, whatever it asks for.
//
// Loop-bound. BoundedEverything: so many readers for each cluster and in all, so many trees
// remembered; so many fetches and bytes a second for each cluster, and bytes for all.

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "hub/session/options.h"
#include "hub/session/token_bucket.h"
#include "hub/store/store.h"

namespace leidang::hub {

class ContentAccess;

// One content being sent, from an offset on. Must not outlive its ContentAccess.
class ContentSender {
 public:
  ~ContentSender();
  ContentSender(const ContentSender&) = delete;
  ContentSender& operator=(const ContentSender&) = delete;

  uint64_t total() const { return bytes_.size(); }  // Size of the whole.
  // The next `bytes_max` bytes at most; empty at the end.
  std::string Next(size_t bytes_max);
  // Counts what Next gave against the shares of the cluster and of all: how long to wait before it
  // is sent.
  absl::Duration Take(size_t bytes, absl::Duration now);

 private:
  friend class ContentAccess;
  ContentSender(ContentAccess& access, const intent::ClusterId& cluster, std::string bytes,
                uint64_t offset);

  ContentAccess& access_;
  const intent::ClusterId cluster_;
  const std::string bytes_;
  uint64_t offset_;
};

class ContentAccess {
 public:
  // Both must outlive it.
  ContentAccess(const Store& store, const SessionOptions& options)
      : store_(store),
        options_(options),
        all_bytes_(options.content_bytes_per_second, options.content_bytes_burst) {}

  // Counts a fetch that is asked for: how long to wait before it is opened.
  absl::Duration TakeFetch(const intent::ClusterId& cluster, absl::Duration now);
  // `cluster` is the authenticated one. kPermissionDenied if none of its assignments reaches the
  // content (so a stranger does not learn whether it exists), kOutOfRange beyond its end,
  // kResourceExhausted with too many readers open; the errors of the store.
  absl::StatusOr<std::unique_ptr<ContentSender>> Open(const intent::ClusterId& cluster,
                                                      const object::Sha256& digest,
                                                      uint64_t offset);

  size_t readers() const { return readers_; }

 private:
  friend class ContentSender;

  struct Tree {
    std::set<object::Sha256> files;
    std::list<object::Sha256>::iterator used;
  };

  struct Share {
    TokenBucket fetches;
    TokenBucket bytes;
    size_t readers = 0;
  };
  Share& ShareOf(const intent::ClusterId& cluster);

  absl::StatusOr<bool> MayRead(const intent::ClusterId& cluster, const object::Sha256& digest);
  absl::StatusOr<std::set<object::Sha256>> TreesOf(const intent::ClusterId& cluster) const;
  // The files of a tree, from memory or the store.
  absl::StatusOr<const Tree*> Load(const object::Sha256& tree);

  const Store& store_;
  const SessionOptions& options_;
  std::map<object::Sha256, Tree> trees_;
  std::list<object::Sha256> recent_;           // Most recently used first.
  std::map<intent::ClusterId, Share> shares_;  // Of the clusters that ever fetched.
  TokenBucket all_bytes_;
  size_t readers_ = 0;
};

}  // namespace leidang::hub
