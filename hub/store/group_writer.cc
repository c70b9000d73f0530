#include "hub/store/group_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/conditions/types.h"
#include "hub/store/key_codec.h"
#include "hub/store/records.h"

namespace leidang::hub {
namespace {

std::string Name(const intent::ClusterId& cluster) {
  return absl::StrCat("cluster ", cluster.Hex());
}

bool MayForget(const LogState& log, const PendingTombstone& pending) {
  if (pending.revision > log.header.acked) return false;
  return pending.gone || pending.tombstone.key.kind != intent::EntryKind::kApplication;
}

void KeepKeysFrom(const RowBatch& batch, Family family, const std::string& prefix,
                  std::vector<std::string>& keys) {
  for (auto it = batch.rows().lower_bound(RowBatch::Key(family, prefix)); it != batch.rows().end();
       ++it) {
    if (it->first.first != family || !absl::StartsWith(it->first.second, prefix)) break;
    keys.push_back(it->first.second);
  }
}

}  // namespace

CommitResult GroupWriter::Apply(WriteBatch batch) {
  batch_ = GroupChanges();
  result_ = CommitResult();
  std::vector<op::Any> ops = std::move(batch).TakeOps();
  for (op::Any& any : ops) {
    result_.status = std::visit([this](auto& operation) { return Do(operation); }, any);
    if (!result_.status.ok()) {
      CommitResult failed;
      failed.status = std::move(result_.status);
      return failed;
    }
  }
  FinishBatch();
  return std::move(result_);
}

void GroupWriter::FinishBatch() {
  for (auto& [cluster, log] : batch_.logs) {
    if (log != nullptr) {
      batch_.rows.Put(Family::kLog, LogKey(cluster, 0), EncodeLogHeader(log->header));
    }
    group_.logs.insert_or_assign(cluster, std::move(log));
  }
  std::move(batch_.indexed.begin(), batch_.indexed.end(), std::back_inserter(group_.indexed));
  group_.rows.Merge(std::move(batch_.rows));
  batch_ = GroupChanges();
}

absl::StatusOr<std::optional<std::string>> GroupWriter::Get(Family family,
                                                            absl::string_view key) const {
  if (const auto* found = batch_.rows.Find(family, key)) return *found;
  if (const auto* found = group_.rows.Find(family, key)) return *found;
  return base_.Get(family, key);
}

absl::StatusOr<std::optional<LiveAssignment>> GroupWriter::GetLive(
    const intent::ClusterId& cluster, const intent::EntryKey& key) const {
  const std::string row = AssignKey(cluster, key);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, Get(Family::kAssign, row));
  if (!value.has_value()) return std::optional<LiveAssignment>();
  ASSIGN_OR_RETURN(LiveAssignment live, DecodeAssignment(row, *value));
  return std::optional<LiveAssignment>(std::move(live));
}

absl::Status GroupWriter::DeletePrefix(Family family, const std::string& prefix) {
  std::vector<std::string> keys;
  RETURN_IF_ERROR(base_.Scan(family, prefix, PrefixEnd(prefix),
                             [&keys](absl::string_view key, absl::string_view) {
                               keys.emplace_back(key);
                               return true;
                             }));
  KeepKeysFrom(group_.rows, family, prefix, keys);
  KeepKeysFrom(batch_.rows, family, prefix, keys);
  for (std::string& key : keys) batch_.rows.Delete(family, std::move(key));
  return absl::OkStatus();
}

std::shared_ptr<const LogState> GroupWriter::Peek(const intent::ClusterId& cluster) const {
  if (const auto it = batch_.logs.find(cluster); it != batch_.logs.end()) return it->second;
  if (const auto it = group_.logs.find(cluster); it != group_.logs.end()) return it->second;
  return find_log_(cluster);
}

absl::StatusOr<LogState*> GroupWriter::Mutable(const intent::ClusterId& cluster) {
  if (const auto it = batch_.logs.find(cluster); it != batch_.logs.end() && it->second != nullptr) {
    return it->second.get();
  }
  const std::shared_ptr<const LogState> current = Peek(cluster);
  if (current == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(Name(cluster), " has no change log: open one when it is registered"));
  }
  auto copy = std::make_shared<LogState>(*current);
  LogState* const log = copy.get();
  batch_.logs.insert_or_assign(cluster, std::move(copy));
  return log;
}

