#include "agent/apply/sync_tasks.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "agent/apply/desired.h"
#include "common/manifest/manifest.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;

bool IsNamespace(const ObjectKey& key) { return key.group.empty() && key.kind == "Namespace"; }

auto Order(const SyncTask& task) {
  // Kinds that are not listed stand side by side.
  return std::tuple(task.id.phase, task.wave, KindRank(task.id.key.kind),
                    absl::string_view(task.id.key.name));
}

// A move of a task in front of the first one that needs it.
class Dependencies {
 public:
  explicit Dependencies(std::vector<SyncTask>& tasks) : tasks_(tasks) {}

  // `provides` and `needs` give a name or "".
  template <typename Provides, typename Needs>
  void Adjust(const Provides& provides, const Needs& needs) {
    std::map<std::string, size_t> first;
    for (size_t i = 0; i < tasks_.size(); ++i) {
      if (tasks_[i].IsPrune()) continue;
      const std::string provided = provides(tasks_[i]);
      if (provided.empty()) {
        const std::string needed = needs(tasks_[i]);
        if (!needed.empty()) first.emplace(needed, i);
        continue;
      }
      const auto found = first.find(provided);
      if (found == first.end()) continue;
      const size_t to = found->second;
      tasks_[i].wave = tasks_[to].wave;
      tasks_[i].id.phase = tasks_[to].id.phase;
      std::rotate(tasks_.begin() + to, tasks_.begin() + i, tasks_.begin() + i + 1);
      for (auto& [name, index] : first) {
        if (index >= to) ++index;
      }
    }
  }

 private:
  std::vector<SyncTask>& tasks_;
};

void SortTasks(std::vector<SyncTask>& tasks, const std::string& ns) {
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const SyncTask& a, const SyncTask& b) { return Order(a) < Order(b); });
  Dependencies(tasks).Adjust(
      [](const SyncTask& task) {
        return IsNamespace(task.id.key) ? task.id.key.name : std::string();
      },
      [&](const SyncTask& task) {
        // What has no namespace of its own is counted to the destination's.
        return task.id.key.ns.empty() ? ns : task.id.key.ns;
      });
  Dependencies(tasks).Adjust(
      [](const SyncTask& task) { return task.object->defines; },
      [](const SyncTask& task) { return absl::StrCat(task.id.key.group, task.id.key.kind); });
}

// Of the waves that have something to prune the first trades places with the last, and so on.
void MirrorPrunes(std::vector<SyncTask>& tasks) {
  std::set<int64_t> unique;
  for (const SyncTask& task : tasks) {
    if (task.IsPrune()) unique.insert(task.wave);
  }
  const std::vector<int64_t> waves(unique.begin(), unique.end());
  for (SyncTask& task : tasks) {
    if (!task.IsPrune()) continue;
    const auto at = std::lower_bound(waves.begin(), waves.end(), task.wave);
    task.wave = waves[waves.size() - 1 - (at - waves.begin())];
  }
}

void PutPrunesLast(std::vector<SyncTask>& tasks, const SyncTargets& targets) {
  int64_t last = 0;
  for (const SyncTask& task : tasks) {
    if (task.id.phase == SyncPhase::kSync) last = std::max(last, task.wave);
  }
  for (SyncTask& task : tasks) {
    if (task.IsPrune() && (targets.prune_when == SyncTargets::PruneWhen::kLast ||
                           task.object->prune_when == SyncObject::PruneWhen::kLast)) {
      task.wave = last + 1;
    }
  }
}

SyncTask MakeTask(const SyncObject& object, SyncPhase phase, SyncTask::Action action) {
  SyncTask task;
  task.id = {object.key, phase};
  task.wave = object.wave;
  task.action = action;
  task.object = &object;
  return task;
}

bool NeedsNamespace(const SyncTargets& targets, const std::map<ObjectKey, SyncLive>& live) {
  if (!targets.namespace_to_create.has_value()) return false;
  const ObjectKey& key = targets.namespace_to_create->key;
  if (live.contains(key)) return false;
  for (const SyncObject& object : targets.wanted) {
    if (object.key == key && object.sort == SyncObject::Sort::kObject) return false;
  }
  return true;
}

}  // namespace

bool SyncTask::MustGoFirst() const {
  return live != nullptr && IsHook() && IsPending() &&
         object->deletions.contains(HookDeletion::kBeforeCreation);
}

SyncObject DescribeForSync(const object::Value& manifest, ObjectKey key) {
  SyncObject object;
  object.wave = SyncWaveOf(manifest);
  if (IsHook(manifest)) {
    object.sort = SyncObject::Sort::kHook;
    object.deletions = HookDeletions(manifest);
  }
  object.phases = SyncPhasesOf(manifest);
  if (HasSyncOption(manifest, "Prune=confirm")) object.pruning = SyncObject::Pruning::kConfirm;
  if (HasSyncOption(manifest, "Prune=false")) object.pruning = SyncObject::Pruning::kKeep;
  if (HasSyncOption(manifest, "PruneLast=true")) object.prune_when = SyncObject::PruneWhen::kLast;
  if (key.kind == "CustomResourceDefinition" && key.group == "apiextensions.k8s.io") {
    object.defines = absl::StrCat(object::FindString(manifest, {"spec", "group"}),
                                  object::FindString(manifest, {"spec", "names", "kind"}));
  }
  object.key = std::move(key);
  return object;
}

std::string HookName(absl::string_view generate_name, absl::string_view commit, SyncPhase phase,
                     int64_t started_unix) {
  constexpr size_t kShort = 7;
  return absl::StrCat(generate_name,
                      absl::AsciiStrToLower(absl::StrCat(
                          commit.substr(0, commit.size() > kShort ? kShort : commit.size()), "-",
                          PhaseName(phase), "-", started_unix)));
}

std::vector<SyncTask> MakeSyncTasks(const SyncTargets& targets,
                                    const std::map<ObjectKey, SyncLive>& live,
                                    const std::map<SyncTaskId, SyncResult>& results) {
  std::vector<SyncTask> tasks;
  std::set<ObjectKey> wanted;
  for (const SyncObject& object : targets.wanted) {
    const bool hook = object.sort == SyncObject::Sort::kHook;
    wanted.insert(object.key);
    if (hook && targets.hooks == SyncTargets::Hooks::kLeaveOut) continue;
    for (const SyncPhase phase : object.phases) {
      tasks.push_back(MakeTask(object, phase, SyncTask::Action::kApply));
    }
  }
  if (NeedsNamespace(targets, live)) {
    tasks.push_back(
        MakeTask(*targets.namespace_to_create, SyncPhase::kPreSync, SyncTask::Action::kApply));
  }
  for (SyncTask& task : tasks) {
    const auto found = live.find(task.id.key);
    if (found != live.end()) task.live = &found->second;
  }
  for (const auto& [key, object] : live) {
    const bool hook = object.object.sort == SyncObject::Sort::kHook;
    if (hook || wanted.contains(key) || targets.skipped.contains(key)) continue;
    if (object.object.phases.empty()) continue;
    SyncTask task = MakeTask(object.object, SyncPhase::kSync, SyncTask::Action::kPrune);
    task.live = &object;
    tasks.push_back(std::move(task));
  }
  MirrorPrunes(tasks);
  PutPrunesLast(tasks, targets);
  SortTasks(tasks, targets.ns);
  for (SyncTask& task : tasks) {
    const auto found = results.find(task.id);
    if (found != results.end()) task.result = found->second;
  }
  return tasks;
}

}  // namespace leidang::agent
