#pragma once

// SimWorld: one hub, some clusters with an agent each, a writer, and everything that goes wrong,
// from one seed in one thread.
//
// A run is chaos, then calm: all faults heal, and within a bounded time every agent must hold and
// have applied its hub's intent, digests equal, nothing waiting. Checks look on throughout. Rooms
// join by getting a place in SimHub (hub/control) or SimAgent (agent/reconcile), and rules by
// getting a check.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/link/transport.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/session/options.h"
#include "tests/sim/checks.h"
#include "tests/sim/fault.h"
#include "tests/sim/mutant.h"
#include "tests/sim/run_request.h"
#include "tests/sim/run_result.h"
#include "tests/sim/sim_agent.h"
#include "tests/sim/sim_hub.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/trace.h"
#include "tests/sim/writer.h"

namespace leidang::sim {

struct Shape {
  size_t clusters = 3;
  size_t keys = 6;  // Names of entries of a cluster.
  absl::Duration chaos = absl::Seconds(75);
  absl::Duration calm_max = absl::Minutes(25);
  absl::Duration heartbeat = hub::SessionOptions().heartbeat;
  size_t unassigned_statuses = hub::SessionOptions().unassigned_statuses_max;
  // From the seed: no two seeds need look alike.
  static Shape Of(uint64_t seed);
};

class SimWorld {
 public:
  SimWorld(uint64_t seed, const Shape& shape, Mutant mutant, Trace::Output output);
  ~SimWorld();

  // Chaos for a while, then calm. `only`: of the list of deeds only these are done.
  RunResult Run(const std::optional<std::set<size_t>>& only = std::nullopt);

  // For those who make their own way through a run, in place of Run().

  // Runs until then, checks looking on. False if a rule is broken.
  bool RunUntil(absl::Duration end);
  // The calm at the end: within `Shape::calm_max` the world must be at rest, or Liveness is broken.
  // `keep` runs now and then: what people do until it is.
  void Calm(const std::function<void()>& keep);
  RunResult Result() const;
  // Why the world is not at rest yet; nullopt if it is.
  std::optional<std::string> Unrest();
  std::optional<std::string> UnrestOf(SimAgent& agent);
  // A hub that knows the clusters of this world. Not started.
  std::unique_ptr<SimHub> NewHub(const std::string& name, const intent::HubId& id);
  // One more of them that lives as long as the world, and who changes what it wants. Nobody may
  // ever obey it: Checks do not know what it makes durable.
  SimHub& AddHub(const std::string& name, const intent::HubId& id);
  Writer& AddWriter(SimHub& hub);
  // One more agent for a cluster: the first of each is its own, another one a clone. Not started.
  SimAgent& AddAgent(const intent::ClusterId& cluster, HubDoor* door);
  void Route(size_t link, HubDoor* door);
  void RouteAll(HubDoor* door);
  // Checks what is to be looked at now and then, from now on this often.
  void LookEvery(absl::Duration interval);

  const Shape& shape() const { return shape_; }
  SimLoop& loop() { return loop_; }
  Random& random() { return random_; }
  Trace& trace() { return trace_; }
  Checks& checks() { return checks_; }
  SimNetwork& network() { return network_; }
  SimHub& hub() { return *hub_; }
  Writer& writer() { return *writer_; }
  const std::vector<std::unique_ptr<SimAgent>>& agents() const { return agents_; }

 private:
  friend class Chaos;

  void Look();

  const Shape shape_;
  const Mutant mutant_;
  SimLoop loop_;
  // Each with its own numbers: what one of them draws changes nothing for the others.
  SeededRandom random_;
  SeededRandom people_random_;
  SeededRandom network_random_;
  absl::Duration look_interval_;
  Trace trace_;
  Checks checks_;
  SimNetwork network_;
  std::vector<intent::ClusterId> clusters_;
  std::unique_ptr<SimHub> hub_;                      // The one to be obeyed.
  std::vector<std::unique_ptr<SimHub>> other_hubs_;  // Others that are or were about.
  std::unique_ptr<Writer> writer_;
  std::vector<std::unique_ptr<Writer>> other_writers_;
  std::vector<std::unique_ptr<SimAgent>> agents_;  // One for each cluster.
  std::vector<std::unique_ptr<SimAgent>> clones_;
};

// The world of the link, from its seed to its end.
RunResult RunLinkSim(const RunRequest& request);

}  // namespace leidang::sim