absl::Status GroupWriter::Do(op::OpenLog& operation) {
  const std::shared_ptr<const LogState> current = Peek(operation.cluster);
  if (current == nullptr) {
    auto created = std::make_shared<LogState>();
    created->header.authority = operation.authority;
    batch_.logs.insert_or_assign(operation.cluster, std::move(created));
    return absl::OkStatus();
  }
  const intent::Authority& held = current->header.authority;
  switch (intent::Compare(held, operation.authority)) {
    case intent::Standing::kSame:
      return absl::OkStatus();
    case intent::Standing::kFirst:
    case intent::Standing::kNewer: {
      ASSIGN_OR_RETURN(LogState* const log, Mutable(operation.cluster));
      log->header.authority = operation.authority;
      log->header.acked = 0;
      return absl::OkStatus();
    }
    case intent::Standing::kOlder:
    case intent::Standing::kForeign:
      break;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the log of ", Name(operation.cluster), " belongs to ", held.ToString(),
                   " and cannot pass to ", operation.authority.ToString()));
}

absl::Status GroupWriter::Do(op::DropLog& operation) {
  if (Peek(operation.cluster) == nullptr) return absl::OkStatus();
  const std::string prefix = ClusterPrefix(operation.cluster);
  for (const Family family : {Family::kLog, Family::kAssign, Family::kStatus}) {
    RETURN_IF_ERROR(DeletePrefix(family, prefix));
  }
  batch_.logs.insert_or_assign(operation.cluster, nullptr);
  batch_.indexed.push_back(indexed::ClusterDropped{operation.cluster});
  result_.heads.erase(operation.cluster);
  return absl::OkStatus();
}

void GroupWriter::RemoveLive(const intent::ClusterId& cluster, LogState& log,
                             const LiveAssignment& live) {
  batch_.rows.Delete(Family::kLog, LogKey(cluster, live.revision));
  log.digest.Remove(live.assignment.key, live.element);
  log.DigestChanged();
}

absl::Status GroupWriter::Do(op::Put& operation) {
  const intent::ClusterId& cluster = operation.cluster;
  ASSIGN_OR_RETURN(LogState* const log, Mutable(cluster));
  LiveAssignment next{std::move(operation.assignment), 0, {}};
  const intent::Assignment& assignment = next.assignment;
  const std::string what = absl::StrCat(assignment.key.ToString(), " of ", Name(cluster));
  if (log->tombstones().Find({assignment.key, assignment.uid}) != nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, ": uid ", assignment.uid.Hex(),
                     " is being deleted; a re-created namesake has another uid"));
  }
  next.element = proof::ElementOf(assignment);
  ASSIGN_OR_RETURN(const std::optional<LiveAssignment> live, GetLive(cluster, assignment.key));
  if (live.has_value()) {
    if (live->assignment.uid != assignment.uid) {
      return absl::FailedPreconditionError(absl::StrCat(what, ": uid ", live->assignment.uid.Hex(),
                                                        " is live; delete it before uid ",
                                                        assignment.uid.Hex(), " is put"));
    }
    if (live->element == next.element) return absl::OkStatus();
    RemoveLive(cluster, *log, *live);
  } else {
    RETURN_IF_ERROR(AssignStatus(cluster, *log, {assignment.key, assignment.uid}));
  }
  next.revision = ++log->header.head;
  if (assignment.key.kind == intent::EntryKind::kApplication)
    batch_.indexed.push_back(indexed::Assigned{cluster, assignment.key.name, next.revision});
  log->digest.Add(assignment.key, next.element);
  log->DigestChanged();
  result_.heads[cluster] = log->header.head;
  batch_.rows.Put(
      Family::kLog, LogKey(cluster, next.revision),
      EncodeLogEntry(PutEntry{assignment.key, assignment.uid, next.element, LinkSize(assignment)}));
  batch_.rows.Put(Family::kAssign, AssignKey(cluster, assignment.key), EncodeAssignment(next));
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::Delete& operation) {
  const intent::ClusterId& cluster = operation.cluster;
  ASSIGN_OR_RETURN(LogState* const log, Mutable(cluster));
  const intent::Tombstone& tombstone = operation.tombstone;
  const TombstoneTable::Id id(tombstone.key, tombstone.uid);
  bool assigned = false;
  if (const PendingTombstone* pending = log->tombstones().Find(id)) {
    assigned = true;
    if (pending->tombstone.policy == tombstone.policy) return absl::OkStatus();
    batch_.rows.Delete(Family::kLog, LogKey(cluster, pending->revision));
    log->MutableTombstones().Remove(id);
  }
  ASSIGN_OR_RETURN(const std::optional<LiveAssignment> live, GetLive(cluster, tombstone.key));
  if (live.has_value() && live->assignment.uid == tombstone.uid) {
    assigned = true;
    RemoveLive(cluster, *log, *live);
    batch_.rows.Delete(Family::kAssign, AssignKey(cluster, tombstone.key));
    if (tombstone.key.kind == intent::EntryKind::kApplication)
      batch_.indexed.push_back(indexed::Assigned{cluster, tombstone.key.name, 0});
  }
  if (!assigned) RETURN_IF_ERROR(AssignStatus(cluster, *log, id));
  const intent::Revision revision = ++log->header.head;
  result_.heads[cluster] = revision;
  batch_.rows.Put(Family::kLog, LogKey(cluster, revision),
                  EncodeLogEntry(TombstoneEntry{tombstone, false}));
  log->MutableTombstones().Add(PendingTombstone{tombstone, revision, false});
  return absl::OkStatus();
}

