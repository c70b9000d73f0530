// The great faults of Chaos, and those who try to be somebody else.

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/wire/wire.h"
#include "tests/sim/chaos.h"

namespace leidang::sim {

// Says Hello for a cluster that its certificate does not name. It must be sent away.
class Chaos::Impostor final : public agent::StreamObserver {
 public:
  Impostor(SimWorld& world, size_t link, const intent::ClusterId& claimed)
      : world_(world), claimed_(claimed), transport_(world.network_.TransportOf(link)) {
    stream_ = transport_->Open({"hub:7443", ""}, this);
  }

  void OnOpen() override {
    v1::AgentMessage message;
    v1::Hello* hello = message.mutable_hello();
    hello->set_cluster_id(claimed_.Raw());
    hello->set_instance("impostor");
    stream_->Write(std::move(message));
    stream_->Read();
  }
  void OnMessage(v1::HubMessage message) override {
    if (!message.has_goodbye()) {
      world_.checks_.Fail("OwnOnly", "an agent that says it is another cluster is answered");
    }
    stream_->Read();
  }
  void OnWritten() override {}
  void OnClosed(absl::Status) override {}

 private:
  SimWorld& world_;
  const intent::ClusterId claimed_;
  std::unique_ptr<agent::Transport> transport_;
  std::unique_ptr<agent::Stream> stream_;
};

// Asks for content of another cluster. It must get none.
class Chaos::Peeping final : public agent::FetchObserver {
 public:
  Peeping(SimWorld& world, size_t link, const intent::ClusterId& cluster,
          const object::Sha256& digest)
      : world_(world) {
    fetch_ = world.hub_->Fetch(world.network_, link, cluster, digest, 0, this);
  }
  void OnChunk(std::string, uint64_t) override {
    world_.checks_.Fail("OwnOnly", "an agent is served another cluster's content");
  }
  void OnFetched(absl::Status status) override {
    if (status.ok()) world_.checks_.Fail("OwnOnly", "another cluster's content is not refused");
  }

