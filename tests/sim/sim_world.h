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
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/link/transport.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "tests/sim/checks.h"
#include "tests/sim/fault.h"
#include "tests/sim/mutant.h"
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
  // From the seed: no two seeds need look alike.
  static Shape Of(uint64_t seed);
};

class SimWorld {
 public:
  SimWorld(uint64_t seed, const Shape& shape, Mutant mutant, Trace::Output output);
  ~SimWorld();

  RunResult Run();

 private:
  friend class Chaos;

  std::unique_ptr<SimHub> NewHub(const std::string& name, const intent::HubId& id);
  SimAgent& AddAgent(const intent::ClusterId& cluster, HubDoor* door);
  void RouteAll(HubDoor* door);
  void Route(size_t link, HubDoor* door);
  void LookEvery(absl::Duration interval);
  // Why the world is not at rest yet; nullopt if it is.
  std::optional<std::string> Unrest();
  std::optional<std::string> UnrestOf(SimAgent& agent);
  bool RunUntil(absl::Duration end);

  const Shape shape_;
  const Mutant mutant_;
  SimLoop loop_;
  SeededRandom random_;
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
RunResult RunLinkSim(uint64_t seed, Mutant mutant, Trace::Output output);

}  // namespace leidang::sim
