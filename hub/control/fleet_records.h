#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/log/log.h"
#include "common/object/sha256.h"
#include "common/time/event_loop.h"
#include "hub/control/fleet_snapshot.h"
#include "hub/control/repositories.h"
#include "hub/ledger/audit_chain.h"
#include "hub/ledger/ledger.h"
#include "hub/model/decided.h"
#include "hub/model/written.h"

namespace leidang::hub {

// Who asks, for the audit log.
struct Author {
  std::string who;   // "admin", "config <file>@<commit>", "cluster staging".
  std::string from;  // Address of the peer, empty if there is none.
};

// One change of the ledger's records.
namespace change {
struct PutObject {
  WrittenObject object;
};
struct EraseObject {
  WrittenKind kind;
  std::string key;
};
struct PutCluster {
  ClusterRegistration cluster;
};
// Its pending deletions are settled by the same call, before it: nobody is left to carry them out.
struct EraseCluster {
  intent::ClusterId id;
};
// An entry ends on a cluster: it becomes pending, and its count of deletions grows by one. Deciding
// what is pending again changes nothing.
struct Decide {
  PendingDeletion deletion;
};
// The same of an entry that the hub does not know: the count of its own entries stays.
struct DecideUnclaimed {
  PendingDeletion deletion;
};
// The agent has acknowledged the deletion and carried it out.
struct Settle {
  intent::ClusterId cluster;
  intent::EntryKey key;
  intent::Uid uid;
};
// The count of deletions of a key, where the agents know of more than the ledger (hub/control/
// recovery.h).
struct RaiseDeletions {
  intent::ClusterId cluster;
  intent::EntryKey key;
  uint64_t deletions = 0;
};
struct PutPin {
  GitInput input;
  PinnedCommit pin;
};
struct ErasePin {
  GitInput input;
};
struct PutHolding {
  Holding holding;
};
struct EraseHolding {
  std::string application;
};
struct PutBrake {
  Brake brake;
};
struct EraseBrake {
  BrakeId id;
};
struct PutJoinToken {
  JoinToken token;
};
struct PutUserToken {
  UserToken token;
};
struct PutOperation {
  OperationRecord operation;
};
struct EraseOperation {
  OperationId id;
};
using Any =
    std::variant<PutObject, EraseObject, PutCluster, EraseCluster, Decide, DecideUnclaimed, Settle,
                 RaiseDeletions, PutPin, ErasePin, PutHolding, EraseHolding, PutBrake, EraseBrake,
                 PutJoinToken, PutUserToken, PutOperation, EraseOperation>;
}  // namespace change

// FleetRecords holds everything of the ledger that decides what clusters are to be, as tables in
// memory that follow each committed transaction, and writes it.
//
// A change shows in the tables only once the ledger has it durably. Loop-bound; ledger and log must
// outlive it.
class FleetRecords {
 public:
  using Done = std::function<void(absl::Status)>;
  using Changes = std::vector<change::Any>;
  using DeletionKey = std::tuple<intent::ClusterId, intent::EntryKey, intent::Uid>;

  FleetRecords(EventLoop& loop, Ledger& ledger, Log& log);
  ~FleetRecords();

  // Reads everything; a ledger that was just born gets `new_hub` as its identity and the AppProject
  // `default`. kDataLoss names a record that cannot be read. Call once, before anything else.
  void Load(const intent::HubId& new_hub, Done done);

  // Commits the changes in order, in as many transactions as their limit needs: all or a prefix of
  // them. After a failed transaction the tables stand at what was committed. Calls are worked off
  // and answered in order; those that wait are committed together, as many as one transaction
  // takes, and each has an answer of its own: one that fails does not fail the others. `done` never
  // runs within the call.
  void Write(Changes changes, Done done);

  // The same for changes that depend on what is there: while `make` runs, the tables show what all
  // earlier calls write, durable or not, and nothing comes between it and its changes. If it
  // refuses, its status is the answer. It runs again if what it saw was not committed after all:
  // it changes nothing but what it hands to its own `done`, and sets that anew. It must not call
  // Write or Update itself.
  using Make = std::function<absl::StatusOr<Changes>()>;
  void Update(Make make, Done done);

  // Spends a token: kUnauthenticated, saying why, if it is unknown, spent or expired. At most one
  // of two calls with the same token succeeds.
  void SpendToken(const object::Sha256& hash, absl::Time now,
                  std::function<void(absl::StatusOr<JoinToken>)> done);

