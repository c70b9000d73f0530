#pragma once

// Chaos: what goes wrong in a SimWorld, when, drawn from the world's seed. Small faults come all
// the time; each great one, which changes hubs or clones agents, comes once in most runs.
// Loop-bound.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "tests/sim/fault.h"
#include "tests/sim/sim_hub.h"
#include "tests/sim/sim_world.h"

namespace leidang::sim {

class Chaos {
 public:
  explicit Chaos(SimWorld& world);
  ~Chaos();

  void Begin();
  // Everything heals.
  void End();
  // During calm: what people do until it is.
  void KeepCalm();

  const FaultCounts& counts() const { return counts_; }

 private:
  class Impostor;
  class Peeping;

  void Count(Fault fault) { ++counts_[static_cast<size_t>(fault)]; }
  // Runs `fn` later, unless chaos has ended.
  void Later(absl::Duration delay, std::function<void()> fn);
  absl::Duration Between(absl::Duration low, absl::Duration high);
  SimAgent& AnyAgent();

  void Write();
  void Small();
  void SmallOnHub(Fault fault);
  void SmallOnAgent(Fault fault);
  void SmallOnNetwork(Fault fault);
  void CutFetches(int tries);
  void Partition(size_t link, bool up, bool down);
  void Operate();
  void Impersonate();
  void Peep();
  void SendStrangersAway();

  void PlanGreat();
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
  FaultCounts counts_{};
  std::shared_ptr<bool> going_ = std::make_shared<bool>(true);
  std::vector<SimHub::Backup> backups_;
  bool rolled_back_ = false;  // And not recovered yet.
  bool visiting_ = false;     // Some agents are routed elsewhere.
  std::vector<std::unique_ptr<Impostor>> impostors_;
  std::vector<std::unique_ptr<Peeping>> peepings_;
};

}  // namespace leidang::sim
