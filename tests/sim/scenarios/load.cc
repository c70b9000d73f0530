// Too much of something: one agent that stalls, floods or is huge, all of them at once.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "tests/sim/scenarios/link_bed.h"
#include "tests/sim/scenarios/scenario.h"

namespace leidang::sim {
namespace {

Shape FourSmall(uint64_t) { return {.clusters = 4, .keys = 4}; }

// Every agent but one gets a change of its own; each must have it within `limit`, as the hub knows.
void OthersAreServed(LinkBed& bed, const SimAgent& one, absl::Duration limit) {
  for (const auto& agent : bed.world().agents()) {
    if (agent.get() != &one) bed.writer().PutNow(agent->cluster(), bed.random().Below(4));
  }
  bed.Pass(absl::Milliseconds(20));
  for (const auto& agent : bed.world().agents()) {
    if (agent.get() == &one) continue;
    bed.Expect(bed.Await([&] { return bed.CaughtUp(*agent); }, limit), "BoundedEverything",
               absl::StrCat("an agent waits for another one for ", absl::FormatDuration(limit)));
  }
}

// One agent reads nothing for minutes while changes for it come, and what it reports piles up; the
// others are served as ever, and what is kept for it is bounded.
void StalledAgent(LinkBed& bed) {
  SimAgent& stalled = bed.AnyAgent();
  for (int i = 0; i < 4 && !bed.failed(); ++i) {
    bed.network().Block(stalled.link(), bed.random().Chance(1, 2), true);
    for (int change = 0; change < 12 && !bed.failed(); ++change) {
      bed.writer().PutNow(stalled.cluster(), bed.random().Below(4));
      if (!stalled.objects().empty()) stalled.EditObject(stalled.objects().begin()->first);
      OthersAreServed(bed, stalled, absl::Seconds(3));
      bed.Pass(bed.Between(absl::Milliseconds(100), absl::Seconds(6)));
    }
    bed.network().Block(stalled.link(), false, false);
    bed.Pass(bed.Between(absl::Seconds(1), absl::Seconds(40)));
  }
}

// Every way is slow and full, disks too: acknowledgements take seconds. Nothing is sent twice for
// that.
void LateAcks(LinkBed& bed) {
  for (const auto& agent : bed.world().agents()) {
    bed.network().SetExtraLatency(agent->link(),
                                  bed.Between(absl::Milliseconds(500), absl::Seconds(3)));
    agent->SetDiskDelay(bed.Between(absl::Milliseconds(5), absl::Milliseconds(500)));
  }
  const uint64_t sent = bed.checks().changes_sent();
  const size_t different = bed.checks().different_changes_sent();
  bed.WriteFor(absl::Seconds(40), absl::Milliseconds(60));
  bed.Pass(absl::Minutes(2));
  const double ratio = static_cast<double>(bed.checks().changes_sent() - sent) /
                       static_cast<double>(bed.checks().different_changes_sent() - different);
  bed.Expect(ratio < 1.1, "BoundedEverything",
             absl::StrCat("each change was sent ", ratio, " times"));
}

// The hub goes down or asks all to go, and is back within seconds; forty agents return. They come
// in bounded numbers, take up where they were, and nothing is sent again.
void Herd(LinkBed& bed) {
  for (int i = 0; i < 3 && !bed.failed(); ++i) {
    const uint64_t sent = bed.checks().changes_sent();
    const uint64_t attempts = bed.network().attempts();
    bed.network().SetSilent(bed.random().Chance(1, 3));
    if (bed.random().Chance(1, 3)) {
      bed.hub().Drain(absl::Milliseconds(300));
    } else {
      bed.hub().Restart(bed.Between(absl::Milliseconds(100), absl::Seconds(5)));
    }
    bed.network().SetSilent(false);
    bed.Pass(absl::Seconds(6));
    // One that dialled while the hub went silently waits for 90 s, and then for its backoff.
    const bool back = bed.Await([&bed] { return bed.AllInSync(); }, absl::Minutes(3));
    bed.Expect(back, "Liveness", "not all agents are back and verified three minutes later");
    bed.Expect(bed.checks().changes_sent() == sent, "BoundedEverything",
               "a herd that came back was sent what it has");
    const uint64_t tried = bed.network().attempts() - attempts;
    bed.Expect(tried < 12 * bed.agents(), "BoundedEverything",
               absl::StrCat(tried, " attempts to connect, of ", bed.agents(), " agents"));
  }
}

// One agent has a hundred entries which change all at once, beside small ones.
void HugeAgent(LinkBed& bed) {
  SimAgent& huge = bed.agent(0);
  bed.writer().FillOne(huge.cluster(), 100);
  for (int change = 0; change < 8 && !bed.failed(); ++change) {
    OthersAreServed(bed, huge, absl::Seconds(2));
    bed.Pass(bed.Between(absl::Milliseconds(50), absl::Seconds(2)));
  }
}

// Of what is not assigned to a cluster, so many statuses may stay at the hub here.
constexpr size_t kUnassignedStatuses = 100;

// Speaks for its cluster as an agent does, and then reports without end of entries that nobody gave
// it. As long as it is polite it keeps to the protocol: names that are new each time, the next
// batch when the last was acknowledged. Then it turns rude for a session: it waits for nothing, and
// its keys and uids are nonsense.
class Flooder final : public agent::StreamObserver {
 public:
  Flooder(LinkBed& bed, SimAgent& agent)
      : bed_(bed), cluster_(agent.cluster()), transport_(bed.network().TransportOf(agent.link())) {
    Dial();
  }
  void OnOpen() override {
    v1::AgentMessage message;
    message.mutable_hello()->set_cluster_id(cluster_.Raw());
    message.mutable_hello()->set_instance(bed_.random().Bytes(16));
    message.mutable_hello()->set_agent_version("flooder");
    stream_->Write(std::move(message));
    stream_->Read();
  }
  void OnMessage(v1::HubMessage message) override {
    if (message.has_welcome()) epoch_ = message.welcome().session_epoch();
    stream_->Read();
    if (message.has_status_ack()) accepted_ += batch_;
    if (message.has_welcome() || message.has_status_ack()) Flood();
  }
  void OnWritten() override {
    if (epoch_ != 0 && manner_ == Manner::kRude) Flood();
  }
  void OnClosed(absl::Status) override {
    epoch_ = 0;
    // Not from within the stream that ends.
    bed_.world().loop().After(absl::Milliseconds(50), [this, alive = alive_] {
      if (*alive) Dial();
    });
  }
  ~Flooder() { *alive_ = false; }

