// What one change of FleetRecords is in the ledger, and in the tables.

#include "hub/control/fleet_changes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "hub/control/fleet_chunk.h"
#include "hub/control/fleet_records.h"
#include "hub/ledger/records.h"

namespace leidang::hub {

std::string CountedAs(const intent::ClusterId& cluster, const intent::EntryKey& key) {
  if (key.kind == intent::EntryKind::kApplication) return key.ToString();
  return absl::StrCat(key.ToString(), "@", cluster.Hex());
}

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

// Brings one change into the tables; with `undo`, says how each step of it is taken back.
class FleetRecords::Taker {
 public:
  Taker(FleetRecords& records, std::vector<Undo>* undo) : r_(records), undo_(undo) {}

  void operator()(const change::PutObject& c) {
    Put(r_.objects_[c.object.kind], c.object.key, c.object);
    if (c.object.kind == WrittenKind::kAppProject) r_.snapshot_ = nullptr;
  }
  void operator()(const change::EraseObject& c) {
    Erase(r_.objects_[c.kind], c.key);
    Erase(r_.raw_, ObjectKeyOf(c.kind, c.key));
    if (c.kind == WrittenKind::kAppProject) r_.snapshot_ = nullptr;
  }
  void operator()(const change::PutCluster& c) {
    Put(r_.clusters_, c.cluster.id, c.cluster);
    Put(r_.clusters_by_name_, c.cluster.name, c.cluster.id);
    Put(r_.clusters_by_server_, c.cluster.server, c.cluster.id);
    r_.snapshot_ = nullptr;
  }
  void operator()(const change::EraseCluster& c) {
    const auto found = r_.clusters_.find(c.id);
    if (found != r_.clusters_.end()) {
      Erase(r_.clusters_by_name_, found->second.name);
      Erase(r_.clusters_by_server_, found->second.server);
      Erase(r_.clusters_, c.id);
    }
    Erase(r_.raw_, ClusterKeyOf(c.id));
    r_.snapshot_ = nullptr;
  }
  void operator()(const change::Decide& c) {
    const PendingDeletion& d = c.deletion;
    if (r_.pending_.contains(DeletionKey(d.cluster, d.key, d.uid))) return;
    Put(r_.pending_, DeletionKey(d.cluster, d.key, d.uid), d);
    Put(r_.deletions_, CountedAs(d.cluster, d.key), r_.Deletions(d.cluster, d.key) + 1);
  }
  void operator()(const change::DecideUnclaimed& c) {
    const PendingDeletion& d = c.deletion;
    if (!r_.pending_.contains(DeletionKey(d.cluster, d.key, d.uid)))
      Put(r_.pending_, DeletionKey(d.cluster, d.key, d.uid), d);
  }
  void operator()(const change::Settle& c) {
    Erase(r_.pending_, DeletionKey(c.cluster, c.key, c.uid));
  }
  void operator()(const change::RaiseDeletions& c) {
    Put(r_.deletions_, CountedAs(c.cluster, c.key),
        std::max(r_.Deletions(c.cluster, c.key), c.deletions));
  }
  void operator()(const change::PutPin& c) { Put(r_.pins_, c.input, c.pin); }
  void operator()(const change::ErasePin& c) { Erase(r_.pins_, c.input); }
  void operator()(const change::PutHolding& c) {
    Put(r_.holdings_, c.holding.key, HeldName{c.holding.owner, c.holding.kept.has_value()});
  }
  void operator()(const change::EraseHolding& c) { Erase(r_.holdings_, c.application); }
  void operator()(const change::PutBrake& c) { Put(r_.brakes_, c.brake.id, c.brake); }
  void operator()(const change::EraseBrake& c) { Erase(r_.brakes_, c.id); }
  void operator()(const change::PutJoinToken&) {}
  void operator()(const change::PutUserToken& c) {
    r_.user_tokens_.push_back(c.token);
    if (undo_ != nullptr) undo_->push_back([&records = r_] { records.user_tokens_.pop_back(); });
  }
  void operator()(const change::PutOperation& c) {
    Put(r_.operations_, c.operation.id, c.operation);
  }
  void operator()(const change::EraseOperation& c) {
    Erase(r_.operations_, c.id);
    Erase(r_.raw_, OperationKey(c.id));
  }

 private:
  template <typename Key, typename Record>
  void Put(std::map<Key, Record>& table, const Key& key, Record record) {
    Save(table, key);
    table.insert_or_assign(key, std::move(record));
  }
  template <typename Key, typename Record>
  void Erase(std::map<Key, Record>& table, const Key& key) {
    Save(table, key);
    table.erase(key);
  }
  template <typename Key, typename Record>
  void Save(std::map<Key, Record>& table, const Key& key) {
    if (undo_ == nullptr) return;
    const auto found = table.find(key);
    if (found == table.end()) {
      undo_->push_back([&table, key] { table.erase(key); });
    } else {
      undo_->push_back(
          [&table, key, before = found->second] { table.insert_or_assign(key, before); });
    }
  }

  FleetRecords& r_;
  std::vector<Undo>* const undo_;
};

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

void FleetRecords::Take(const change::Any& any, std::vector<Undo>* undo) {
  std::visit(Taker(*this, undo), any);
}

const std::string& FleetRecords::Raw(const std::string& key) const {
  static const std::string kNone;
  const auto found = raw_.find(key);
  return found == raw_.end() ? kNone : found->second;
}

}  // namespace leidang::hub