 private:
  SimWorld& world_;
  std::unique_ptr<agent::Fetch> fetch_;
};

Chaos::Chaos(SimWorld& world, const std::optional<std::set<size_t>>& only)
    : world_(world), only_(only) {}

Chaos::~Chaos() { *going_ = false; }

void Chaos::SendStrangersAway() {
  impostors_.clear();
  peepings_.clear();
}

void Chaos::Impersonate(SimAgent& agent) {
  const intent::ClusterId& other = AnyAgent().cluster();
  if (other == agent.cluster()) return;
  Count(Fault::kImpostor);
  impostors_.push_back(std::make_unique<Impostor>(world_, agent.link(), other));
}

void Chaos::Peep(SimAgent& agent) {
  const auto& trees = world_.writer_->trees();
  if (trees.empty() || !world_.hub_->up()) return;
  const auto& [cluster, digest] = trees[luck_->Below(trees.size())];
  if (cluster == agent.cluster()) return;
  Count(Fault::kPeeping);
  peepings_.push_back(std::make_unique<Peeping>(world_, agent.link(), agent.cluster(), digest));
}

void Chaos::Clone() {
  SimAgent& original = AnyAgent();
  if (original.truth().allegiance.authority.hub != world_.hub_->id()) return;
  Count(Fault::kCloneAgent);
  SimAgent& clone = world_.AddAgent(original.cluster(), world_.hub_.get());
  // A copy of the machine, or a second one that was enrolled with the same key.
  if (luck_->Chance(1, 2)) {
    clone.disk().tables() = original.truth();
    clone.objects() = original.objects();
  }
  world_.checks_.AddAgent(&clone);
  clone.Start();
  Later(Between(absl::Seconds(5), absl::Seconds(90)), [&clone] { clone.Kill(); });
}

void Chaos::Visit(SimHub* other, const std::function<bool(const SimAgent&)>& who) {
  visiting_ = true;
  for (const auto& agent : world_.agents_) {
    if (who(*agent)) world_.Route(agent->link(), other);
  }
  Later(Between(absl::Seconds(4), absl::Seconds(25)), [this, other] {
    for (const auto& agent : world_.agents_) {
      if (world_.network_.RouteOf(agent->link()) == other)
        world_.Route(agent->link(), world_.hub_.get());
    }
    other->Kill();
    visiting_ = false;
  });
}

void Chaos::VisitForeignHub() {
  intent::HubId::Bytes id{0xf0};
  id[15] = static_cast<uint8_t>(world_.other_hubs_.size() + 1);
  Count(Fault::kForeignHub);
  world_.other_hubs_.push_back(world_.NewHub("foreign", intent::HubId(id)));
  SimHub* foreign = world_.other_hubs_.back().get();
  world_.other_writers_.push_back(std::make_unique<Writer>(
      world_.loop_, world_.people_random_, *foreign, nullptr, Mutant::kNone, world_.shape_.keys));
  foreign->Start();
  Visit(foreign, [this](const SimAgent& agent) {
    return agent.truth().allegiance.authority.hub == world_.hub_->id();
  });
}

void Chaos::VisitOlderHub() {
  // The hub's logs pass to a new epoch; a copy of what it was keeps running under the old one.
  SimHub& hub = *world_.hub_;
  const SimHub::Backup backup = hub.TakeBackup();
  hub.Recover();
  Later(Between(absl::Seconds(1), absl::Seconds(4)), [this, backup] {
    Count(Fault::kOlderHub);
    world_.other_hubs_.push_back(world_.NewHub("older", world_.hub_->id()));
    SimHub* older = world_.other_hubs_.back().get();
    older->RestoreFrom(backup, SimHub::NextEpoch::kNo);
    world_.other_writers_.push_back(std::make_unique<Writer>(
        world_.loop_, world_.people_random_, *older, nullptr, Mutant::kNone, world_.shape_.keys));
    older->Start();
    // Only agents that have seen the new epoch can tell the two apart.
    Visit(older, [&backup](const SimAgent& agent) {
      const intent::Authority& held = agent.truth().allegiance.authority;
      const intent::Authority& old = backup.authorities.at(agent.cluster());
      return held.hub == old.hub && held.epoch > old.epoch;
    });
  });
  visiting_ = true;
}

void Chaos::Rollback() {
  Count(Fault::kHubRollback);
  SimHub& hub = *world_.hub_;
  const SimHub::Backup& backup = backups_[luck_->Below(backups_.size())];
  hub.Kill();
  hub.RestoreFrom(backup, SimHub::NextEpoch::kNo);
  world_.checks_.HubWentBack(hub);
  world_.writer_->Stop();
  rolled_back_ = true;
  backups_.clear();
  hub.Start();
  Later(Between(absl::Seconds(3), absl::Seconds(20)), [this] { RecoverWhenUp(); });
}

void Chaos::RecoverWhenUp() {
  if (!world_.hub_->up()) return Later(absl::Seconds(1), [this] { RecoverWhenUp(); });
  world_.hub_->Recover();
  world_.writer_->Continue();
  rolled_back_ = false;
}

void Chaos::Restore() {
  Count(Fault::kHubRestore);
  SimHub& hub = *world_.hub_;
  const SimHub::Backup& backup = backups_[luck_->Below(backups_.size())];
  hub.Kill();
  hub.RestoreFrom(backup, SimHub::NextEpoch::kYes);
  world_.checks_.HubWentBack(hub);
  backups_.clear();
  hub.Restart(absl::Seconds(1));
}

void Chaos::NewIdentity() {
  Count(Fault::kNewHubIdentity);
  intent::HubId::Bytes id{0xab, 2};
  id[15] = static_cast<uint8_t>(world_.other_hubs_.size() + 1);
  std::unique_ptr<SimHub> next = world_.NewHub("rebuilt", intent::HubId(id));
  auto writer = std::make_unique<Writer>(world_.loop_, world_.people_random_, *next,
                                         &world_.checks_, world_.mutant_, world_.shape_.keys);
  next->Start();
  Later(absl::Milliseconds(500), [w = writer.get()] { w->Fill(100); });
  world_.hub_->Kill();
  world_.writer_->Stop();
  world_.other_writers_.push_back(std::exchange(world_.writer_, std::move(writer)));
  world_.other_hubs_.push_back(std::exchange(world_.hub_, std::move(next)));
  backups_.clear();
  world_.RouteAll(world_.hub_.get());
  for (const auto& clone : world_.clones_) world_.Route(clone->link(), world_.hub_.get());
  for (const auto& agent : world_.agents_) TrustLater(*agent, 5);
}

void Chaos::TrustLater(SimAgent& agent, int tries) {
  Later(Between(absl::Seconds(1), absl::Seconds(15)), [this, &agent, tries] {
    const intent::HubId& held = agent.truth().allegiance.authority.hub;
    if (held == world_.hub_->id() || tries == 0) return;
    if (agent.up() && !held.IsNone()) {
      world_.checks_.Trusted(agent);
      agent.Trust(world_.hub_->id());
    }
    TrustLater(agent, tries - 1);
  });
}

}  // namespace leidang::sim
