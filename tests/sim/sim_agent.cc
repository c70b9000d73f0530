#include "tests/sim/sim_agent.h"

#include <utility>

#include "common/base/check.h"
#include "tests/sim/mutant_state.h"

namespace leidang::sim {

// Where the agent's content comes from: the hub that its line leads to.
class SimAgent::Source final : public agent::ContentSource {
 public:
  explicit Source(SimAgent& agent) : agent_(agent) {}

  std::unique_ptr<agent::Fetch> Start(const object::Sha256& digest, uint64_t offset,
                                      agent::FetchObserver* observer) override {
    auto* hub = static_cast<SimHub*>(agent_.network_.RouteOf(agent_.link_));
    return hub->Fetch(agent_.network_, agent_.link_, agent_.cluster_, digest, offset, observer);
  }

 private:
  SimAgent& agent_;
};

struct SimAgent::Process final : public agent::StateObserver {
  Process(SimAgent& agent, const std::string& instance)
      : owner(agent),
        real(agent.loop_, agent.disk_,
             {.sync_delay = [&agent] { return agent.disk_delay_ * (0.5 + agent.random_.Unit()); },
              .sync_fault =
                  [&agent] {
                    return std::exchange(agent.fail_next_, false)
                               ? absl::ResourceExhaustedError("disk full")
                               : absl::OkStatus();
                  }}),
        state(agent.loop_, real, agent.mutant_),
        transport(agent.network_.TransportOf(agent.link_)),
        source(agent),
        fetcher(agent.loop_, agent.random_, state, source, {.concurrent_max = 2}),
        link(agent.loop_, agent.random_, state, *transport,
             {.cluster = agent.cluster_,
              .version = "sim",
              .instance = instance,
              .hubs = {{"hub:7443", ""}},
              .backoff = agent.mutant_ == Mutant::kNoBackoff
                             ? agent::BackoffOptions{.first = absl::Milliseconds(1),
                                                     .max = absl::Milliseconds(1)}
                             : agent::BackoffOptions(),
              // As soon as it may be said, or as late.
              .ack_wait = agent.random_.Chance(1, 2) ? absl::ZeroDuration() : absl::Seconds(1)}),
        executor(agent.loop_, agent.random_, state, fetcher, agent.objects_,
                 agent.hooks_.executor) {
    real.AddObserver(this);
  }
  ~Process() { real.RemoveObserver(this); }

  void OnEntryChanged(const agent::EntryRef& entry) override { owner.hooks_.entry_changed(entry); }
  void OnOperationChanged(const agent::OperationId&) override {}
  void OnStatusWaiting() override {}

  SimAgent& owner;
  agent::MemoryState real;
  MutantState state;
  std::unique_ptr<agent::Transport> transport;
  Source source;
  agent::ContentFetcher fetcher;
  agent::Link link;
  Executor executor;
};

SimAgent::SimAgent(SimLoop& loop, Random& random, Trace& trace, SimNetwork& network, size_t link,
                   const intent::ClusterId& cluster, Mutant mutant, Hooks hooks)
    : loop_(loop),
      random_(random),
      trace_(trace),
      network_(network),
      link_(link),
      cluster_(cluster),
      mutant_(mutant),
      hooks_(std::move(hooks)) {}

SimAgent::~SimAgent() { Kill(); }

void SimAgent::Start() {
  CHECK(!up());
  ++generation_;
  trace_.Note("agent start", {link_, generation_});
  process_ = std::make_unique<Process>(*this, random_.Bytes(16));
  process_->link.Start();
  process_->executor.Start();
}

void SimAgent::Kill() {
  if (!up()) return;
  trace_.Note("agent end", {link_, generation_});
  process_.reset();
}

void SimAgent::Restart(absl::Duration down) {
  Kill();
  loop_.After(down, [this, generation = generation_] {
    if (!up() && generation == generation_) Start();
  });
}

void SimAgent::EditObject(const intent::EntryKey& key) {
  const auto object = objects_.find(key);
  if (object == objects_.end()) return;
  object->second.edited = true;
  if (up()) process_->executor.Edited(key);
}

void SimAgent::Trust(const intent::HubId& hub) {
  if (up()) process_->link.Trust(hub, [](absl::Status) {});
}

agent::Link& SimAgent::hub_link() { return process_->link; }
agent::State& SimAgent::state() { return process_->state; }
const agent::ContentFetcher& SimAgent::fetcher() const { return process_->fetcher; }

}  // namespace leidang::sim
