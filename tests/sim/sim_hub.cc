#include "tests/sim/sim_hub.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "hub/store/memory_store.h"
#include "hub/store/write_batch.h"

namespace leidang::sim {
namespace {

constexpr absl::Duration kFsync = absl::Milliseconds(4);
constexpr absl::Duration kRealSyncEvery = absl::Milliseconds(300);
constexpr size_t kChunkBytes = 400;
// Of mutants.
constexpr absl::Duration kLaneTimeOfByte = absl::Milliseconds(1);
constexpr absl::Duration kPatience = absl::Seconds(2);

std::unique_ptr<hub::MemoryRows> DiskFrom(const hub::RowView& rows) {
  hub::RowBatch all;
  for (size_t i = 0; i < hub::kFamilies; ++i) {
    const auto family = static_cast<hub::Family>(i);
    CHECK(rows.Scan(family, "", "",
                    [&](absl::string_view key, absl::string_view value) {
                      all.Put(family, std::string(key), std::string(value));
                      return true;
                    })
              .ok());
  }
  auto disk = std::make_unique<hub::MemoryRows>();
  CHECK(disk->Persist(std::move(all), hub::Durability::kSynced).ok());
  disk->Reveal(nullptr);
  return disk;
}

}  // namespace

// Those that had not acknowledged all a while ago, and have not now.
void SimHub::EndSlowSessions() {
  std::set<intent::ClusterId> slow;
  for (const auto& [cluster, authority] : authorities_) {
    const hub::ClusterView view = tables_[0]->View(cluster);
    if (view.session_epoch == 0 || view.acked == view.head) continue;
    slow.insert(cluster);
  }
  std::vector<uint64_t> ended;
  for (const auto& [stream, place] : places_) {
    if (slow.contains(place.cluster) && slow_.contains(place.cluster)) ended.push_back(stream);
  }
  for (const uint64_t stream : ended) Closed(stream, absl::UnavailableError("it takes too long"));
  slow_ = std::move(slow);
  loop_.After(kPatience, [this, generation = generation_] {
    if (generation == generation_ && up()) EndSlowSessions();
  });
}

EventLoop& SimHub::session_loop() {
  if (options_.mutant == Mutant::kWallClock) return wall_loop_;
  return loop_;
}

// A call of AgentLink.Fetch in progress.
class SimHub::RunningFetch final : public agent::Fetch {
 public:
  RunningFetch(SimHub& hub, SimNetwork& network, size_t link, agent::FetchObserver* observer)
      : hub_(hub), number_(hub.next_fetch_++), network_(network), link_(link), observer_(observer) {
    hub_.fetches_.emplace(number_, this);
  }
  ~RunningFetch() override {
    *alive_ = false;
    hub_.fetches_.erase(number_);
  }

  void Begin(const intent::ClusterId& cluster, const object::Sha256& digest, uint64_t offset) {
    Later([this, cluster, digest, offset] {
      if (network_.Blocked(link_) || !hub_.up())
        return Break(absl::UnavailableError("no way to the hub"));
      if (hub_.options_.mutant == Mutant::kServeOtherCluster) {
        absl::StatusOr<std::string> bytes = hub_.store_->GetContent(digest);
        if (!bytes.ok()) return Break(bytes.status());
        return Served(bytes->size(), bytes->substr(offset));
      }
      absl::StatusOr<std::unique_ptr<hub::ContentSender>> reader =
          hub_.table().content().Open(cluster, digest, offset);
      if (!reader.ok()) return Break(reader.status());
      Served((*reader)->total(), (*reader)->Next(hub::SessionOptions().message_bytes_max));
    });
  }

  // Nothing else follows.
  void Break(absl::Status status) {
    *alive_ = false;
    alive_ = std::make_shared<bool>(true);
    Later([this, status = std::move(status)] {
      agent::FetchObserver* observer = observer_;
      observer->OnFetched(status);
    });
  }

 private:
  void Later(std::function<void()> fn) {
    hub_.loop_.After(network_.Latency(link_), [alive = alive_, fn = std::move(fn)] {
      if (*alive) fn();
    });
  }

  void Served(uint64_t total, std::string rest) {
    if (rest.empty()) return Break(absl::OkStatus());
    Later([this, total, rest = std::move(rest)] {
      const auto alive = alive_;
      observer_->OnChunk(rest.substr(0, kChunkBytes), total);
      if (*alive) Served(0, rest.size() > kChunkBytes ? rest.substr(kChunkBytes) : "");
    });
  }

