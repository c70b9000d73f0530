#pragma once

// TestHub: all of hub/control on a SimLoop, wired as the program wires it, with a fake Git, and
// disks in memory that outlive the process. It can be killed at any step and started again, and its
// derived data can be dropped.
//
//   SimLoop loop; hub::FakeGitSource git;
//   TestHub hub(loop, git);
//   hub.Start(); ASSERT_TRUE(hub.Settle());
//   ASSERT_OK(hub.Apply(R"(…YAML…)"));
//
// Loop-bound.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/log/memory_log.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "common/time/workers.h"
#include "hub/control/brake_desk.h"
#include "hub/control/config_repository.h"
#include "hub/control/control_plane.h"
#include "hub/control/desk.h"
#include "hub/control/fleet_records.h"
#include "hub/control/owner_reconciler.h"
#include "hub/control/recovery.h"
#include "hub/control/repositories.h"
#include "hub/control/unclaimed_desk.h"
#include "hub/session/survey.h"
#include "hub/source/git_source.h"
#include "hub/store/memory_rows.h"
#include "hub/store/store.h"

namespace leidang::testing {

class TestHub {
 public:
  struct Options {
    hub::Repositories::Options polling;
    std::optional<hub::ConfigRepository::Options> config;
    uint64_t seed = 1;
    size_t part_bytes = hub::kPartBytes;
    absl::Duration sweep_interval = hub::kSweepInterval;  // Of content that nothing needs.
    hub::DormancyOptions dormancy;
    std::function<hub::LinkPresence(const intent::ClusterId&)> presence;  // As in ControlPlane.
    absl::Duration store_delay = absl::Milliseconds(1);  // Of a commit, until others see it.
    // Called before each commit of the store; what is not OK is the commit's answer, and nothing is
    // written.
    std::function<absl::Status(const hub::WriteBatch&)> on_commit;
    // Agents may be let in; and the end of that, while the store is still there.
    std::function<void(hub::Store&)> on_serving;
    std::function<void()> on_end;
    // Which clusters are recovering has changed.
    std::function<void()> on_hold;
  };

  // Both must outlive it.
  TestHub(SimLoop& loop, hub::GitSource& git) : TestHub(loop, git, Options()) {}
  TestHub(SimLoop& loop, hub::GitSource& git, Options options);
  ~TestHub();

  // Begins a process on the disks. It is up some steps of the loop later.
  void Start();
  // The end of the process without warning: what is not committed is gone.
  void Kill();
  bool running() const { return process_ != nullptr; }
  bool up() const;
  // REQUIRES: not running. Loses all but the ledger.
  void DropDerivedData();
  // What the disks hold now, and going back to it. Restore REQUIRES: not running. An empty Disks
  // is those of a machine that was never a hub.
  struct Disks {
    std::unique_ptr<hub::MemoryRows> ledger = std::make_unique<hub::MemoryRows>();
    std::unique_ptr<hub::MemoryRows> store = std::make_unique<hub::MemoryRows>();
  };
  Disks Backup() const;
  void Restore(Disks disks);

  // Runs until every owner is settled and nothing is under way. False if that takes longer.
  bool Settle(absl::Duration limit = absl::Minutes(20));
  bool Quiet() const;

  // These run the loop until the answer is there. Up.

  // Every document of the YAML text; the first error, if any, with the object's name.
  absl::Status Apply(absl::string_view yaml, const std::string& owner = "api");
  std::vector<hub::Desk::Applied> ApplyAll(absl::string_view yaml, const std::string& owner = "api",
                                           hub::Desk::Mode mode = hub::Desk::Mode::kApply);
  absl::StatusOr<uint64_t> Delete(hub::WrittenKind kind, const std::string& key,
                                  std::optional<uint64_t> confirm = std::nullopt,
                                  std::optional<intent::DeletionPolicy> policy = std::nullopt);
  absl::StatusOr<uint64_t> DeleteCluster(
      const std::string& name, std::optional<intent::DeletionPolicy> policy = std::nullopt);
  absl::StatusOr<hub::Desk::Registered> Register(const hub::Desk::Registration& registration);
  // With labels written "env=dev,tier=1".
  absl::Status Register(const std::string& name, absl::string_view labels = "");
  absl::Status Join(const std::string& name);
  // What an agent that does everything at once would report: all acknowledged, all deletions done.
  void AgentCatchesUp(const std::string& name);

  // What the fleet is, as lines that can be compared: the root of each cluster's log, each
  // Application with uid, place, owner and reasons, each pending deletion. No times, no revisions.
  enum class Reasons { kShown, kLeftOut };
  std::string Picture(Reasons reasons = Reasons::kShown) const;
  // Names of the Applications assigned to a cluster, without namespace, sorted.
  std::vector<std::string> On(const std::string& cluster) const;
  // "Type=Reason" of a set's or an Application's conditions, sorted.
  std::vector<std::string> SetConditions(const std::string& set) const;
  std::vector<std::string> AppConditions(const std::string& application) const;
  const hub::Condition* SetCondition(const std::string& set, absl::string_view type) const;
  intent::ClusterId IdOf(const std::string& cluster) const;

  SimLoop& loop() { return loop_; }
  MemoryLog& log() { return log_; }
  hub::MemoryRows& ledger_disk() { return *disks_.ledger; }
  hub::MemoryRows& store_disk() { return *disks_.store; }
  // Up.
  hub::FleetRecords& records() const;
  hub::Store& store() const;
  hub::OwnerReconciler& owners() const;
  hub::Repositories& repositories() const;
  hub::SharedEntries& shared() const;
  hub::ConfigRepository& config() const;
  hub::Desk& desk() const;
  hub::Ledger& ledger() const;
  hub::Recovery& recovery() const;
  hub::BrakeDesk& brakes() const;
  hub::UnclaimedDesk& unclaimed() const;
  // Decides about a list by its digest.
  absl::Status Decide(hub::BrakeDesk::Verdict verdict, const std::string& digest);
  const std::set<intent::ClusterId>& admitted() const { return admitted_; }
  const std::vector<intent::ClusterId>& gone() const { return gone_; }
  // Clusters that are sent nothing, and whether their agents may be asked.
  const std::set<intent::ClusterId>& held() const { return held_; }
  hub::Surveys surveys() const { return surveys_; }

 private:
  struct Process;

  template <typename Answer>
  Answer Await(const std::function<void(std::function<void(Answer)>)>& start);

  SimLoop& loop_;
  hub::GitSource& git_;
  const Options options_;
  SeededRandom random_;
  MemoryLog log_;
  Disks disks_;
  std::unique_ptr<Process> process_;
  std::set<intent::ClusterId> admitted_;
  std::vector<intent::ClusterId> gone_;
  std::set<intent::ClusterId> held_;
  hub::Surveys surveys_ = hub::Surveys::kLater;
};

}  // namespace leidang::testing
