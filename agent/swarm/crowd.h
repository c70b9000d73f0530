#pragma once

// Crowd: the agents of a load test, spread over a few loops, so that one does not wait for all the
// others as it would not in a fleet.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/swarm/swarm_agent.h"
#include "common/random/random.h"
#include "common/time/thread_loop.h"

namespace leidang::agent {

// Blocks; thread-compatible, and never to be called on one of its loops.
class Crowd {
 public:
  Crowd(Random& random, absl::Duration apply_max);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Agents with these identities dial `hub`, one after the other, so many a second.
  void Start(std::vector<SwarmIdentity> identities, const std::string& hub,
             int64_t starts_per_second);
  size_t size() const { return size_; }

  // On the loop of each.
  void ForEach(const std::function<void(SwarmAgent&)>& visit);
  uint64_t Sum(const std::function<uint64_t(const SwarmAgent&)>& of);
  // How long after `begin` that moment was; zero where it was before.
  std::vector<absl::Duration> Since(absl::Duration begin,
                                    const std::function<absl::Duration(const SwarmAgent&)>& when);
  struct Missing {
    size_t count = 0;
    std::string last_error;  // Of the first of them.
  };
  Missing Without(const std::function<bool(const SwarmAgent&)>& holds);

 private:
  struct Shard {
    ThreadLoop loop{"agents"};
    std::vector<std::unique_ptr<SwarmAgent>> agents;  // On the loop.
  };

  Random& random_;
  const absl::Duration apply_max_;
  size_t size_ = 0;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace leidang::agent