void GroupWriter::ForgetTombstone(const intent::ClusterId& cluster, LogState& log,
                                  const TombstoneTable::Id& id) {
  const PendingTombstone* pending = log.tombstones().Find(id);
  if (pending == nullptr) return;
  const intent::Revision revision = pending->revision;
  batch_.rows.Delete(Family::kLog, LogKey(cluster, revision));
  log.MutableTombstones().Remove(id);
  log.header.resumable_from = std::max(log.header.resumable_from, revision);
  result_.forgotten.push_back({cluster, id.first, id.second});
  // What was said of a uid ends with it: else each deletion could leave a row for ever.
  DropStatus(cluster, id);
}

absl::StatusOr<bool> GroupWriter::IsUnassigned(const intent::ClusterId& cluster,
                                               const LogState& log,
                                               const TombstoneTable::Id& id) const {
  if (log.tombstones().Find(id) != nullptr) return false;
  ASSIGN_OR_RETURN(const std::optional<LiveAssignment> live, GetLive(cluster, id.first));
  return !live.has_value() || live->assignment.uid != id.second;
}

absl::Status GroupWriter::AssignStatus(const intent::ClusterId& cluster, LogState& log,
                                       const TombstoneTable::Id& id) {
  if (log.unassigned_statuses == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<std::string> status,
                   Get(Family::kStatus, StatusKey(cluster, id.first, id.second)));
  if (status.has_value()) --log.unassigned_statuses;
  return absl::OkStatus();
}

void GroupWriter::DropStatus(const intent::ClusterId& cluster, const TombstoneTable::Id& id) {
  batch_.rows.Delete(Family::kStatus, StatusKey(cluster, id.first, id.second));
  if (id.first.kind == intent::EntryKind::kApplication)
    batch_.indexed.push_back(indexed::Reported{cluster, id.first.name, id.second});
}

