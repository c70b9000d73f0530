// The writing half of FleetRecords: changes become transactions, and committed ones show in the
// tables.

#include "hub/control/fleet_changes.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "hub/control/fleet_records.h"
#include "hub/ledger/records.h"

namespace leidang::hub {
namespace {

// A little below what the ledger takes.
constexpr size_t kChunkOps = 90;
constexpr size_t kChunkBytes = 900 << 10;

}  // namespace

std::string CountedAs(const intent::ClusterId& cluster, const intent::EntryKey& key) {
  if (key.kind == intent::EntryKind::kApplication) return key.ToString();
  return absl::StrCat(key.ToString(), "@", cluster.Hex());
}

// One transaction in the making.
struct FleetRecords::Chunk {
  LedgerTxn txn;
  std::set<std::string> keys;
  size_t bytes = 0;

  void Put(const std::string& key, std::string value) {
    bytes += key.size() + value.size();
    keys.insert(key);
    txn.Put(key, std::move(value));
  }
  void Delete(const std::string& key) {
    bytes += key.size();
    keys.insert(key);
    txn.Delete(key);
  }

  // Whether `more` can be part of this transaction: a key may be in it once.
  bool Fits(const Chunk& more) const {
    return txn.ops.size() + more.txn.ops.size() <= kChunkOps && bytes + more.bytes <= kChunkBytes &&
           std::none_of(more.keys.begin(), more.keys.end(),
                        [this](const std::string& key) { return keys.contains(key); });
  }
  void Append(Chunk more) {
    std::move(more.txn.guards.begin(), more.txn.guards.end(), std::back_inserter(txn.guards));
    std::move(more.txn.ops.begin(), more.txn.ops.end(), std::back_inserter(txn.ops));
    keys.merge(more.keys);
    bytes += more.bytes;
  }
};

// The operations of one change, by what the tables say.
class FleetRecords::ChunkWriter {
 public:
  explicit ChunkWriter(const FleetRecords& records) : records_(records) {}

  Chunk Take() { return std::move(chunk_); }

