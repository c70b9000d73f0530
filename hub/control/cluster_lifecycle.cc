#include "hub/control/cluster_lifecycle.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace leidang::hub {
namespace {

intent::EntryKey EntryOf(const std::string& application) {
  return {intent::EntryKind::kApplication, application};
}

}  // namespace

ClusterLifecycle::ClusterLifecycle(EventLoop& loop, FleetRecords& records, Store& store,
                                   Random& random, Log& log, OnClusters on_clusters, OnGone on_gone)
    : loop_(loop),
      records_(records),
      store_(store),
      random_(random),
      log_(log),
      on_clusters_(std::move(on_clusters)),
      on_gone_(std::move(on_gone)) {}

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
    if (store_.Log(id).ok()) continue;
    lost.push_back(cluster);
    // The agent may hold more than an empty log says: it is a new claim, above the one that it
    // knows.
    ++lost.back().log.epoch;
    lost.back().log.incarnation = random_.Next();
  }
  if (lost.empty()) return Replay(std::move(done), Logs::kKept);
  std::vector<change::Any> changes;
  for (const ClusterRegistration& cluster : lost) changes.push_back(change::PutCluster{cluster});
  records_.Write(std::move(changes),
                 [this, alive = alive_, lost, done](const absl::Status& status) {
                   if (!*alive) return;
                   if (!status.ok()) return done(status);
                   Reopen(lost, done);
                 });
}

void ClusterLifecycle::Reopen(std::vector<ClusterRegistration> lost,
                              std::function<void(absl::StatusOr<Logs>)> done) {
  WriteBatch batch;
  for (const ClusterRegistration& cluster : lost) batch.OpenLog(cluster.id, cluster.log);
  log_.Warning("hub/control", "change logs are missing and are built anew from the ledger and Git",
               {{"clusters", absl::StrCat(lost.size())}});
  store_.Commit(std::move(batch), &loop_, [this, alive = alive_, done](const CommitResult& result) {
    if (!*alive) return;
    if (!result.status.ok()) return done(result.status);
    Replay(done, Logs::kRebuilt);
  });
}

// What was decided before a crash, and may not have reached the store.
void ClusterLifecycle::Replay(std::function<void(absl::StatusOr<Logs>)> done, Logs logs) {
  WriteBatch batch;
  for (const auto& [id, deletion] : records_.pending_deletions()) {
    if (!records_.clusters().contains(deletion.cluster)) continue;
    batch.Delete(deletion.cluster, {EntryOf(deletion.key), deletion.uid, deletion.policy});
    const absl::StatusOr<DerivedApplication> application = store_.Application(deletion.key);
    if (application.ok() && application->uid == deletion.uid) batch.DeleteApplication(deletion.key);
  }
  TellClusters();
  for (const auto& [id, cluster] : records_.clusters()) {
    if (cluster.deleting) Remove(cluster);
  }
  if (batch.empty()) return done(logs);
  store_.Commit(std::move(batch), &loop_, [alive = alive_, done, logs](const CommitResult& result) {
    if (!*alive) return;
    if (!result.status.ok()) return done(result.status);
    done(logs);
  });
}

void ClusterLifecycle::OnChanged(const intent::ClusterId& id) {
  const auto found = records_.clusters().find(id);
  if (found == records_.clusters().end()) return;
  const ClusterRegistration& cluster = found->second;
  if (cluster.deleting) return Remove(cluster);
  WriteBatch batch;
  batch.OpenLog(id, cluster.log);
  store_.Commit(std::move(batch), &loop_, [this, alive = alive_, id](const CommitResult& result) {
    if (!*alive) return;
    Report("cannot open a change log", id, result.status);
    TellClusters();
  });
}

