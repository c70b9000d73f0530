#pragma once

// InProcessEdge: what gRPC is between agents and a hub, without network and certificates: streams
// and content calls between loops of one process. The loops may be threads, or one SimLoop for all.
//
//   InProcessEdge edge(session_loop);
//   edge.Open(&table, admits);                       on the session loop
//   agent::Link link(…, *edge.TransportOf(cluster, agent_loop), …);
//   edge.Close();                                    before the table goes
//
// It counts what the hub sends, so that a test can say that nothing was sent.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "agent/link/content_fetcher.h"
#include "agent/link/transport.h"
#include "common/intent/intent.h"
#include "common/time/event_loop.h"
#include "hub/session/session_table.h"

namespace leidang::testing {

// What a hub has sent to one cluster.
struct Traffic {
  uint64_t welcomes = 0;
  uint64_t resumes = 0;  // Welcomes that ask for no comparison.
  uint64_t puts = 0;
  uint64_t tombstones = 0;
  uint64_t compares = 0;  // Questions for buckets.
  uint64_t contents = 0;  // Content calls.

  friend bool operator==(const Traffic&, const Traffic&) = default;
};

struct InProcessStream;

class InProcessEdge {
 public:
  using Admits = std::function<bool(const intent::ClusterId&)>;

  explicit InProcessEdge(EventLoop& session_loop);
  ~InProcessEdge();

  // Session loop. Without a table, whoever dials finds nobody.
  void Open(hub::SessionTable* table, Admits admits);
  // Session loop. Every stream breaks, as when the process ends.
  void Close();
  // Session loop.
  const Traffic& TrafficOf(const intent::ClusterId& cluster);

  // Thread-safe. What they give lives on `agent_loop`, and may outlive the edge.
  std::unique_ptr<agent::Transport> TransportOf(const intent::ClusterId& cluster,
                                                EventLoop& agent_loop) const;
  std::unique_ptr<agent::ContentSource> ContentOf(const intent::ClusterId& cluster,
                                                  EventLoop& agent_loop) const;

 private:
  friend struct InProcessStream;
  friend class InProcessFetch;
  struct Shared;

  const std::shared_ptr<Shared> shared_;
};

}  // namespace leidang::testing
