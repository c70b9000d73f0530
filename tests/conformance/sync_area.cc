#include "tests/conformance/sync_area.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "agent/apply/sync_operation.h"
#include "agent/apply/sync_tasks.h"
#include "common/manifest/manifest.h"

namespace leidang::conformance {
namespace {

using agent::SyncBatch;
using agent::SyncLive;
using agent::SyncObject;
using agent::SyncOperation;
using agent::SyncPhase;
using agent::SyncResult;
using agent::SyncTask;
using object::ObjectKey;
using object::Value;

constexpr absl::string_view kCommit = "abcdef0123456789";
constexpr int64_t kStarted = 1700000000;
// A sync that still waits after so many looks waits forever.
constexpr int kLooksMax = 100;

std::string Short(const ObjectKey& key) { return absl::StrCat(key.kind, "/", key.name); }

bool Flag(const Value& line, absl::string_view name) {
  const Value* found = object::Find(line, {name});
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::vector<Value> Items(const Value& line, absl::string_view name) {
  const Value* found = object::Find(line, {name});
  if (found == nullptr || !found->is_array()) return {};
  return {found->get_array().begin(), found->get_array().end()};
}

std::set<std::string> Texts(const Value& line, absl::string_view name) {
  std::set<std::string> texts;
  for (const Value& item : Items(line, name)) texts.emplace(item.as_string());
  return texts;
}

intent::HealthState HealthNamed(absl::string_view name) {
  for (const auto& [text, state] : {std::pair{"Healthy", intent::HealthState::kHealthy},
                                    std::pair{"Progressing", intent::HealthState::kProgressing},
                                    std::pair{"Degraded", intent::HealthState::kDegraded},
                                    std::pair{"Suspended", intent::HealthState::kSuspended},
                                    std::pair{"Missing", intent::HealthState::kMissing}}) {
    if (name == text) return state;
  }
  return intent::HealthState::kUnknown;
}

// The cluster of the vectors: what is applied is there at the next look, what is deleted is gone.
class Simulation {
 public:
  explicit Simulation(const Value& line) : line_(line), operation_(Options(line)) {
    const std::string ns(object::FindString(line, {"namespace"}));
    targets_.ns = ns.empty() ? "default" : ns;
    for (const Value& manifest : Items(line, "resources")) AddTarget(manifest);
    for (const Value& manifest : Items(line, "live")) Put(Describe(manifest));
    if (Flag(line, "pruneLast")) targets_.prune_when = agent::SyncTargets::PruneWhen::kLast;
    if (Flag(line, "skipHooks")) targets_.hooks = agent::SyncTargets::Hooks::kLeaveOut;
    if (Flag(line, "createNamespace")) {
      SyncObject created;
      created.key = {"", "Namespace", "", targets_.ns};
      created.phases = {SyncPhase::kPreSync};
      targets_.namespace_to_create = created;
    }
  }

  Value Run() {
    object::Array steps;
    for (int look = 0; look < kLooksMax; ++look) {
      if (operation_.state() != SyncOperation::State::kRunning) break;
      Value step = Look();
      if (steps.empty() || !object::Equal(steps.back(), step)) steps.push_back(std::move(step));
    }
    object::Object out;
    out["order"] = order_;
    out["steps"] = steps;
    out["phase"] = StateName();
    out["message"] = operation_.message();
    out["results"] = Results();
    return out;
  }

 private:
  static agent::SyncOptions Options(const Value& line) {
    return {.prune = Flag(line, "prune") ? agent::SyncOptions::Prune::kPrune
                                         : agent::SyncOptions::Prune::kSkip,
            .confirmed = agent::SyncOptions::Confirmed::kNo};
  }

  SyncObject Describe(const Value& manifest) const {
    ObjectKey key;
    key.group = std::string(manifest::GroupOf(object::FindString(manifest, {"apiVersion"})));
    key.kind = std::string(object::FindString(manifest, {"kind"}));
    key.name = std::string(object::FindString(manifest, {"metadata", "name"}));
    const bool cluster = manifest::KnownScope(key.group, key.kind) == manifest::Scope::kCluster;
    key.ns = std::string(object::FindString(manifest, {"metadata", "namespace"}));
    if (key.ns.empty()) key.ns = targets_.ns;
    if (cluster) key.ns.clear();
    return agent::DescribeForSync(manifest, std::move(key));
  }

  void AddTarget(const Value& manifest) {
    const SyncObject object = Describe(manifest);
    wanted_.insert(object.key);
    if (!object.key.name.empty()) {
      targets_.wanted.push_back(object);
      return;
    }
    for (const SyncPhase phase : object.phases) {
      SyncObject named = object;
      named.phases = {phase};
      named.key.name = agent::HookName(object::FindString(manifest, {"metadata", "generateName"}),
                                       kCommit, phase, kStarted);
      targets_.wanted.push_back(std::move(named));
    }
  }

  void Put(SyncObject object) {
    looks_[object.key] = 0;
    const ObjectKey key = object.key;
    live_[key] = SyncLive{.object = std::move(object)};
  }

  void SetHealth() {
    const Value* health = object::Find(line_, {"health"});
    for (auto& [key, live] : live_) {
      live.health = intent::HealthState::kHealthy;
      const std::string name = Short(key);
      if (health == nullptr || !health->as_object().contains(name)) continue;
      const object::Array& states = health->as_object().at(name).as_array();
      const size_t index = std::min(looks_[key], states.size() - 1);
      live.health = HealthNamed(object::FindString(object::Object{{"s", states[index]}}, {"s"}));
      ++looks_[key];
    }
  }

  Value Look() {
    SetHealth();
    operation_.BeginLook(targets_, live_);
    if (!ordered_) TakeOrder();
    std::map<std::string, object::Array> lists;
    std::vector<ObjectKey> gone;
    std::vector<SyncObject> applied;
    while (const SyncBatch* batch = operation_.Batch()) {
      for (const size_t i : batch->tasks) CarryOut(*batch, i, lists, gone, applied);
      operation_.EndBatch();
    }
    for (const ObjectKey& key : gone) live_.erase(key);
    for (SyncObject& object : applied) {
      // A namespace that is only created for the others is nobody's to prune.
      if (targets_.namespace_to_create.has_value() &&
          object.key == targets_.namespace_to_create->key && wanted_.count(object.key) == 0) {
        targets_.skipped.insert(object.key);
      }
      Put(std::move(object));
    }
    object::Object step;
    if (operation_.wave().has_value()) {
      const absl::string_view phase = agent::PhaseName(operation_.wave()->first);
      step["phase"] = boost::json::string_view(phase.data(), phase.size());
      step["wave"] = operation_.wave()->second;
    }
    for (auto& [name, list] : lists) step[name] = std::move(list);
    step["state"] = StateName();
    step["message"] = operation_.message();
    return step;
  }

  void CarryOut(const SyncBatch& batch, size_t i, std::map<std::string, object::Array>& lists,
                std::vector<ObjectKey>& gone, std::vector<SyncObject>& applied) {
    const SyncTask& task = operation_.tasks()[i];
    const std::string name = Short(task.id.key);
    switch (batch.what) {
      case SyncBatch::What::kDryRun:
        if (Texts(line_, "failDryRun").contains(name)) {
          operation_.ReportFailure(i, absl::StrCat("refused ", name));
        }
        return;
      case SyncBatch::What::kPrune:
        lists["prune"].push_back(Value(name));
        return gone.push_back(task.id.key);
      case SyncBatch::What::kDeleteHook:
        lists["delete"].push_back(Value(name));
        return gone.push_back(task.id.key);
      case SyncBatch::What::kTidyHook:
        lists[operation_.wave().has_value() ? "deleteAfter" : "delete"].push_back(Value(name));
        return gone.push_back(task.id.key);
      case SyncBatch::What::kApply:
        lists["apply"].push_back(Value(name));
        if (Texts(line_, "failApply").contains(name)) {
          return operation_.ReportFailure(i, absl::StrCat("refused ", name));
        }
        return applied.push_back(*task.object);
    }
  }

  void TakeOrder() {
    ordered_ = true;
    for (const SyncTask& task : operation_.tasks()) {
      order_.push_back(
          Value(absl::StrCat(agent::PhaseName(task.id.phase), "/", task.wave,
                             task.IsPrune() ? " prune " : " apply ", Short(task.id.key))));
    }
  }

  std::string StateName() const {
    switch (operation_.state()) {
      case SyncOperation::State::kRunning:
        return "Running";
      case SyncOperation::State::kSucceeded:
        return "Succeeded";
      case SyncOperation::State::kFailed:
        break;
    }
    return "Failed";
  }

  object::Array Results() const {
    constexpr absl::string_view kCodes[] = {"", "Synced", "SyncFailed", "Pruned", "PruneSkipped"};
    constexpr absl::string_view kPhases[] = {"", "Running", "Succeeded", "Failed", "Error"};
    std::vector<std::string> results;
    for (const auto& [id, result] : operation_.results()) {
      results.push_back(absl::StrCat(agent::PhaseName(id.phase), " ", Short(id.key), " ",
                                     kCodes[static_cast<int>(result.code)], " ",
                                     kPhases[static_cast<int>(result.phase)]));
    }
    std::sort(results.begin(), results.end());
    return object::Array(results.begin(), results.end());
  }

  const Value& line_;
  agent::SyncTargets targets_;
  SyncOperation operation_;
  std::set<ObjectKey> wanted_;
  std::map<ObjectKey, SyncLive> live_;
  std::map<ObjectKey, size_t> looks_;
  object::Array order_;
  bool ordered_ = false;
};

}  // namespace

Outcome CheckSyncOrder(const Value& line) {
  const Value actual = Simulation(line).Run();
  object::Object expected;
  for (const absl::string_view name : {"order", "steps", "phase", "message", "results"}) {
    const Value* found = object::Find(line, {name});
    if (found != nullptr) expected[boost::json::string_view(name.data(), name.size())] = *found;
  }
  if (object::Equal(expected, actual)) return Outcome::Equal();
  return Outcome::Different(Difference(expected, actual));
}

}  // namespace leidang::conformance
