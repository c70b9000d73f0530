#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/mutex.h"
#include "hub/store/application_index.h"
#include "hub/store/commit_queue.h"
#include "hub/store/group_writer.h"
#include "hub/store/log_state.h"
#include "hub/store/rows.h"
#include "hub/store/store.h"

namespace leidang::hub {

// The Store on Rows of any kind: groups batches, writes them, publishes what they did. Heads,
// digests and counts are kept in memory and read from the rows on opening.
class RowStore final : public Store {
 public:
  // Reads all logs. kDataLoss for damage: nothing is served then. `rows` and `commit_loop` must
  // outlive the store.
  static absl::StatusOr<std::unique_ptr<RowStore>> Open(Rows* rows, EventLoop* commit_loop,
                                                        const CommitLimits& limits);
  ~RowStore() override;

  void Commit(WriteBatch batch, EventLoop* loop, Done done) override;
  SubscriptionId Subscribe(EventLoop* loop, Done observer) override;
  void Unsubscribe(SubscriptionId id) override;

  absl::StatusOr<ClusterLog> Log(const intent::ClusterId& cluster) const override;
  std::vector<ClusterLog> Logs() const override;
  absl::StatusOr<LogDigest> Digest(const intent::ClusterId& cluster) const override;
  absl::StatusOr<object::Sha256> Root(const intent::ClusterId& cluster) const override;
  absl::StatusOr<ChangePage> ChangesAfter(const intent::ClusterId& cluster, intent::Revision from,
                                          size_t bytes_max) const override;
  absl::StatusOr<LiveEntries> Entries(const intent::ClusterId& cluster,
                                      const std::vector<uint8_t>& buckets) const override;
  absl::StatusOr<std::vector<PendingTombstone>> Tombstones(
      const intent::ClusterId& cluster) const override;
  absl::StatusOr<LiveAssignment> Assignment(const intent::ClusterId& cluster,
                                            const intent::EntryKey& key) const override;
  absl::StatusOr<Page<LiveAssignment>> Assignments(const intent::ClusterId& cluster,
                                                   const PageRequest& request) const override;

  absl::StatusOr<DerivedApplication> Application(absl::string_view key) const override;
  absl::StatusOr<Page<DerivedApplication>> Applications(const PageRequest& request) const override;
  absl::StatusOr<Page<DerivedApplication>> ApplicationsOfSet(
      absl::string_view set, const PageRequest& request) const override;
  const ApplicationIndex& Index() const override { return index_; }
  void SetReach(const intent::ClusterId& cluster, Reach reach) override {
    index_.SetReach(cluster, reach);
  }
  uint64_t CountApplications() const override;
  uint64_t CountApplicationsOfSet(absl::string_view set) const override;
  absl::StatusOr<hub::SetState> SetState(absl::string_view set) const override;

  absl::StatusOr<std::vector<intent::EntryStatus>> Statuses(
      const intent::ClusterId& cluster, const intent::EntryKey& key) const override;
  absl::StatusOr<std::optional<intent::EntryStatus>> Status(const intent::ClusterId& cluster,
                                                            const intent::EntryKey& key,
                                                            const intent::Uid& uid) const override;
  absl::StatusOr<Page<intent::EntryStatus>> StatusesOfCluster(
      const intent::ClusterId& cluster, const PageRequest& request) const override;

  absl::StatusOr<std::vector<LinkRecord>> Links() const override;

  absl::StatusOr<std::string> GetContent(const object::Sha256& digest) const override;
  absl::StatusOr<bool> HasContent(const object::Sha256& digest) const override;
  absl::StatusOr<Page<object::Sha256>> Content(const PageRequest& request) const override;

 private:
  struct Waiting {
    WriteBatch batch;
    EventLoop* loop = nullptr;
    Done done;
  };
  struct Subscriber {
    EventLoop* loop = nullptr;
    Done observer;
  };
  struct LogView {
    std::shared_ptr<const RowView> rows;
    std::shared_ptr<const LogState> log;
  };

  RowStore(Rows* rows, EventLoop* commit_loop, const CommitLimits& limits);

  absl::Status Load();
  absl::Status LoadLogs(const RowView& rows);

  void CommitGroup(std::vector<Waiting> group) ABSL_LOCKS_EXCLUDED(mu_);
  void Publish(GroupChanges changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Announce(const std::vector<CommitResult>& results) ABSL_LOCKS_EXCLUDED(mu_);

  std::shared_ptr<const RowView> View() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<LogView> ViewOf(const intent::ClusterId& cluster) const ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<const LogState> FindLog(const intent::ClusterId& cluster) const
      ABSL_LOCKS_EXCLUDED(mu_);

  Rows* const rows_;
  const CommitLimits limits_;

  ApplicationIndex index_;  // Rows are changed on the commit loop only.

  absl::Status broken_;  // Commit loop only: why nothing more is written.

  mutable Mutex mu_;
  std::shared_ptr<const RowView> view_ ABSL_GUARDED_BY(mu_);
  std::map<intent::ClusterId, std::shared_ptr<const LogState>> logs_ ABSL_GUARDED_BY(mu_);
  SubscriptionId next_subscription_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<SubscriptionId, Subscriber> subscribers_ ABSL_GUARDED_BY(mu_);

  CommitQueue<Waiting> queue_;  // Last: destroyed first, when the rest is still there.
};

}  // namespace leidang::hub