  void operator()(const change::PutObject& c) { Put(c.object); }
  void operator()(const change::EraseObject& c) { chunk_.Delete(ObjectKeyOf(c.kind, c.key)); }
  void operator()(const change::PutCluster& c) {
    Put(c.cluster);
    const std::string name = ClusterNameKey(c.cluster.name);
    const std::string server = ClusterServerKey(c.cluster.server);
    if (records_.clusters_.contains(c.cluster.id)) return;
    chunk_.txn.GuardAbsent(name);
    chunk_.txn.GuardAbsent(server);
    chunk_.Put(name, c.cluster.id.Hex());
    chunk_.Put(server, c.cluster.id.Hex());
  }
  void operator()(const change::EraseCluster& c) {
    const auto found = records_.clusters_.find(c.id);
    if (found == records_.clusters_.end()) return;
    chunk_.Delete(ClusterKeyOf(c.id));
    chunk_.Delete(ClusterNameKey(found->second.name));
    chunk_.Delete(ClusterServerKey(found->second.server));
  }
  void operator()(const change::Decide& c) {
    const PendingDeletion& d = c.deletion;
    if (records_.pending_.contains({d.cluster, d.key, d.uid})) return;
    chunk_.Put(LedgerKeyOf(d), Encode(d));
    const DeletionCount count{CountedAs(d.cluster, d.key),
                              records_.Deletions(d.cluster, d.key) + 1};
    chunk_.Put(LedgerKeyOf(count), Encode(count));
  }
  void operator()(const change::DecideUnclaimed& c) {
    const PendingDeletion& d = c.deletion;
    if (!records_.pending_.contains({d.cluster, d.key, d.uid}))
      chunk_.Put(LedgerKeyOf(d), Encode(d));
  }
  void operator()(const change::Settle& c) {
    const auto found = records_.pending_.find({c.cluster, c.key, c.uid});
    if (found != records_.pending_.end()) chunk_.Delete(LedgerKeyOf(found->second));
  }
  void operator()(const change::RaiseDeletions& c) {
    if (c.deletions <= records_.Deletions(c.cluster, c.key)) return;
    const DeletionCount count{CountedAs(c.cluster, c.key), c.deletions};
    chunk_.Put(LedgerKeyOf(count), Encode(count));
  }
  void operator()(const change::PutPin& c) {
    const GitPin pin{c.input.url, c.input.revision, c.pin.commit.Hex(), c.pin.since};
    chunk_.Put(LedgerKeyOf(pin), Encode(pin));
  }
  void operator()(const change::ErasePin& c) {
    if (!records_.pins_.contains(c.input)) return;
    chunk_.Delete(LedgerKeyOf(GitPin{c.input.url, c.input.revision, "", {}}));
  }
  void operator()(const change::PutHolding& c) {
    chunk_.Put(LedgerKeyOf(c.holding), Encode(c.holding));
  }
  void operator()(const change::EraseHolding& c) {
    if (records_.holdings_.contains(c.application)) chunk_.Delete(HoldingKey(c.application));
  }
  void operator()(const change::PutBrake& c) { chunk_.Put(LedgerKeyOf(c.brake), Encode(c.brake)); }
  void operator()(const change::EraseBrake& c) {
    if (records_.brakes_.contains(c.id)) chunk_.Delete(BrakeKey(c.id));
  }
  void operator()(const change::PutJoinToken& c) {
    chunk_.Put(LedgerKeyOf(c.token), Encode(c.token));
  }
  void operator()(const change::PutUserToken& c) {
    chunk_.Put(LedgerKeyOf(c.token), Encode(c.token));
  }
  void operator()(const change::PutOperation& c) { Put(c.operation); }
  void operator()(const change::EraseOperation& c) {
    if (records_.operations_.contains(c.id)) chunk_.Delete(OperationKey(c.id));
  }

 private:
  template <typename Record>
  void Put(const Record& record) {
    const std::string key = LedgerKeyOf(record);
    chunk_.Put(key, Encode(record, records_.Raw(key)));
  }

  const FleetRecords& records_;
  Chunk chunk_;
};

// Brings one committed change into the tables.
class FleetRecords::Taker {
 public:
  explicit Taker(FleetRecords& records) : r_(records) {}

  void operator()(const change::PutObject& c) {
    r_.objects_[c.object.kind][c.object.key] = c.object;
    if (c.object.kind == WrittenKind::kAppProject) r_.snapshot_ = nullptr;
  }
  void operator()(const change::EraseObject& c) {
    r_.objects_[c.kind].erase(c.key);
    r_.raw_.erase(ObjectKeyOf(c.kind, c.key));
    if (c.kind == WrittenKind::kAppProject) r_.snapshot_ = nullptr;
  }
  void operator()(const change::PutCluster& c) {
    r_.clusters_[c.cluster.id] = c.cluster;
    r_.snapshot_ = nullptr;
  }
  void operator()(const change::EraseCluster& c) {
    r_.clusters_.erase(c.id);
    r_.raw_.erase(ClusterKeyOf(c.id));
    r_.snapshot_ = nullptr;
  }
  void operator()(const change::Decide& c) {
    const PendingDeletion& d = c.deletion;
    if (r_.pending_.emplace(DeletionKey(d.cluster, d.key, d.uid), d).second)
      ++r_.deletions_[CountedAs(d.cluster, d.key)];
  }
  void operator()(const change::DecideUnclaimed& c) {
    const PendingDeletion& d = c.deletion;
    r_.pending_.emplace(DeletionKey(d.cluster, d.key, d.uid), d);
  }
  void operator()(const change::Settle& c) { r_.pending_.erase({c.cluster, c.key, c.uid}); }
  void operator()(const change::RaiseDeletions& c) {
    uint64_t& count = r_.deletions_[CountedAs(c.cluster, c.key)];
    count = std::max(count, c.deletions);
  }
  void operator()(const change::PutPin& c) { r_.pins_[c.input] = c.pin; }
  void operator()(const change::ErasePin& c) { r_.pins_.erase(c.input); }
  void operator()(const change::PutHolding& c) {
    r_.holdings_[c.holding.key] = {c.holding.owner, c.holding.kept.has_value()};
  }
  void operator()(const change::EraseHolding& c) { r_.holdings_.erase(c.application); }
  void operator()(const change::PutBrake& c) { r_.brakes_[c.brake.id] = c.brake; }
  void operator()(const change::EraseBrake& c) { r_.brakes_.erase(c.id); }
  void operator()(const change::PutJoinToken&) {}
  void operator()(const change::PutUserToken& c) { r_.user_tokens_.push_back(c.token); }
  void operator()(const change::PutOperation& c) { r_.operations_[c.operation.id] = c.operation; }
  void operator()(const change::EraseOperation& c) {
    r_.operations_.erase(c.id);
    r_.raw_.erase(OperationKey(c.id));
  }

