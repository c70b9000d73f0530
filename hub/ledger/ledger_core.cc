#include "hub/ledger/ledger_core.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/ledger/entry_codec.h"
#include "hub/store/key_codec.h"

namespace leidang::hub {
namespace {

constexpr size_t kWaitingMax = 10'000;

CommitLimits LimitsOf(const LedgerOptions& options) {
  CommitLimits limits;
  limits.delay = options.commit_delay;
  return limits;
}

}  // namespace

LedgerCore::LedgerCore(Rows* rows, EventLoop* commit_loop, const LedgerOptions& options)
    : rows_(rows),
      commit_loop_(commit_loop),
      history_(options.history_events_max, options.history_bytes_max),
      queue_(commit_loop, LimitsOf(options),
             [this](std::vector<Request> group) { CommitGroup(std::move(group)); }) {}

absl::Status LedgerCore::Load() {
  std::shared_ptr<const RowView> view = rows_->Reveal(nullptr);
  ASSIGN_OR_RETURN(const std::optional<std::string> header,
                   view->Get(Family::kLedger, RevisionRowKey()));
  LedgerRevision revision = 0;
  if (header.has_value()) {
    ASSIGN_OR_RETURN(revision, DecodeRevision(*header));
  }
  RETURN_IF_ERROR(LoadLeases(*view));
  MutexLock lock(&mu_);
  view_ = std::move(view);
  revision_ = revision;
  history_.Start(revision);
  return absl::OkStatus();
}

absl::Status LedgerCore::LoadLeases(const RowView& view) {
  absl::Status status;
  const std::string leases = LeasesPrefix();
  RETURN_IF_ERROR(view.Scan(Family::kLedger, leases, PrefixEnd(leases),
                            [&](absl::string_view row, absl::string_view value) {
                              const absl::StatusOr<StoredLease> lease = DecodeLease(row, value);
                              status = lease.status();
                              if (lease.ok()) leases_[lease->id].life = lease->life;
                              return lease.ok();
                            }));
  RETURN_IF_ERROR(status);
  for (const Family family : {Family::kLedger, Family::kAudit}) {
    const std::string entries = EntriesPrefix("");
    RETURN_IF_ERROR(view.Scan(family, entries, PrefixEnd(entries),
                              [&](absl::string_view row, absl::string_view value) {
                                const auto entry = DecodeEntry(family, row, value);
                                status = entry.status();
                                if (!entry.ok()) return false;
                                const auto lease = leases_.find(entry->lease);
                                if (lease != leases_.end()) lease->second.keys.insert(entry->key);
                                return true;
                              }));
    RETURN_IF_ERROR(status);
  }
  for (auto& [id, lease] : leases_) {
    lease.ends = commit_loop_->clock().Monotonic() + lease.life;
    ScheduleExpiry(id, lease.life);
  }
  return absl::OkStatus();
}

void LedgerCore::Push(Request request, size_t bytes) {
  EventLoop* const loop = request.loop;
  const auto done = request.done;
  if (queue_.Push(std::move(request), bytes) || loop == nullptr) return;
  loop->Post([done] {
    done(absl::ResourceExhaustedError(
        "too much is waiting to be written to the ledger: try again later"));
  });
}

void LedgerCore::CommitGroup(std::vector<Request> requests) {
  Group group;
  {
    MutexLock lock(&mu_);
    group.base = view_;
    group.revision = revision_;
  }
  std::vector<absl::StatusOr<uint64_t>> answers;
  answers.reserve(requests.size());
  for (const Request& request : requests) {
    answers.push_back(broken_.ok() ? Do(request, group) : absl::StatusOr<uint64_t>(broken_));
  }
  if (!group.rows.empty()) {
    group.base.reset();
    group.rows.Put(Family::kLedger, RevisionRowKey(), EncodeRevision(group.revision));
    broken_ = rows_->Persist(std::exchange(group.rows, RowBatch()), Durability::kSynced);
    if (broken_.ok()) {
      Publish(std::move(group));
    } else {
      for (absl::StatusOr<uint64_t>& answer : answers) {
        if (answer.ok()) answer = broken_;
      }
    }
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].loop == nullptr) continue;
    requests[i].loop->Post(
        [done = std::move(requests[i].done), answer = std::move(answers[i])] { done(answer); });
  }
}

