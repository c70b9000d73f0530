#include "tests/sim/reconcile/reconcile_sim.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "agent/apply/brake.h"
#include "common/manifest/manifest.h"
#include "common/manifest/tracking.h"
#include "common/yaml/yaml.h"
#include "tests/sim/deeds.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::sim {
namespace {

using agent::ApplyRequest;
using agent::ClusterClient;
using agent::ConfigMapText;
using agent::DeleteRequest;
using agent::Entry;
using agent::EntryPhase;
using agent::EntryRef;
using agent::MemoryCluster;
using agent::MemoryTables;
using agent::Selection;
using agent::TestAgent;
using agent::TestApp;
using object::ObjectKey;

constexpr size_t kDeeds = 40;
constexpr uint64_t kKinds = 12;
constexpr int kPool = 14;
const char* const kApps[] = {"leidang/a", "leidang/b", "leidang/c"};

ObjectKey KeyOf(const std::string& name) { return {"", "ConfigMap", "shop", name}; }

// Deletes by label what is to be deleted by inventory.
class PrunesByLabel final : public ClusterClient {
 public:
  PrunesByLabel(std::unique_ptr<ClusterClient> inner, const MemoryCluster& cluster)
      : inner_(std::move(inner)), cluster_(cluster) {}

  void Watch(Watcher watcher) override { inner_->Watch(std::move(watcher)); }
  void Read(Selection selection, ReadDone done) override {
    inner_->Read(std::move(selection), std::move(done));
  }
  void Apply(ApplyRequest request, ApplyDone done) override {
    inner_->Apply(std::move(request), std::move(done));
  }
  void Delete(DeleteRequest request, DeleteDone done) override {
    const auto doomed = cluster_.objects().find(request.key);
    if (doomed != cluster_.objects().end()) {
      const absl::string_view label = manifest::Label(doomed->second.manifest, manifest::kAppLabel);
      for (const auto& [key, stored] : cluster_.objects()) {
        if (key == request.key || manifest::Label(stored.manifest, manifest::kAppLabel) != label) {
          continue;
        }
        inner_->Delete({.key = key}, [](absl::StatusOr<agent::Deleted>) {});
      }
    }
    inner_->Delete(std::move(request), std::move(done));
  }
  std::optional<manifest::Scope> ScopeOf(absl::string_view group,
                                         absl::string_view kind) const override {
    return inner_->ScopeOf(group, kind);
  }
  absl::Status CheckKeys(const std::vector<ObjectKey>& keys) const override {
    return inner_->CheckKeys(keys);
  }

 private:
  const std::unique_ptr<ClusterClient> inner_;
  const MemoryCluster& cluster_;
};

class ReconcileSim {
 public:
  explicit ReconcileSim(const RunRequest& request)
      : request_(request), mutant_(request.mutant), trace_(agent_.loop, request.output) {
    agent_.cluster.SetFault([this](MemoryCluster::Operation operation, const ObjectKey& key) {
      return OnOperation(operation, key);
    });
    if (mutant_ == Mutant::kPruneByLabel) {
      agent_.wrap = [this](std::unique_ptr<ClusterClient> inner) {
        return std::make_unique<PrunesByLabel>(std::move(inner), agent_.cluster);
      };
      agent_.Restart();
    }
  }

  RunResult Run() {
    SeededRandom random(request_.seed);
    for (const Deed& deed : DrawDeeds(random, kDeeds, kKinds, request_.only)) {
      if (violation_.has_value()) break;
      luck_.emplace(deed.luck);
      now_.clear();
      Do(deed.kind);
      deeds_[deed.number] = now_;
      agent_.Settle(absl::Milliseconds(static_cast<int64_t>(luck_->Below(4000))));
    }
    if (!violation_.has_value()) Heal();
    return {.violation = violation_,
            .digest = trace_.digest(),
            .steps = agent_.loop.steps(),
            .changes = changes_,
            .virtual_time = agent_.loop.clock().Monotonic(),
            .faults = faults_,
            .deeds = deeds_};
  }

 private:
  void Note(absl::string_view what) { trace_.Note(what, {}); }
  // What the deed at hand does, for people.
  void Tell(absl::string_view what) {
    Note(what);
    absl::StrAppend(&now_, now_.empty() ? "" : ", ", what);
  }
  void NoteFault(const std::string& kind) {
    ++faults_[kind];
    Tell(kind);
  }
  void Violation(absl::string_view rule, absl::string_view what) {
    if (!violation_.has_value()) violation_ = absl::StrCat(rule, ": ", what);
  }

  // --- What happens.

