// What happens to streams.

#include <cstddef>
#include <optional>

#include "absl/strings/str_cat.h"

#include "tests/sim/scenarios/link_bed.h"
#include "tests/sim/scenarios/scenario.h"

namespace leidang::sim {
namespace {

// Streams break all the time, in the middle of whatever they carry, while changes come.
void CutStreams(LinkBed& bed) {
  for (int i = 0; i < 12 && !bed.failed(); ++i) {
    bed.WriteFor(bed.Between(absl::Milliseconds(50), absl::Seconds(3)), absl::Milliseconds(100));
    for (size_t n = 0; n < bed.agents(); ++n) {
      if (bed.random().Chance(2, 3)) bed.network().Cut(bed.agent(n).link(), true, true);
    }
  }
}

// The agent comes back before the hub notices that the former stream is dead, and the other way
// round; what the old stream still carries arrives late.
void HalfOpen(LinkBed& bed) {
  for (int i = 0; i < 8 && !bed.failed(); ++i) {
    SimAgent& agent = bed.AnyAgent();
    bed.network().SetExtraLatency(agent.link(),
                                  bed.Between(absl::Milliseconds(1), absl::Seconds(2)));
    const bool agent_knows = bed.random().Chance(3, 4);
    bed.WriteFor(absl::Seconds(2), absl::Milliseconds(100));
    bed.network().Cut(agent.link(), agent_knows, !agent_knows);
    bed.WriteFor(bed.Between(absl::Seconds(1), absl::Seconds(12)), absl::Milliseconds(300));
    bed.network().SetExtraLatency(agent.link(), absl::ZeroDuration());
  }
}

// The hub asks all agents to come back elsewhere or later, in the middle of changes, as before an
// update of itself or of what its streams are signed with.
void Renewed(LinkBed& bed) {
  for (int i = 0; i < 6 && !bed.failed(); ++i) {
    bed.WriteFor(bed.Between(absl::Seconds(1), absl::Seconds(6)), absl::Milliseconds(100));
    bed.hub().Drain(bed.Between(absl::Milliseconds(10), absl::Seconds(2)));
    bed.WriteFor(absl::Seconds(2), absl::Milliseconds(100));
    const bool back = bed.Await(
        [&bed] {
          for (size_t n = 0; n < bed.agents(); ++n) {
            if (!bed.CaughtUp(bed.agent(n))) return false;
          }
          return true;
        },
        absl::Minutes(4));
    bed.Expect(back, "Liveness", "agents that were asked to come back are not, after minutes");
  }
}

// Wall clocks go wrong by up to an hour and a half, in both directions. That is nobody's death.
void ClockSkew(LinkBed& bed) {
  std::vector<uint64_t> epochs;
  for (size_t n = 0; n < bed.agents(); ++n)
    epochs.push_back(bed.hub().Shown(bed.agent(n).cluster()).session_epoch);
  for (int i = 0; i < 6 && !bed.failed(); ++i) {
    bed.world().loop().sim_clock().StepWall(
        absl::Seconds(static_cast<int64_t>(bed.random().Below(10'800)) - 5'400));
    bed.checks().ClockStepped();
    bed.WriteFor(bed.Between(absl::Seconds(70), absl::Minutes(3)), absl::Seconds(4));
    for (size_t n = 0; n < bed.agents(); ++n) {
      const uint64_t epoch = bed.hub().Shown(bed.agent(n).cluster()).session_epoch;
      bed.Expect(epoch == epochs[n], "Liveness",
                 absl::StrCat("session ", epochs[n], " of agent ", n,
                              " ended because a clock was set; there is ", epoch));
    }
  }
}

// Few words, so that days are short.
Shape OfDays(uint64_t seed) {
  Shape shape = Shape::Of(seed);
  shape.heartbeat = absl::Minutes(5);
  return shape;
}

// A cluster is away for days. It is shown as that, with the age of what is known and what waits for
// it, and never in sync; when it is back, it takes up what it missed.
void AwayForLong(LinkBed& bed) {
  SimAgent& agent = bed.AnyAgent();
  const absl::Time left = bed.world().loop().clock().Now() + absl::Minutes(1);
  const std::optional<hub::Proof> applied = bed.hub().Shown(agent.cluster()).applied_proof;
  if (bed.random().Chance(1, 2)) {
    bed.network().Block(agent.link(), true, true);
  } else {
    agent.Kill();
  }
  bed.world().LookEvery(absl::Seconds(20));
  bed.Pass(absl::Minutes(25));
  for (int day = 0; day < 3 && !bed.failed(); ++day) {
    bed.writer().PutNow(agent.cluster(), 1);
    bed.WriteFor(absl::Seconds(2), absl::Milliseconds(300));
    // What is known of it outlives the hub's process.
    if (day == 1 || bed.random().Chance(1, 3)) bed.hub().Restart(absl::Seconds(1));
    bed.Pass(bed.Between(absl::Hours(18), absl::Hours(30)));
    const hub::ClusterView view = bed.hub().Shown(agent.cluster());
    bed.Expect(view.verdict == hub::LinkVerdict::kOffline, "ProofIsHonest",
               absl::StrCat("a cluster that is away is shown as ",
                            hub::LinkVerdictName(view.verdict).data()));
    bed.Expect(view.last_seen <= left, "ProofIsHonest", "a cluster that is away was seen lately");
    bed.Expect(view.last_seen > absl::InfinitePast(), "ProofIsHonest",
               "it is forgotten when a cluster that is away was seen");
    bed.Expect(view.proof.has_value() && view.proof->applied_at <= left, "ProofIsHonest",
               "what is known of a cluster that is away has no honest date");
    bed.Expect(
        !applied || (view.applied_proof && view.applied_proof->applied_at <= left &&
                     applied->applied_at - view.applied_proof->applied_at < absl::Seconds(1)),
        "ProofIsHonest", "it is forgotten when a cluster that is away was last in sync");
    bed.Expect(view.acked < view.head, "ProofIsHonest",
               "what waits for a cluster that is away is not shown");
  }
  bed.world().LookEvery(absl::Milliseconds(200));
}

}  // namespace

std::vector<Scenario> NetworkScenarios() {
  return {
      {"cut-streams",
       "1: TCP is cut in mid-stream, again and again",
       {Mutant::kAckBeforeFsync},
       OnLink(CutStreams)},
      {"half-open",
       "2: the agent reconnects before the hub notices that the old stream died",
       {Mutant::kKeepOldSession},
       OnLink(HalfOpen)},
      {"renewed-streams",
       "20: streams end and are renewed in the middle of changes (certificates: elsewhere)",
       {Mutant::kAckBeforeFsync},
       OnLink(Renewed)},
      {"clock-skew",
       "19: clocks are wrong by an hour and more",
       {Mutant::kWallClock},
       OnLink(ClockSkew)},
      {"away-for-long",
       "15: a cluster is away for long, and what is known of it grows old",
       {Mutant::kStaleInSync},
       OnLink(OfDays, AwayForLong)},
  };
}

}  // namespace leidang::sim
