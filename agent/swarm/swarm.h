#pragma once

// Swarm: one load test from an empty hub to the last figure.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "agent/swarm/crowd.h"
#include "agent/swarm/figures.h"
#include "agent/swarm/fleet_client.h"
#include "agent/swarm/hostile_agent.h"
#include "agent/swarm/hub_under_test.h"
#include "agent/swarm/options.h"
#include "agent/swarm/scripted_repository.h"
#include "agent/swarm/swarm_agent.h"
#include "common/random/random.h"
#include "common/time/thread_loop.h"

namespace leidang::agent {

// Thread-compatible; blocks.
class Swarm {
 public:
  // `self` is the path of this program. `tell` gets every figure when it is known.
  Swarm(SwarmOptions options, std::string self, std::function<void(const Figure&)> tell);
  ~Swarm();

  // All phases in turn. An error names the phase that failed; the figures up to there stand.
  absl::Status Run();
  const Figures& figures() const { return figures_; }

 private:
  // CPU seconds of both processes and the time.
  struct Spent {
    double hub_s = 0;
    double self_s = 0;
    absl::Duration at;
  };
  // Of rounds of a change: how long the call took, and then each agent from the call's begin on.
  struct Rounds {
    std::vector<absl::Duration> answered;
    std::vector<absl::Duration> first;
    std::vector<absl::Duration> received;
  };

  absl::Status StartHub();
  absl::Status Enrol();
  absl::Status Connect();
  absl::Status Idle(const char* name);
  absl::Status Assign();
  absl::Status Prove();
  // Rounds of a change, and how long each takes to every agent; `prepare` is not measured.
  absl::Status Change(const std::string& name,
                      const std::function<absl::Status(size_t round)>& prepare,
                      const std::function<absl::Status()>& change);
  absl::Status ChangeByApi();
  absl::Status ChangeByCommit();
  absl::Status ReportStatuses();
  absl::Status List();
  absl::Status Herd();
  // Changes to all while some agents flood or stall, and what these were allowed.
  absl::Status Isolate();
  absl::Status StartHostile();
  absl::Status CheckQuotas(absl::Duration begin, Figure* figure);

  void Tell(Figure figure);
  Spent SpentNow() const;
  absl::Status ApplyProbe();
  absl::Status ApplyFleet();
  // One change to every agent: until all have it on their disk; adds how long each waited.
  absl::Status AwaitRest();
  absl::Status Propagate(const std::function<absl::Status()>& change, Rounds* rounds);
  // Until `holds` of every agent; kDeadlineExceeded says of how many it does not.
  absl::Status WaitForAll(absl::string_view what,
                          const std::function<bool(const SwarmAgent&)>& holds);
  // Until the hub says so of every cluster.
  absl::Status WaitForCensus(absl::string_view what, size_t FleetClient::Census::* field);

  const SwarmOptions options_;
  const std::string self_;
  const std::function<void(const Figure&)> tell_;
  SystemRandom random_;
  Figures figures_;
  uint64_t edition_ = 0;
  std::vector<SwarmIdentity> identities_;  // Of those that have not started yet.

  ThreadLoop loop_{"agents"};
  HubUnderTest hub_;
  ScriptedRepository repository_;
  std::unique_ptr<FleetClient> client_;
  std::unique_ptr<Crowd> crowd_;
  std::vector<std::unique_ptr<HostileAgent>> hostile_;  // On the loop.
};

}  // namespace leidang::agent
