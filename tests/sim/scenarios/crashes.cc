// Processes that end, and disks that fail.

#include <cstddef>

#include "absl/strings/str_cat.h"

#include "tests/sim/scenarios/link_bed.h"
#include "tests/sim/scenarios/scenario.h"

namespace leidang::sim {
namespace {

void RestartHub(LinkBed& bed, absl::Duration down) {
  bed.network().SetSilent(bed.random().Chance(1, 2));
  bed.hub().Restart(down);
  bed.network().SetSilent(false);
}

// The hub is killed in the middle of a burst of assignments: what it said is durable.
void HubKilledInBurst(LinkBed& bed) {
  for (int i = 0; i < 10 && !bed.failed(); ++i) {
    for (size_t n = 0; n < 3 * bed.agents(); ++n) {
      bed.writer().PutNow(bed.AnyAgent().cluster(), bed.random().Below(6));
      bed.Pass(bed.Between(absl::ZeroDuration(), absl::Milliseconds(6)));
    }
    bed.Pass(bed.Between(absl::ZeroDuration(), absl::Milliseconds(120)));
    RestartHub(bed, bed.Between(absl::Milliseconds(10), absl::Seconds(4)));
    bed.Pass(bed.Between(absl::Seconds(1), absl::Seconds(20)));
  }
}

// The agent is killed at every moment between receiving, writing down, applying and acknowledging
// a change, one after the other.
void AgentKilledInBetween(LinkBed& bed) {
  SimAgent& agent = bed.AnyAgent();
  const absl::Duration step = bed.Between(absl::Milliseconds(4), absl::Milliseconds(9));
  for (int i = 0; i < 30 && !bed.failed(); ++i) {
    bed.Expect(bed.Await([&] { return bed.CaughtUp(agent); }, absl::Minutes(3)), "Liveness",
               "an agent that was killed does not catch up");
    const size_t name = bed.random().Below(4);
    switch (bed.random().Below(4)) {
      case 0:
        bed.writer().ReplaceNow(agent.cluster(), name);
        break;
      case 1:
        bed.writer().DeleteNow(agent.cluster(), name);
        break;
      default:
        bed.writer().PutNow(agent.cluster(), name);
    }
    bed.Pass(step * i);
    bed.network().SetSilent(bed.random().Chance(1, 2));
    agent.Restart(bed.Between(absl::Milliseconds(1), absl::Seconds(1)));
    bed.network().SetSilent(false);
  }
}

// The hub's disk is slow, is full, loses what it said it would keep, and in the end is replaced by
// a backup. The hub stops rather than to go on with half of it.
void HubDiskFails(LinkBed& bed) {
  SimHub::Backup backup = bed.hub().TakeBackup();
  for (int i = 0; i < 8 && !bed.failed(); ++i) {
    bed.WriteFor(bed.Between(absl::Seconds(1), absl::Seconds(5)), absl::Milliseconds(60));
    if (bed.random().Chance(1, 3)) bed.hub().SetDiskFactor(1 + 150 * bed.random().Unit());
    bed.hub().FailDisk();
    bed.WriteFor(bed.Between(absl::Milliseconds(20), absl::Seconds(2)), absl::Milliseconds(60));
    RestartHub(bed, bed.Between(absl::Milliseconds(10), absl::Seconds(4)));
    bed.Pass(absl::Seconds(5));
    bed.hub().SetDiskFactor(1);
    if (bed.random().Chance(1, 4)) backup = bed.hub().TakeBackup();
  }
  if (bed.failed()) return;
  bed.hub().Kill();
  bed.hub().RestoreFrom(backup, SimHub::NextEpoch::kYes);
  bed.checks().HubWentBack(bed.hub());
  bed.hub().Start();
  bed.WriteFor(absl::Seconds(5), absl::Milliseconds(200));
}

// An agent's disk is slow, full, and lost: nothing that it acknowledged is missing on it.
void AgentDiskFails(LinkBed& bed) {
  for (int i = 0; i < 8 && !bed.failed(); ++i) {
    SimAgent& agent = bed.AnyAgent();
    agent.SetDiskDelay(bed.Between(absl::Milliseconds(1), absl::Milliseconds(600)));
    bed.WriteFor(bed.Between(absl::Seconds(1), absl::Seconds(4)), absl::Milliseconds(100));
    agent.FailNextSync();
    bed.WriteFor(absl::Seconds(1), absl::Milliseconds(100));
    if (bed.random().Chance(1, 4) && agent.up()) {
      agent.Kill();
      agent.disk().Wipe();
      bed.checks().DiskLost(agent);
    }
    agent.Restart(bed.Between(absl::Milliseconds(10), absl::Seconds(4)));
    bed.Pass(bed.Between(absl::Seconds(1), absl::Seconds(10)));
  }
}

}  // namespace

std::vector<Scenario> CrashScenarios() {
  return {
      {"hub-killed-in-burst",
       "3: the hub is killed during a burst of assignments",
       {Mutant::kSendBeforeCommit},
       OnLink(HubKilledInBurst)},
      {"agent-killed-in-between",
       "4: the agent is killed between receiving, applying and acknowledging",
       {Mutant::kAckBeforeFsync},
       OnLink(AgentKilledInBetween)},
      {"hub-disk-fails",
       "23: the hub's disk is slow, full, loses its end, and is replaced by a backup",
       {Mutant::kSendBeforeCommit},
       OnLink(HubDiskFails)},
      {"agent-disk-fails",
       "23: an agent's disk is slow, full, and lost",
       {Mutant::kAckBeforeFsync},
       OnLink(AgentDiskFails)},
  };
}

}  // namespace leidang::sim
