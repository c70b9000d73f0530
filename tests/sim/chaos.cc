#include "tests/sim/chaos.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace leidang::sim {
namespace {

constexpr Fault kSmallFaults[] = {
    Fault::kHubKill,
    Fault::kHubKillSilent,
    Fault::kHubDrain,
    Fault::kAgentKill,
    Fault::kAgentKillSilent,
    Fault::kAgentDiskLost,
    Fault::kAgentDiskFails,
    Fault::kAgentDiskSlow,
    Fault::kHubDiskFails,
    Fault::kHubDiskSlow,
    Fault::kCut,
    Fault::kCut,
    Fault::kHalfOpenAgent,
    Fault::kHalfOpenHub,
    Fault::kPartitionUp,
    Fault::kPartitionDown,
    Fault::kHalfOpenAgent,
    Fault::kHalfOpenHub,
    Fault::kFetchCut,
    Fault::kPartitionBoth,
    Fault::kSlowNetwork,
    Fault::kFetchCut,
    Fault::kImpostor,
    Fault::kPeeping,
    Fault::kClockStep,
    Fault::kDrift,
    Fault::kDrift,
};
constexpr Fault kGreatFaults[] = {Fault::kCloneAgent,  Fault::kForeignHub, Fault::kOlderHub,
                                  Fault::kHubRollback, Fault::kHubRestore, Fault::kNewHubIdentity};
constexpr size_t kBackupsMax = 6;

bool IsOfHub(Fault fault) {
  return fault <= Fault::kHubDrain || fault == Fault::kHubDiskFails ||
         fault == Fault::kHubDiskSlow || fault == Fault::kFetchCut || fault == Fault::kClockStep;
}

}  // namespace

absl::Duration Chaos::Between(absl::Duration low, absl::Duration high) {
  return low + (high - low) * luck_->Unit();
}

void Chaos::Later(absl::Duration delay, std::function<void()> fn) {
  world_.loop_.After(delay, [this, going = going_, luck = luck_, fn = std::move(fn)] {
    if (!*going) return;
    luck_ = luck;
    fn();
  });
}

SimAgent& Chaos::AnyAgent() { return *world_.agents_[luck_->Below(world_.agents_.size())]; }

void Chaos::Begin() {
  Later(absl::Milliseconds(200), [this] { world_.writer_->Fill(1); });
  Plan();
  luck_ = std::make_shared<SeededRandom>(world_.random_.Next());
  Write();
}