  void Do(uint64_t kind) {
    switch (kind) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Commit(PickApp());
      case 4:
        return DeleteApp(PickApp());
      case 5:
        return Rename();
      case 6:
        return EditObject();
      case 7:
        return PutForeign();
      case 8:
        faulty_ = !faulty_;
        return NoteFault("cluster-fails");
      case 9:
        agent_.content.reachable = !agent_.content.reachable;
        agent_.content.Serve();
        return NoteFault("hub-away");
      case 10:
        NoteFault("agent-kill");
        return agent_.Restart();
      default:
        Tell("nothing for a while");
        return agent_.Settle(absl::Minutes(static_cast<int64_t>(luck_->Below(50))));
    }
  }

  std::string PickApp() { return kApps[luck_->Below(3)]; }

  TestApp AppOf(const std::string& name, const std::set<std::string>& objects) {
    TestApp app;
    app.name = name;
    app.uid = uids_.emplace(name, 1).first->second;
    app.files["app/README.md"] = "so that the directory is there";
    for (const std::string& object : objects) {
      const std::string colour = absl::StrCat("c", luck_->Below(3));
      app.files[absl::StrCat("app/", object, ".yaml")] = ConfigMapText(object, colour);
    }
    if (mutant_ == Mutant::kBrakeOff)
      app.annotations = R"({"leidang.dev/max-deletions":"unlimited"})";
    return app;
  }

  intent::Change PutOf(const TestApp& app) {
    std::set<ObjectKey>& wants = wants_[TestAgent::Ref(app.name, app.uid)];
    wants.clear();
    for (const auto& [path, text] : app.files) {
      if (path.ends_with(".yaml")) wants.insert(KeyOf(path.substr(4, path.size() - 9)));
    }
    since_[TestAgent::Ref(app.name, app.uid)] = agent_.loop.clock().Monotonic();
    return agent_.PutChange(app);
  }

  std::set<std::string> RandomObjects() {
    std::set<std::string> objects;
    const uint64_t density = luck_->Below(101);
    for (int i = 0; i < kPool; ++i) {
      if (luck_->Chance(density, 100)) objects.insert(absl::StrCat("o", i));
    }
    return objects;
  }

  void Commit(const std::string& name) {
    ++changes_;
    Tell(absl::StrCat("commit ", name));
    agent_.Receive({PutOf(AppOf(name, RandomObjects()))});
  }

  intent::Change EndOf(const std::string& name) {
    const uint8_t uid = uids_.emplace(name, 1).first->second++;
    wants_.erase(TestAgent::Ref(name, uid));
    return agent_.DeleteChange(name, uid);
  }

  void DeleteApp(const std::string& name) {
    ++changes_;
    Tell(absl::StrCat("delete ", name));
    std::vector<intent::Change> changes = {EndOf(name)};
    if (luck_->Chance(1, 2)) changes.push_back(PutOf(AppOf(name, RandomObjects())));
    agent_.Receive(std::move(changes));
  }

  void Rename() {
    ++changes_;
    Tell("rename");
    const std::string from = PickApp();
    const std::string to = PickApp();
    const auto wants = wants_.find(TestAgent::Ref(from, uids_.emplace(from, 1).first->second));
    if (from == to || wants == wants_.end()) return;
    std::set<std::string> objects;
    for (const ObjectKey& key : wants->second) objects.insert(key.name);
    std::vector<intent::Change> changes = {EndOf(from)};
    changes.push_back(PutOf(AppOf(to, objects)));
    agent_.Receive(std::move(changes));
  }

  void EditObject() {
    NoteFault("hand-edit");
    const auto& objects = agent_.cluster.objects();
    if (objects.empty()) return;
    auto at = objects.begin();
    std::advance(at, static_cast<ptrdiff_t>(luck_->Below(objects.size())));
    object::Value edited = at->second.manifest;
    switch (luck_->Below(3)) {
      case 0:
        return agent_.cluster.RemoveOutside(ObjectKey(at->first));
      case 1:
        object::StableErase(edited.at("metadata").as_object(), "labels");
        object::StableErase(edited.at("metadata").as_object(), "annotations");
        return agent_.cluster.PutOutside(edited);
      default:
        edited.at("data").as_object()["colour"] = absl::StrCat("hand", luck_->Below(9));
        return agent_.cluster.PutOutside(edited);
    }
  }

  // Somebody's own object, perhaps with the marks of an Application copied onto it.
  void PutForeign() {
    NoteFault("foreign-object");
    // In two steps: the order of draws within one is the compiler's.
    const absl::string_view letter = luck_->Chance(1, 2) ? "o" : "f";
    const std::string name = absl::StrCat(letter, luck_->Below(kPool));
    if (agent_.cluster.objects().contains(KeyOf(name))) return;
    object::Value foreign = *yaml::ParseYaml(ConfigMapText(name, "theirs"), "foreign");
    manifest::SetNamespace(foreign, "shop");
    if (luck_->Chance(1, 2)) manifest::Track(foreign, PickApp(), KeyOf(name));
    agent_.cluster.PutOutside(foreign);
  }

