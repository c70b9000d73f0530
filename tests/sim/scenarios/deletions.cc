// Deletions that meet an agent which is away, and names that are used again.

#include <cstddef>

#include "absl/strings/str_cat.h"

#include "tests/sim/scenarios/link_bed.h"
#include "tests/sim/scenarios/scenario.h"

namespace leidang::sim {
namespace {

// Out of reach in one of the ways there are; `back` ends it.
void GoAway(LinkBed& bed, SimAgent& agent) {
  if (bed.random().Chance(1, 2)) {
    agent.Kill();
  } else {
    bed.network().Block(agent.link(), true, true);
  }
}

void ComeBack(LinkBed& bed, SimAgent& agent) {
  bed.network().Block(agent.link(), false, false);
  if (!agent.up()) agent.Start();
}

bool Stands(SimAgent& agent, const intent::EntryKey& key) { return agent.objects().contains(key); }

// Names are deleted while their agent is away, perhaps with the hub killed in between; it is back
// after seconds or an hour. Each deletion arrives, and nothing else goes.
void DeletedWhileAway(LinkBed& bed) {
  for (int i = 0; i < 4 && !bed.failed(); ++i) {
    SimAgent& agent = bed.AnyAgent();
    bed.writer().FillOne(agent.cluster(), 6);
    bed.Pass(absl::Milliseconds(50));
    bed.Expect(bed.Await([&bed] { return bed.AllInSync(); }, absl::Minutes(10)), "Liveness",
               "an agent does not come into sync");
    GoAway(bed, agent);
    const uint64_t goes = 1 + bed.random().Below(62);  // Of names 0 to 5 those whose bit is set.
    for (size_t name = 0; name < 6; ++name) {
      if ((goes >> name & 1) != 0) bed.writer().DeleteNow(agent.cluster(), name);
      bed.Pass(absl::Milliseconds(50));
    }
    if (bed.random().Chance(1, 3)) bed.hub().Restart(absl::Seconds(1));
    bed.Pass(bed.random().Chance(1, 3) ? bed.Between(absl::Minutes(10), absl::Hours(1))
                                       : bed.Between(absl::Seconds(1), absl::Minutes(3)));
    ComeBack(bed, agent);
    const bool settled = bed.Await([&bed] { return bed.AllInSync(); }, absl::Minutes(10));
    bed.Expect(settled, "Liveness", "deletions do not reach an agent that was away");
    for (size_t name = 0; name < 6 && settled; ++name) {
      const bool stands = Stands(agent, bed.writer().Key(agent.cluster(), name));
      bed.Expect(stands != ((goes >> name & 1) != 0), stands ? "Liveness" : "NothingByAbsence",
                 absl::StrCat("name ", name, stands ? " was deleted, and stands" : " is gone"));
    }
  }
}

// A name is deleted and made again, once or several times, while its agent is away: what stands
// there afterwards is of the newest uid, and nothing is left of the older ones.
void NamesUsedAgain(LinkBed& bed) {
  for (int i = 0; i < 5 && !bed.failed(); ++i) {
    SimAgent& agent = bed.AnyAgent();
    const size_t name = 1 + bed.random().Below(3);
    bed.writer().PutNow(agent.cluster(), name);
    bed.Pass(bed.Between(absl::Milliseconds(10), absl::Seconds(20)));
    GoAway(bed, agent);
    for (uint64_t times = 1 + bed.random().Below(4); times > 0; --times) {
      bed.writer().ReplaceNow(agent.cluster(), name);
      bed.Pass(bed.Between(absl::Milliseconds(10), absl::Minutes(1)));
      if (bed.random().Chance(1, 3)) bed.writer().PutNow(agent.cluster(), name);
      bed.Pass(absl::Milliseconds(20));
    }
    ComeBack(bed, agent);
    bed.Expect(bed.Await([&bed] { return bed.AllInSync(); }, absl::Minutes(10)), "Liveness",
               "a name that was used again does not come to rest");
    const intent::EntryKey key = bed.writer().Key(agent.cluster(), name);
    size_t of_name = 0;
    for (const auto& [ref, entry] : agent.truth().entries) of_name += ref.key == key ? 1 : 0;
    bed.Expect(of_name == 1, "Liveness",
               absl::StrCat(of_name, " entries of one name are at the agent"));
  }
}

}  // namespace

std::vector<Scenario> DeletionScenarios() {
  return {
      {"deleted-while-away",
       "5: a deletion is made while the agent is offline",
       {Mutant::kDropTombstones},
       OnLink([](uint64_t) { return Shape{.clusters = 2, .keys = 6}; }, DeletedWhileAway)},
      {"names-used-again",
       "6: the same name is deleted and made again while the agent is offline",
       {Mutant::kDropTombstones},
       OnLink(NamesUsedAgain)},
  };
}

}  // namespace leidang::sim