void Chaos::Plan() {
  Random& random = world_.random_;
  absl::Duration at;
  while (at < world_.shape_.chaos) {
    PlanDeed(kSmallFaults[random.Below(std::size(kSmallFaults))], at);
    at += absl::Milliseconds(200) + absl::Milliseconds(3'800) * random.Unit();
  }
  for (const Fault fault : kGreatFaults) {
    if (!random.Chance(3, 4)) continue;
    PlanDeed(fault, absl::Seconds(8) + (world_.shape_.chaos - absl::Seconds(8)) * random.Unit());
  }
}

void Chaos::PlanDeed(Fault fault, absl::Duration at) {
  const size_t number = planned_++;
  luck_ = std::make_shared<SeededRandom>(world_.random_.Next());
  if (only_.has_value() && !only_->contains(number)) return;
  const bool great =
      std::find(std::begin(kGreatFaults), std::end(kGreatFaults), fault) != std::end(kGreatFaults);
  Later(at, [this, fault, number, at, great] {
    deeds_[number] = absl::StrCat(absl::FormatDuration(at), " ", FaultName(fault));
    great ? Great(fault) : Small(fault, number);
  });
}

void Chaos::Write() {
  world_.writer_->Step();
  for (const auto& writer : world_.other_writers_) writer->Step();
  if (luck_->Chance(1, 20)) Operate();
  if (luck_->Chance(1, 12) && world_.hub_->up()) {
    backups_.push_back(world_.hub_->TakeBackup());
    if (backups_.size() > kBackupsMax) backups_.erase(backups_.begin());
  }
  Later(Between(absl::Milliseconds(30), absl::Milliseconds(900)), [this] { Write(); });
}

void Chaos::Operate() {
  SimHub& hub = *world_.hub_;
  if (!hub.up()) return;
  const intent::ClusterId& cluster = AnyAgent().cluster();
  const auto live = hub.store().Entries(cluster, {});
  if (!live.ok() || live->entries.empty()) return;
  const hub::LiveEntry& entry = live->entries[luck_->Below(live->entries.size())];
  hub.Operate(
      {.id = *hub::OperationId::FromRaw(luck_->Bytes(16)),
       .cluster = cluster,
       .key = entry.key,
       .uid = entry.uid,
       .expires = world_.loop_.clock().Monotonic() + Between(absl::Seconds(5), absl::Seconds(60))});
}

void Chaos::Small(Fault fault, size_t number) {
  world_.trace_.Note("fault", {static_cast<uint64_t>(fault)});
  SmallOnHub(fault);
  SimAgent& agent = AnyAgent();
  absl::StrAppend(&deeds_[number], IsOfHub(fault) ? "" : absl::StrCat(" agent ", agent.link()));
  SmallOnAgent(fault, agent);
  SmallOnNetwork(fault, agent.link());
}

void Chaos::SmallOnHub(Fault fault) {
  SimHub& hub = *world_.hub_;
  if (!hub.up()) return;
  switch (fault) {
    case Fault::kHubKill:
      Count(fault);
      return hub.Restart(Between(absl::Milliseconds(50), absl::Seconds(5)));
    case Fault::kHubKillSilent:
      Count(fault);
      world_.network_.SetSilent(true);
      hub.Restart(Between(absl::Milliseconds(50), absl::Seconds(5)));
      return world_.network_.SetSilent(false);
    case Fault::kHubDrain:
      Count(fault);
      return hub.Drain(absl::Milliseconds(500));
    case Fault::kHubDiskFails:
      Count(fault);
      hub.FailDisk();
      return Later(Between(absl::Milliseconds(500), absl::Seconds(3)),
                   [&hub] { hub.Restart(absl::Milliseconds(100)); });
    case Fault::kHubDiskSlow:
      Count(fault);
      hub.SetDiskFactor(1 + 200 * luck_->Unit());
      return Later(Between(absl::Seconds(1), absl::Seconds(8)), [&hub] { hub.SetDiskFactor(1); });
    case Fault::kFetchCut:
      return CutFetches(20);
    default:
      return;
  }
}

void Chaos::CutFetches(int tries) {
  // Fetches are short: wait for some.
  const size_t cut = world_.hub_->up() ? world_.hub_->CutFetches() : 0;
  counts_[static_cast<size_t>(Fault::kFetchCut)] += cut;
  if (cut == 0 && tries > 0)
    Later(absl::Milliseconds(100), [this, tries] { CutFetches(tries - 1); });
}

void Chaos::SmallOnAgent(Fault fault, SimAgent& agent) {
  switch (fault) {
    case Fault::kAgentKill:
    case Fault::kAgentKillSilent:
      if (!agent.up()) return;
      Count(fault);
      world_.network_.SetSilent(fault == Fault::kAgentKillSilent);
      agent.Restart(Between(absl::Milliseconds(50), absl::Seconds(6)));
      return world_.network_.SetSilent(false);
    case Fault::kAgentDiskLost:
      // Without its disk it would believe the first hub it meets.
      if (visiting_ || !agent.up()) return;
      Count(fault);
      agent.Kill();
      agent.disk().Wipe();
      world_.checks_.DiskLost(agent);
      return agent.Restart(Between(absl::Milliseconds(50), absl::Seconds(6)));
    case Fault::kAgentDiskFails:
      Count(fault);
      return agent.FailNextSync();
    case Fault::kAgentDiskSlow:
      Count(fault);
      agent.SetDiskDelay(Between(absl::Milliseconds(50), absl::Seconds(2)));
      return Later(Between(absl::Seconds(1), absl::Seconds(8)),
                   [&agent] { agent.SetDiskDelay(absl::Milliseconds(3)); });
    case Fault::kDrift: {
      if (agent.objects().empty()) return;
      auto it = agent.objects().begin();
      std::advance(it, static_cast<ptrdiff_t>(luck_->Below(agent.objects().size())));
      Count(fault);
      return agent.EditObject(it->first);
    }
    case Fault::kImpostor:
      return Impersonate(agent);
    case Fault::kPeeping:
      return Peep(agent);
    case Fault::kClockStep:
      Count(fault);
      // Whole seconds: clocks have no fractions of nanoseconds.
      world_.loop_.sim_clock().StepWall(absl::Seconds(static_cast<int64_t>(luck_->Below(14'400))) -
                                        absl::Hours(2));
      return world_.checks_.ClockStepped();
    default:
      return;
  }
}

void Chaos::Partition(size_t link, bool up, bool down) {
  world_.network_.Block(link, up, down);
  // Some outlast the patience of both ends.
  const absl::Duration most = luck_->Chance(1, 4) ? absl::Seconds(90) : absl::Seconds(6);
  Later(Between(absl::Milliseconds(100), most),
        [this, link] { world_.network_.Block(link, false, false); });
}

void Chaos::SmallOnNetwork(Fault fault, size_t link) {
  SimNetwork& network = world_.network_;
  switch (fault) {
    case Fault::kCut:
      counts_[static_cast<size_t>(fault)] += network.Cut(link, true, true);
      return;
    case Fault::kHalfOpenAgent:
      counts_[static_cast<size_t>(fault)] += network.Cut(link, true, false);
      return;
    case Fault::kHalfOpenHub:
      counts_[static_cast<size_t>(fault)] += network.Cut(link, false, true);
      return;
    case Fault::kPartitionUp:
      Count(fault);
      return Partition(link, true, false);
    case Fault::kPartitionDown:
      Count(fault);
      return Partition(link, false, true);
    case Fault::kPartitionBoth:
      Count(fault);
      return Partition(link, true, true);
    case Fault::kSlowNetwork:
      Count(fault);
      network.SetExtraLatency(link, Between(absl::Milliseconds(50), absl::Seconds(3)));
      return Later(Between(absl::Seconds(1), absl::Seconds(10)),
                   [&network, link] { network.SetExtraLatency(link, absl::ZeroDuration()); });
    default:
      return;
  }
}

void Chaos::Great(Fault fault) {
  // One at a time where they would get into each other's way.
  const bool changes_hubs = fault != Fault::kCloneAgent;
  if (changes_hubs && (visiting_ || rolled_back_ || !world_.hub_->up() || backups_.empty())) {
    return Later(absl::Seconds(1), [this, fault] { Great(fault); });
  }
  world_.trace_.Note("great fault", {static_cast<uint64_t>(fault)});
  switch (fault) {
    case Fault::kCloneAgent:
      return Clone();
    case Fault::kForeignHub:
      return VisitForeignHub();
    case Fault::kOlderHub:
      return VisitOlderHub();
    case Fault::kHubRollback:
      return Rollback();
    case Fault::kHubRestore:
      return Restore();
    case Fault::kNewHubIdentity:
      return NewIdentity();
    default:
      return;
  }
}

void Chaos::End() {
  *going_ = false;
  SimNetwork& network = world_.network_;
  SendStrangersAway();
  for (const auto& clone : world_.clones_) {
    if (!clone->up()) continue;
    clone->Kill();
  }
  for (const auto& hub : world_.other_hubs_) hub->Kill();
  world_.writer_->Stop();
  world_.hub_->SetDiskFactor(1);
  for (const auto& agent : world_.agents_) {
    network.Block(agent->link(), false, false);
    network.SetExtraLatency(agent->link(), absl::ZeroDuration());
    if (network.RouteOf(agent->link()) != world_.hub_.get())
      world_.Route(agent->link(), world_.hub_.get());
    agent->SetDiskDelay(absl::Milliseconds(3));
    agent->ClearSyncFailure();
  }
  // A disk that was to fail, or a process that was to come back, does so now.
  world_.hub_->Restart(absl::Seconds(1));
}

void Chaos::KeepCalm() {
  if (world_.hub_->up() && (std::exchange(rolled_back_, false) || world_.hub_->NeedsRecovery())) {
    world_.hub_->Recover();
  }
  for (const auto& agent : world_.agents_) {
    if (!agent->up()) {
      agent->Start();
      continue;
    }
    const intent::Authority& held = agent->truth().allegiance.authority;
    if (!held.hub.IsNone() && held.hub != world_.hub_->id()) {
      world_.checks_.Trusted(*agent);
      agent->Trust(world_.hub_->id());
    }
  }
}

}  // namespace leidang::sim
