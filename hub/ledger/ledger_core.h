#pragma once

// What RowLedger is made of; nothing else includes it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/mutex.h"
#include "hub/ledger/history.h"
#include "hub/ledger/ledger.h"
#include "hub/ledger/row_ledger.h"
#include "hub/store/commit_queue.h"
#include "hub/store/rows.h"

namespace leidang::hub {

// The state of a RowLedger and its commits. Shared with what is still scheduled on loops, which
// finds it closed after the ledger is gone. Thread-safe but for what is told.
class LedgerCore : public std::enable_shared_from_this<LedgerCore> {
 public:
  // What waits for the commit loop. `done` is posted to `loop`.
  struct Request {
    enum class Kind : uint8_t { kTxn, kGrant, kKeepAlive, kRevoke };
    Kind kind = Kind::kTxn;
    LedgerTxn txn;
    LeaseId lease = 0;
    absl::Duration life;
    EventLoop* loop = nullptr;
    std::function<void(absl::StatusOr<uint64_t>)> done;
  };

  LedgerCore(Rows* rows, EventLoop* commit_loop, const LedgerOptions& options);

  absl::Status Load();
  void Close() { queue_.Close(); }
  void Push(Request request, size_t bytes);

  // Answers now, from what is committed.
  absl::StatusOr<LedgerEntry> Get(const std::string& key) const ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<LedgerPage> List(const LedgerListRequest& request) const ABSL_LOCKS_EXCLUDED(mu_);
  // Runs `then` once that revision can be read: at once, or on the commit loop.
  void WhenReached(LedgerRevision revision, std::function<void(absl::Status)> then)
      ABSL_LOCKS_EXCLUDED(mu_);

  Ledger::WatchId Watch(std::string prefix, LedgerRevision from, EventLoop* loop,
                        Ledger::OnWatch on_change) ABSL_LOCKS_EXCLUDED(mu_);
  void CancelWatch(Ledger::WatchId id) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Lease {
    absl::Duration life;
    absl::Duration ends;  // Monotonic.
    std::set<std::string> keys;
  };
  struct WatchState {
    std::string prefix;
    LedgerRevision next_after = 0;
    EventLoop* loop = nullptr;
    std::shared_ptr<const Ledger::OnWatch> on_change;
    bool scheduled = false;
  };
  struct Change {
    LedgerRevision revision = 0;
    std::optional<LedgerEntry> before;
    std::optional<LedgerEntry> after;
  };
  // The group that is being committed.
  struct Group {
    std::shared_ptr<const RowView> base;
    LedgerRevision revision = 0;
    RowBatch rows;
    std::vector<Change> changes;
  };

  absl::Status LoadLeases(const RowView& view);

  void CommitGroup(std::vector<Request> requests) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<uint64_t> Do(const Request& request, Group& group);
  absl::StatusOr<LedgerRevision> DoTxn(const LedgerTxn& txn, Group& group);
  absl::Status CheckGuards(const LedgerTxn& txn, const Group& group) const;
  absl::StatusOr<LeaseId> DoGrant(absl::Duration life, Group& group);
  absl::StatusOr<uint64_t> DoKeepAlive(LeaseId id);
  absl::StatusOr<uint64_t> DoRevoke(LeaseId id, Group& group);
  absl::StatusOr<std::optional<LedgerEntry>> Current(const std::string& key,
                                                     const Group& group) const;
  void Write(std::optional<LedgerEntry> before, std::optional<LedgerEntry> after, Group& group);
  void Publish(Group group) ABSL_LOCKS_EXCLUDED(mu_);
  void ScheduleExpiry(LeaseId id, absl::Duration in);
  void ExpireIfDue(LeaseId id);

  void ScheduleWatch(Ledger::WatchId id, WatchState& watch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DeliverWatch(Ledger::WatchId id) ABSL_LOCKS_EXCLUDED(mu_);

  Rows* const rows_;
  EventLoop* const commit_loop_;

  // Commit loop only (and Load).
  absl::Status broken_;
  std::map<LeaseId, Lease> leases_;

  mutable Mutex mu_;
  std::shared_ptr<const RowView> view_ ABSL_GUARDED_BY(mu_);
  LedgerRevision revision_ ABSL_GUARDED_BY(mu_) = 0;
  LedgerHistory history_ ABSL_GUARDED_BY(mu_);
  Ledger::WatchId next_watch_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<Ledger::WatchId, WatchState> watches_ ABSL_GUARDED_BY(mu_);
  std::multimap<LedgerRevision, std::function<void(absl::Status)>> waiting_ ABSL_GUARDED_BY(mu_);

  CommitQueue<Request> queue_;  // Last: destroyed first.
};

}  // namespace leidang::hub
