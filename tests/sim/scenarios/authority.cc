// Who may speak: hubs that went back, are empty or foreign, two at once; agents that are somebody
// else.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "tests/sim/scenarios/link_bed.h"
#include "tests/sim/scenarios/scenario.h"

namespace leidang::sim {
namespace {

size_t Standing(LinkBed& bed) {
  size_t standing = 0;
  for (const auto& agent : bed.world().agents()) standing += agent->objects().size();
  return standing;
}

// The hub's disk goes back in time, and nobody marked it. Until a person recovers it, agents that
// have seen more go on with what they have.
void HubWentBack(LinkBed& bed) {
  SimHub::Backup backup = bed.hub().TakeBackup();
  for (int i = 0; i < 3 && !bed.failed(); ++i) {
    bed.WriteFor(absl::Seconds(5), absl::Milliseconds(150));
    bed.Pass(bed.Between(absl::ZeroDuration(), absl::Seconds(10)));
    bed.hub().Kill();
    bed.hub().RestoreFrom(backup, SimHub::NextEpoch::kNo);
    bed.checks().HubWentBack(bed.hub());
    const size_t standing = Standing(bed);
    bed.hub().Start();
    bed.Pass(bed.Between(absl::Seconds(20), absl::Minutes(4)));
    bed.Expect(Standing(bed) >= standing, "NothingByAbsence",
               "objects went because the hub went back");
    if (!bed.hub().up() || bed.failed()) return;
    bed.hub().Recover();
    bed.WriteFor(absl::Seconds(3), absl::Milliseconds(150));
    bed.Pass(absl::Minutes(1));
    backup = bed.hub().TakeBackup();
  }
}

// Another hub answers at the address: an empty one, or one with a fleet of its own. Agents report
// it and obey nothing of it.
void ForeignHub(LinkBed& bed) {
  bed.Expect(bed.Await([&bed] { return bed.AllInSync(); }, absl::Minutes(5)), "Liveness",
             "the agents do not come into sync");
  intent::HubId::Bytes id{0xf0};
  SimHub& foreign = bed.world().AddHub("foreign", intent::HubId(id));
  Writer& theirs = bed.world().AddWriter(foreign);
  foreign.Start();
  bed.Pass(absl::Seconds(1));
  if (bed.random().Chance(1, 2)) theirs.Fill(1 + bed.random().Below(6));
  const size_t standing = Standing(bed);
  const uint64_t sent = bed.checks().changes_sent();
  bed.world().RouteAll(&foreign);
  bed.Pass(bed.Between(absl::Seconds(30), absl::Minutes(20)));
  for (const auto& agent : bed.world().agents()) {
    bed.Expect(agent->truth().allegiance.authority.hub == bed.hub().id(), "MonotoneRevision",
               "an agent obeys a hub that nobody trusted");
    bed.Expect(agent->hub_link().Snapshot().refusal.has_value(), "Liveness",
               "an agent does not report that a foreign hub answers");
  }
  bed.Expect(Standing(bed) == standing, "NothingByAbsence",
             absl::StrCat("under a foreign hub ", Standing(bed), " objects stand, not ", standing));
  bed.Note(absl::StrCat("sent ", bed.checks().changes_sent() - sent));
  bed.world().RouteAll(&bed.hub());
  foreign.Kill();
}

// Two hubs believe that they lead: a copy of an older state runs on under the epoch that has
// passed, and agents meet now the one and now the other. The higher epoch is obeyed.
void TwoHubs(LinkBed& bed) {
  const SimHub::Backup backup = bed.hub().TakeBackup();
  bed.hub().Recover();
  const auto follows = [&bed] {
    for (const auto& agent : bed.world().agents()) {
      const intent::Authority& held = agent->truth().allegiance.authority;
      if (held.epoch != bed.hub().authorities().at(agent->cluster()).epoch) return false;
    }
    return true;
  };
  // Those that have not seen the new epoch cannot tell the two apart.
  bed.Expect(bed.Await(follows, absl::Minutes(5)), "Liveness",
             "agents do not follow their hub to its next epoch");
  SimHub& older = bed.world().AddHub("older", bed.hub().id());
  older.RestoreFrom(backup, SimHub::NextEpoch::kNo);
  Writer& theirs = bed.world().AddWriter(older);
  older.Start();
  for (int i = 0; i < 10 && !bed.failed(); ++i) {
    for (const auto& agent : bed.world().agents()) {
      SimHub* to = bed.random().Chance(1, 2) ? &older : &bed.hub();
      if (bed.network().RouteOf(agent->link()) != to) bed.world().Route(agent->link(), to);
    }
    theirs.Step();
    bed.WriteFor(bed.Between(absl::Seconds(1), absl::Seconds(30)), absl::Milliseconds(400));
  }
  bed.world().RouteAll(&bed.hub());
  older.Kill();
}

// A second agent runs with the identity of one: a copy of its machine, or another one that has its
// key. Neither gets what is not of its cluster, and when the copy is gone, all is as it was.
void ClonedAgent(LinkBed& bed) {
  for (int i = 0; i < 2 && !bed.failed(); ++i) {
    SimAgent& original = bed.AnyAgent();
    SimAgent& clone = bed.world().AddAgent(original.cluster(), &bed.hub());
    if (bed.random().Chance(1, 2)) {
      clone.disk().tables() = original.truth();
      clone.objects() = original.objects();
    }
    bed.checks().AddAgent(&clone);
    clone.Start();
    bed.WriteFor(bed.Between(absl::Seconds(20), absl::Minutes(3)), absl::Seconds(1));
    clone.Kill();
    bed.Pass(bed.Between(absl::Seconds(1), absl::Minutes(1)));
  }
}

// Says Hello for a cluster that its certificate does not name.
class Impostor final : public agent::StreamObserver {
 public:
  Impostor(LinkBed& bed, size_t link, const intent::ClusterId& claimed)
      : bed_(bed), claimed_(claimed), transport_(bed.network().TransportOf(link)) {
    stream_ = transport_->Open({"hub:7443", ""}, this);
  }
  void OnOpen() override {
    v1::AgentMessage message;
    message.mutable_hello()->set_cluster_id(claimed_.Raw());
    message.mutable_hello()->set_instance("impostor");
    stream_->Write(std::move(message));
    stream_->Read();
  }
  void OnMessage(v1::HubMessage message) override {
    bed_.Expect(message.has_goodbye(), "OwnOnly", "who says it is another cluster is answered");
    stream_->Read();
  }
  void OnWritten() override {}
  void OnClosed(absl::Status) override {}

