#include "hub/control/shared_entries.h"

#include <utility>

#include "common/base/status_macros.h"
#include "common/object/value.h"
#include "hub/control/settings.h"

namespace leidang::hub {
namespace {

constexpr size_t kClustersAtOnce = 4;

bool IsShared(const intent::EntryKey& key) { return key.kind != intent::EntryKind::kApplication; }

intent::EntryKey EntryOf(const WrittenObject& object) {
  const bool settings = object.kind == WrittenKind::kSettings;
  return {settings ? intent::EntryKind::kSettings : intent::EntryKind::kProject, object.key};
}

// Of a project its spec; of settings those that agents read.
std::string BodyOf(const WrittenObject& object) {
  const absl::StatusOr<object::Value> manifest = object::ParseJson(object.manifest);
  if (!manifest.ok()) return "{}";
  if (object.kind == WrittenKind::kSettings) return object::CanonicalJson(AgentSettings(*manifest));
  const object::Value* spec = object::Find(*manifest, {"spec"});
  return spec != nullptr ? object::CanonicalJson(*spec) : "{}";
}

}  // namespace

SharedEntries::SharedEntries(EventLoop& loop, FleetRecords& records, Store& store, Random& random,
                             Log& log)
    : loop_(loop),
      records_(records),
      store_(store),
      log_(log),
      queue_(loop, random, {.running_max = kClustersAtOnce, .backoff = {}},
             [this](const intent::ClusterId& cluster) { Start(cluster); }) {}

SharedEntries::~SharedEntries() { *alive_ = false; }

void SharedEntries::Ensure(const intent::ClusterId& cluster, const std::set<std::string>& projects,
                           WriteBatch* batch) const {
  for (const std::string& name : projects) {
    if (const WrittenObject* project = records_.Object(WrittenKind::kAppProject, name))
      batch->Put(cluster, AssignmentOf(cluster, *project));
  }
}

intent::Uid SharedEntries::UidOf(const intent::ClusterId& cluster,
                                 const intent::EntryKey& key) const {
  return intent::ComputeUid(records_.hub(), key, records_.Deletions(cluster, key));
}

intent::Assignment SharedEntries::AssignmentOf(const intent::ClusterId& cluster,
                                               const WrittenObject& object) const {
  intent::Assignment assignment;
  assignment.key = EntryOf(object);
  assignment.uid = UidOf(cluster, assignment.key);
  assignment.body = BodyOf(object);
  return assignment;
}

void SharedEntries::AddUpdate(const WrittenObject& project, WriteBatch* batch) const {
  const intent::EntryKey key = EntryOf(project);
  for (const auto& [id, cluster] : records_.clusters()) {
    const absl::StatusOr<LiveAssignment> live = store_.Assignment(id, key);
    // One with another uid is being replaced.
    if (live.ok() && live->assignment.uid == UidOf(id, key))
      batch->Put(id, AssignmentOf(id, project));
  }
}

void SharedEntries::UpdateProject(const std::string& name) {
  WriteBatch batch;
  if (const WrittenObject* project = records_.Object(WrittenKind::kAppProject, name))
    AddUpdate(*project, &batch);
  CommitUpdate(std::move(batch));
}

void SharedEntries::UpdateSettings() {
  for (const auto& [id, cluster] : records_.clusters()) queue_.Add(id);
}

void SharedEntries::UpdateAll() {
  WriteBatch batch;
  for (const auto& [name, project] : records_.Objects(WrittenKind::kAppProject))
    AddUpdate(project, &batch);
  CommitUpdate(std::move(batch));
  for (const auto& [id, cluster] : records_.clusters()) OnEnded(id);
}

void SharedEntries::CommitUpdate(WriteBatch batch) {
  if (batch.empty()) return;
  store_.Commit(std::move(batch), &loop_, [this, alive = alive_](const CommitResult& result) {
    if (!*alive || result.status.ok()) return;
    // A cluster went meanwhile, or the disk is full: each is looked at on its own.
    log_.Warning("hub/control", "cannot hand out an AppProject at once; will try again",
                 {{"error", result.status.message()}});
    for (const auto& [id, cluster] : records_.clusters()) OnEnded(id);
  });
}

void SharedEntries::OnPlaced(const intent::ClusterId& cluster) {
  // What is being taken away just now may be needed again.
  if (queue_.contains(cluster)) queue_.Add(cluster);
}

void SharedEntries::OnEnded(const intent::ClusterId& cluster) { queue_.Add(cluster); }

void SharedEntries::OnCluster(const intent::ClusterId& cluster) {
  if (!records_.Objects(WrittenKind::kSettings).empty()) queue_.Add(cluster);
}

absl::Status SharedEntries::Compare(const intent::ClusterId& cluster, Assignments* present,
                                    Assignments* needed) const {
  const auto need = [&](const WrittenObject& object) {
    const intent::EntryKey key = EntryOf(object);
    if (!needed->contains(key)) needed->emplace(key, AssignmentOf(cluster, object));
  };
  for (const auto& [name, settings] : records_.Objects(WrittenKind::kSettings)) need(settings);
  PageRequest page;
  do {
    ASSIGN_OR_RETURN(const Page<LiveAssignment> live, store_.Assignments(cluster, page));
    for (const LiveAssignment& entry : live.items) {
      const intent::EntryKey& key = entry.assignment.key;
      if (IsShared(key)) {
        present->emplace(key, entry.assignment);
        continue;
      }
      const absl::StatusOr<DerivedApplication> application = store_.Application(key.name);
      if (!application.ok()) continue;
      const WrittenObject* project =
          records_.Object(WrittenKind::kAppProject, application->project);
      if (project != nullptr) need(*project);
    }
    page.token = live.next;
  } while (!page.token.empty());
  return absl::OkStatus();
}

absl::StatusOr<WriteBatch> SharedEntries::Difference(const intent::ClusterId& cluster,
                                                     FleetRecords::Changes* changes) const {
  Assignments present;
  Assignments needed;
  RETURN_IF_ERROR(Compare(cluster, &present, &needed));
  WriteBatch batch;
  for (const auto& [key, assignment] : present) {
    const intent::Uid& uid = assignment.uid;
    const bool ended = uid != UidOf(cluster, key);  // Decided before, and cut off.
    if (needed.contains(key) && !ended) continue;
    batch.Delete(cluster, {key, uid, intent::DeletionPolicy::kOrphan});
    if (ended) continue;
    const bool settings = key.kind == intent::EntryKind::kSettings;
    changes->push_back(
        change::Decide{{cluster, key, uid, intent::DeletionPolicy::kOrphan, loop_.clock().Now(),
                        settings ? "the settings were deleted"
                                 : "no Application of the cluster names it any more"}});
  }
  for (auto& [key, assignment] : needed) {
    const auto there = present.find(key);
    if (there == present.end() || !(there->second == assignment))
      batch.Put(cluster, std::move(assignment));
  }
  return batch;
}

void SharedEntries::Start(const intent::ClusterId& cluster) {
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

void SharedEntries::Commit(const intent::ClusterId& cluster,
                           const std::shared_ptr<WriteBatch>& batch) {
  if (batch->empty()) return Finish(cluster, absl::OkStatus());
  store_.Commit(std::move(*batch), &loop_,
                [this, alive = alive_, cluster](const CommitResult& result) {
                  if (*alive) Finish(cluster, result.status);
                });
}

void SharedEntries::Finish(const intent::ClusterId& cluster, const absl::Status& status) {
  if (!status.ok()) {
    log_.Warning("hub/control",
                 "cannot bring a cluster's AppProjects and settings up to date; will try again",
                 {{"cluster", cluster.Hex()}, {"error", status.message()}});
  }
  queue_.Finish(cluster, status.ok() ? WorkResult::Done() : WorkResult::Retry());
}

}  // namespace leidang::hub