  uint64_t written() const { return written_; }
  // Statuses that the hub acknowledged.
  uint64_t accepted() const { return accepted_; }

 private:
  enum class Manner { kPolite, kRude };

  void Dial() {
    sequence_ = 0;
    manner_ = bed_.random().Chance(1, 3) ? Manner::kRude : Manner::kPolite;
    stream_ = transport_->Open({"hub:7443", ""}, this);
  }
  void Flood() {
    ++written_;
    if (bed_.random().Chance(1, 200)) manner_ = Manner::kRude;
    v1::AgentMessage message;
    v1::StatusBatch* batch = message.mutable_status();
    batch->set_session_epoch(epoch_);
    batch->set_sequence(++sequence_);
    const bool rude = manner_ == Manner::kRude;
    for (uint64_t i = bed_.random().Below(40); i > 0; --i) {
      v1::EntryStatus* status = batch->add_statuses();
      status->set_key(absl::StrCat(rude && bed_.random().Chance(1, 50) ? "nonsense/" : "",
                                   "application:leidang/flood-", ++names_));
      status->set_uid(bed_.random().Bytes(rude && bed_.random().Chance(1, 50) ? 3 : 16));
      status->set_message(std::string(bed_.random().Below(500), 'x'));
    }
    batch_ = static_cast<uint64_t>(batch->statuses_size());
    stream_->Write(std::move(message));
  }

  LinkBed& bed_;
  const intent::ClusterId cluster_;
  std::unique_ptr<agent::Transport> transport_;
  std::unique_ptr<agent::Stream> stream_;
  Manner manner_ = Manner::kPolite;
  uint64_t epoch_ = 0;
  uint64_t sequence_ = 0;
  uint64_t names_ = 0;
  uint64_t batch_ = 0;  // Statuses of the last.
  uint64_t accepted_ = 0;
  uint64_t written_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

void FewStatusesAreKept(LinkBed& bed, const intent::ClusterId& cluster) {
  const auto log = bed.hub().store().Log(cluster);
  const auto statuses = bed.hub().store().StatusesOfCluster(cluster, {.limit = 10'000});
  if (!log.ok() || !statuses.ok()) return bed.Expect(false, "Liveness", "the store is not read");
  const size_t kept = statuses->items.size();
  bed.Expect(kept <= log->live + log->tombstones + kUnassignedStatuses, "BoundedEverything",
             absl::StrCat(kept, " statuses of a cluster with ", log->live, " assignments and ",
                          log->tombstones, " pending deletions"));
}

// A broken or hostile agent floods the hub. The others are served as ever; what it says of what is
// not its own is kept up to a bound, which is shown; and when the right agent is back, the hub has
// exactly what that one reports.
void FloodingAgent(LinkBed& bed) {
  SimAgent& victim = bed.AnyAgent();
  victim.Kill();
  bool told = false;
  {
    const Flooder flooder(bed, victim);
    for (int change = 0; change < 10 && !bed.failed(); ++change) {
      OthersAreServed(bed, victim, absl::Seconds(3));
      bed.Pass(bed.Between(absl::Milliseconds(50), absl::Seconds(3)));
      FewStatusesAreKept(bed, victim.cluster());
      told =
          told || bed.hub().Shown(victim.cluster()).trouble == hub::LinkTrouble::kStatusesRefused;
    }
    bed.Expect(flooder.written() > 50 && flooder.accepted() > 3 * kUnassignedStatuses, "Liveness",
               absl::StrCat("the flood was no flood: ", flooder.accepted(), " statuses"));
    bed.Expect(told, "Liveness", "nobody is told of the flood");
  }
  victim.Start();
}

}  // namespace

std::vector<Scenario> LoadScenarios() {
  return {
      {"stalled-agent",
       "11: one agent is slow or reads nothing; queues fill",
       {Mutant::kUnboundedOutbox},
       OnLink(FourSmall, StalledAgent)},
      {"late-acks",
       "12: acknowledgements are delayed behind bulk traffic",
       {Mutant::kImpatientHub},
       OnLink(FourSmall, LateAcks)},
      {"herd",
       "13: all agents come back at once after a restart of the hub",
       {Mutant::kNoBackoff},
       OnLink([](uint64_t) { return Shape{.clusters = 40, .keys = 2}; }, Herd)},
      {"huge-agent",
       "14: one huge agent next to small ones",
       {Mutant::kOneLane},
       OnLink(FourSmall, HugeAgent)},
      {"flooding-agent",
       "22: a hostile or broken agent floods the hub with nonsense",
       {Mutant::kOneLane, Mutant::kAnyStatus},
       OnLink(
           [](uint64_t) {
             Shape shape = FourSmall(0);
             shape.unassigned_statuses = kUnassignedStatuses;
             return shape;
           },
           FloodingAgent)},
  };
}

}  // namespace leidang::sim
