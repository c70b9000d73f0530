#include "agent/swarm/crowd.h"

#include <algorithm>
#include <utility>

#include "agent/swarm/waiting.h"

namespace leidang::agent {
namespace {

constexpr size_t kLoops = 4;

}  // namespace

Crowd::Crowd(Random& random, absl::Duration apply_max) : random_(random), apply_max_(apply_max) {
  for (size_t i = 0; i < kLoops; ++i) shards_.push_back(std::make_unique<Shard>());
}

Crowd::~Crowd() {
  for (const auto& shard : shards_) OnLoop(shard->loop, [&] { shard->agents.clear(); });
  for (const auto& shard : shards_) shard->loop.Stop();
}

void Crowd::Start(std::vector<SwarmIdentity> identities, const std::string& hub,
                  int64_t starts_per_second) {
  for (size_t s = 0; s < shards_.size(); ++s) {
    Shard& shard = *shards_[s];
    OnLoop(shard.loop, [&] {
      for (size_t i = s; i < identities.size(); i += shards_.size()) {
        shard.agents.push_back(std::make_unique<SwarmAgent>(
            shard.loop, random_, std::move(identities[i]), hub, apply_max_));
        shard.agents.back()->Start(absl::Seconds(static_cast<int64_t>(i)) / starts_per_second);
      }
    });
  }
  size_ += identities.size();
}

void Crowd::ForEach(const std::function<void(SwarmAgent&)>& visit) {
  for (const auto& shard : shards_) {
    OnLoop(shard->loop, [&] {
      for (const auto& agent : shard->agents) visit(*agent);
    });
  }
}

uint64_t Crowd::Sum(const std::function<uint64_t(const SwarmAgent&)>& of) {
  uint64_t sum = 0;
  ForEach([&](SwarmAgent& agent) { sum += of(agent); });
  return sum;
}

std::vector<absl::Duration> Crowd::Since(
    absl::Duration begin, const std::function<absl::Duration(const SwarmAgent&)>& when) {
  std::vector<absl::Duration> since;
  ForEach([&](SwarmAgent& agent) {
    since.push_back(std::max(when(agent) - begin, absl::ZeroDuration()));
  });
  return since;
}

Crowd::Missing Crowd::Without(const std::function<bool(const SwarmAgent&)>& holds) {
  Missing missing;
  ForEach([&](SwarmAgent& agent) {
    if (!holds(agent) && missing.count++ == 0) missing.last_error = agent.last_error();
  });
  return missing;
}

}  // namespace leidang::agent
