// How calls of FleetRecords become transactions: those that wait are committed together, with one
// sync.

#include <algorithm>
#include <utility>

#include "hub/control/fleet_chunk.h"
#include "hub/control/fleet_records.h"

namespace leidang::hub {
namespace {

// What one turn of the loop works off at most.
constexpr size_t kCallsPerBatch = 256;

}  // namespace

void FleetRecords::Write(Changes changes, Done done) {
  Enqueue({nullptr, std::move(changes), 0, std::move(done)});
}

void FleetRecords::Update(Make make, Done done) {
  Enqueue({std::move(make), {}, 0, std::move(done)});
}

void FleetRecords::Enqueue(Queued queued) {
  queue_.push_back(std::move(queued));
  if (writing_) return;
  writing_ = true;
  loop_.Post([this, alive = alive_] {
    if (*alive) CommitNext();
  });
}

void FleetRecords::CommitNext() {
  const std::shared_ptr<bool> alive = alive_;
  while (!queue_.empty()) {
    Batch batch = MakeBatch();
    if (batch.chunk.empty()) {
      EndBatch(batch, absl::OkStatus());
      if (!*alive) return;
      continue;
    }
    LedgerTxn txn = std::move(batch.chunk.txn);
    ledger_.Commit(
        std::move(txn), &loop_,
        [this, alive, batch = std::move(batch)](const absl::StatusOr<LedgerRevision>& committed) {
          if (!*alive) return;
          EndBatch(batch, committed.status());
          if (*alive) CommitNext();
        });
    return;
  }
  writing_ = false;
}

FleetRecords::Batch FleetRecords::MakeBatch() {
  Batch batch;
  std::vector<Undo> undo;
  const std::shared_ptr<const FleetSnapshot> snapshot = snapshot_;
  const size_t most = alone_ > 0 ? 1 : std::min(queue_.size(), kCallsPerBatch);
  for (size_t i = 0; i < most && batch.chunk.txn.ops.size() < Chunk::kOps; ++i) {
    if (!AddTo(&batch, queue_[i])) break;
    if (i + 1 == most) break;
    // The next call is to see it, and nobody else before it is durable.
    for (size_t n = queue_[i].next; n < batch.members[i].end; ++n)
      Take(queue_[i].changes[n], &undo);
  }
  for (auto step = undo.rbegin(); step != undo.rend(); ++step) (*step)();
  snapshot_ = snapshot;
  return batch;
}

bool FleetRecords::AddTo(Batch* batch, Queued& call) {
  if (call.make != nullptr && call.next == 0) {
    absl::StatusOr<Changes> made = call.make();
    if (!made.ok()) {
      batch->members.push_back({made.status(), 0});
      return true;
    }
    call.changes = *std::move(made);
  }
  Chunk chunk;
  size_t end = call.next;
  for (; end < call.changes.size(); ++end) {
    absl::StatusOr<Chunk> one = ChunkOf(call.changes[end]);
    if (!one.ok() && chunk.empty()) {
      batch->members.push_back({one.status(), 0});
      return true;
    }
    // What comes before one that is refused is committed first.
    if (!one.ok() || !chunk.Fits(*one)) break;
    chunk.Append(*std::move(one));
  }
  const bool whole = end == call.changes.size();
  const bool first = batch->members.empty();
  if (!first && (!whole || !batch->chunk.FitsBehind(chunk))) return false;
  batch->chunk.Append(std::move(chunk));
  batch->members.push_back({absl::OkStatus(), end});
  return whole;
}

void FleetRecords::EndBatch(const Batch& batch, const absl::Status& status) {
  if (!status.ok() && batch.members.size() > 1) {
    // It does not say whose fault it is: each is tried by itself.
    alone_ = batch.members.size();
    return;
  }
  const std::shared_ptr<bool> alive = alive_;
  for (const Batch::Member& member : batch.members) {
    Queued& call = queue_.front();
    if (status.ok()) {
      for (; call.next < member.end; ++call.next) Take(call.changes[call.next], nullptr);
      if (member.refused.ok() && call.next < call.changes.size()) return;  // More of it follows.
    }
    EndFirst(status.ok() ? member.refused : status);
    if (!*alive) return;
  }
}

void FleetRecords::EndFirst(const absl::Status& status) {
  const Done done = std::move(queue_.front().done);
  queue_.pop_front();
  if (alone_ > 0) --alone_;
  done(status);
}

}  // namespace leidang::hub