  // Notes that a join token of the cluster was spent. kUnauthenticated if the cluster is not
  // registered any more.
  void MarkJoined(const intent::ClusterId& id, absl::Time now, Done done);

  // Appends to the audit log, under the present time. A failure is logged: the change that it tells
  // of has been committed already.
  void Audit(const Author& author, std::string what, std::string outcome);

  const intent::HubId& hub() const { return hub_; }
  // By key.
  const std::map<std::string, WrittenObject>& Objects(WrittenKind kind) const;
  // nullptr if there is none.
  const WrittenObject* Object(WrittenKind kind, const std::string& key) const;
  const std::map<intent::ClusterId, ClusterRegistration>& clusters() const { return clusters_; }
  // nullptr if there is none.
  const ClusterRegistration* ClusterNamed(const std::string& name) const;
  const ClusterRegistration* ClusterWithServer(const std::string& server) const;
  const std::map<DeletionKey, PendingDeletion>& pending_deletions() const { return pending_; }
  // How often an entry of that key has been deleted: an Application anywhere, others on the
  // cluster.
  uint64_t Deletions(const intent::ClusterId& cluster, const intent::EntryKey& key) const;
  // The count, from the present one on, that gives the key this uid; none if no likely one does.
  std::optional<uint64_t> CountThatGives(const intent::ClusterId& cluster,
                                         const intent::EntryKey& key, const intent::Uid& uid) const;
  const std::map<GitInput, PinnedCommit>& pins() const { return pins_; }
  // Owners by Application key, as OwnerKey writes them.
  struct HeldName {
    std::string owner;
    bool kept = false;  // Its assignment is kept, too.
  };
  const std::map<std::string, HeldName>& holdings() const { return holdings_; }
  // The holdings that Load found and that keep an assignment, once: only what was there at the
  // start is ever restored.
  std::vector<Holding> TakeKeptAtStart() { return std::exchange(kept_at_start_, {}); }
  const std::map<BrakeId, Brake>& brakes() const { return brakes_; }
  const std::vector<UserToken>& user_tokens() const { return user_tokens_; }
  const std::map<OperationId, OperationRecord>& operations() const { return operations_; }

  // Clusters and projects for an expansion; the same object until one of them changes. A cluster
  // that is being removed is not in it.
  std::shared_ptr<const FleetSnapshot> snapshot();

 private:
  struct Queued {
    Make make;  // Null: the changes were given.
    Changes changes;
    size_t next = 0;  // Those before it are committed.
    Done done;
  };
  using Undo = std::function<void()>;
  struct Chunk;
  struct Batch;
  class ChunkWriter;
  class Taker;

  absl::Status TakeEntry(const LedgerEntry& entry);
  void FinishLoad(const intent::HubId& new_hub, Done done);
  void Enqueue(Queued queued);
  void CommitNext();
  // Of the calls at the front of the queue. The tables are as they were afterwards.
  Batch MakeBatch();
  // Adds all of a call, or, of the first one, what there is room for. False if no other can follow.
  bool AddTo(Batch* batch, Queued& call);
  void EndBatch(const Batch& batch, const absl::Status& status);
  void EndFirst(const absl::Status& status);
  absl::StatusOr<Chunk> ChunkOf(const change::Any& change) const;
  // With `undo`, in its order, what takes it back.
  void Take(const change::Any& change, std::vector<Undo>* undo);
  // The stored value that a write replaces.
  const std::string& Raw(const std::string& key) const;

  EventLoop& loop_;
  Ledger& ledger_;
  Log& log_;
  AuditChain audit_;
  intent::HubId hub_;

  std::map<WrittenKind, std::map<std::string, WrittenObject>> objects_;
  std::map<intent::ClusterId, ClusterRegistration> clusters_;
  std::map<std::string, intent::ClusterId> clusters_by_name_;
  std::map<std::string, intent::ClusterId> clusters_by_server_;
  std::map<DeletionKey, PendingDeletion> pending_;
  std::map<std::string, uint64_t> deletions_;
  std::map<GitInput, PinnedCommit> pins_;
  std::map<std::string, HeldName> holdings_;
  std::vector<Holding> kept_at_start_;
  std::map<BrakeId, Brake> brakes_;
  std::vector<UserToken> user_tokens_;
  std::map<OperationId, OperationRecord> operations_;
  std::map<std::string, std::string>
      raw_;  // Stored values by ledger key: fields of later versions survive a write.
  std::shared_ptr<const FleetSnapshot> snapshot_;

  std::deque<Queued> queue_;
  bool writing_ = false;
  size_t alone_ = 0;  // So many at the front are committed one by one.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
