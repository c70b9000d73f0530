#include "hub/store/log_state.h"

#include "common/base/check.h"

namespace leidang::hub {

void TombstoneTable::Add(PendingTombstone pending) {
  const Id id(pending.tombstone.key, pending.tombstone.uid);
  CHECK(by_id_.emplace(id, pending.revision).second);
  CHECK(by_revision_.emplace(pending.revision, std::move(pending)).second);
}

void TombstoneTable::Remove(const Id& id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return;
  by_revision_.erase(it->second);
  by_id_.erase(it);
}

void TombstoneTable::MarkGone(const Id& id) {
  const auto it = by_id_.find(id);
  if (it != by_id_.end()) by_revision_.at(it->second).gone = true;
}

const PendingTombstone* TombstoneTable::Find(const Id& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &by_revision_.at(it->second);
}

TombstoneTable& LogState::MutableTombstones() {
  if (tombstones_.use_count() > 1) tombstones_ = std::make_shared<TombstoneTable>(*tombstones_);
  return *tombstones_;
}

object::Sha256 LogState::RootOfDigest() const {
  MutexLock lock(&root_->mu);
  if (!root_->value.has_value()) root_->value = digest.Root();
  return *root_->value;
}

ClusterLog LogState::Describe(const intent::ClusterId& cluster) const {
  ClusterLog log;
  log.cluster = cluster;
  log.authority = header.authority;
  log.head = header.head;
  log.acked = header.acked;
  log.resumable_from = header.resumable_from;
  log.session_epoch = header.session_epoch;
  log.live = digest.count();
  log.tombstones = tombstones_->size();
  log.unassigned_statuses = unassigned_statuses;
  return log;
}

}  // namespace leidang::hub