absl::Status GroupWriter::Do(op::Acked& operation) {
  ASSIGN_OR_RETURN(LogState* const log, Mutable(operation.cluster));
  LogHeader& header = log->header;
  if (header.authority != operation.authority || operation.through <= header.acked) {
    return absl::OkStatus();
  }
  if (operation.through > header.head) {
    return absl::OutOfRangeError(absl::StrCat(Name(operation.cluster), " acknowledged revision ",
                                              operation.through, "; the head of its log is ",
                                              header.head));
  }
  const intent::Revision before = header.acked;
  header.acked = operation.through;
  std::vector<TombstoneTable::Id> done;
  const auto& pending = log->tombstones().by_revision();
  for (auto it = pending.upper_bound(before); it != pending.end() && it->first <= operation.through;
       ++it) {
    if (MayForget(*log, it->second)) {
      done.emplace_back(it->second.tombstone.key, it->second.tombstone.uid);
    }
  }
  for (const TombstoneTable::Id& id : done) ForgetTombstone(operation.cluster, *log, id);
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::Gone& operation) {
  const std::shared_ptr<const LogState> current = Peek(operation.cluster);
  const TombstoneTable::Id id(operation.key, operation.uid);
  if (current == nullptr || current->tombstones().Find(id) == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(LogState* const log, Mutable(operation.cluster));
  log->MutableTombstones().MarkGone(id);
  const PendingTombstone& pending = *log->tombstones().Find(id);
  if (MayForget(*log, pending)) {
    ForgetTombstone(operation.cluster, *log, id);
    return absl::OkStatus();
  }
  batch_.rows.Put(Family::kLog, LogKey(operation.cluster, pending.revision),
                  EncodeLogEntry(TombstoneEntry{pending.tombstone, true}));
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::DropTombstones& operation) {
  if (Peek(operation.cluster) == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(LogState* const log, Mutable(operation.cluster));
  std::vector<TombstoneTable::Id> dropped;
  for (const auto& [revision, pending] : log->tombstones().by_revision())
    dropped.emplace_back(pending.tombstone.key, pending.tombstone.uid);
  for (const TombstoneTable::Id& id : dropped) ForgetTombstone(operation.cluster, *log, id);
  log->header.resumable_from = log->header.head;
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::NextSessionEpoch& operation) {
  if (operation.above >= WriteBatch::kSessionEpochMax) {
    return absl::OutOfRangeError(absl::StrCat(Name(operation.cluster), " claims session epoch ",
                                              operation.above, ", which no hub can have given"));
  }
  ASSIGN_OR_RETURN(LogState* const log, Mutable(operation.cluster));
  log->header.session_epoch = std::max(log->header.session_epoch, operation.above) + 1;
  result_.session_epochs[operation.cluster] = log->header.session_epoch;
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::PutApplication& operation) {
  const DerivedApplication& application = operation.application;
  const std::string row = ApplicationRowKey(application.key);
  ASSIGN_OR_RETURN(const std::optional<std::string> before, Get(Family::kDerived, row));
  bool indexed = false;
  if (before.has_value()) {
    ASSIGN_OR_RETURN(const DerivedApplication old, DecodeApplication(row, *before));
    indexed = old.set == application.set;
    if (!indexed) {
      batch_.rows.Delete(Family::kDerived, SetIndexKey(old.set, application.key));
    }
  }
  if (!indexed) {
    batch_.rows.Put(Family::kDerived, SetIndexKey(application.set, application.key), "");
  }
  batch_.rows.Put(Family::kDerived, row, EncodeApplication(application));
  batch_.indexed.push_back(indexed::Placed{application.key, application.set, application.cluster,
                                           application.project, application.uid});
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::DeleteApplication& operation) {
  std::string row = ApplicationRowKey(operation.key);
  ASSIGN_OR_RETURN(const std::optional<std::string> before, Get(Family::kDerived, row));
  if (!before.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const DerivedApplication old, DecodeApplication(row, *before));
  batch_.rows.Delete(Family::kDerived, SetIndexKey(old.set, operation.key));
  batch_.rows.Delete(Family::kDerived, std::move(row));
  batch_.indexed.push_back(indexed::Dropped{std::move(operation.key)});
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::PutSetState& operation) {
  batch_.rows.Put(Family::kDerived, SetStateRowKey(operation.state.key),
                  EncodeSetState(operation.state));
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::DeleteSetState& operation) {
  batch_.rows.Delete(Family::kDerived, SetStateRowKey(operation.key));
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::PutStatus& operation) {
  const intent::EntryStatus& status = operation.status;
  const intent::ClusterId& cluster = operation.cluster;
  const std::shared_ptr<const LogState> current = Peek(cluster);
  if (current == nullptr) return absl::OkStatus();
  std::string row = StatusKey(cluster, status.key, status.uid);
  ASSIGN_OR_RETURN(const std::optional<std::string> before, Get(Family::kStatus, row));
  if (!before.has_value()) {
    ASSIGN_OR_RETURN(const bool unassigned,
                     IsUnassigned(cluster, *current, {status.key, status.uid}));
    if (unassigned && current->unassigned_statuses >= operation.unassigned_max) {
      result_.refused.push_back({cluster, status.key, status.uid});
      return absl::OkStatus();
    }
    if (unassigned) {
      ASSIGN_OR_RETURN(LogState* const log, Mutable(cluster));
      ++log->unassigned_statuses;
    }
  }
  batch_.rows.Put(Family::kStatus, std::move(row), EncodeStatus(status));
  if (status.key.kind == intent::EntryKind::kApplication) {
    const bool holds = std::any_of(
        status.conditions.begin(), status.conditions.end(),
        [](const intent::StatusCondition& c) { return c.type == conditions::kDeletionsHeld; });
    batch_.indexed.push_back(indexed::Reported{cluster, status.key.name, status.uid, status.sync,
                                               status.health, status.applied, holds});
  }
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::DeleteStatus& operation) {
  const intent::ClusterId& cluster = operation.cluster;
  const TombstoneTable::Id id(operation.key, operation.uid);
  const std::shared_ptr<const LogState> current = Peek(cluster);
  if (current != nullptr && current->unassigned_statuses > 0) {
    ASSIGN_OR_RETURN(const std::optional<std::string> before,
                     Get(Family::kStatus, StatusKey(cluster, id.first, id.second)));
    ASSIGN_OR_RETURN(const bool unassigned, IsUnassigned(cluster, *current, id));
    if (before.has_value() && unassigned) {
      ASSIGN_OR_RETURN(LogState* const log, Mutable(cluster));
      --log->unassigned_statuses;
    }
  }
  DropStatus(cluster, id);
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::PutLink& operation) {
  // The end of a session may be told after the end of its cluster.
  if (Peek(operation.link.cluster) == nullptr) return absl::OkStatus();
  batch_.rows.Put(Family::kStatus, LinkRowKey(operation.link.cluster), EncodeLink(operation.link));
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::PutContent& operation) {
  batch_.rows.Put(Family::kContent, operation.digest.Raw(), std::move(operation.bytes));
  return absl::OkStatus();
}

absl::Status GroupWriter::Do(op::DeleteContent& operation) {
  batch_.rows.Delete(Family::kContent, operation.digest.Raw());
  return absl::OkStatus();
}

}  // namespace leidang::hub