 private:
  LinkBed& bed_;
  const intent::ClusterId claimed_;
  std::unique_ptr<agent::Transport> transport_;
  std::unique_ptr<agent::Stream> stream_;
};

// Asks for content of another cluster.
class Peeping final : public agent::FetchObserver {
 public:
  Peeping(LinkBed& bed, SimAgent& agent, const object::Sha256& digest, uint64_t offset)
      : bed_(bed) {
    fetch_ = bed.hub().Fetch(bed.network(), agent.link(), agent.cluster(), digest, offset, this);
  }
  void OnChunk(std::string, uint64_t) override {
    bed_.Expect(false, "OwnOnly", "an agent is served another cluster's content");
  }
  void OnFetched(absl::Status status) override {
    bed_.Expect(!status.ok(), "OwnOnly", "another cluster's content is not refused");
  }

 private:
  LinkBed& bed_;
  std::unique_ptr<agent::Fetch> fetch_;
};

// An agent with one cluster's certificate tries to be another one, and to read its content.
void OwnOnly(LinkBed& bed) {
  for (int i = 0; i < 8 && !bed.failed(); ++i) {
    bed.WriteFor(absl::Seconds(2), absl::Milliseconds(300));
    SimAgent& agent = bed.agent(0);
    const Impostor impostor(bed, agent.link(), bed.agent(1).cluster());
    std::vector<std::unique_ptr<Peeping>> peeping;
    for (const auto& [cluster, digest] : bed.writer().trees()) {
      if (cluster == agent.cluster() || peeping.size() >= 8) continue;
      peeping.push_back(std::make_unique<Peeping>(bed, agent, digest, bed.random().Below(3)));
    }
    bed.Pass(bed.Between(absl::Seconds(1), absl::Seconds(20)));
  }
}

}  // namespace

std::vector<Scenario> AuthorityScenarios() {
  return {
      {"hub-went-back",
       "8: the hub is restored from an old backup, and nobody says so",
       {Mutant::kDeleteOnCompare},
       OnLink(HubWentBack)},
      {"foreign-hub",
       "8: another hub, empty or with a fleet of its own, answers at the address",
       {Mutant::kTrustAnyone},
       OnLink(ForeignHub)},
      {"two-hubs",
       "25: two hubs believe that they lead",
       {Mutant::kAcceptOlderRevision},
       OnLink(TwoHubs)},
      {"cloned-agent",
       "21: two agents have one identity",
       {Mutant::kKeepOldSession},
       OnLink(ClonedAgent)},
      {"own-only",
       "21: an agent tries to be another one, and to read what is not its own",
       {Mutant::kServeOtherCluster},
       OnLink(OwnOnly)},
  };
}

}  // namespace leidang::sim
