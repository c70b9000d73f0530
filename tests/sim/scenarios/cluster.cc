// What happens in a cluster: hands, and other controllers. The real reconciler works on it.

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/random/random.h"
#include "tests/sim/scenarios/scenario.h"
#include "tests/sim/trace.h"
#include "tests/support/agent/test_agent.h"

namespace leidang::sim {
namespace {

using agent::TestAgent;

constexpr char kApp[] = "leidang/cart";

agent::TestApp AppOf(const std::set<std::string>& objects) {
  agent::TestApp app;
  app.name = kApp;
  for (const std::string& object : objects)
    app.files[absl::StrCat("app/", object, ".yaml")] = agent::ConfigMapText(object, "red");
  return app;
}

// A cluster client for which a deletion of what is gone already never ends.
class StrictDelete final : public agent::ClusterClient {
 public:
  StrictDelete(std::unique_ptr<agent::ClusterClient> inner, const agent::MemoryCluster& cluster)
      : inner_(std::move(inner)), cluster_(cluster) {}

  void Watch(Watcher watcher) override { inner_->Watch(std::move(watcher)); }
  void Read(agent::Selection selection, ReadDone done) override {
    inner_->Read(std::move(selection), std::move(done));
  }
  void Apply(agent::ApplyRequest request, ApplyDone done) override {
    inner_->Apply(std::move(request), std::move(done));
  }
  void Delete(agent::DeleteRequest request, DeleteDone done) override {
    if (!cluster_.objects().contains(request.key)) return;
    inner_->Delete(std::move(request), std::move(done));
  }
  std::optional<manifest::Scope> ScopeOf(absl::string_view group,
                                         absl::string_view kind) const override {
    return inner_->ScopeOf(group, kind);
  }
  absl::Status CheckKeys(const std::vector<object::ObjectKey>& keys) const override {
    return inner_->CheckKeys(keys);
  }

 private:
  const std::unique_ptr<agent::ClusterClient> inner_;
  const agent::MemoryCluster& cluster_;
};

// One cluster with the reconciler, and what was seen of it.
struct ClusterBed {
  explicit ClusterBed(const RunRequest& request)
      : random(request.seed), trace(agent.loop, request.output) {
    agent.cluster.SetFault(
        [this](agent::MemoryCluster::Operation operation, const object::ObjectKey& key) {
          trace.Note(key.ToString(), {static_cast<uint64_t>(operation)});
          return absl::OkStatus();
        });
  }

  void Expect(bool holds, absl::string_view rule, absl::string_view what) {
    if (!holds && !violation.has_value()) violation = absl::StrCat(rule, ": ", what);
  }
  RunResult Result() const {
    return {.violation = violation,
            .digest = trace.digest(),
            .steps = agent.loop.steps(),
            .changes = 0,
            .virtual_time = agent.loop.clock().Monotonic(),
            .faults = {},
            .deeds = {}};
  }

  SeededRandom random;
  TestAgent agent;
  Trace trace;
  std::optional<std::string> violation;
};

// Somebody deletes objects by hand while the hub deletes their Application, in any order of steps,
// and the agent is killed now and then. In the end all is gone, and nothing cannot be deleted.
RunResult DeletedOnBothSides(const RunRequest& request) {
  ClusterBed bed(request);
  TestAgent& agent = bed.agent;
  if (request.mutant == Mutant::kStrictDelete) {
    agent.wrap = [&agent](std::unique_ptr<agent::ClusterClient> inner) {
      return std::make_unique<StrictDelete>(std::move(inner), agent.cluster);
    };
    agent.Restart();
  }
  for (uint8_t uid = 1; uid <= 12; ++uid) {
    agent::TestApp app = AppOf({"a", "b", "c"});
    app.uid = uid;
    agent.Put(app);
    agent.Settle();
    bed.Expect(agent.Objects().size() == 3, "Liveness", "the Application is not applied");
    const uint64_t tombstone = bed.random.Below(30);
    const uint64_t hand = bed.random.Below(60);
    const uint64_t kill = bed.random.Below(200);
    for (uint64_t step = 0; step < 100; ++step) {
      if (step == tombstone) agent.Delete(kApp, uid);
      if (step >= hand && step < hand + 3) {
        const std::string name(1, static_cast<char>('a' + (step - hand)));
        agent.cluster.RemoveOutside({"", "ConfigMap", "shop", name});
      }
      if (step == kill) agent.Restart();
      agent.loop.Step();
    }
    agent.Settle(absl::Minutes(20));
    bed.Expect(agent.Objects().empty(), "Liveness", "objects are left that both sides deleted");
    bed.Expect(agent.disk.tables().entries.empty(), "Liveness", "an Application cannot be deleted");
  }
  return bed.Result();
}

// Another controller writes its own value into an object, slowly or as fast as it can. The agent
// corrects it so often a minute at most, says that there is a conflict, and once the other one has
// gone the object is as it shall be.
RunResult Fight(const RunRequest& request) {
  ClusterBed bed(request);
  TestAgent& agent = bed.agent;
  const size_t limit = agent.options.corrections_per_minute_max;
  if (request.mutant == Mutant::kNoCorrectionCap) {
    agent.options.corrections_per_minute_max = 1'000'000;
    agent.Restart();
  }
  agent.Put(AppOf({"a", "b"}));
  agent.Settle();
  const absl::Duration pace =
      absl::Milliseconds(static_cast<int64_t>(100 + bed.random.Below(3'000)));
  bool conflict = false;
  for (int minute = 0; minute < 5; ++minute) {
    const uint64_t before = agent.cluster.writes();
    for (absl::Duration t; t < absl::Minutes(1); t += pace) {
      agent.Edit("a", "colour", absl::StrCat("theirs-", bed.random.Below(1'000)));
      agent.Settle(pace);
      conflict |= absl::StartsWith(agent.Condition(kApp, "SyncError"), "FieldConflict: ");
    }
    const uint64_t corrections = agent.cluster.writes() - before;
    // A minute by the loop is not the same minute as the agent's.
    bed.Expect(corrections <= 2 * limit, "BoundedEverything",
               absl::StrCat("an object was corrected ", corrections, " times in a minute"));
  }
  bed.Expect(conflict, "Liveness", "a fight over an object is not reported");
  agent.Settle(absl::Minutes(5));
  bed.Expect(agent.Data("a", "colour") == "red", "Liveness", "the object is not as it shall be");
  bed.Expect(agent.Condition(kApp, "SyncError").empty(), "Liveness",
             "a fight that is over is still reported");
  return bed.Result();
}

}  // namespace

std::vector<Scenario> ClusterScenarios() {
  return {
      {"deleted-on-both-sides",
       "7: the same object is deleted on both sides at once",
       {Mutant::kStrictDelete},
       DeletedOnBothSides},
      {"fight",
       "18: another controller fights with the agent over an object",
       {Mutant::kNoCorrectionCap},
       Fight},
  };
}

}  // namespace leidang::sim
