#pragma once

// Chaos: what goes wrong in a SimWorld, when, drawn from the world's seed as a list of deeds before
// anything happens. Small faults come all the time; each great one, which changes hubs or clones
// agents, comes once in most runs. Each deed has luck of its own, so that it does the same whatever
// else of the list is left out. Loop-bound.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/random/random.h"
#include "tests/sim/fault.h"
#include "tests/sim/sim_hub.h"
#include "tests/sim/sim_world.h"

namespace leidang::sim {

class Chaos {
 public:
  // `only`: of the list of deeds only these are done.
  Chaos(SimWorld& world, const std::optional<std::set<size_t>>& only);
  ~Chaos();

  void Begin();
  // Everything heals.
  void End();
  // During calm: what people do until it is.
  void KeepCalm();

  const FaultCounts& counts() const { return counts_; }
  // Those that were begun, by their number.
  const std::map<size_t, std::string>& deeds() const { return deeds_; }

 private:
  class Impostor;
  class Peeping;

  void Count(Fault fault) { ++counts_[static_cast<size_t>(fault)]; }
  // Runs `fn` later with the luck of now, unless chaos has ended.
  void Later(absl::Duration delay, std::function<void()> fn);
  absl::Duration Between(absl::Duration low, absl::Duration high);
  SimAgent& AnyAgent();

  void Write();
  // Draws the list, and has each deed that is to be done done at its time.
  void Plan();
  void PlanDeed(Fault fault, absl::Duration at);
  void Small(Fault fault, size_t number);
  void SmallOnHub(Fault fault);
  void SmallOnAgent(Fault fault, SimAgent& agent);
  void SmallOnNetwork(Fault fault, size_t link);
  void CutFetches(int tries);
  void Partition(size_t link, bool up, bool down);
  void Operate();
  void Impersonate(SimAgent& agent);
  void Peep(SimAgent& agent);
  void SendStrangersAway();

  void Great(Fault fault);
  void Clone();
  void VisitForeignHub();
  void VisitOlderHub();
  // Routes agents to another hub for a while.
  void Visit(SimHub* other, const std::function<bool(const SimAgent&)>& who);
  void Rollback();
  void RecoverWhenUp();
  void Restore();
  void NewIdentity();
  void TrustLater(SimAgent& agent, int tries);

  SimWorld& world_;
  const std::optional<std::set<size_t>> only_;
  size_t planned_ = 0;
  std::shared_ptr<Random> luck_;  // Of what happens now.
  std::map<size_t, std::string> deeds_;
  FaultCounts counts_{};
  std::shared_ptr<bool> going_ = std::make_shared<bool>(true);
  std::vector<SimHub::Backup> backups_;
  bool rolled_back_ = false;  // And not recovered yet.
  bool visiting_ = false;     // Some agents are routed elsewhere.
  std::vector<std::unique_ptr<Impostor>> impostors_;
  std::vector<std::unique_ptr<Peeping>> peepings_;
};

}  // namespace leidang::sim
