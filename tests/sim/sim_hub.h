#pragma once

// SimHub: one hub process, its disk, and the person or machine that starts it again.
//
// The disk and the ledger (authority, deletion counts, operations) outlive the process; what was
// not committed when it is killed is lost. Loop-bound.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "agent/link/content_fetcher.h"
#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/session/session_table.h"
#include "hub/store/memory_rows.h"
#include "hub/store/store.h"
#include "tests/sim/mutant.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/slow_loop.h"
#include "tests/sim/trace.h"
#include "tests/sim/wall_loop.h"

namespace leidang::sim {

// What the ledger keeps of an operation.
struct SimOperation {
  hub::OperationId id;
  intent::ClusterId cluster;
  intent::EntryKey key;
  intent::Uid uid;
  absl::Duration expires;  // Monotonic.
  int outcomes = 0;        // Final states that were recorded: one, in the end.
};

class SimHub final : public HubDoor, public hub::SessionObserver {
 public:
  struct Options {
    std::string name;
    intent::HubId hub;
    hub::SessionOptions session;
    Mutant mutant = Mutant::kNone;
  };
  // What a person has to know to restore a hub.
  struct Backup {
    std::shared_ptr<const hub::RowView> rows;
    std::map<intent::ClusterId, intent::Authority> authorities;
  };

  SimHub(SimLoop& loop, Random& random, Trace& trace, Options options);
  ~SimHub() override;

  // Before the first Start.
  void Register(const intent::ClusterId& cluster);

  // Opens the store and every cluster's log.
  void Start();
  // The process ends at this moment, with all that waits for the disk.
  void Kill();
  bool up() const { return store_ != nullptr; }
  // Goodbye to all, then down after `grace`.
  void Drain(absl::Duration grace);
  // Kill, unless down already, and Start after `down`.
  void Restart(absl::Duration down);

  void SetDiskFactor(double factor) { disk_loop_.set_factor(factor); }
  void FailDisk() { disk_->FailNextPersist(absl::InternalError("the disk failed")); }

  Backup TakeBackup() const;
  // Down: the disk becomes what it was. With `next_epoch` under new authorities, as a person
  // restores; else as it was, as a disk does that lost its last writes.
  enum class NextEpoch : bool { kNo, kYes };
  void RestoreFrom(const Backup& backup, NextEpoch next_epoch);
  // A person recovers the hub: every log under an epoch above all that agents reported.
  void Recover();
  // Whether agents hold what this hub's logs may not follow, so that a person must recover it.
  bool NeedsRecovery() const;

  // Up. What sessions read, mutants included.
  hub::Store& store() { return *store_; }
  hub::SessionTable& table() { return *tables_[0]; }
  hub::ClusterView Shown(const intent::ClusterId& cluster) const;
  const std::vector<std::unique_ptr<hub::SessionTable>>& tables() const { return tables_; }
  const intent::HubId& id() const { return options_.hub; }
  const std::map<intent::ClusterId, intent::Authority>& authorities() const { return authorities_; }
  // Grows with every process.
  uint64_t generation() const { return generation_; }

  // The ledger's count of deletions of a key.
  uint64_t& deletions(const intent::EntryKey& key) { return deletions_[key]; }

  void Operate(SimOperation operation);
  const std::map<hub::OperationId, SimOperation>& operations() const { return operations_; }

  // Content, as the edge serves it. `done` runs for each chunk and at the end.
  std::unique_ptr<agent::Fetch> Fetch(SimNetwork& network, size_t link,
                                      const intent::ClusterId& cluster,
                                      const object::Sha256& digest, uint64_t offset,
                                      agent::FetchObserver* observer);
  // Breaks the fetches that run. How many there were.
  size_t CutFetches();

  // Called after a start, when all logs are open.
  void OnStarted(std::function<void()> fn) { on_started_ = std::move(fn); }
  // For kSendBeforeCommit: what is durable moves only with these.
  void OnReallySynced(std::function<void()> fn) { on_really_synced_ = std::move(fn); }

  bool Accept(uint64_t stream, const intent::ClusterId& cluster,
              std::unique_ptr<hub::AgentStream> end) override;
  void Received(uint64_t stream, v1::AgentMessage message) override;
  void Written(uint64_t stream) override;
  void Closed(uint64_t stream, absl::Status status) override;

  void OnSessionLive(const intent::ClusterId& cluster) override;
  void OnSessionEnded(const intent::ClusterId& cluster) override;
  void OnOperationUpdate(const intent::ClusterId& cluster, const hub::OperationId& id,
                         v1::OperationUpdate::State state, const std::string& message) override;
  void OnStatuses(const intent::ClusterId& cluster,
                  const std::vector<intent::EntryStatus>& statuses) override;

 private:
  class RunningFetch;
  struct Place {
    intent::ClusterId cluster;
    size_t table = 0;
    hub::SessionId session = 0;
  };

  void EndSlowSessions();
  EventLoop& session_loop();
  void Take(uint64_t stream, const v1::AgentMessage& message);
  void OpenLogs();
  void SendOperations(const intent::ClusterId& cluster);
  void ExpireOperations();
  void SyncForReal();

  SimLoop& loop_;
  Random& random_;
  Trace& trace_;
  const Options options_;
  SlowLoop disk_loop_;
  WallLoop wall_loop_;                // Of kWallClock.
  std::set<intent::ClusterId> slow_;  // Of kImpatientHub.
  absl::Duration lane_free_;          // Of kOneLane.
  std::unique_ptr<hub::MemoryRows> disk_;
  std::shared_ptr<const hub::RowView> really_synced_;  // Of kSendBeforeCommit.

  std::map<intent::ClusterId, intent::Authority> authorities_;
  std::map<intent::EntryKey, uint64_t> deletions_;
  std::map<hub::OperationId, SimOperation> operations_;

  uint64_t generation_ = 0;
  std::unique_ptr<hub::Store> store_;
  std::vector<std::unique_ptr<hub::SessionTable>> tables_;  // One; two for kKeepOldSession.
  size_t accepted_ = 0;
  std::map<uint64_t, Place> places_;           // Of streams.
  std::map<uint64_t, RunningFetch*> fetches_;  // By number: addresses have no order that repeats.
  uint64_t next_fetch_ = 1;
  std::function<void()> on_started_;
  std::function<void()> on_really_synced_;
};

}  // namespace leidang::sim
