#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "hub/store/application_index.h"
#include "hub/store/log_state.h"
#include "hub/store/rows.h"
#include "hub/store/store.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

// What a group of batches changes: rows to write, and the state in memory that is valid once they
// are written.
struct GroupChanges {
  RowBatch rows;
  std::map<intent::ClusterId, std::shared_ptr<LogState>> logs;  // nullptr: dropped.
  std::vector<indexed::Any> indexed;                            // In order.
};

// Turns batches into rows: the rules of the change log are here. Each batch sees those before it.
// Pure but for reading `base`; thread-compatible.
class GroupWriter {
 public:
  using FindLog = std::function<std::shared_ptr<const LogState>(const intent::ClusterId&)>;

  // `base` must outlive the writer; `find_log` gives the log of that state, or nullptr.
  GroupWriter(const RowView& base, FindLog find_log)
      : base_(base), find_log_(std::move(find_log)) {}

  // Adds a batch as a whole, or nothing of it when the result has an error.
  CommitResult Apply(WriteBatch batch);

  GroupChanges Take() { return std::move(group_); }

 private:
  absl::Status Do(op::OpenLog& operation);
  absl::Status Do(op::DropLog& operation);
  absl::Status Do(op::Put& operation);
  absl::Status Do(op::Delete& operation);
  absl::Status Do(op::Acked& operation);
  absl::Status Do(op::Gone& operation);
  absl::Status Do(op::DropTombstones& operation);
  absl::Status Do(op::NextSessionEpoch& operation);
  absl::Status Do(op::PutApplication& operation);
  absl::Status Do(op::DeleteApplication& operation);
  absl::Status Do(op::PutSetState& operation);
  absl::Status Do(op::DeleteSetState& operation);
  absl::Status Do(op::PutStatus& operation);
  absl::Status Do(op::DeleteStatus& operation);
  absl::Status Do(op::PutLink& operation);
  absl::Status Do(op::PutContent& operation);
  absl::Status Do(op::DeleteContent& operation);

  absl::StatusOr<std::optional<std::string>> Get(Family family, absl::string_view key) const;
  absl::StatusOr<std::optional<LiveAssignment>> GetLive(const intent::ClusterId& cluster,
                                                        const intent::EntryKey& key) const;
  absl::Status DeletePrefix(Family family, const std::string& prefix);

  std::shared_ptr<const LogState> Peek(const intent::ClusterId& cluster) const;
  // For changing; kFailedPrecondition when no log is open.
  absl::StatusOr<LogState*> Mutable(const intent::ClusterId& cluster);
  void RemoveLive(const intent::ClusterId& cluster, LogState& log, const LiveAssignment& live);
  void ForgetTombstone(const intent::ClusterId& cluster, LogState& log,
                       const TombstoneTable::Id& id);
  // A uid is unassigned while it is neither live nor pending deletion in that log.
  absl::StatusOr<bool> IsUnassigned(const intent::ClusterId& cluster, const LogState& log,
                                    const TombstoneTable::Id& id) const;
  // Before an unassigned uid becomes live or gets its tombstone: its status counts no more.
  absl::Status AssignStatus(const intent::ClusterId& cluster, LogState& log,
                            const TombstoneTable::Id& id);
  void DropStatus(const intent::ClusterId& cluster, const TombstoneTable::Id& id);
  void FinishBatch();

  const RowView& base_;
  const FindLog find_log_;
  GroupChanges group_;
  GroupChanges batch_;  // Of the batch that is being applied.
  CommitResult result_;
};

}  // namespace leidang::hub