absl::StatusOr<uint64_t> LedgerCore::Do(const Request& request, Group& group) {
  switch (request.kind) {
    case Request::Kind::kTxn:
      return DoTxn(request.txn, group);
    case Request::Kind::kGrant:
      return DoGrant(request.life, group);
    case Request::Kind::kKeepAlive:
      return DoKeepAlive(request.lease);
    case Request::Kind::kRevoke:
      return DoRevoke(request.lease, group);
  }
  return absl::InternalError("unknown kind of ledger request");
}

absl::StatusOr<std::optional<LedgerEntry>> LedgerCore::Current(const std::string& key,
                                                               const Group& group) const {
  const Family family = LedgerFamily(key);
  const std::string row = EntryRowKey(key);
  std::optional<std::string> value;
  if (const auto* pending = group.rows.Find(family, row)) {
    value = *pending;
  } else {
    ASSIGN_OR_RETURN(value, group.base->Get(family, row));
  }
  if (!value.has_value()) return std::optional<LedgerEntry>();
  ASSIGN_OR_RETURN(LedgerEntry entry, DecodeEntry(family, row, *value));
  return std::optional<LedgerEntry>(std::move(entry));
}

absl::Status LedgerCore::CheckGuards(const LedgerTxn& txn, const Group& group) const {
  for (const LedgerGuard& guard : txn.guards) {
    ASSIGN_OR_RETURN(const std::optional<LedgerEntry> entry, Current(guard.key, group));
    const LedgerRevision modified = entry.has_value() ? entry->modified : 0;
    if (modified == guard.modified) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("\"", guard.key, "\" ",
                     modified == 0 ? std::string("does not exist")
                                   : absl::StrCat("was changed at revision ", modified),
                     ", expected was ",
                     guard.modified == 0 ? std::string("that it does not exist")
                                         : absl::StrCat("revision ", guard.modified)));
  }
  for (const LedgerOp& op : txn.ops) {
    if (op.lease != 0 && leases_.find(op.lease) == leases_.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("\"", op.key, "\": lease ", op.lease, " has ended"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<LedgerRevision> LedgerCore::DoTxn(const LedgerTxn& txn, Group& group) {
  RETURN_IF_ERROR(CheckGuards(txn, group));
  std::vector<std::optional<LedgerEntry>> before;
  bool changes = false;
  for (const LedgerOp& op : txn.ops) {
    ASSIGN_OR_RETURN(std::optional<LedgerEntry> entry, Current(op.key, group));
    changes = changes || op.value.has_value() || entry.has_value();
    before.push_back(std::move(entry));
  }
  if (!changes) return group.revision;
  ++group.revision;
  for (size_t i = 0; i < txn.ops.size(); ++i) {
    const LedgerOp& op = txn.ops[i];
    std::optional<LedgerEntry> after;
    if (op.value.has_value()) {
      after.emplace();
      after->key = op.key;
      after->value = *op.value;
      after->created = before[i].has_value() ? before[i]->created : group.revision;
      after->modified = group.revision;
      after->lease = op.lease;
    }
    if (before[i].has_value() || after.has_value()) {
      Write(std::move(before[i]), std::move(after), group);
    }
  }
  return group.revision;
}

void LedgerCore::Write(std::optional<LedgerEntry> before, std::optional<LedgerEntry> after,
                       Group& group) {
  const std::string& key = after.has_value() ? after->key : before->key;
  if (before.has_value() && before->lease != 0) {
    const auto lease = leases_.find(before->lease);
    if (lease != leases_.end()) lease->second.keys.erase(key);
  }
  if (after.has_value()) {
    if (after->lease != 0) leases_.at(after->lease).keys.insert(key);
    group.rows.Put(LedgerFamily(key), EntryRowKey(key), EncodeEntry(*after));
  } else {
    group.rows.Delete(LedgerFamily(key), EntryRowKey(key));
  }
  group.changes.push_back({group.revision, std::move(before), std::move(after)});
}

absl::StatusOr<LeaseId> LedgerCore::DoGrant(absl::Duration life, Group& group) {
  if (life < absl::Milliseconds(1) || life > absl::Hours(24 * 365)) {
    return absl::InvalidArgumentError(absl::StrCat("a lease of ", absl::FormatDuration(life),
                                                   "; between 1 ms and a year are allowed"));
  }
  const LeaseId id = ++group.revision;
  Lease& lease = leases_[id];
  lease.life = life;
  lease.ends = commit_loop_->clock().Monotonic() + life;
  group.rows.Put(Family::kLedger, LeaseRowKey(id), EncodeLease({id, life}));
  ScheduleExpiry(id, life);
  return id;
}

absl::StatusOr<uint64_t> LedgerCore::DoKeepAlive(LeaseId id) {
  const auto lease = leases_.find(id);
  if (lease == leases_.end()) return absl::NotFoundError(absl::StrCat("lease ", id, " has ended"));
  lease->second.ends = commit_loop_->clock().Monotonic() + lease->second.life;
  return id;
}

absl::StatusOr<uint64_t> LedgerCore::DoRevoke(LeaseId id, Group& group) {
  const auto lease = leases_.find(id);
  if (lease == leases_.end()) return absl::NotFoundError(absl::StrCat("lease ", id, " has ended"));
  // All its keys go at one revision; more than a transaction may have, as in etcd.
  const std::set<std::string> keys = lease->second.keys;
  std::vector<LedgerEntry> entries;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(std::optional<LedgerEntry> entry, Current(key, group));
    if (entry.has_value()) entries.push_back(*std::move(entry));
  }
  ++group.revision;
  for (LedgerEntry& entry : entries) Write(std::move(entry), std::nullopt, group);
  group.rows.Delete(Family::kLedger, LeaseRowKey(id));
  leases_.erase(id);
  return id;
}

void LedgerCore::ScheduleExpiry(LeaseId id, absl::Duration in) {
  commit_loop_->After(in, [weak = weak_from_this(), id] {
    if (const auto core = weak.lock()) core->ExpireIfDue(id);
  });
}

void LedgerCore::ExpireIfDue(LeaseId id) {
  const auto lease = leases_.find(id);
  if (lease == leases_.end()) return;
  const absl::Duration left = lease->second.ends - commit_loop_->clock().Monotonic();
  if (left > absl::ZeroDuration()) {
    ScheduleExpiry(id, left);
    return;
  }
  Request revoke;
  revoke.kind = Request::Kind::kRevoke;
  revoke.lease = id;
  // Where the queue is full the lease lives a little longer.
  if (!queue_.Push(std::move(revoke), 0)) ScheduleExpiry(id, absl::Seconds(1));
}

void LedgerCore::Publish(Group group) {
  std::vector<std::function<void(absl::Status)>> reached;
  {
    MutexLock lock(&mu_);
    view_ = rows_->Reveal(std::move(view_));
    revision_ = group.revision;
    for (Change& change : group.changes) {
      history_.Add(change.revision, std::move(change.before), std::move(change.after));
    }
    history_.Trim();
    for (auto& [id, watch] : watches_) ScheduleWatch(id, watch);
    const auto end = waiting_.upper_bound(revision_);
    for (auto it = waiting_.begin(); it != end; ++it) reached.push_back(std::move(it->second));
    waiting_.erase(waiting_.begin(), end);
  }
  for (const auto& then : reached) then(absl::OkStatus());
}

void LedgerCore::WhenReached(LedgerRevision revision, std::function<void(absl::Status)> then) {
  absl::Status status;
  {
    MutexLock lock(&mu_);
    if (revision > revision_) {
      if (waiting_.size() < kWaitingMax) {
        waiting_.emplace(revision, std::move(then));
        return;
      }
      status = absl::ResourceExhaustedError(
          absl::StrCat("too many reads wait for revision ", revision, " of the ledger"));
    }
  }
  then(std::move(status));
}

}  // namespace leidang::hub
