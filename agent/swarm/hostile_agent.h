#pragma once

// HostileAgent: an agent that keeps the link's protocol and nothing else: it takes all that it can
// get, or nothing at all. What the others notice of it is what a load test measures.
//
// Loop-bound, construction included; `loop` must outlive it.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/link/grpc/grpc_transport.h"
#include "agent/link/transport.h"
#include "agent/swarm/swarm_agent.h"
#include "common/object/sha256.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

enum class Hostility : uint8_t {
  kReports,  // Statuses in the largest batches, the next as soon as one is acknowledged.
  kBeats,    // Heartbeats, and the same content again and again, as fast as the hub takes them.
  kStalls,   // Reads nothing after its welcome and acknowledges nothing.
};

class HostileAgent final : private StreamObserver {
 public:
  HostileAgent(EventLoop& loop, SwarmIdentity identity, std::string hub, Hostility hostility);
  ~HostileAgent();

  void Start();

  bool welcomed() const { return session_epoch_ != 0; }
  bool ended() const { return ended_; }
  const std::string& error() const { return error_; }
  // What the hub has taken from it, and given to it.
  uint64_t statuses() const;
  uint64_t messages_taken() const { return status_batches_ + heartbeat_acknowledged_; }
  uint64_t fetches() const { return fetches_; }
  uint64_t fetched_bytes() const { return fetched_bytes_; }

 private:
  class Fetcher;

  void OnOpen() override;
  void OnMessage(v1::HubMessage message) override;
  void OnWritten() override;
  void OnClosed(absl::Status status) override;

  void OnChanges(const v1::Changes& changes);
  void Write(v1::AgentMessage message);
  void WriteMore();
  v1::AgentMessage MakeStatuses();

  EventLoop& loop_;
  const SwarmIdentity identity_;
  const std::string hub_;
  const Hostility hostility_;
  GrpcTransport transport_;
  std::unique_ptr<Stream> stream_;
  std::vector<std::unique_ptr<Fetcher>> fetchers_;
  bool writing_ = false;
  bool ended_ = false;
  std::string error_;
  v1::Welcome welcome_;
  uint64_t session_epoch_ = 0;
  uint64_t ack_due_ = 0;  // Sequence of changes.
  uint64_t revision_ = 0;
  bool statuses_in_flight_ = false;
  uint64_t status_sequence_ = 0;
  uint64_t heartbeat_sequence_ = 0;
  uint64_t heartbeat_acknowledged_ = 0;
  uint64_t status_batches_ = 0;  // That were acknowledged.
  uint64_t fetches_ = 0;
  uint64_t fetched_bytes_ = 0;
};

}  // namespace leidang::agent
