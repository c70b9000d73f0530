#include "agent/reconcile/resource_report.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/utf8.h"

namespace leidang::agent {
namespace {

using intent::HealthState;
using intent::ObjectStatus;
using intent::OperationPhase;
using intent::SyncState;
using object::ObjectKey;

bool Has(const std::vector<ObjectKey>& sorted, const ObjectKey& key) {
  return std::binary_search(sorted.begin(), sorted.end(), key);
}

// The lower, the sooner a person wants to know.
int Rank(const ObjectStatus& object) {
  if (object.operation == OperationPhase::kFailed || object.operation == OperationPhase::kError)
    return 0;
  if (object.health == HealthState::kDegraded) return 1;
  if (object.health == HealthState::kUnknown || object.health == HealthState::kMissing) return 2;
  if (object.sync == SyncState::kOutOfSync) return 3;
  if (object.health == HealthState::kProgressing) return 4;
  return object.hook.empty() ? 6 : 5;
}

class ResourceReporter {
 public:
  explicit ResourceReporter(const EntryFindings& findings) : in_(findings) {
    for (const SeenObject& seen : in_.live) live_.emplace(seen.key, &seen);
    for (const auto* keys : {&in_.plan->drifted, &in_.plan->missing, &in_.plan->outdated})
      out_of_sync_.insert(keys->begin(), keys->end());
    for (const Plan::Conflict& conflict : in_.plan->conflicts) {
      conflicts_.emplace(conflict.key, conflict.owner.empty()
                                           ? "is there already, and nobody's"
                                           : absl::StrCat("belongs to ", conflict.owner));
    }
    held_ = in_.plan->held;
    std::sort(held_.begin(), held_.end());
  }

  void AddDesired() {
    for (const DesiredObject& object : in_.desired->objects) {
      ObjectStatus status = Described(object.key);
      const auto conflict = conflicts_.find(object.key);
      const bool differs = out_of_sync_.contains(object.key) || conflict != conflicts_.end();
      status.sync = differs ? SyncState::kOutOfSync : SyncState::kSynced;
      if (conflict != conflicts_.end()) status.message = conflict->second;
      list_.push_back(std::move(status));
    }
  }

  void AddExtra() {
    for (const ObjectKey& key : in_.plan->extra)
      AddUnwanted(key, Has(held_, key) ? "its deletion is held" : "is no longer wanted");
    for (const ObjectKey& key : in_.plan->excused)
      AddUnwanted(key, "is no longer wanted, and excused by its annotation IgnoreExtraneous");
  }

  void AddHooks(const std::vector<ObjectStatus>& before) {
    if (!in_.hook_results.empty()) {
      list_.insert(list_.end(), in_.hook_results.begin(), in_.hook_results.end());
      return;
    }
    const bool same =
        in_.entry.assignment.has_value() && in_.entry.head.applied == in_.entry.head.element;
    std::copy_if(before.begin(), before.end(), std::back_inserter(list_),
                 [same](const ObjectStatus& status) { return same && !status.hook.empty(); });
  }

  std::vector<ObjectStatus> Take() {
    if (list_.size() > intent::kObjectStatusesMax) {
      std::stable_sort(
          list_.begin(), list_.end(),
          [](const ObjectStatus& a, const ObjectStatus& b) { return Rank(a) < Rank(b); });
      list_.resize(intent::kObjectStatusesMax);
    }
    std::sort(list_.begin(), list_.end(), [](const ObjectStatus& a, const ObjectStatus& b) {
      return std::tie(a.key, a.hook) < std::tie(b.key, b.hook);
    });
    for (ObjectStatus& status : list_)
      status.message.resize(Utf8Prefix(status.message, intent::kObjectMessageMax).size());
    return std::move(list_);
  }

 private:
  void AddUnwanted(const ObjectKey& key, absl::string_view message) {
    ObjectStatus status = Described(key);
    status.sync = SyncState::kOutOfSync;
    if (status.message.empty()) status.message = std::string(message);
    list_.push_back(std::move(status));
  }

  ObjectStatus Described(const ObjectKey& key) const {
    ObjectStatus status;
    status.key = key;
    const auto live = live_.find(key);
    if (live == live_.end()) {
      status.health = HealthState::kMissing;
    } else if (live->second->checked) {
      status.health = live->second->health;
      status.message = live->second->health_message;
    }
    if (in_.outcome == nullptr) return status;
    const auto failure = in_.outcome->failures.find(key);
    if (failure != in_.outcome->failures.end()) {
      status.operation = OperationPhase::kFailed;
      status.message = failure->second;
    }
    return status;
  }

  const EntryFindings& in_;
  std::map<ObjectKey, const SeenObject*> live_;
  std::set<ObjectKey> out_of_sync_;
  std::map<ObjectKey, std::string> conflicts_;
  std::vector<ObjectKey> held_;
  std::vector<ObjectStatus> list_;
};

}  // namespace

std::vector<ObjectStatus> ResourcesOf(const EntryFindings& findings,
                                      const std::vector<ObjectStatus>& before) {
  ResourceReporter reporter(findings);
  reporter.AddDesired();
  reporter.AddExtra();
  reporter.AddHooks(before);
  return reporter.Take();
}

}  // namespace leidang::agent
