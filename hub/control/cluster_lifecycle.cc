#include "hub/control/cluster_lifecycle.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/control/commit_parts.h"

namespace leidang::hub {
namespace {

constexpr size_t kClustersAtOnce = 64;  // They share the disk's syncs.
constexpr char kCannotEnd[] = "cannot end what is on a cluster";
// The state of no set: it is there while logs that were lost are being filled anew.
constexpr char kRebuilding[] = "(rebuilding)";

}  // namespace

ClusterLifecycle::ClusterLifecycle(EventLoop& loop, FleetRecords& records, Store& store,
                                   Random& random, Log& log, OnClusters on_clusters, OnGone on_gone)
    : loop_(loop),
      records_(records),
      store_(store),
      random_(random),
      log_(log),
      on_clusters_(std::move(on_clusters)),
      on_gone_(std::move(on_gone)),
      queue_(loop, random, {.running_max = kClustersAtOnce, .backoff = {}},
             [this](const intent::ClusterId& id) { Work(id); }) {}

ClusterLifecycle::~ClusterLifecycle() {
  *alive_ = false;
  if (subscription_ != 0) store_.Unsubscribe(subscription_);
}

void ClusterLifecycle::Start(std::function<void(absl::StatusOr<Logs>)> done) {
  subscription_ = store_.Subscribe(&loop_, [this, alive = alive_](const CommitResult& result) {
    if (*alive) OnCommitted(result);
  });
  std::vector<ClusterRegistration> lost;
  for (const auto& [id, cluster] : records_.clusters()) {
    if (const absl::StatusOr<ClusterLog> log = store_.Log(id); !absl::IsNotFound(log.status())) {
      if (!log.ok()) return done(log.status());
      // The hub stopped between ledger and log when the log was to pass to a newer authority.
      if (log->authority != cluster.log) queue_.Add(id);
      continue;
    }
    lost.push_back(cluster);
    // The agent may hold more than an empty log says: it is a new claim, above the one that it
    // knows.
    ++lost.back().log.epoch;
    lost.back().log.incarnation = random_.Next();
  }
  if (lost.empty()) {
    return Replay(std::move(done),
                  store_.SetState(kRebuilding).ok() ? Logs::kRebuilt : Logs::kKept);
  }
  FleetRecords::Changes changes;
  for (const ClusterRegistration& cluster : lost) changes.push_back(change::PutCluster{cluster});
  records_.Write(std::move(changes),
                 [this, alive = alive_, lost, done](const absl::Status& status) {
                   if (!*alive) return;
                   if (!status.ok()) return done(status);
                   Reopen(lost, done);
                 });
}

void ClusterLifecycle::Reopen(const std::vector<ClusterRegistration>& lost,
                              std::function<void(absl::StatusOr<Logs>)> done) {
  WriteBatch batch;
  SetState rebuilding;
  rebuilding.key = kRebuilding;
  batch.PutSetState(std::move(rebuilding));
  for (const ClusterRegistration& cluster : lost) batch.OpenLog(cluster.id, cluster.log);
  log_.Warning("hub/control", "change logs are missing and are built anew from the ledger and Git",
               {{"clusters", absl::StrCat(lost.size())}});
  store_.Commit(std::move(batch), &loop_,
                [this, alive = alive_, done = std::move(done)](const CommitResult& result) {
                  if (!*alive) return;
                  if (!result.status.ok()) return done(result.status);
                  Replay(done, Logs::kRebuilt);
                });
}

// What was decided before a crash, and may not have reached the store.
void ClusterLifecycle::Replay(std::function<void(absl::StatusOr<Logs>)> done, Logs logs) {
  WriteBatch batch;
  for (const auto& [id, cluster] : records_.clusters()) {
    AddDecided(id, &batch);
    DropDecided(id, &batch);
  }
  for (const ClusterLog& open : store_.Logs()) {
    if (!records_.clusters().contains(open.cluster)) batch.DropLog(open.cluster);
  }
  TellClusters();
  // Not before: without its tombstones a cluster would look as if all was carried out.
  const auto finish = [this, logs, done = std::move(done)](const absl::Status& committed) {
    if (!committed.ok()) return done(committed);
    for (const auto& [id, cluster] : records_.clusters()) {
      if (cluster.deleting) queue_.Add(id);
    }
    done(logs);
  };
  CommitParts(store_, loop_, alive_, std::move(batch).InParts(kPartBytes), finish);
}

void ClusterLifecycle::OnRebuilt() {
  WriteBatch batch;
  batch.DeleteSetState(kRebuilding);
  // If this is lost, agents wait once more at the next start.
  store_.Commit(std::move(batch), &loop_, [](const CommitResult&) {});
}

void ClusterLifecycle::AddDecided(const intent::ClusterId& id, WriteBatch* batch) const {
  const auto& pending = records_.pending_deletions();
  for (auto it = pending.lower_bound({id, {}, {}}); it != pending.end(); ++it) {
    const PendingDeletion& deletion = it->second;
    if (deletion.cluster != id) break;
    batch->Delete(id, {deletion.key, deletion.uid, deletion.policy});
  }
}

// REQUIRES: nothing else writes yet. Later a record is its owner's alone: one that is being written
// is not to be read yet.
void ClusterLifecycle::DropDecided(const intent::ClusterId& id, WriteBatch* batch) const {
  const auto& pending = records_.pending_deletions();
  for (auto it = pending.lower_bound({id, {}, {}}); it != pending.end(); ++it) {
    const PendingDeletion& deletion = it->second;
    if (deletion.cluster != id) break;
    if (deletion.key.kind != intent::EntryKind::kApplication) continue;
    const absl::StatusOr<DerivedApplication> application = store_.Application(deletion.key.name);
    // One that the hub has elsewhere may have the uid that the agent here held unclaimed.
    if (application.ok() && application->uid == deletion.uid &&
        (application->cluster == id || application->cluster.IsNone()))
      batch->DeleteApplication(deletion.key.name);
  }
}

void ClusterLifecycle::OnChanged(const intent::ClusterId& id) { queue_.Add(id); }

void ClusterLifecycle::Work(const intent::ClusterId& id) {
  const auto found = records_.clusters().find(id);
  if (found == records_.clusters().end()) return queue_.Finish(id, WorkResult::Done());
  if (found->second.deleting) return Remove(found->second);
  WriteBatch batch;
  batch.OpenLog(id, found->second.log);
  AddDecided(id, &batch);
  store_.Commit(std::move(batch), &loop_, [this, alive = alive_, id](const CommitResult& result) {
    if (!*alive) return;
    Finish("cannot open a change log", id, result.status);
    TellClustersSoon();
  });
}

// What ends with the cluster: decisions for the ledger, and tombstones.
absl::StatusOr<WriteBatch> ClusterLifecycle::EndOf(const ClusterRegistration& cluster,
                                                   FleetRecords::Changes* changes) const {
  WriteBatch batch;
  PageRequest page;
  do {
    ASSIGN_OR_RETURN(const Page<LiveAssignment> live, store_.Assignments(cluster.id, page));
    for (const LiveAssignment& entry : live.items) {
      const intent::Assignment& assignment = entry.assignment;
      batch.Delete(cluster.id, {assignment.key, assignment.uid, *cluster.deleting});
      changes->push_back(change::Decide{
          {cluster.id, assignment.key, assignment.uid, *cluster.deleting, loop_.clock().Now(),
           absl::StrCat("cluster ", cluster.name, " is being removed")}});
      if (assignment.key.kind != intent::EntryKind::kApplication) continue;
      absl::StatusOr<DerivedApplication> application = store_.Application(assignment.key.name);
      if (!application.ok() || application->cluster != cluster.id) continue;
      application->cluster = {};
      application->content = {};
      batch.PutApplication(*std::move(application));
    }
    page.token = live.next;
  } while (!page.token.empty());
  return batch;
}

// Ends every entry of the cluster, first in the ledger.
void ClusterLifecycle::Remove(const ClusterRegistration& cluster) {
  const intent::ClusterId id = cluster.id;
  FleetRecords::Changes changes;
  absl::StatusOr<WriteBatch> batch = EndOf(cluster, &changes);
  if (absl::IsNotFound(batch.status())) return Erase(id);  // It never had a log.
  if (!batch.ok()) return Finish(kCannotEnd, id, batch.status());
  if (batch->empty()) return EraseIfDone(id);
  auto shared = std::make_shared<WriteBatch>(*std::move(batch));
  records_.Write(std::move(changes),
                 [this, alive = alive_, id, shared](const absl::Status& status) {
                   if (!*alive) return;
                   if (!status.ok()) return Finish(kCannotEnd, id, status);
                   CommitParts(store_, loop_, alive, std::move(*shared).InParts(kPartBytes),
                               [this, id](const absl::Status& ended) {
                                 if (!ended.ok()) return Finish(kCannotEnd, id, ended);
                                 EraseIfDone(id);
                                 on_ended();
                               });
                 });
}

// Where an agent has joined, it must have heard of the end, and have carried it out.
void ClusterLifecycle::EraseIfDone(const intent::ClusterId& id) {
  const auto found = records_.clusters().find(id);
  if (found == records_.clusters().end()) return Finish("", id, absl::OkStatus());
  const absl::StatusOr<ClusterLog> log = store_.Log(id);
  const auto pending = records_.pending_deletions().lower_bound({id, {}, {}});
  const bool decided =
      pending != records_.pending_deletions().end() && pending->second.cluster == id;
  if (found->second.joined() && (decided || (log.ok() && (log->live > 0 || log->tombstones > 0))))
    return Finish("", id, absl::OkStatus());
  Erase(id);
}

void ClusterLifecycle::Erase(const intent::ClusterId& id) {
  FleetRecords::Changes changes;
  for (const auto& [key, deletion] : records_.pending_deletions()) {
    if (deletion.cluster == id) changes.push_back(change::Settle{id, deletion.key, deletion.uid});
  }
  changes.push_back(change::EraseCluster{id});
  records_.Write(std::move(changes), [this, alive = alive_, id](const absl::Status& status) {
    if (!*alive) return;
    Finish("cannot remove a cluster", id, status);
    if (!status.ok()) return;
    TellClusters();
    WriteBatch batch;
    batch.DropLog(id);
    // If this is lost, the log of a cluster that is not registered is dropped at the next start.
    store_.Commit(std::move(batch), &loop_, [](const CommitResult&) {});
    on_gone_(id);
  });
}

void ClusterLifecycle::OnCommitted(const CommitResult& result) {
  FleetRecords::Changes changes;
  std::set<intent::ClusterId> clusters;
  for (const ForgottenTombstone& forgotten : result.forgotten) {
    clusters.insert(forgotten.cluster);
    changes.push_back(change::Settle{forgotten.cluster, forgotten.key, forgotten.uid});
  }
  // A look that had begun before may have brought something to a cluster that is being removed.
  for (const auto& [id, head] : result.heads) clusters.insert(id);
  const auto end = [this, clusters] {
    for (const intent::ClusterId& id : clusters) {
      const auto found = records_.clusters().find(id);
      if (found != records_.clusters().end() && found->second.deleting) queue_.Add(id);
    }
  };
  if (changes.empty()) return end();
  records_.Write(std::move(changes), [this, alive = alive_, end](const absl::Status& status) {
    if (!*alive) return;
    if (!status.ok()) {
      // They are told to the agent once more after the next start, which does no harm.
      log_.Error("hub/control", "cannot settle deletions that were carried out",
                 {{"error", status.message()}});
    }
    end();
  });
}

void ClusterLifecycle::TellClusters() {
  std::set<intent::ClusterId> clusters;
  for (const auto& [id, cluster] : records_.clusters()) clusters.insert(id);
  on_clusters_(clusters);
}

// Of many that are registered one after the other each would cost as much as all of them.
void ClusterLifecycle::TellClustersSoon() {
  if (std::exchange(telling_, true)) return;
  loop_.Post([this, alive = alive_] {
    if (!*alive) return;
    telling_ = false;
    TellClusters();
  });
}

void ClusterLifecycle::Finish(const char* what, const intent::ClusterId& id,
                              const absl::Status& status) {
  if (!status.ok()) {
    const auto found = records_.clusters().find(id);
    log_.Error("hub/control", what,
               {{"cluster", found == records_.clusters().end() ? id.Hex() : found->second.name},
                {"error", status.message()}});
  }
  queue_.Finish(id, status.ok() ? WorkResult::Done() : WorkResult::Retry());
}

}  // namespace leidang::hub
