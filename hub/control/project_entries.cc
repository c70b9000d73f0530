#include "hub/control/project_entries.h"

#include "common/object/value.h"

namespace leidang::hub {
namespace {

intent::EntryKey EntryOf(const std::string& project) {
  return {intent::EntryKind::kProject, project};
}

}  // namespace

void ProjectEntries::Ensure(const intent::ClusterId& cluster, const std::set<std::string>& projects,
                            WriteBatch* batch) const {
  for (const std::string& name : projects) {
    if (const WrittenObject* project = records_.Object(WrittenKind::kAppProject, name))
      Put(cluster, *project, batch);
  }
}

void ProjectEntries::Update(const std::string& name, WriteBatch* batch) const {
  const WrittenObject* project = records_.Object(WrittenKind::kAppProject, name);
  if (project == nullptr) return;
  for (const auto& [id, cluster] : records_.clusters()) {
    if (store_.Assignment(id, EntryOf(name)).ok()) Put(id, *project, batch);
  }
}

void ProjectEntries::Put(const intent::ClusterId& cluster, const WrittenObject& project,
                         WriteBatch* batch) const {
  const intent::EntryKey key = EntryOf(project.key);
  const absl::StatusOr<object::Value> manifest = object::ParseJson(project.manifest);
  const object::Value* spec = manifest.ok() ? object::Find(*manifest, {"spec"}) : nullptr;
  intent::Assignment assignment;
  assignment.key = key;
  assignment.uid = intent::ComputeUid(records_.hub(), key, records_.Deletions(key.ToString()));
  assignment.body = spec != nullptr ? object::CanonicalJson(*spec) : "{}";
  batch->Put(cluster, std::move(assignment));
}

}  // namespace leidang::hub
