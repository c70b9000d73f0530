#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/random/random.h"
#include "hub/control/fleet_fixture_test.h"
#include "hub/session/session_table.h"
#include "tests/support/fleet/fleet_agent.h"
#include "tests/support/fleet/in_process_edge.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {

// FleetTest with agents: all of hub/control, the SessionTable, and for each cluster an agent's link
// and state. What a test says of a cluster is what stands there.
class FleetWorld : public FleetTest {
 protected:
  FleetWorld() : FleetTest(OptionsFor(this)) {}
  ~FleetWorld() override {
    agents_.clear();
    hub_.Kill();
  }

  void AddCluster(const std::string& name, const std::string& labels = "") {
    ASSERT_OK(hub_.Register(name, labels));
    ASSERT_OK(hub_.Join(name));
    const intent::ClusterId id = hub_.IdOf(name);
    ids_[name] = id;
    agents_[name] = std::make_unique<testing::FleetAgent>(loop_, agent_random_, edge_, id);
    agents_[name]->Start();
  }

  testing::FleetAgent& Agent(const std::string& name) { return *agents_.at(name); }
  testing::Traffic TrafficOf(const std::string& name) { return edge_.TrafficOf(ids_.at(name)); }
  std::map<std::string, testing::Traffic> AllTraffic() {
    std::map<std::string, testing::Traffic> all;
    for (const auto& [name, id] : ids_) all[name] = edge_.TrafficOf(id);
    return all;
  }
  // What the hub has sent since `before` that is not the beginning of a session.
  uint64_t SentSince(const std::map<std::string, testing::Traffic>& before,
                     const std::string& name) {
    const testing::Traffic now = TrafficOf(name);
    const testing::Traffic& then = before.at(name);
    return now.puts - then.puts + now.tombstones - then.tombstones + now.contents - then.contents;
  }
  ClusterView ViewOf(const std::string& name) { return table_->View(ids_.at(name)); }

  // Runs until the hub has nothing to do and every agent that is up is proven in sync.
  ::testing::AssertionResult InSync(absl::Duration limit = absl::Minutes(10)) {
    const auto in_sync = [this] { return hub_.Quiet() && OutOfSync().empty(); };
    loop_.RunFor(absl::Milliseconds(20));
    if (loop_.RunUntil(in_sync, limit)) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << OutOfSync();
  }
  std::vector<std::string> Standing(const std::string& name) { return Agent(name).Standing(); }

  // A hub without any derived data, agents up.
  void LoseDerivedData() {
    hub_.Kill();
    hub_.DropDerivedData();
    Start();
  }

  testing::InProcessEdge edge_{loop_};
  std::unique_ptr<SessionTable> table_;

 private:
  static testing::TestHub::Options OptionsFor(FleetWorld* world) {
    testing::TestHub::Options options;
    options.on_serving = [world](Store& store) {
      world->table_ =
          std::make_unique<SessionTable>(world->loop_, store, SessionOptions(), nullptr);
      world->Hold();
      world->edge_.Open(world->table_.get(), [world](const intent::ClusterId& id) {
        return world->hub_.admitted().contains(id);
      });
    };
    options.on_hold = [world] { world->Hold(); };
    options.on_end = [world] {
      world->edge_.Close();
      world->table_.reset();
    };
    return options;
  }

  // As the program tells its sessions.
  void Hold() {
    if (table_ == nullptr) return;
    table_->Hold(hub_.held(), hub_.surveys(),
                 [this](const intent::ClusterId& id, const Difference& difference) {
                   loop_.Post([this, id, difference] {
                     if (hub_.up()) hub_.recovery().OnSurvey(id, difference);
                   });
                 });
  }

  std::string OutOfSync() {
    std::string out;
    for (const auto& [name, id] : ids_) {
      if (!agents_.at(name)->up()) continue;
      const LinkVerdict verdict =
          table_ == nullptr ? LinkVerdict::kNeverSeen : table_->View(id).verdict;
      if (verdict != LinkVerdict::kInSync)
        absl::StrAppend(&out, name, " is ", LinkVerdictName(verdict), "; ");
    }
    return out;
  }

  SeededRandom agent_random_{7};
  std::map<std::string, intent::ClusterId> ids_;
  std::map<std::string, std::unique_ptr<testing::FleetAgent>> agents_;
};

}  // namespace leidang::hub