  SimHub& hub_;
  const uint64_t number_;
  SimNetwork& network_;
  const size_t link_;
  agent::FetchObserver* const observer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

SimHub::SimHub(SimLoop& loop, Random& random, Trace& trace, Options options)
    : loop_(loop),
      random_(random),
      trace_(trace),
      options_(std::move(options)),
      disk_loop_(loop),
      wall_loop_(loop),
      disk_(std::make_unique<hub::MemoryRows>()) {}

SimHub::~SimHub() { Kill(); }

void SimHub::Register(const intent::ClusterId& cluster) {
  authorities_[cluster] = {.hub = options_.hub, .epoch = 1, .incarnation = random_.Next()};
}

void SimHub::Start() {
  CHECK(!up());
  ++generation_;
  trace_.Note("hub start", {generation_});
  absl::StatusOr<std::unique_ptr<hub::Store>> store =
      hub::OpenMemoryStore(disk_.get(), &disk_loop_, {.commit_delay = kFsync});
  CHECK(store.ok());
  store_ = *std::move(store);
  const size_t tables = options_.mutant == Mutant::kKeepOldSession ? 2 : 1;
  for (size_t i = 0; i < tables; ++i) {
    tables_.push_back(
        std::make_unique<hub::SessionTable>(session_loop(), *store_, options_.session, this));
  }
  OpenLogs();
  if (options_.mutant == Mutant::kSendBeforeCommit) SyncForReal();
  if (options_.mutant == Mutant::kImpatientHub) EndSlowSessions();
  ExpireOperations();
}

void SimHub::OpenLogs() {
  hub::WriteBatch batch;
  for (const auto& [cluster, authority] : authorities_) batch.OpenLog(cluster, authority);
  store_->Commit(std::move(batch), &loop_,
                 [this, generation = generation_](const hub::CommitResult& result) {
                   if (generation != generation_ || !up()) return;
                   if (!result.status.ok()) return Restart(absl::Seconds(1));
                   if (on_started_) on_started_();
                 });
}

void SimHub::Kill() {
  if (!up()) return;
  trace_.Note("hub end", {generation_});
  for (const auto& [number, fetch] : std::exchange(fetches_, {})) {
    fetch->Break(absl::UnavailableError("the hub is gone"));
  }
  // A disk that was about to fail is replaced with the process.
  disk_->FailNextPersist(absl::OkStatus());
  tables_.clear();
  places_.clear();
  store_.reset();
  disk_->DropUnsynced(random_.Below(3));
  if (options_.mutant == Mutant::kSendBeforeCommit && really_synced_ != nullptr)
    disk_ = DiskFrom(*really_synced_);
}

void SimHub::Drain(absl::Duration grace) {
  if (!up()) return;
  for (const auto& table : tables_) table->Drain(absl::Milliseconds(200), absl::Seconds(2));
  loop_.After(grace, [this, generation = generation_] {
    if (generation == generation_) Restart(absl::Seconds(1));
  });
}

void SimHub::Restart(absl::Duration down) {
  Kill();
  loop_.After(down, [this, generation = generation_] {
    if (!up() && generation == generation_) Start();
  });
}

SimHub::Backup SimHub::TakeBackup() const {
  return {.rows = disk_->Reveal(nullptr), .authorities = authorities_};
}

void SimHub::RestoreFrom(const Backup& backup, NextEpoch next_epoch) {
  CHECK(!up());
  disk_ = DiskFrom(*backup.rows);
  really_synced_.reset();
  if (next_epoch == NextEpoch::kNo) {
    authorities_ = backup.authorities;
    return;
  }
  for (auto& [cluster, authority] : authorities_) {
    ++authority.epoch;
    authority.incarnation = random_.Next();
  }
}

void SimHub::Recover() {
  CHECK(up());
  for (auto& [cluster, authority] : authorities_) {
    const hub::ClusterView view = tables_[0]->View(cluster);
    if (view.agent_authority.hub == authority.hub)
      authority.epoch = std::max(authority.epoch, view.agent_authority.epoch);
    ++authority.epoch;
    authority.incarnation = random_.Next();
  }
  OpenLogs();
}

bool SimHub::NeedsRecovery() const {
  for (const auto& [cluster, authority] : authorities_) {
    const hub::ClusterView view = tables_[0]->View(cluster);
    if (view.trouble != hub::LinkTrouble::kHubBehind &&
        view.trouble != hub::LinkTrouble::kRefusedByAgent)
      continue;
    if (view.agent_authority.hub == authority.hub && view.agent_authority.epoch >= authority.epoch)
      return true;
  }
  return false;
}

void SimHub::SyncForReal() {
  really_synced_ = disk_->Reveal(nullptr);
  if (on_really_synced_) on_really_synced_();
  loop_.After(kRealSyncEvery, [this, generation = generation_] {
    if (generation == generation_ && up()) SyncForReal();
  });
}

hub::ClusterView SimHub::Shown(const intent::ClusterId& cluster) const {
  hub::ClusterView view = tables_[0]->View(cluster);
  if (options_.mutant == Mutant::kStaleInSync && view.proof.has_value() &&
      view.proof->applied_at != absl::InfinitePast()) {
    view.verdict = hub::LinkVerdict::kInSync;
  }
  return view;
}

bool SimHub::Accept(uint64_t stream, const intent::ClusterId& cluster,
                    std::unique_ptr<hub::AgentStream> end) {
  if (!up()) return false;
  const size_t table = accepted_++ % tables_.size();
  places_[stream] = {.cluster = cluster,
                     .table = table,
                     .session = tables_[table]->Accept(cluster, std::move(end))};
  return true;
}

void SimHub::Received(uint64_t stream, v1::AgentMessage message) {
  if (options_.mutant == Mutant::kOneLane) {
    const absl::Duration now = loop_.clock().Monotonic();
    lane_free_ = std::max(lane_free_, now) + kLaneTimeOfByte * message.ByteSizeLong();
    loop_.After(lane_free_ - now,
                [this, stream, message = std::move(message)] { Take(stream, message); });
    return;
  }
  Take(stream, message);
}

void SimHub::Take(uint64_t stream, const v1::AgentMessage& message) {
  const auto it = places_.find(stream);
  if (it != places_.end()) tables_[it->second.table]->Received(it->second.session, message);
}

void SimHub::Written(uint64_t stream) {
  const auto it = places_.find(stream);
  if (it != places_.end()) tables_[it->second.table]->Written(it->second.session);
}

void SimHub::Closed(uint64_t stream, absl::Status status) {
  const auto it = places_.find(stream);
  if (it == places_.end()) return;
  const Place place = it->second;
  places_.erase(it);
  tables_[place.table]->Closed(place.session, status);
}

void SimHub::Operate(SimOperation operation) {
  const hub::OperationId id = operation.id;
  const intent::ClusterId cluster = operation.cluster;
  operations_.emplace(id, std::move(operation));
  if (up()) SendOperations(cluster);
}

void SimHub::SendOperations(const intent::ClusterId& cluster) {
  for (const auto& [id, operation] : operations_) {
    if (operation.cluster != cluster || operation.outcomes > 0) continue;
    const absl::Duration left = operation.expires - loop_.clock().Monotonic();
    if (left <= absl::ZeroDuration()) continue;
    const hub::OperationRequest request{.id = id,
                                        .key = operation.key,
                                        .uid = operation.uid,
                                        .kind = v1::Operation::SYNC,
                                        .lifetime = left,
                                        .parameters = "{}"};
    for (const auto& table : tables_) {
      if (table->Send(cluster, request).ok()) break;
    }
  }
}

void SimHub::ExpireOperations() {
  // Long after its end an agent that accepted one has had time to say so; after that it lapses.
  const absl::Duration now = loop_.clock().Monotonic();
  for (auto& [id, operation] : operations_) {
    if (operation.outcomes == 0 && operation.expires + absl::Minutes(10) < now)
      ++operation.outcomes;
  }
  loop_.After(absl::Seconds(5), [this, generation = generation_] {
    if (generation == generation_ && up()) ExpireOperations();
  });
}

void SimHub::OnSessionLive(const intent::ClusterId& cluster) { SendOperations(cluster); }

void SimHub::OnSessionEnded(const intent::ClusterId&) {}

void SimHub::OnOperationUpdate(const intent::ClusterId& cluster, const hub::OperationId& id,
                               v1::OperationUpdate::State state, const std::string&) {
  const auto it = operations_.find(id);
  const bool final = state == v1::OperationUpdate::SUCCEEDED ||
                     state == v1::OperationUpdate::FAILED || state == v1::OperationUpdate::EXPIRED;
  if (!final) return;
  if (it != operations_.end() && it->second.outcomes == 0) it->second.outcomes = 1;
  for (const auto& table : tables_) table->AcknowledgeOperation(cluster, id);
}

void SimHub::OnStatuses(const intent::ClusterId&, const std::vector<intent::EntryStatus>&) {}

std::unique_ptr<agent::Fetch> SimHub::Fetch(SimNetwork& network, size_t link,
                                            const intent::ClusterId& cluster,
                                            const object::Sha256& digest, uint64_t offset,
                                            agent::FetchObserver* observer) {
  auto fetch = std::make_unique<RunningFetch>(*this, network, link, observer);
  fetch->Begin(cluster, digest, offset);
  return fetch;
}

size_t SimHub::CutFetches() {
  const std::map<uint64_t, RunningFetch*> running = std::exchange(fetches_, {});
  for (const auto& [number, fetch] : running)
    fetch->Break(absl::UnavailableError("connection reset"));
  return running.size();
}

}  // namespace leidang::sim
