#include "tests/sim/checks.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/wire/wire.h"

namespace leidang::sim {
namespace {

constexpr size_t kPendingCallbacksMax = 20'000;
constexpr size_t kRootsRememberedMax = 400;
constexpr absl::Duration kAfterClockStep = absl::Minutes(2);

}  // namespace

void Checks::Fail(absl::string_view rule, const std::string& what) {
  if (violation_.has_value()) return;
  violation_ =
      absl::StrCat(rule, ": ", what, " (at ", absl::FormatDuration(loop_.clock().Monotonic()), ")");
}

void Checks::DurablePut(const intent::ClusterId& cluster, const intent::EntryKey& key,
                        const intent::Uid& uid, const object::Sha256& element) {
  puts_[cluster].emplace(key, uid, element);
}

void Checks::DurableTombstone(const intent::ClusterId& cluster, const intent::EntryKey& key,
                              const intent::Uid& uid) {
  tombstones_.emplace(cluster, agent::EntryRef{key, uid});
}

void Checks::AddAgent(SimAgent* agent) {
  Watched watched{.agent = agent, .allegiance = agent->truth().allegiance};
  for (const auto& [ref, entry] : agent->truth().entries) {
    watched.positions[ref] = {entry.head.epoch, entry.head.revision};
    watched.seen.insert(ref);
  }
  for (const auto& [ref, row] : agent->truth().statuses) watched.seen.insert(ref);
  agents_.push_back(std::move(watched));
  NoteRoots(agents_.back());
}

void Checks::RemoveAgent(SimAgent* agent) {
  std::erase_if(agents_, [agent](const Watched& watched) { return watched.agent == agent; });
}

Checks::Watched* Checks::Find(const SimAgent& agent) {
  for (Watched& watched : agents_) {
    if (watched.agent == &agent) return &watched;
  }
  return nullptr;
}

Checks::Watched* Checks::OfLink(size_t link) {
  for (Watched& watched : agents_) {
    if (watched.agent->link() == link) return &watched;
  }
  return nullptr;
}

void Checks::DiskLost(const SimAgent& agent) {
  Watched* watched = Find(agent);
  watched->allegiance = {};
  watched->positions.clear();
  watched->executed.clear();
  NoteRoots(*watched);
}

void Checks::Trusted(const SimAgent& agent) {
  Watched* watched = Find(agent);
  watched->unbound = true;
  watched->positions.clear();
}

void Checks::NoteRoots(Watched& watched) {
  const auto note = [this](std::deque<RootAt>& history, const object::Sha256& root) {
    if (!history.empty() && history.back().root == root) return;
    history.push_back({loop_.clock().Now(), root});
    if (history.size() > kRootsRememberedMax) history.pop_front();
  };
  const agent::MemoryTables& truth = watched.agent->truth();
  note(watched.intent_roots, watched.intent_root.Of(truth.intent_digest));
  note(watched.applied_roots, watched.applied_root.Of(truth.applied_digest));
}

void Checks::ClockStepped() {
  stepped_at_ = loop_.clock().Monotonic();
  for (Watched& watched : agents_) {
    watched.intent_roots.clear();
    watched.applied_roots.clear();
    NoteRoots(watched);
    watched.intent_roots.back().from = watched.applied_roots.back().from = absl::InfinitePast();
  }
}

void Checks::CheckAllegiance(Watched& watched) {
  const agent::Allegiance& now = watched.agent->truth().allegiance;
  if (now == watched.allegiance) return;
  const agent::Allegiance before = std::exchange(watched.allegiance, now);
  if (std::exchange(watched.unbound, false)) return;
  const intent::Standing standing = intent::Compare(before.authority, now.authority);
  if (!intent::MayObey(standing)) {
    return Fail("MonotoneRevision", absl::StrCat("an agent went from ", before.authority.ToString(),
                                                 " to ", now.authority.ToString()));
  }
  if (standing != intent::Standing::kSame) return;
  if (now.revision < before.revision) {
    return Fail("MonotoneRevision", absl::StrCat("an agent went back from revision ",
                                                 before.revision, " to ", now.revision));
  }
  if (now.session_epoch < before.session_epoch) {
    Fail("OneSession", absl::StrCat("an agent went back from session ", before.session_epoch,
                                    " to ", now.session_epoch));
  }
}

void Checks::EntryChanged(const SimAgent& agent, const agent::EntryRef& ref) {
  Watched* watched = Find(agent);
  CheckAllegiance(*watched);
  watched->seen.insert(ref);
  const auto& entries = agent.truth().entries;
  const auto it = entries.find(ref);
  const intent::ClusterId& cluster = agent.cluster();
  if (it == entries.end() || it->second.head.phase == agent::EntryPhase::kDeleting) {
    if (!tombstones_.contains({cluster, ref})) {
      Fail("NothingByAbsence",
           absl::StrCat(ref.ToString(), " ends, and no hub asked for it durably"));
    }
  }
  if (it == entries.end()) {
    watched->positions.erase(ref);
    return NoteRoots(*watched);
  }
  const agent::EntryHead& head = it->second.head;
  if (head.phase == agent::EntryPhase::kLive &&
      !puts_[cluster].contains({ref.key, ref.uid, head.element})) {
    Fail("DurableBeforeVisible", absl::StrCat(ref.ToString(), " came to an agent at revision ",
                                              head.revision, ", and no hub has it durably"));
  }
  const std::pair<uint64_t, intent::Revision> position(head.epoch, head.revision);
  const auto known = watched->positions.find(ref);
  if (known != watched->positions.end() && position < known->second) {
    Fail("MonotoneRevision",
         absl::StrCat(ref.ToString(), " went back from ", known->second.first, "/",
                      known->second.second, " to ", head.epoch, "/", head.revision));
  }
  watched->positions[ref] = position;
  NoteRoots(*watched);
}

void Checks::Marked(const SimAgent& agent) { NoteRoots(*Find(agent)); }

void Checks::ObjectDeleted(const SimAgent& agent, const agent::EntryRef& ref) {
  if (!tombstones_.contains({agent.cluster(), ref})) {
    Fail("NothingByAbsence",
         absl::StrCat("the object of ", ref.ToString(), " was deleted without a tombstone"));
  }
}

void Checks::OperationExecuted(const SimAgent& agent, const agent::OperationId& id) {
  // Once by each agent: one that lost its disk, or a clone, cannot know.
  if (!Find(agent)->executed.insert(id).second) {
    Fail("OperationOnce", absl::StrCat("operation ", id.Hex(), " was carried out twice"));
  }
}

void Checks::HubWentBack(const HubDoor& hub) {
  std::erase_if(epochs_, [&hub](const auto& item) { return item.first.first == &hub; });
}

void Checks::CheckAck(Watched& watched, StreamSeen& seen, const v1::Ack& ack) {
  const agent::MemoryTables& truth = watched.agent->truth();
  if (ack.intent_root() != watched.intent_root.Of(truth.intent_digest).Raw() ||
      ack.revision() != truth.allegiance.revision) {
    Fail("DurableBeforeVisible",
         absl::StrCat("an agent acknowledges with revision ", ack.revision(),
                      ", and its disk is at ", truth.allegiance.revision));
  }
  while (!seen.in_flight.empty() && seen.in_flight.begin()->first <= ack.sequence()) {
    const SentChanges sent = std::move(seen.in_flight.begin()->second);
    seen.in_flight.erase(seen.in_flight.begin());
    seen.bytes -= sent.bytes;
    if (sent.authority == truth.allegiance.authority && sent.to > truth.allegiance.revision) {
      Fail("DurableBeforeVisible",
           absl::StrCat("an agent acknowledges revision ", sent.to, ", and its disk is at ",
                        truth.allegiance.revision));
    }
    for (const auto& [ref, revision] : sent.puts) {
      const auto entry = truth.entries.find(ref);
      const bool ended = tombstones_.contains({watched.agent->cluster(), ref});
      if (!ended && (entry == truth.entries.end() ||
                     std::pair(entry->second.head.epoch, entry->second.head.revision) <
                         std::pair(sent.authority.epoch, revision))) {
        Fail("DurableBeforeVisible",
             absl::StrCat("an agent acknowledges ", ref.ToString(), " of revision ", revision,
                          ", which its disk does not have"));
      }
    }
  }
}

void Checks::CheckChanges(const Watched& watched, StreamSeen& seen, const v1::Changes& changes) {
  SentChanges sent;
  sent.to = changes.part() == v1::Changes::COMPARISON ? 0 : changes.to();
  sent.bytes = changes.ByteSizeLong();
  const auto authority = wire::FromProto(changes.authority());
  if (authority.ok()) sent.authority = *authority;
  for (const v1::Change& change : changes.changes()) {
    ++changes_sent_;
    different_.emplace(watched.agent->cluster(),
                       change.has_put() ? change.put().key() : change.tombstone().key(),
                       sent.authority.epoch, change.revision());
    if (!change.has_put()) continue;
    const auto put = wire::FromProto(change.put());
    if (!put.ok()) return Fail("Protocol", std::string(put.status().message()));
    sent.puts.push_back({agent::EntryRef{put->key, put->uid}, change.revision()});
    if (!absl::StrContains(put->body, watched.agent->cluster().Hex())) {
      Fail("OwnOnly", absl::StrCat(change.put().key(), " is sent to a cluster that it is not for"));
    }
  }
  seen.bytes += sent.bytes;
  seen.in_flight[changes.sequence()] = std::move(sent);
  const hub::SessionOptions options;
  if (seen.bytes > options.window_bytes + 2 * options.changes_bytes) {
    Fail("BoundedEverything", absl::StrCat(seen.bytes, " bytes of changes in flight"));
  }
}

void Checks::OnAgentWrote(size_t link, uint64_t stream, const v1::AgentMessage& message) {
  Watched* watched = OfLink(link);
  if (watched == nullptr || !(message.has_ack() || message.has_ack_beside())) return;
  CheckAllegiance(*watched);
  if (message.has_ack_beside()) CheckAck(*watched, streams_[stream], message.ack_beside());
  if (message.has_ack()) CheckAck(*watched, streams_[stream], message.ack());
}

void Checks::OnHubWrote(size_t link, const HubDoor* hub, uint64_t stream,
                        const v1::HubMessage& message) {
  Watched* watched = OfLink(link);
  if (watched == nullptr || message.has_goodbye()) return;
  StreamSeen& seen = streams_[stream];
  uint64_t& newest = epochs_[{hub, watched->agent->cluster()}];
  if (message.has_welcome()) {
    seen.epoch = message.welcome().session_epoch();
    if (seen.epoch <= newest) {
      Fail("OneSession", absl::StrCat("session epoch ", seen.epoch, " is given after ", newest));
    }
    newest = seen.epoch;
    return;
  }
  if (seen.epoch != newest) {
    Fail("OneSession", absl::StrCat("session ", seen.epoch, " is sent a message while ", newest,
                                    " is the newest"));
  }
  if (message.has_changes()) CheckChanges(*watched, seen, message.changes());
}

bool Checks::HeldSince(const std::deque<RootAt>& history, absl::Time since,
                       const object::Sha256& root) {
  for (size_t i = 0; i < history.size(); ++i) {
    const bool ended_before = i + 1 < history.size() && history[i + 1].from < since;
    if (!ended_before && history[i].root == root) return true;
  }
  return false;
}

void Checks::CheckShown(SimHub& hub, const intent::ClusterId& cluster) {
  const hub::ClusterView view = hub.Shown(cluster);
  const bool received = view.verdict == hub::LinkVerdict::kReceived;
  const bool in_sync = view.verdict == hub::LinkVerdict::kInSync;
  if (!received && !in_sync) return;
  const absl::StatusOr<object::Sha256> root = hub.store().Root(cluster);
  if (!root.ok() || !view.proof.has_value() || view.proof->root != *root) {
    return Fail("ProofIsHonest",
                absl::StrCat("cluster ", cluster.Hex(), " is shown ",
                             hub::LinkVerdictName(view.verdict).data(),
                             ", and the proof is of another intent than the hub's"));
  }
  bool held = false;
  bool applied = false;
  for (const Watched& watched : agents_) {
    if (watched.agent->cluster() != cluster) continue;
    held |= HeldSince(watched.intent_roots, view.proof->received_at, *root);
    applied |= HeldSince(watched.applied_roots, view.proof->applied_at, *root);
  }
  if (!held || (in_sync && !applied)) {
    Fail("ProofIsHonest", absl::StrCat("cluster ", cluster.Hex(), " is shown ",
                                       hub::LinkVerdictName(view.verdict).data(),
                                       ", and its agent never was since the time of the proof"));
  }
}

void Checks::Look(SimHub& hub) {
  if (loop_.pending() > kPendingCallbacksMax) {
    Fail("BoundedEverything", absl::StrCat(loop_.pending(), " callbacks are scheduled"));
  }
  for (Watched& watched : agents_) {
    CheckAllegiance(watched);
    const agent::MemoryTables& truth = watched.agent->truth();
    if (truth.waiting.size() > watched.seen.size()) {
      Fail("BoundedEverything",
           absl::StrCat(truth.waiting.size(), " statuses wait at an agent that saw ",
                        watched.seen.size(), " entries"));
    }
    if (watched.agent->up() && watched.agent->fetcher().wanted() > 1'000) {
      Fail("BoundedEverything", "an agent wants more than 1,000 contents");
    }
  }
  if (!hub.up()) return;
  for (const auto& table : hub.tables()) {
    // Each agent: one that speaks, one that leaves, and those that have not said Hello.
    if (table->sessions() > agents_.size() * (hub::SessionOptions().ungreeted_max + 8)) {
      Fail("BoundedEverything",
           absl::StrCat(table->sessions(), " sessions of ", agents_.size(), " agents"));
    }
  }
  if (loop_.clock().Monotonic() - stepped_at_ < kAfterClockStep) return;
  for (const auto& [cluster, authority] : hub.authorities()) CheckShown(hub, cluster);
}

}  // namespace leidang::sim
