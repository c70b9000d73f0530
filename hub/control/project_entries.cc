#include "hub/control/project_entries.h"

#include <map>
#include <utility>

#include "common/base/status_macros.h"
#include "common/object/value.h"

namespace leidang::hub {
namespace {

constexpr size_t kClustersAtOnce = 4;

intent::EntryKey EntryOf(const std::string& project) {
  return {intent::EntryKind::kProject, project};
}

}  // namespace

ProjectEntries::ProjectEntries(EventLoop& loop, FleetRecords& records, Store& store, Random& random,
                               Log& log)
    : loop_(loop),
      records_(records),
      store_(store),
      log_(log),
      queue_(loop, random, {.running_max = kClustersAtOnce, .backoff = {}},
             [this](const intent::ClusterId& cluster) { Start(cluster); }) {}

ProjectEntries::~ProjectEntries() { *alive_ = false; }

void ProjectEntries::Ensure(const intent::ClusterId& cluster, const std::set<std::string>& projects,
                            WriteBatch* batch) const {
  for (const std::string& name : projects) {
    if (const WrittenObject* project = records_.Object(WrittenKind::kAppProject, name))
      Put(cluster, *project, batch);
  }
}

intent::Uid ProjectEntries::UidOf(const intent::ClusterId& cluster,
                                  const std::string& project) const {
  const intent::EntryKey key = EntryOf(project);
  return intent::ComputeUid(records_.hub(), key, records_.Deletions(cluster, key));
}

intent::Assignment ProjectEntries::AssignmentOf(const intent::ClusterId& cluster,
                                                const WrittenObject& project) const {
  const intent::EntryKey key = EntryOf(project.key);
  const absl::StatusOr<object::Value> manifest = object::ParseJson(project.manifest);
  const object::Value* spec = manifest.ok() ? object::Find(*manifest, {"spec"}) : nullptr;
  intent::Assignment assignment;
  assignment.key = key;
  assignment.uid = UidOf(cluster, project.key);
  assignment.body = spec != nullptr ? object::CanonicalJson(*spec) : "{}";
  return assignment;
}

void ProjectEntries::Put(const intent::ClusterId& cluster, const WrittenObject& project,
                         WriteBatch* batch) const {
  batch->Put(cluster, AssignmentOf(cluster, project));
}

void ProjectEntries::AddUpdate(const WrittenObject& project, WriteBatch* batch) const {
  for (const auto& [id, cluster] : records_.clusters()) {
    const absl::StatusOr<LiveAssignment> live = store_.Assignment(id, EntryOf(project.key));
    // One with another uid is being replaced.
    if (live.ok() && live->assignment.uid == UidOf(id, project.key)) Put(id, project, batch);
  }
}

void ProjectEntries::Update(const std::string& name) {
  WriteBatch batch;
  if (const WrittenObject* project = records_.Object(WrittenKind::kAppProject, name))
    AddUpdate(*project, &batch);
  CommitUpdate(std::move(batch));
}

void ProjectEntries::UpdateAll() {
  WriteBatch batch;
  for (const auto& [name, project] : records_.Objects(WrittenKind::kAppProject))
    AddUpdate(project, &batch);
  CommitUpdate(std::move(batch));
  for (const auto& [id, cluster] : records_.clusters()) OnEnded(id);
}

void ProjectEntries::CommitUpdate(WriteBatch batch) {
  if (batch.empty()) return;
  store_.Commit(std::move(batch), &loop_, [this, alive = alive_](const CommitResult& result) {
    if (!*alive || result.status.ok()) return;
    // A cluster went meanwhile, or the disk is full: each is looked at on its own.
    log_.Warning("hub/control", "cannot hand out an AppProject at once; will try again",
                 {{"error", result.status.message()}});
    for (const auto& [id, cluster] : records_.clusters()) OnEnded(id);
  });
}

void ProjectEntries::OnPlaced(const intent::ClusterId& cluster) {
  // What is being taken away just now may be needed again.
  if (queue_.contains(cluster)) queue_.Add(cluster);
}

void ProjectEntries::OnEnded(const intent::ClusterId& cluster) { queue_.Add(cluster); }

absl::StatusOr<WriteBatch> ProjectEntries::Difference(const intent::ClusterId& cluster,
                                                      FleetRecords::Changes* changes) const {
  std::set<std::string> needed;
  std::map<std::string, intent::Assignment> present;
  PageRequest page;
  do {
    ASSIGN_OR_RETURN(const Page<LiveAssignment> live, store_.Assignments(cluster, page));
    for (const LiveAssignment& entry : live.items) {
      const intent::EntryKey& key = entry.assignment.key;
      if (key.kind == intent::EntryKind::kProject) {
        present[key.name] = entry.assignment;
      } else if (key.kind == intent::EntryKind::kApplication) {
        const absl::StatusOr<DerivedApplication> application = store_.Application(key.name);
        if (application.ok()) needed.insert(application->project);
      }
    }
    page.token = live.next;
  } while (!page.token.empty());

  WriteBatch batch;
  for (const auto& [name, assignment] : present) {
    const intent::Uid& uid = assignment.uid;
    const bool ended = uid != UidOf(cluster, name);  // Decided before, and cut off.
    if (needed.contains(name) && !ended) continue;
    batch.Delete(cluster, {EntryOf(name), uid, intent::DeletionPolicy::kOrphan});
    if (ended) continue;
    changes->push_back(
        change::Decide{{cluster, EntryOf(name), uid, intent::DeletionPolicy::kOrphan,
                        loop_.clock().Now(), "no Application of the cluster names it any more"}});
  }
  for (const std::string& name : needed) {
    const WrittenObject* project = records_.Object(WrittenKind::kAppProject, name);
    if (project == nullptr) continue;
    intent::Assignment assignment = AssignmentOf(cluster, *project);
    const auto there = present.find(name);
    if (there == present.end() || !(there->second == assignment))
      batch.Put(cluster, std::move(assignment));
  }
  return batch;
}

void ProjectEntries::Start(const intent::ClusterId& cluster) {
  const auto registration = records_.clusters().find(cluster);
  if (registration == records_.clusters().end() || registration->second.deleting)
    return Finish(cluster, absl::OkStatus());
  FleetRecords::Changes changes;
  absl::StatusOr<WriteBatch> batch = Difference(cluster, &changes);
  if (!batch.ok()) return Finish(cluster, batch.status());
  auto shared = std::make_shared<WriteBatch>(*std::move(batch));
  if (changes.empty()) return Commit(cluster, shared);
  records_.Write(std::move(changes),
                 [this, alive = alive_, cluster, shared](const absl::Status& status) {
                   if (!*alive) return;
                   if (!status.ok()) return Finish(cluster, status);
                   Commit(cluster, shared);
                 });
}

void ProjectEntries::Commit(const intent::ClusterId& cluster,
                            const std::shared_ptr<WriteBatch>& batch) {
  if (batch->empty()) return Finish(cluster, absl::OkStatus());
  store_.Commit(std::move(*batch), &loop_,
                [this, alive = alive_, cluster](const CommitResult& result) {
                  if (*alive) Finish(cluster, result.status);
                });
}

void ProjectEntries::Finish(const intent::ClusterId& cluster, const absl::Status& status) {
  if (!status.ok()) {
    log_.Warning("hub/control", "cannot bring a cluster's AppProjects up to date; will try again",
                 {{"cluster", cluster.Hex()}, {"error", status.message()}});
  }
  queue_.Finish(cluster, status.ok() ? WorkResult::Done() : WorkResult::Retry());
}

}  // namespace leidang::hub