// Ends every Application on the cluster, first in the ledger.
void ClusterLifecycle::Remove(const ClusterRegistration& cluster) {
  const intent::ClusterId id = cluster.id;
  std::vector<change::Any> changes;
  WriteBatch batch;
  PageRequest page;
  page.limit = kPageLimitMax;
  do {
    const absl::StatusOr<Page<LiveAssignment>> live = store_.Assignments(id, page);
    if (!live.ok()) break;
    for (const LiveAssignment& entry : live->items) {
      const intent::Assignment& assignment = entry.assignment;
      batch.Delete(id, {assignment.key, assignment.uid, *cluster.deleting});
      if (assignment.key.kind != intent::EntryKind::kApplication) continue;
      changes.push_back(change::Decide{
          {id, assignment.key.name, assignment.uid, *cluster.deleting, loop_.clock().Now(),
           absl::StrCat("cluster ", cluster.name, " is being removed")}});
      absl::StatusOr<DerivedApplication> application = store_.Application(assignment.key.name);
      if (!application.ok() || application->cluster != id) continue;
      application->cluster = {};
      batch.PutApplication(*std::move(application));
    }
    page.token = live->next;
  } while (!page.token.empty());
  if (batch.empty()) return EraseIfDone(id);
  auto shared = std::make_shared<WriteBatch>(std::move(batch));
  records_.Write(
      std::move(changes), [this, alive = alive_, id, shared](const absl::Status& status) {
        if (!*alive) return;
        if (!status.ok()) return Report("cannot decide the end of a cluster", id, status);
        store_.Commit(std::move(*shared), &loop_, [this, alive, id](const CommitResult& result) {
          if (!*alive) return;
          Report("cannot end a cluster's Applications", id, result.status);
          if (result.status.ok()) EraseIfDone(id);
        });
      });
}

// A cluster that never joined has nobody who could carry anything out.
void ClusterLifecycle::EraseIfDone(const intent::ClusterId& id) {
  const auto found = records_.clusters().find(id);
  if (found == records_.clusters().end() || !found->second.deleting) return;
  const absl::StatusOr<ClusterLog> log = store_.Log(id);
  if (found->second.joined() && log.ok() && (log->live > 0 || log->tombstones > 0)) return;
  std::vector<change::Any> changes;
  for (const auto& [key, deletion] : records_.pending_deletions()) {
    if (deletion.cluster == id) changes.push_back(change::Settle{id, deletion.key, deletion.uid});
  }
  changes.push_back(change::EraseCluster{id});
  records_.Write(std::move(changes), [this, alive = alive_, id](const absl::Status& status) {
    if (!*alive) return;
    Report("cannot remove a cluster", id, status);
    if (!status.ok()) return;
    TellClusters();
    WriteBatch batch;
    batch.DropLog(id);
    store_.Commit(std::move(batch), &loop_, [this, alive, id](const CommitResult& result) {
      if (*alive) Report("cannot drop a change log", id, result.status);
    });
    on_gone_(id);
  });
}

void ClusterLifecycle::OnCommitted(const CommitResult& result) {
  std::vector<change::Any> changes;
  std::set<intent::ClusterId> clusters;
  for (const ForgottenTombstone& forgotten : result.forgotten) {
    clusters.insert(forgotten.cluster);
    if (forgotten.key.kind != intent::EntryKind::kApplication) continue;
    changes.push_back(change::Settle{forgotten.cluster, forgotten.key.name, forgotten.uid});
  }
  const auto end = [this, clusters] {
    for (const intent::ClusterId& id : clusters) EraseIfDone(id);
  };
  if (changes.empty()) return end();
  records_.Write(std::move(changes), [this, alive = alive_, end](const absl::Status& status) {
    if (!*alive) return;
    if (!status.ok()) {
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

void ClusterLifecycle::Report(const char* what, const intent::ClusterId& id,
                              const absl::Status& status) {
  if (status.ok()) return;
  const auto found = records_.clusters().find(id);
  log_.Error("hub/control", what,
             {{"cluster", found == records_.clusters().end() ? id.Hex() : found->second.name},
              {"error", status.message()}});
}

}  // namespace leidang::hub