  // --- What must hold.

  absl::Status OnOperation(MemoryCluster::Operation operation, const ObjectKey& key) {
    Note(absl::StrCat(static_cast<int>(operation), " ", key.ToString()));
    if (faulty_ && luck_->Chance(1, 3)) return absl::UnavailableError("chaos");
    if (operation == MemoryCluster::Operation::kDelete && agent_.cluster.objects().contains(key)) {
      CheckDeletion(key);
    }
    return absl::OkStatus();
  }

  void CheckDeletion(const ObjectKey& key) {
    const MemoryTables& tables = agent_.disk.tables();
    const absl::Duration now = agent_.loop.clock().Monotonic();
    const EntryRef* owner = nullptr;
    for (const auto& [ref, items] : tables.inventory) {
      size_t& most = most_[ref];
      most = std::max(most, items.size());
      if (items.contains(key)) owner = &ref;
    }
    if (owner == nullptr) return Violation("ExactPrune", key.ToString());
    const Entry& entry = tables.entries.at(*owner);
    if (entry.head.phase == EntryPhase::kUnclaimed)
      return Violation("NothingByAbsence", "unclaimed");
    for (const auto& [ref, wants] : wants_) {
      if (!wants.contains(key) || now - since_[ref] < absl::Seconds(5)) continue;
      Violation("NothingByAbsence", absl::StrCat(key.ToString(), " is wanted by ", ref.ToString()));
    }
    if (entry.head.phase != EntryPhase::kLive) return;
    std::deque<absl::Duration>& times = pruned_[*owner];
    while (!times.empty() && now - times.front() >= absl::Hours(1)) times.pop_front();
    const size_t had = std::max(most_[*owner], tables.inventory.at(*owner).size() + times.size());
    const std::string reason =
        agent::HoldReason({.wanted = 1, .recent = times.size(), .inventory = had - times.size()});
    if (!reason.empty()) return Violation("BrakeHolds", reason);
    times.push_back(now);
  }

  // --- The calm at the end.

  void Heal() {
    luck_.emplace(request_.seed);
    faulty_ = false;
    agent_.content.reachable = true;
    agent_.content.Serve();
    std::vector<intent::Change> changes;
    for (const char* name : kApps) {
      const std::string own = absl::StrCat("final-", std::string(name).substr(8), "-");
      TestApp app = AppOf(name, {own + "1", own + "2"});
      app.annotations = R"({"leidang.dev/max-deletions":"unlimited"})";
      changes.push_back(PutOf(app));
    }
    agent_.cluster.SetFault(nullptr);
    agent_.Receive(std::move(changes));
    agent_.Settle(absl::Minutes(40));
    for (const char* name : kApps) {
      const uint8_t uid = uids_.at(name);
      if (!agent_.Applied(name, uid)) {
        const intent::EntryStatus status = agent_.Status(name, uid);
        Violation("Liveness",
                  absl::StrCat(name, " is not applied: ", status.message, "; ",
                               status.conditions.empty() ? "" : status.conditions[0].message));
      }
      if (agent_.Inventory(name, uid).size() != 2) Violation("Liveness", "inventory");
    }
    for (const auto& [ref, entry] : agent_.disk.tables().entries) {
      if (entry.head.phase != EntryPhase::kLive) Violation("Liveness", ref.ToString());
    }
  }

  const RunRequest request_;
  std::optional<SeededRandom> luck_;  // Of the deed at hand.
  std::string now_;
  std::map<size_t, std::string> deeds_;
  const Mutant mutant_;
  TestAgent agent_;
  bool faulty_ = false;
  std::map<std::string, uint8_t> uids_;
  std::map<EntryRef, std::set<ObjectKey>> wants_;  // Of live entries, as received last.
  std::map<EntryRef, absl::Duration> since_;
  std::map<EntryRef, std::deque<absl::Duration>> pruned_;
  std::map<EntryRef, size_t> most_;
  Trace trace_;
  uint64_t changes_ = 0;
  std::map<std::string, uint64_t> faults_ = {{"cluster-fails", 0},
                                             {"hub-away", 0},
                                             {"agent-kill", 0},
                                             {"hand-edit", 0},
                                             {"foreign-object", 0}};
  std::optional<std::string> violation_;
};

}  // namespace

RunResult RunReconcileSim(const RunRequest& request) { return ReconcileSim(request).Run(); }

}  // namespace leidang::sim
