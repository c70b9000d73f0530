#include "tests/sim/sim_world.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/proof/bucketed_digest.h"
#include "tests/sim/chaos.h"

namespace leidang::sim {
namespace {

intent::ClusterId ClusterNumber(size_t n) {
  intent::ClusterId::Bytes bytes{0xc1};
  bytes[15] = static_cast<uint8_t>(n + 1);
  return intent::ClusterId(bytes);
}

}  // namespace

Shape Shape::Of(uint64_t seed) {
  SeededRandom random(seed ^ 0x5ea5ca1e);
  return {.clusters = 2 + random.Below(3),
          .keys = 3 + random.Below(6),
          .chaos = absl::Seconds(static_cast<int64_t>(50 + random.Below(50)))};
}

SimWorld::SimWorld(uint64_t seed, const Shape& shape, Mutant mutant, Trace::Output output)
    : shape_(shape),
      mutant_(mutant),
      random_(seed),
      people_random_(seed ^ 0x9e0b1e),
      network_random_(seed ^ 0x2e7),
      trace_(loop_, output),
      checks_(loop_),
      network_(loop_, network_random_, trace_, &checks_) {
  intent::HubId::Bytes id{0xab, 1};
  for (size_t i = 0; i < shape_.clusters; ++i) clusters_.push_back(ClusterNumber(i));
  hub_ = NewHub("hub", intent::HubId(id));
  writer_ = std::make_unique<Writer>(loop_, people_random_, *hub_, &checks_, mutant_, shape_.keys);
  hub_->Start();
  for (const intent::ClusterId& cluster : clusters_) {
    SimAgent& agent = AddAgent(cluster, hub_.get());
    checks_.AddAgent(&agent);
    agent.Start();
  }
}

SimWorld::~SimWorld() {
  clones_.clear();
  agents_.clear();
}

std::unique_ptr<SimHub> SimWorld::NewHub(const std::string& name, const intent::HubId& id) {
  const size_t unassigned = mutant_ == Mutant::kAnyStatus ? std::numeric_limits<size_t>::max()
                                                          : shape_.unassigned_statuses;
  auto hub =
      std::make_unique<SimHub>(loop_, random_, trace_,
                               SimHub::Options{.name = name,
                                               .hub = id,
                                               .session = {.version = "sim",
                                                           .heartbeat = shape_.heartbeat,
                                                           .unassigned_statuses_max = unassigned},
                                               .mutant = mutant_});
  for (const intent::ClusterId& cluster : clusters_) hub->Register(cluster);
  return hub;
}

SimHub& SimWorld::AddHub(const std::string& name, const intent::HubId& id) {
  other_hubs_.push_back(NewHub(name, id));
  return *other_hubs_.back();
}

Writer& SimWorld::AddWriter(SimHub& hub) {
  other_writers_.push_back(
      std::make_unique<Writer>(loop_, people_random_, hub, nullptr, Mutant::kNone, shape_.keys));
  return *other_writers_.back();
}

SimAgent& SimWorld::AddAgent(const intent::ClusterId& cluster, HubDoor* door) {
  const size_t link = network_.AddLink(cluster, door);
  auto& list = agents_.size() < clusters_.size() ? agents_ : clones_;
  const auto self = std::make_shared<SimAgent*>(nullptr);
  SimAgent::Hooks hooks;
  hooks.executor.executed = [this, self](const agent::OperationId& id) {
    checks_.OperationExecuted(**self, id);
  };
  hooks.executor.marked = [this, self] { checks_.Marked(**self); };
  hooks.executor.deleted = [this, self](const agent::EntryRef& ref) {
    checks_.ObjectDeleted(**self, ref);
  };
  hooks.entry_changed = [this, self](const agent::EntryRef& ref) {
    checks_.EntryChanged(**self, ref);
  };
  list.push_back(std::make_unique<SimAgent>(loop_, random_, trace_, network_, link, cluster,
                                            mutant_, std::move(hooks)));
  *self = list.back().get();
  return *list.back();
}

void SimWorld::Route(size_t link, HubDoor* door) {
  network_.Route(link, door);
  network_.Cut(link, true, true);
}

void SimWorld::RouteAll(HubDoor* door) {
  for (const auto& agent : agents_) Route(agent->link(), door);
}

void SimWorld::LookEvery(absl::Duration interval) {
  const bool looks = look_interval_ > absl::ZeroDuration();
  look_interval_ = interval;
  if (!looks) Look();
}

void SimWorld::Look() {
  checks_.Look(*hub_);
  loop_.After(look_interval_, [this] { Look(); });
}

bool SimWorld::RunUntil(absl::Duration end) {
  while (!checks_.violation().has_value() && loop_.clock().Monotonic() < end) {
    if (!loop_.Step()) break;
  }
  return !checks_.violation().has_value();
}

std::optional<std::string> SimWorld::UnrestOf(SimAgent& agent) {
  const intent::ClusterId& cluster = agent.cluster();
  const agent::MemoryTables& truth = agent.truth();
  if (!agent.up()) return "it is down";
  if (agent.hub_link().Snapshot().phase != agent::LinkPhase::kLive) {
    return absl::StrCat("its link is not live: ", agent.hub_link().Snapshot().last_error);
  }
  // Digest by digest: that their roots are equal, too, is for the hub to find.
  const absl::StatusOr<hub::LogDigest> wanted = hub_->store().Digest(cluster);
  if (!wanted.ok() || truth.intent_digest != wanted->digest) return "its intent is not the hub's";
  if (truth.applied_digest != wanted->digest) return "it has not applied everything";
  const hub::ClusterView view = hub_->Shown(cluster);
  if (view.verdict != hub::LinkVerdict::kInSync) {
    return absl::StrCat("the hub shows it as ", hub::LinkVerdictName(view.verdict).data(), " ",
                        view.trouble_message);
  }
  if (view.pending_tombstones > 0)
    return absl::StrCat(view.pending_tombstones, " tombstones are pending");
  if (view.acked != view.head) return absl::StrCat("acknowledged ", view.acked, " of ", view.head);
  if (!truth.waiting.empty()) return absl::StrCat(truth.waiting.size(), " statuses wait");
  const auto stored = hub_->store().StatusesOfCluster(cluster, {});
  if (!stored.ok() || stored->items.size() != truth.statuses.size())
    return "the hub has other statuses";
  for (const intent::EntryStatus& status : stored->items) {
    const auto row = truth.statuses.find({status.key, status.uid});
    if (row == truth.statuses.end() || row->second.current.status != status) {
      return absl::StrCat("the hub has another status of ", status.key.ToString());
    }
  }
  for (const auto& [ref, entry] : truth.entries) {
    if (entry.head.phase == agent::EntryPhase::kDeleting)
      return absl::StrCat(ref.ToString(), " is being deleted");
    if (entry.head.phase != agent::EntryPhase::kLive) continue;
    const auto object = agent.objects().find(ref.key);
    if (object == agent.objects().end() || object->second.owner != ref.uid ||
        object->second.edited || object->second.element != entry.head.element) {
      return absl::StrCat("the object of ", ref.ToString(), " is not as it shall be");
    }
  }
  return std::nullopt;
}

std::optional<std::string> SimWorld::Unrest() {
  if (!hub_->up()) return "the hub is down";
  for (const auto& agent : agents_) {
    if (std::optional<std::string> why = UnrestOf(*agent); why.has_value()) {
      return absl::StrCat("cluster ", agent->cluster().Hex(), ": ", *why);
    }
  }
  for (const auto& [id, operation] : hub_->operations()) {
    if (operation.outcomes != 1) return absl::StrCat("operation ", id.Hex(), " has no outcome");
  }
  return std::nullopt;
}

void SimWorld::Calm(const std::function<void()>& keep) {
  const absl::Duration deadline = loop_.clock().Monotonic() + shape_.calm_max;
  std::optional<std::string> unrest = "nothing was looked at";
  while (unrest.has_value() && loop_.clock().Monotonic() < deadline) {
    if (!RunUntil(loop_.clock().Monotonic() + absl::Seconds(2))) return;
    keep();
    unrest = Unrest();
  }
  if (unrest.has_value()) {
    checks_.Fail("Liveness", absl::StrCat("after ", absl::FormatDuration(shape_.calm_max),
                                          " of calm, ", *unrest));
  }
}

RunResult SimWorld::Result() const {
  return {.violation = checks_.violation(),
          .digest = trace_.digest(),
          .steps = loop_.steps(),
          .changes = writer_->changes(),
          .virtual_time = loop_.clock().Monotonic(),
          .faults = {},
          .deeds = {}};
}

RunResult SimWorld::Run(const std::optional<std::set<size_t>>& only) {
  Chaos chaos(*this, only);
  LookEvery(absl::Milliseconds(200));
  chaos.Begin();
  if (RunUntil(shape_.chaos)) {
    chaos.End();
    Calm([&chaos] { chaos.KeepCalm(); });
  }
  RunResult result = Result();
  for (size_t i = 0; i < chaos.counts().size(); ++i)
    result.faults[std::string(FaultName(static_cast<Fault>(i)))] = chaos.counts()[i];
  result.deeds = chaos.deeds();
  return result;
}

RunResult RunLinkSim(const RunRequest& request) {
  return SimWorld(request.seed, Shape::Of(request.seed), request.mutant, request.output)
      .Run(request.only);
}

}  // namespace leidang::sim
