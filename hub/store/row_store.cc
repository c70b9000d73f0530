#include "hub/store/row_store.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/store/key_codec.h"
#include "hub/store/records.h"

namespace leidang::hub {

RowStore::RowStore(Rows* rows, EventLoop* commit_loop, const CommitLimits& limits)
    : rows_(rows), limits_(limits), queue_(commit_loop, limits, [this](std::vector<Waiting> group) {
        CommitGroup(std::move(group));
      }) {}

RowStore::~RowStore() = default;

absl::StatusOr<std::unique_ptr<RowStore>> RowStore::Open(Rows* rows, EventLoop* commit_loop,
                                                         const CommitLimits& limits) {
  std::unique_ptr<RowStore> store(new RowStore(rows, commit_loop, limits));
  RETURN_IF_ERROR(store->Load());
  return store;
}

absl::Status RowStore::Load() {
  std::shared_ptr<const RowView> view = rows_->Reveal(nullptr);
  RETURN_IF_ERROR(index_.LoadApplications(*view));
  RETURN_IF_ERROR(LoadLogs(*view));
  RETURN_IF_ERROR(index_.LoadStatuses(*view));
  MutexLock lock(&mu_);
  view_ = std::move(view);
  return absl::OkStatus();
}

namespace {

// Of the rows of a cluster's statuses, those whose key is not in `assigned`.
absl::StatusOr<uint64_t> CountUnassigned(const RowView& rows, const intent::ClusterId& cluster,
                                         const std::set<std::string>& assigned) {
  uint64_t unassigned = 0;
  RETURN_IF_ERROR(rows.Scan(Family::kStatus, StatusesOfClusterBegin(cluster),
                            PrefixEnd(ClusterPrefix(cluster)),
                            [&](absl::string_view key, absl::string_view) {
                              if (!assigned.contains(std::string(key))) ++unassigned;
                              return true;
                            }));
  return unassigned;
}

}  // namespace

absl::Status RowStore::LoadLogs(const RowView& rows) {
  std::map<intent::ClusterId, std::shared_ptr<const LogState>> logs;
  std::shared_ptr<LogState> current;
  intent::ClusterId cluster;
  std::set<std::string> assigned;  // Keys that statuses of this log's uids have.
  const auto finish = [&]() -> absl::Status {
    if (current == nullptr) return absl::OkStatus();
    ASSIGN_OR_RETURN(current->unassigned_statuses, CountUnassigned(rows, cluster, assigned));
    assigned.clear();
    return absl::OkStatus();
  };
  absl::Status status;
  const auto load_row = [&](absl::string_view key, absl::string_view value) -> absl::Status {
    ASSIGN_OR_RETURN(const LogKeyParts parts, ParseLogKey(key));
    if (parts.revision == 0) {
      RETURN_IF_ERROR(finish());
      cluster = parts.cluster;
      current = std::make_shared<LogState>();
      ASSIGN_OR_RETURN(current->header, DecodeLogHeader(key, value));
      logs.emplace(cluster, current);
      return absl::OkStatus();
    }
    if (current == nullptr || parts.cluster != cluster) {
      return Damaged(Family::kLog, key, "the header of its log is missing");
    }
    if (parts.revision > current->header.head) {
      return Damaged(Family::kLog, key, "it is beyond the head of its log");
    }
    ASSIGN_OR_RETURN(const LogEntry entry, DecodeLogEntry(key, value));
    if (const auto* put = std::get_if<PutEntry>(&entry)) {
      current->digest.Add(put->key, put->element);
      assigned.insert(StatusKey(cluster, put->key, put->uid));
      if (put->key.kind == intent::EntryKind::kApplication)
        return index_.Apply({indexed::Assigned{cluster, put->key.name, parts.revision}}, rows);
    } else {
      const auto& mark = std::get<TombstoneEntry>(entry);
      const TombstoneTable::Id id(mark.tombstone.key, mark.tombstone.uid);
      if (current->tombstones().Find(id) != nullptr) {
        return Damaged(Family::kLog, key, "the log has two tombstones of one uid");
      }
      current->MutableTombstones().Add({mark.tombstone, parts.revision, mark.gone});
      assigned.insert(StatusKey(cluster, id.first, id.second));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(
      rows.Scan(Family::kLog, "", "", [&](absl::string_view key, absl::string_view value) {
        status = load_row(key, value);
        return status.ok();
      }));
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(finish());
  MutexLock lock(&mu_);
  logs_ = std::move(logs);
  return absl::OkStatus();
}

void RowStore::Commit(WriteBatch batch, EventLoop* loop, Done done) {
  const size_t bytes = batch.bytes();
  absl::Status refused;
  if (bytes > limits_.item_bytes_max) {
    refused = absl::InvalidArgumentError(
        absl::StrCat("a batch of ", bytes, " bytes is above the limit of ", limits_.item_bytes_max,
                     ": write it in parts"));
  } else if (!queue_.Push(Waiting{std::move(batch), loop, done}, bytes)) {
    refused = absl::ResourceExhaustedError(
        absl::StrCat("more than ", limits_.queued_bytes_max,
                     " bytes are waiting to be written to the store: try again later"));
  }
  if (refused.ok()) return;
  CommitResult result;
  result.status = std::move(refused);
  loop->Post([done = std::move(done), result = std::move(result)] { done(result); });
}

void RowStore::CommitGroup(std::vector<Waiting> group) {
  std::vector<CommitResult> results;
  results.reserve(group.size());
  GroupChanges changes;
  Durability durability = Durability::kUnsynced;
  {
    const std::shared_ptr<const RowView> base = View();
    GroupWriter writer(*base, [this](const intent::ClusterId& id) { return FindLog(id); });
    for (Waiting& waiting : group) {
      if (!waiting.batch.status_only()) durability = Durability::kSynced;
      CommitResult result;
      if (broken_.ok()) {
        result = writer.Apply(std::move(waiting.batch));
      } else {
        result.status = broken_;
      }
      results.push_back(std::move(result));
    }
    changes = writer.Take();
  }
  if (!changes.rows.empty()) {
    broken_ = rows_->Persist(std::exchange(changes.rows, RowBatch()), durability);
    if (broken_.ok()) {
      const std::vector<indexed::Any> indexed = std::exchange(changes.indexed, {});
      {
        MutexLock lock(&mu_);
        Publish(std::move(changes));
      }
      // What cannot be read again to be counted is no reason to take back what is written.
      broken_ = index_.Apply(indexed, *View());
    } else {
      for (CommitResult& result : results) {
        if (!result.status.ok()) continue;
        result = CommitResult();
        result.status = broken_;
      }
    }
  }
  Announce(results);
  for (size_t i = 0; i < group.size(); ++i) {
    group[i].loop->Post(
        [done = std::move(group[i].done), result = std::move(results[i])] { done(result); });
  }
}

void RowStore::Publish(GroupChanges changes) {
  view_ = rows_->Reveal(std::move(view_));
  for (auto& [cluster, log] : changes.logs) {
    if (log == nullptr) {
      logs_.erase(cluster);
    } else {
      logs_.insert_or_assign(cluster, std::move(log));
    }
  }
}

void RowStore::Announce(const std::vector<CommitResult>& results) {
  CommitResult all;
  for (const CommitResult& result : results) {
    if (!result.status.ok()) continue;
    for (const auto& [cluster, head] : result.heads) all.heads[cluster] = head;
    all.forgotten.insert(all.forgotten.end(), result.forgotten.begin(), result.forgotten.end());
  }
  if (all.heads.empty() && all.forgotten.empty()) return;
  std::vector<Subscriber> subscribers;
  {
    MutexLock lock(&mu_);
    for (const auto& [id, subscriber] : subscribers_) subscribers.push_back(subscriber);
  }
  for (Subscriber& subscriber : subscribers) {
    subscriber.loop->Post([observer = std::move(subscriber.observer), all] { observer(all); });
  }
}

Store::SubscriptionId RowStore::Subscribe(EventLoop* loop, Done observer) {
  MutexLock lock(&mu_);
  const SubscriptionId id = next_subscription_++;
  subscribers_.emplace(id, Subscriber{loop, std::move(observer)});
  return id;
}

void RowStore::Unsubscribe(SubscriptionId id) {
  MutexLock lock(&mu_);
  subscribers_.erase(id);
}

std::shared_ptr<const RowView> RowStore::View() const {
  MutexLock lock(&mu_);
  return view_;
}

std::shared_ptr<const LogState> RowStore::FindLog(const intent::ClusterId& cluster) const {
  MutexLock lock(&mu_);
  const auto it = logs_.find(cluster);
  return it == logs_.end() ? nullptr : it->second;
}

absl::StatusOr<RowStore::LogView> RowStore::ViewOf(const intent::ClusterId& cluster) const {
  MutexLock lock(&mu_);
  const auto it = logs_.find(cluster);
  if (it == logs_.end()) {
    return absl::NotFoundError(absl::StrCat("cluster ", cluster.Hex(), " has no change log"));
  }
  return LogView{view_, it->second};
}

}  // namespace leidang::hub
