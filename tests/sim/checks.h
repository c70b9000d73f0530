#pragma once

// Checks: the rules of the design as they can be seen from outside, looked at whenever something
// happens that could break them. They look at disks and messages, never at what a room says about
// itself. The first violation ends the run.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "common/proof/bucketed_digest.h"
#include "common/time/sim_loop.h"
#include "tests/sim/sim_agent.h"
#include "tests/sim/sim_hub.h"
#include "tests/sim/sim_network.h"

namespace leidang::sim {

class Checks final : public NetworkTap {
 public:
  explicit Checks(const SimLoop& loop) : loop_(loop) {}

  const std::optional<std::string>& violation() const { return violation_; }
  void Fail(absl::string_view rule, const std::string& what);

  // What hubs that may be obeyed have made durable. `attempted`: a tombstone that somebody asked
  // for.
  void DurablePut(const intent::ClusterId& cluster, const intent::EntryKey& key,
                  const intent::Uid& uid, const object::Sha256& element);
  void DurableTombstone(const intent::ClusterId& cluster, const intent::EntryKey& key,
                        const intent::Uid& uid);

  // Agents, in the order of their links; a clone is one of its own.
  void AddAgent(SimAgent* agent);
  void RemoveAgent(SimAgent* agent);
  // What it knew does not bind it any more.
  void DiskLost(const SimAgent& agent);
  void Trusted(const SimAgent& agent);
  void EntryChanged(const SimAgent& agent, const agent::EntryRef& ref);
  void Marked(const SimAgent& agent);
  void ObjectDeleted(const SimAgent& agent, const agent::EntryRef& ref);
  void OperationExecuted(const SimAgent& agent, const agent::OperationId& id);

  // Session epochs of this hub and its streams begin anew: its disk went back.
  void HubWentBack(const HubDoor& hub);
  void ClockStepped();

  // Looks at what is bounded and at what the hub shows; called often.
  void Look(SimHub& hub);

  void OnAgentWrote(size_t link, uint64_t stream, const v1::AgentMessage& message) override;
  void OnHubWrote(size_t link, const HubDoor* hub, uint64_t stream,
                  const v1::HubMessage& message) override;

  // Changes that hubs wrote to streams, and how many different ones these were.
  uint64_t changes_sent() const { return changes_sent_; }
  size_t different_changes_sent() const { return different_.size(); }

 private:
  using EntryId = std::pair<intent::ClusterId, agent::EntryRef>;
  struct RootAt {
    absl::Time from;
    object::Sha256 root;
  };
  struct Watched {
    SimAgent* agent = nullptr;
    agent::Allegiance allegiance;
    bool unbound = false;  // The next allegiance may be any.
    std::map<agent::EntryRef, std::pair<uint64_t, intent::Revision>> positions;
    std::set<agent::EntryRef> seen;
    std::set<agent::OperationId> executed;
    proof::RememberedRoot intent_root;
    proof::RememberedRoot applied_root;
    std::deque<RootAt> intent_roots;
    std::deque<RootAt> applied_roots;
  };
  struct SentChanges {
    intent::Authority authority;
    intent::Revision to = 0;  // 0: proves no revision.
    std::vector<std::pair<agent::EntryRef, intent::Revision>> puts;
    size_t bytes = 0;
  };
  struct StreamSeen {
    uint64_t epoch = 0;
    std::map<uint64_t, SentChanges> in_flight;
    size_t bytes = 0;
  };

  Watched* Find(const SimAgent& agent);
  Watched* OfLink(size_t link);
  void CheckAllegiance(Watched& watched);
  void NoteRoots(Watched& watched);
  void CheckAck(Watched& watched, StreamSeen& seen, const v1::Ack& ack);
  void CheckChanges(const Watched& watched, StreamSeen& seen, const v1::Changes& changes);
  void CheckShown(SimHub& hub, const intent::ClusterId& cluster);
  static bool HeldSince(const std::deque<RootAt>& history, absl::Time since,
                        const object::Sha256& root);

  const SimLoop& loop_;
  std::optional<std::string> violation_;
  std::map<intent::ClusterId, std::set<std::tuple<intent::EntryKey, intent::Uid, object::Sha256>>>
      puts_;
  std::set<EntryId> tombstones_;
  std::vector<Watched> agents_;
  uint64_t changes_sent_ = 0;
  std::set<std::tuple<intent::ClusterId, std::string, uint64_t, intent::Revision>> different_;
  std::map<std::pair<const HubDoor*, intent::ClusterId>, uint64_t> epochs_;
  std::map<uint64_t, StreamSeen> streams_;
  absl::Duration stepped_at_ = -absl::InfiniteDuration();
};

}  // namespace leidang::sim
