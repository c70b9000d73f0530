#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"

#include "common/base/mutex.h"
#include "common/intent/intent.h"
#include "common/proof/bucketed_digest.h"
#include "hub/store/records.h"
#include "hub/store/store.h"

namespace leidang::hub {

// Pending tombstones of one log, by revision and by (key, uid). Thread-compatible.
class TombstoneTable {
 public:
  using Id = std::pair<intent::EntryKey, intent::Uid>;

  // REQUIRES: neither the revision nor the (key, uid) is there.
  void Add(PendingTombstone pending);
  void Remove(const Id& id);
  void MarkGone(const Id& id);
  const PendingTombstone* Find(const Id& id) const;
  const std::map<intent::Revision, PendingTombstone>& by_revision() const { return by_revision_; }
  size_t size() const { return by_revision_.size(); }

 private:
  std::map<intent::Revision, PendingTombstone> by_revision_;
  std::map<Id, intent::Revision> by_id_;
};

// What is kept in memory about one cluster's log. Copied for a group of batches that touch it, and
// then published: readers hold one that does not change any more.
class LogState {
 public:
  LogHeader header;
  proof::BucketedDigest digest;
  uint64_t unassigned_statuses = 0;  // As in ClusterLog.

  const TombstoneTable& tombstones() const { return *tombstones_; }
  // For changing; shared with copies until then.
  TombstoneTable& MutableTombstones();

  // To be called after `digest` was changed.
  void DigestChanged() { root_ = std::make_shared<Root>(); }
  // Thread-safe on a published state.
  object::Sha256 RootOfDigest() const;

  ClusterLog Describe(const intent::ClusterId& cluster) const;

 private:
  struct Root {
    Mutex mu;
    std::optional<object::Sha256> value ABSL_GUARDED_BY(mu);
  };

  std::shared_ptr<TombstoneTable> tombstones_ = std::make_shared<TombstoneTable>();
  std::shared_ptr<Root> root_ = std::make_shared<Root>();
};

}  // namespace leidang::hub
