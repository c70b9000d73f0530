#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"

#include "common/time/event_loop.h"
#include "hub/auth/cluster_gate.h"
#include "hub/session/session_table.h"
#include "leidang/v1/link.grpc.pb.h"

namespace leidang::hub {

// The AgentLink service on the agent port. gRPC has verified the client certificate's chain and
// dates; here every call, Fetch included, requires exactly one URI SAN, of a cluster that may
// speak. Translates and posts to the session loop; decides nothing.
//
// Thread-safe, as gRPC calls it. `loop`, `table` and `gate` must outlive it, and the loop must run
// until the server has shut down.
class AgentLinkService final : public v1::AgentLink::CallbackService {
 public:
  AgentLinkService(EventLoop& loop, SessionTable& table, const ClusterGate& gate)
      : loop_(loop), table_(table), gate_(gate) {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage>* Connect(
      grpc::CallbackServerContext* context) override;
  // Agents that came through TLS and asked for a session, whether or not they got one.
  uint64_t arrived() const { return arrived_; }
  grpc::ServerWriteReactor<v1::FetchChunk>* Fetch(grpc::CallbackServerContext* context,
                                                  const v1::FetchRequest* request) override;

 private:
  absl::StatusOr<intent::ClusterId> Authenticate(const grpc::CallbackServerContext& context) const;

  EventLoop& loop_;
  SessionTable& table_;
  const ClusterGate& gate_;
  std::atomic<uint64_t> arrived_{0};
};

}  // namespace leidang::hub