 private:
  FleetRecords& r_;
};

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

// Takes as many changes of the first call as fit into one transaction; more when that is committed.
void FleetRecords::CommitNext() {
  while (!queue_.empty()) {
    Chunk chunk;
    size_t end = 0;
    if (!FillChunk(&chunk, &end)) continue;
    ledger_.Commit(std::move(chunk.txn), &loop_,
                   [this, alive = alive_, end](const absl::StatusOr<LedgerRevision>& committed) {
                     if (!*alive) return;
                     Queued& first = queue_.front();
                     if (committed.ok()) {
                       for (; first.next < end; ++first.next) Take(first.changes[first.next]);
                     }
                     if (!committed.ok() || first.next == first.changes.size())
                       EndFirst(committed.status());
                     CommitNext();
                   });
    return;
  }
  writing_ = false;
}

bool FleetRecords::FillChunk(Chunk* chunk, size_t* end) {
  Queued& first = queue_.front();
  if (first.make != nullptr) {
    absl::StatusOr<Changes> made = std::exchange(first.make, nullptr)();
    if (!made.ok()) {
      EndFirst(made.status());
      return false;
    }
    first.changes = *std::move(made);
  }
  for (*end = first.next; *end < first.changes.size(); ++*end) {
    absl::StatusOr<Chunk> one = ChunkOf(first.changes[*end]);
    if (!one.ok()) {
      if (!chunk->txn.ops.empty()) return true;  // What comes before it is committed first.
      EndFirst(one.status());
      return false;
    }
    if (!chunk->txn.ops.empty() && !chunk->Fits(*one)) return true;
    chunk->Append(*std::move(one));
  }
  if (!chunk->txn.ops.empty()) return true;
  // Nothing that the ledger does not have.
  EndFirst(absl::OkStatus());
  return false;
}

void FleetRecords::EndFirst(absl::Status status) {
  const Done done = std::move(queue_.front().done);
  queue_.pop_front();
  done(std::move(status));
}

absl::StatusOr<FleetRecords::Chunk> FleetRecords::ChunkOf(const change::Any& any) const {
  ChunkWriter writer(*this);
  std::visit(writer, any);
  Chunk chunk = writer.Take();
  if (chunk.bytes > kLedgerBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("the object has ", chunk.bytes,
                                                   " bytes, more than the ledger takes (",
                                                   kLedgerBytesMax, "): split it"));
  }
  return chunk;
}

void FleetRecords::Take(const change::Any& any) { std::visit(Taker(*this), any); }

const std::string& FleetRecords::Raw(const std::string& key) const {
  static const std::string kNone;
  const auto found = raw_.find(key);
  return found == raw_.end() ? kNone : found->second;
}

}  // namespace leidang::hub
