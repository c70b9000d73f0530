#include "tests/support/fleet/fleet_agent.h"

#include "agent/link/content_fetcher.h"
#include "common/base/check.h"
#include "tests/sim/executor.h"

namespace leidang::testing {
namespace {

std::string ShortName(const intent::EntryKey& key) {
  return key.name.substr(key.name.find('/') + 1);
}

}  // namespace

struct FleetAgent::Process final : agent::StateObserver {
  Process(FleetAgent& agent, const std::string& instance)
      : owner(agent),
        state(agent.loop_, agent.disk_),
        transport(agent.edge_.TransportOf(agent.cluster_, agent.loop_)),
        source(agent.edge_.ContentOf(agent.cluster_, agent.loop_)),
        fetcher(agent.loop_, agent.random_, state, *source, {}),
        link(agent.loop_, agent.random_, state, *transport,
             {.cluster = agent.cluster_,
              .version = "test",
              .instance = instance,
              .hubs = {{"hub:7443", ""}}}),
        executor(agent.loop_, agent.random_, state, fetcher, agent.objects_,
                 {.executed = [&agent](const agent::OperationId& id) { ++agent.executed_[id]; },
                  .marked = [] {},
                  .deleted =
                      [&agent](const agent::EntryRef& entry) {
                        if (entry.key.kind == intent::EntryKind::kApplication) ++agent.deleted_;
                      }},
                 agent.pause_max_) {
    state.AddObserver(this);
  }
  ~Process() { state.RemoveObserver(this); }

  void OnEntryChanged(const agent::EntryRef&) override {
    ++owner.changes_;
    owner.changed_at_ = owner.loop_.clock().Monotonic();
  }
  void OnOperationChanged(const agent::OperationId&) override {}
  void OnStatusWaiting() override {}

  FleetAgent& owner;
  agent::MemoryState state;
  std::unique_ptr<agent::Transport> transport;
  std::unique_ptr<agent::ContentSource> source;
  agent::ContentFetcher fetcher;
  agent::Link link;
  sim::Executor executor;
};

FleetAgent::FleetAgent(EventLoop& loop, Random& random, const InProcessEdge& edge,
                       const intent::ClusterId& cluster, absl::Duration pause_max)
    : loop_(loop), random_(random), edge_(edge), cluster_(cluster), pause_max_(pause_max) {}

FleetAgent::~FleetAgent() { Kill(); }

void FleetAgent::Start() {
  CHECK(!up());
  process_ = std::make_unique<Process>(*this, random_.Bytes(16));
  process_->link.Start();
  process_->executor.Start();
}

void FleetAgent::Kill() { process_.reset(); }

std::vector<std::string> FleetAgent::Standing() const {
  std::vector<std::string> names;
  for (const auto& [key, object] : objects_) {
    if (key.kind == intent::EntryKind::kApplication) names.push_back(ShortName(key));
  }
  return names;
}

std::vector<std::string> FleetAgent::Unclaimed() const {
  std::vector<std::string> names;
  for (const auto& [ref, entry] : disk_.tables().entries) {
    if (entry.head.phase == agent::EntryPhase::kUnclaimed) names.push_back(ShortName(ref.key));
  }
  return names;
}

void FleetAgent::Trust(const intent::HubId& hub) {
  process_->link.Trust(hub, [](const absl::Status& status) { CHECK(status.ok()); });
}

agent::LinkSnapshot FleetAgent::link() const { return process_->link.Snapshot(); }

}  // namespace leidang::testing
